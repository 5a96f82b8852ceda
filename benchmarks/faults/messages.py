"""Requests and frames that nobody should send: the session is afterwards as it was before."""

import asyncio
import json
import time
from functools import partial
from typing import Any

import zmq

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import ASKS, answer
from benchmarks.faults.trial import ANSWER_S, HIT, Trial, marker
from tests.fixtures.connection_file import connection_of
from tests.fixtures.front_end import Notebook

ONE = {"tenant": HIT[0], "format": "text", "wait_s": 20, "command": "1"}
BOUND = {**ONE, "command": "param($p) 1"}
HALF = b"\xed\xa0\x80"
"""Half a surrogate, in bytes that are no UTF-8."""
QUIET_S = 40.0
FRAMES = {
    "delimiter": [b"<IDS|MSG>"],
    "empty": [b""],
    "garbage": [b"\x00" * 100, b"\xff" * 10],
    "short": [b"<IDS|MSG>", b"", b"{}"],
    "unsigned": [b"<IDS|MSG>", b"", *([b"{}"] * 4)],
}
OF_ANOTHER_KIND: tuple[Any, ...] = (None, 5, [], "x")
CONTENT = {
    "silent": False,
    "store_history": False,
    "user_expressions": {},
    "allow_stdin": False,
    "stop_on_error": True,
}


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    """Return JSON that is as deep."""
    return opening * depth + b"1" + closing * depth


def bodies() -> dict[str, bytes]:
    """Return strange bodies of POST /run by name."""
    texts: dict[str, Any] = {
        "list": [],
        "null": None,
        "number": 5,
        "no_command": {**ONE, "command": None},
        "wait_negative": {**ONE, "wait_s": -1},
        "wait_text": {**ONE, "wait_s": "x"},
        "format_unknown": {**ONE, "format": "x"},
        "width_huge": {**ONE, "width": 2**63},
        "max_chars_2_63": {**ONE, "max_chars": 2**63},
        "max_chars_huge": {**ONE, "max_chars": 10**26},
        "nul_in_command": {**ONE, "command": "'a\0b'"},
        "fffe_in_command": {**ONE, "command": "'\ufffe'"},
        "ffff_in_command": {**ONE, "command": "'\uffff'"},
        "half_escape": {**ONE, "command": "'\ud800'"},
        "controls": {**ONE, "command": "'\x01\x1b[2J'"},
        "nul_in_parameter": {**BOUND, "parameters": {"p": "a\0b"}},
        "fffe_in_parameter": {**BOUND, "parameters": {"p": "\ufffe"}},
        "key_empty": {**BOUND, "parameters": {"": 1}},
        "key_long": {**BOUND, "parameters": {"n" * 100_000: 1}},
        "many_parameters": {**BOUND, "parameters": {f"n{n}": n for n in range(5000)}},
        "parameters_list": {**BOUND, "parameters": []},
        "secret_number": {**BOUND, "parameters": {"p": {"$secret": 5}}},
        "secret_object": {**BOUND, "parameters": {"p": {"$secret": {"a": 1}}}},
        "secret_nested": {**BOUND, "parameters": {"p": {"$secret": {"$secret": "x"}}}},
        "secret_long": {**BOUND, "parameters": {"p": {"$secret": "s" * 200_000}}},
        "integer_huge": {**BOUND, "parameters": {"p": 10**300}},
        "integer_2_64": {**BOUND, "parameters": {"p": 2**64}},
        "command_900_KB": {**ONE, "command": "'" + "x" * 900_000 + "'.Length"},
        "command_5_MB": {**ONE, "command": "'" + "x" * 5_000_000 + "'.Length"},
        "command_deep": {**ONE, "command": "(" * 5000 + "1" + ")" * 5000},
        "command_many_lines": {**ONE, "command": "1\n" * 5000},
        "command_unfinished": {**ONE, "command": "if ("},
        "command_exit": {**ONE, "command": "exit 3"},
        "tenant_odd": {**ONE, "tenant": "../../etc"},
        "tenant_many": {**ONE, "tenant": None, "tenants": ["*"] * 500},
        "conversation_long": {**ONE, "conversation_id": "c" * 100_000},
    }
    return {name: json.dumps(one).encode() for name, one in texts.items()} | raw_bodies()


def raw_bodies() -> dict[str, bytes]:
    """Return those that no JSON library writes."""
    plain, bound = json.dumps(ONE).encode(), json.dumps(BOUND).encode()
    deep = {
        f"nested_{depth}": bound[:-1] + b', "parameters": {"p": ' + nested(depth, *ends) + b"}}"
        for depth in (43, 50, 64, 100, 300, 900, 5000)
        for ends in ((b'{"a":', b"}"),)
    }
    lists = {
        f"lists_{depth}": bound[:-1] + b', "parameters": {"p": ' + nested(depth, b"[", b"]") + b"}}"
        for depth in (43, 300, 900)
    }
    return {
        **deep,
        **lists,
        "empty": b"",
        "half": plain[: len(plain) // 2],
        "half_character": plain.replace(b'"1"', b"\"'" + HALF + b"'\""),
        "half_character_utf16": json.dumps({**ONE, "command": "'x'"}).encode("utf-16-le"),
        "half_in_tenant": plain.replace(b"contoso", HALF),
        "half_in_parameter": bound[:-1] + b', "parameters": {"p": "' + HALF + b'"}}',
        "half_in_key": bound[:-1] + b', "parameters": {"' + HALF + b'": 1}}',
        "float_infinite": bound[:-1] + b', "parameters": {"p": 1e999}}',
        "not_a_number": bound[:-1] + b', "parameters": {"p": NaN}}',
        "not_utf8": plain.replace(b'"1"', b'"\xff\xfe"'),
        "byte_order_mark": b"\xef\xbb\xbf" + plain,
        "keys_twice": plain[:-1] + b', "tenant": "contoso.example"}',
    }


def strange_body(body: bytes, trial: Trial) -> None:
    """A strange POST /run is answered, below 500, and its run ends."""
    trial.both_signed_in()
    with trial.server.http() as http:
        said = http.post("/run", content=body)
    trial.check(said.status_code < 500, "wrong", f"{said.status_code}: {said.text[:200]}")
    facts = said.json()
    if run_id := facts.get("run_id"):
        ended = trial.server.end_of(run_id)
        known = ended in {"succeeded", "failed", "cancelled", "lost"}
        trial.check(known, "hang", f"the strange run is {ended}")
    trial.claim()
    trial.settle()
    if b"exit 3" in body:
        trial.recovers()
    else:
        trial.survived()
    trial.serves()


def unsigned_frame(channel: str, parts: list[bytes], trial: Trial) -> None:
    """A frame that nobody signed comes while a prompt is open: its answer still counts."""
    trial.both_signed_in()
    one = trial.claimed(ASKS, "MARK yes\n", wait_s=ANSWER_S)
    send_frame(connection_of(trial.server, HIT[0]), channel, parts)
    answer(trial, one.run_id)
    trial.settle()
    trial.survived()
    trial.serves()


def send_frame(facts: dict[str, Any], channel: str, parts: list[bytes]) -> None:
    """Send a frame to a port of a kernel as somebody who can read its connection file does."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as one:
        one.linger = 1000
        if key := facts.get("curve_publickey"):
            one.curve_serverkey = key.encode() if isinstance(key, str) else key
            one.curve_publickey, one.curve_secretkey = zmq.curve_keypair()
        one.connect(f"tcp://{facts['ip']}:{facts[channel + '_port']}")
        one.send_multipart(parts)
        time.sleep(0.3)


def odd_cell(content: dict[str, Any], trial: Trial) -> None:
    """A front end sends a cell with a value of another kind: the runs of others are heard."""
    trial.both_signed_in()
    asyncio.run(send_cell(trial, content))
    mark = marker()
    said = trial.server.command(f"'{mark}'")
    trial.check(said.get("state") == "succeeded", "hang", f"afterwards: {str(said)[:300]}")
    trial.check(said.get("result") == f"{mark}\n", "wrong", f"succeeded with {said.get('result')}")
    trial.survived()
    trial.serves()


async def send_cell(trial: Trial, content: dict[str, Any]) -> None:
    """Send an execute request through the server, and leave."""
    server = trial.server
    async with Notebook(server.url, server.token, server.session()["kernel_id"]) as notebook:
        await notebook.send("execute_request", {"code": "1", **CONTENT, **content})
        await asyncio.sleep(0.5)


def faults() -> dict[str, Fault]:
    """Return strange bodies, frames and cells."""
    requests = {
        f"message/run/{name}": Fault(partial(strange_body, body), 4)
        for name, body in bodies().items()
    }
    frames = {
        f"message/frame/{channel}/{name}": Fault(partial(unsigned_frame, channel, parts), 4)
        for channel in ("shell", "control", "stdin")
        for name, parts in FRAMES.items()
    }
    odd: dict[str, dict[str, Any]] = {
        f"{name}_{index}": {name: value}
        for name in ("code", "silent", "user_expressions", "allow_stdin")
        for index, value in enumerate(OF_ANOTHER_KIND)
    }
    cells = {f"message/cell/{name}": Fault(partial(odd_cell, one), 4) for name, one in odd.items()}
    return requests | frames | cells

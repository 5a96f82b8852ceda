"""Records and their chain: canonical, without anything that JSON cannot hold, checkable by hand."""

import hashlib
import json
from datetime import UTC, datetime

from pwsh_kernels.audit.chain import BEGINNING, canonical, seal
from pwsh_kernels.audit.event import Door, Event, Kind
from tests.audit.records import NOW, chain, event


def test_a_hash_is_the_sha256_of_the_hash_before_it_and_the_record_without_its_own() -> None:
    first, second = chain(2)
    facts = json.loads(second)
    own = facts.pop("hash")
    said = json.loads(first)["hash"].encode() + canonical(facts)
    assert own == hashlib.sha256(said).hexdigest()


def test_a_record_is_written_as_rfc_8785_says() -> None:
    line = seal(BEGINNING, {"é": "\u2028\x7f/\t\x1f", "b": True, "a": 1}).line
    start = '{"a":1,"b":true,"hash":"'
    assert line.decode().startswith(start)
    assert line.decode().endswith('","é":"\u2028\x7f/\\t\\u001f"}\n')


def test_a_record_holds_what_is_known_and_nothing_that_is_empty() -> None:
    record = Event(Kind.KILLED, Door.CLI, "token", tenant="contoso.example", module="exo").record(
        7, NOW
    )
    assert record == {
        "seq": 7,
        "time": "2026-11-30T22:00:00.123Z",
        "kind": "session.killed",
        "door": "cli",
        "principal": "token",
        "tenant": "contoso.example",
        "module": "exo",
        "session": "contoso.example:exo",
    }


def test_no_fact_of_a_kind_replaces_one_that_every_record_has() -> None:
    record = Event(Kind.DENIED, principal="token", more={"principal": "ada", "seq": 1, "verb": "x"})
    facts = record.record(9, NOW)
    assert (facts["principal"], facts["seq"], facts["verb"]) == ("token", 9, "x")


def test_a_text_with_half_a_character_can_be_recorded() -> None:
    record = Event(Kind.RUN_ACCEPTED, command="a\ud800b").record(1, datetime.now(UTC))
    assert seal(BEGINNING, record).line.count(b"a?b") == 1


def test_the_same_events_in_another_order_have_other_hashes() -> None:
    one, two = event(1).record(1, NOW), event(2).record(2, NOW)
    assert seal(seal(BEGINNING, one).hash, two).hash != seal(seal(BEGINNING, two).hash, one).hash

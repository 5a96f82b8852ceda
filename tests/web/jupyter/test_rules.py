"""What Jupyter's handlers and messages need: everything is declared, and what is not stops the
start.
"""

import json
from pathlib import Path

import pytest
from tornado.web import RequestHandler

from pwsh_kernels.kernel.kernel import PwshKernel
from pwsh_kernels.messages import CLIENT_MESSAGES, ending_metadata, options_metadata
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.records import RunOptions
from pwsh_kernels.web.jupyter.messages import read_message, undeclared_messages
from pwsh_kernels.web.jupyter.rules import JUPYTERS, OURS, Of, rule_of
from tests.fixtures.principals import Principals, grant
from tests.web.test_app import launch

UNDECLARED = """
from tornado.web import RequestHandler
from pwsh_kernels.web import launch
launch.spare_the_grammar()
from pwsh_kernels.web.app import PwshKernelsApp

class Secrets(RequestHandler):
    pass

{module}
usual = PwshKernelsApp.initialize_handlers
def initialize_handlers(self):
    usual(self)
    self.serverapp.web_app.add_handlers(".*$", [("/secrets", Secrets)])
PwshKernelsApp.initialize_handlers = initialize_handlers
launch.serve()
"""


def test_a_handler_of_ours_without_a_verb_stops_the_start(tmp_path: Path) -> None:
    answer = launch(tmp_path, UNDECLARED.format(module="Secrets.__module__ = 'pwsh_kernels.web.x'"))
    assert answer.returncode == 1
    assert "These declare no verb: pwsh_kernels.web.x.Secrets." in answer.stderr


def test_with_principals_a_handler_of_anybody_without_a_verb_stops_the_start(
    tmp_path: Path,
) -> None:
    who = Principals(tmp_path / "principals.toml")
    who.add("ada", grant(Verb.SEE))
    answer = launch(tmp_path, UNDECLARED.format(module=""), PWSH_MANAGER_PRINCIPALS=str(who.file))
    assert answer.returncode == 1
    assert "nobody has declared what these handlers need: __main__.Secrets" in answer.stderr


def test_a_broken_principals_file_ends_the_server_with_its_reason(tmp_path: Path) -> None:
    who = Principals(tmp_path / "principals.toml")
    who.write("[[principal]]\nnaem = 'ada'\n")
    answer = launch(tmp_path, PWSH_MANAGER_PRINCIPALS=str(who.file))
    assert answer.returncode == 1
    assert answer.stderr.startswith(str(who.file))
    assert "Traceback" not in answer.stderr


def test_a_message_without_a_verb_stops_the_start(tmp_path: Path) -> None:
    assert undeclared_messages() == []
    assert undeclared_messages([*CLIENT_MESSAGES, "debug_request"]) == ["debug_request"]
    program = """
from pwsh_kernels.web import launch
launch.spare_the_grammar()
from pwsh_kernels.web.jupyter import messages
del messages.MESSAGE_VERBS["execute_request"]
launch.serve()
"""
    answer = launch(tmp_path, program)
    assert answer.returncode == 1
    assert "These declare no verb: execute_request." in answer.stderr


def test_the_declared_messages_are_those_that_a_kernel_takes() -> None:
    taken = {*PwshKernel.msg_types, *PwshKernel.control_msg_types, "input_reply"}
    assert set(CLIENT_MESSAGES) == taken


@pytest.mark.parametrize("name", JUPYTERS)
def test_every_declared_handler_of_jupyter_exists(name: str) -> None:
    module, _, handler = f"jupyter_server.{name}".rpartition(".")
    imported = __import__(module, fromlist=[handler])
    found = getattr(imported, handler, None)
    assert found is not None
    assert rule_of(found) == JUPYTERS[name]


@pytest.mark.parametrize("name", OURS)
def test_every_declared_handler_of_ours_exists(name: str) -> None:
    module, _, handler = f"pwsh_kernels.web.{name}".rpartition(".")
    assert rule_of(getattr(__import__(module, fromlist=[handler]), handler)) == OURS[name]


def test_a_handler_that_inherits_from_a_declared_one_is_not_declared_by_that() -> None:
    from jupyter_server.services.kernels.handlers import KernelHandler

    class Copy(KernelHandler):
        pass

    class Other(RequestHandler):
        pass

    Copy.__module__ = "jupyter_server.services.kernels.handlers"
    assert (rule_of(Copy), rule_of(Other)) == (None, None)


def test_only_what_says_nothing_or_checks_itself_is_open() -> None:
    of_jupyter = {name.rpartition(".")[2] for name, one in JUPYTERS.items() if one.of is Of.OPEN}
    assert of_jupyter == {
        *("LegacyLoginHandler", "LoginFormHandler", "LogoutHandler"),
        *("APIVersionHandler", "FileFindHandler"),
        *("PublicStaticFileHandler", "RedirectWithParams", "Template404", "TrailingSlashHandler"),
    }


@pytest.mark.parametrize(
    ("kind", "metadata", "verb"),
    [
        ("execute_request", {}, Verb.WRITE),
        ("input_reply", {}, Verb.ANSWER),
        ("complete_request", {}, Verb.READ),
        ("shutdown_request", {}, Verb.END),
        ("shutdown_request", ending_metadata(), Verb.ADMINISTER),
        ("execute_request", options_metadata(RunOptions(), own=True), Verb.ADMINISTER),
        ("execute_request", options_metadata(RunOptions()), Verb.WRITE),
        ("pwsh_journal_request", {}, Verb.ADMINISTER),
        ("unheard_of", {}, Verb.ADMINISTER),
    ],
)
def test_a_message_needs_the_verb_of_its_kind_and_the_servers_own_words_are_the_servers(
    kind: str, metadata: dict[str, object], verb: Verb
) -> None:
    message = {"header": {"msg_type": kind}, "metadata": metadata, "channel": "shell"}
    assert read_message(json.dumps(message), v1=False).verb is verb

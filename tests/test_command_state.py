"""What has changed in a session, in words; and that nothing is said of what has not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pwsh_kernels.command_state import (
    MOST_DIFFERENCES,
    CommandFacts,
    CommandState,
    StateQuestion,
    Subscriber,
    ValueFacts,
    differences,
)


def command(name: str = "Set-Mailbox", **more: Any) -> CommandFacts:
    """Return a function that the service's module has imported."""
    given = {
        "kind": "function",
        "resolved": name,
        "via": (),
        "module": "tmpEXO_1",
        "module_version": "1.0",
        "module_path": "/opt/modules/tmpEXO_1/tmpEXO_1.psm1",
        "source": "",
        "definition": "aa",
        "should_process": True,
        "what_if": False,
    }
    return CommandFacts(name, **{**given, **more})


def value(name: str, shown: str, **more: str) -> ValueFacts:
    return ValueFacts(name, shown, **{"type": "System.String", "hash": shown, **more})


BEFORE = CommandState(
    commands=(command(),),
    variables=(value("who", "'ada'"),),
    defaults=(),
    preferences=(value("WhatIfPreference", "False"),),
    hooks=(),
    subscribers=(),
    breakpoints=0,
    types=2,
    location="/home/a",
    module_path="/opt/modules:/usr/share/modules",
)
PLANTED = command(module="", module_version="", module_path="", definition="bb")
LOADED = command("Update-MgUser", module="Microsoft.Graph.Users")
CHANGES: dict[str, dict[str, Any]] = {
    "Set-Mailbox was a function of tmpEXO_1 1.0; now it is a function defined in this session.": {
        "commands": (PLANTED,)
    },
    "Set-Mailbox is still a function of tmpEXO_1 1.0, but with another definition.": {
        "commands": (replace(command(), definition="bb"),)
    },
    "Set-Mailbox was a function of tmpEXO_1 1.0; now it is an alias of"
    " Remove-Mailbox, a function of tmpEXO_1 1.0.": {
        "commands": (command(resolved="Remove-Mailbox", via=("Set-Mailbox",)),)
    },
    "$who has another value: 'eve'; before: 'ada'.": {"variables": (value("who", "'eve'"),)},
    "Set-Mailbox:ForwardingAddress in $PSDefaultParameterValues is set now: 'eve'.": {
        "defaults": (value("Set-Mailbox:ForwardingAddress", "'eve'"),)
    },
    "$WhatIfPreference has another value: True; before: False.": {
        "preferences": (value("WhatIfPreference", "True"),)
    },
    "Now PreCommandLookupAction is set, and before it was not.": {
        "hooks": ("PreCommandLookupAction",)
    },
    "Now the event handler tick (cccccccc) is there, and before it was not.": {
        "subscribers": (Subscriber("tick", "cccccccccccc"),)
    },
    "There are 1 breakpoints; there were 0.": {"breakpoints": 1},
    "Types of objects were extended or taken back (Update-TypeData, or a module).": {"types": 3},
    "The session's folder was /home/a; now it is /tmp.": {"location": "/tmp"},
    "$env:PSModulePath, where modules are looked for, is another one.": {"module_path": "/evil"},
}


def test_what_has_not_changed_is_no_difference() -> None:
    again = CommandState.from_json(json.loads(json.dumps(BEFORE.to_json())))
    assert again == BEFORE
    assert differences(BEFORE, again) == []


@pytest.mark.parametrize("sentence", CHANGES)
def test_a_change_is_told_in_a_sentence(sentence: str) -> None:
    assert differences(BEFORE, replace(BEFORE, **CHANGES[sentence])) == [sentence]


def test_a_value_whose_name_is_that_of_a_secret_is_not_shown() -> None:
    was, now = value("password", "", hash="1"), value("password", "", hash="2")
    before, after = (replace(BEFORE, variables=(one,)) for one in (was, now))
    assert differences(before, after) == ["$password has another value; before, another."]


def test_an_installed_module_of_the_service_may_have_been_loaded_meanwhile() -> None:
    missing = command("Update-MgUser", kind="missing", module="", module_path="", definition="")
    before = replace(BEFORE, commands=(missing,))
    after = replace(BEFORE, commands=(LOADED,), types=9)
    assert differences(before, after, ["Microsoft.Graph.Users"]) == []
    elsewhere = replace(LOADED, module_path="/tmp/evil/Microsoft.Graph.Users.psm1")
    planted = replace(after, commands=(elsewhere,))
    assert len(differences(before, planted, ["Microsoft.Graph.Users"])) == 2
    assert len(differences(before, after)) == 2


def test_differences_are_bounded() -> None:
    many = tuple(value(f"v{number}", "'x'") for number in range(1000))
    assert len(differences(BEFORE, replace(BEFORE, variables=many))) == MOST_DIFFERENCES


def test_a_question_survives_its_way_to_the_kernel() -> None:
    asked = StateQuestion(("Set-Mailbox",), ("who",), ("tmpEXO",), BEFORE)
    assert StateQuestion.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert asked.differences(replace(BEFORE, breakpoints=1))
    assert StateQuestion(("Set-Mailbox",)).differences(BEFORE) == []

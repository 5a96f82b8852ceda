"""Questions of commands and sign-ins: put to the person by clients that can, described in words by
all others.
"""

import asyncio
from typing import Any

import pytest
from mcp.client import ClientRequestContext
from mcp_types import (
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
)

from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server
from tests.mcp.client import ERAS, Era, Json, call, connected, facts_of, text_of
from tests.mcp.doors import EACH_WAY, through

pytestmark = pytest.mark.xdist_group("server")


CONFIRM = "$host.UI.PromptForChoice('Remove', 'Remove the mailbox?', @('&Yes', '&No'), 1)"
CHANGE = (
    "function Set-It { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param()"
    " $PSCmdlet.ShouldProcess('it') }"
)
CREDENTIAL = "$host.UI.PromptForCredential('Sign in', 'To the old server', 'adele', '').UserName"
FIELDS = (
    'function f { param([Parameter(Mandatory)]$City, [Parameter(Mandatory)]$Street) "$City,'
    ' $Street" }; f'
)


class Person:
    """A person at a client: answers every question in the same way, and remembers what
    was asked.
    """

    def __init__(
        self, action: Any, content: Json | None = None, server: Server | None = None
    ) -> None:
        self._reply = ElicitResult(action=action, content=content)
        self._server = server
        self.asked: list[ElicitRequestParams] = []

    async def answer(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        """Sign in on the page that is offered, when there is a server to do it at; fill in the
        form.
        """
        self.asked.append(params)
        if isinstance(params, ElicitRequestURLParams) and self._server:
            code = params.message.split("the code ")[1].split()[0]
            await asyncio.to_thread(self._server.approve, code, f"admin@{FABRIKAM}")
        return self._reply


@pytest.mark.parametrize(("era", "tool"), [("legacy", "pwsh_login"), ("auto", "pwsh_run")])
async def test_a_client_that_opens_pages_is_offered_the_sign_in_and_the_call_goes_on_after_it(
    server: Server, era: Era, tool: str
) -> None:
    server.post("/disconnect", tenant=FABRIKAM)
    arguments = {"command": "'once'"} if tool == "pwsh_run" else {}
    unwilling, willing = Person("decline"), Person("accept", server=server)
    async with connected(server, era, unwilling.answer) as client:
        declined = await call(client, tool, tenant=FABRIKAM, **arguments)
    async with connected(server, era, willing.answer) as client:
        done = await call(client, tool, tenant=FABRIKAM, **arguments)
    assert (facts_of(declined)["state"], facts_of(declined)["advice"]) == (
        "signing_in",
        "ask_person",
    )
    assert "The page was declined, or this client did not show it." in text_of(declined)
    for part in ("device_code", "auth_url"):
        assert facts_of(declined)[part]
        assert facts_of(declined)[part] in text_of(declined)
    assert facts_of(done)["state"] == ("succeeded" if tool == "pwsh_run" else "signed_in")
    assert facts_of(done)["account"] == f"admin@{FABRIKAM}"
    for [page] in (unwilling.asked, willing.asked):
        assert isinstance(page, ElicitRequestURLParams)
        assert page.url == f"{server.url}/sandbox/devicelogin"
        assert page.message.startswith("Sign in to fabrikam.example (exo): enter the code ")


@pytest.mark.parametrize("era", ERAS)
async def test_a_confirmation_is_a_form_with_the_choices_and_the_command_runs_once(
    signed_in: Server, era: Era
) -> None:
    person = Person("accept", {"answer": "Yes"})
    async with connected(signed_in, era, person.answer) as client:
        result = await call(
            client, "pwsh_run", tenant=CONTOSO, command=f"'begun'; $a = {CONFIRM}; \"chosen $a\""
        )
    assert facts_of(result)["state"] == "succeeded"
    assert facts_of(result)["output"].startswith("begun\n")
    assert facts_of(result)["output"].endswith("chosen 0\n")
    [form] = person.asked
    assert isinstance(form, ElicitRequestFormParams)
    assert form.message == (
        f"A command in tenant {CONTOSO} (exo), signed in as {ADMIN}, asks:\n"
        "> Remove | Remove the mailbox? | Yes | No\n"
        "The command:\n"
        f"> 'begun'; $a = {CONFIRM}; \"chosen $a\""
    )
    assert form.requested_schema["properties"] == {
        "answer": {"type": "string", "enum": ["Yes", "No"]}
    }


@pytest.mark.parametrize("era", ERAS)
async def test_a_confirm_presets_nothing_offers_nothing_for_all_and_stops_when_it_is_declined(
    signed_in: Server, era: Era
) -> None:
    person = Person("decline")
    command = f"{CHANGE}; try {{ Set-It }} finally {{ 'not told' }}; 'not reached'"
    async with connected(signed_in, era, person.answer) as client:
        result = await call(client, "pwsh_run", tenant=CONTOSO, command=command)
    assert (facts_of(result)["state"], facts_of(result)["advice"]) == ("cancelled", "do_not_retry")
    assert "declined, or this client did not show it; the command was stopped" in text_of(result)
    assert f"`pwsh-kernels run {CONTOSO} exo 'COMMAND'`" in text_of(result)
    assert "not reached" not in facts_of(result)["output"]
    [form] = person.asked
    assert isinstance(form, ElicitRequestFormParams)
    assert form.requested_schema["properties"] == {
        "answer": {"type": "string", "enum": ["Yes", "No"]}
    }


async def test_a_confirm_in_words_is_for_the_person_and_no_answer_is_for_all(
    signed_in: Server,
) -> None:
    async with connected(signed_in) as client:
        asked = facts_of(
            await call(client, "pwsh_run", tenant=CONTOSO, command=f"{CHANGE}; Set-It")
        )
        assert asked["advice"] == "ask_person"
        assert "the tenant, the account and the exact command" in asked["next_step"]
        assert "parameter" not in asked["next_step"]
        assert "to All" not in asked["next_step"] + asked["question"]
        for_all = await call(client, "pwsh_answer", run_id=asked["run_id"], answer="Yes to All")
        assert "It expects answer one of: Yes, No." in text_of(for_all)
        done = await call(client, "pwsh_answer", run_id=asked["run_id"], answer="No")
    assert facts_of(done)["state"] == "succeeded"


@EACH_WAY
async def test_each_of_several_questions_is_asked_in_its_turn(
    signed_in: Server, door: str, era: Era
) -> None:
    person = Person("accept", {"answer": "Adele"})
    command = "$a = Read-Host 'First'; $b = Read-Host 'Second'; \"$a and $b\""
    async with through(door, signed_in, era, elicitation_callback=person.answer) as client:
        result = await call(client, "pwsh_run", tenant=CONTOSO, command=command)
    assert facts_of(result)["output"].endswith("Adele and Adele\n")
    asked = [one.message.splitlines()[1] for one in person.asked]
    assert asked == ["> First", "> Second"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_declined_form_stops_the_command_and_a_closed_one_leaves_the_question_open(
    signed_in: Server, era: Era
) -> None:
    command = "$a = Read-Host 'Name'; 'not reached'"
    async with connected(signed_in, era, Person("decline").answer) as client:
        declined = await call(client, "pwsh_run", tenant=CONTOSO, command=command)
    assert (declined.is_error, facts_of(declined)["state"]) == (True, "cancelled")
    async with connected(signed_in, era, Person("cancel").answer) as client:
        closed = await call(client, "pwsh_run", tenant=CONTOSO, command=command)
        assert facts_of(closed)["state"] == "waiting_for_input"
        await call(client, "pwsh_cancel", run_id=facts_of(closed)["run_id"])


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("command", ["Read-Host -AsSecureString 'Old password'", CREDENTIAL])
async def test_a_secret_is_asked_by_no_form_and_taken_from_no_model(
    signed_in: Server, era: Era, command: str
) -> None:
    person = Person("accept", {"answer": "hunter2"})
    async with connected(signed_in, era, person.answer) as client:
        asked = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=command))
        assert (asked["state"], asked["advice"]) == ("waiting_for_input", "ask_person")
        assert f"pwsh-kernels follow {asked['run_id']}" in asked["next_step"]
        refused = await call(client, "pwsh_answer", run_id=asked["run_id"], answer="hunter2")
        await call(client, "pwsh_cancel", run_id=asked["run_id"])
    assert person.asked == []
    assert refused.is_error
    assert f"`pwsh-kernels follow {asked['run_id']}` in a terminal" in text_of(refused)
    assert "hunter2" not in text_of(refused)


@pytest.mark.parametrize(
    ("command", "wanted", "answer", "output"),
    [
        ("Read-Host 'Name'", "answer as text; ask", {"answer": "[1]"}, "[1]\n"),
        (
            CONFIRM,
            "answer one of the choices at the end of the question; without",
            {"answer": "yes"},
            "0\n",
        ),
        (
            CONFIRM,
            "answer one of the choices at the end of the question; without",
            {"answer": "N"},
            "1\n",
        ),
        (
            FIELDS,
            "fields with a text for each name in the question; ask",
            {"fields": {"City": "Rome", "Street": "X"}},
            "Rome, X\n",
        ),
    ],
)
async def test_a_model_answers_what_a_command_asks(
    signed_in: Server, command: str, wanted: str, answer: Json, output: str
) -> None:
    async with connected(signed_in) as client:
        asked = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=command))
        assert f"and {wanted}" in asked["next_step"]
        done = await call(client, "pwsh_answer", run_id=asked["run_id"], **answer)
        assert facts_of(done)["output"].endswith(output)
        late = await call(client, "pwsh_answer", run_id=asked["run_id"], **answer)
    assert late.is_error
    assert "asks for no input" in text_of(late)


async def test_an_answer_that_is_none_leaves_the_question_open_and_says_what_is_wanted(
    signed_in: Server,
) -> None:
    async with connected(signed_in) as client:
        asked = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=CONFIRM))
        wrong = await call(client, "pwsh_answer", run_id=asked["run_id"], answer="perhaps")
        assert wrong.is_error
        assert "It expects answer one of: Yes, No." in text_of(wrong)
        refused = await call(client, "pwsh_answer", run_id=asked["run_id"], refuse=True)
    assert facts_of(refused)["state"] == "failed"

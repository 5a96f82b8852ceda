"""Every prompt is a question with an answer, a refusal, or a stop; nothing waits for a terminal
(decision 0004).
"""

from typing import Any

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.powershell import Event, PowerShell, PromptAsked
from pwsh_kernels.records import Choice
from tests.fixtures.powershell import collect, run, run_answering, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "[Net.NetworkCredential]::new('', $p).Password"


@pytest.mark.parametrize(
    ("script", "kind", "question", "value", "text"),
    [
        ("Read-Host 'Your name'", "line", "Your name", "Zoë", "Zoë\n"),
        ("$Host.UI.ReadLine()", "line", "", "typed", "typed\n"),
        (
            f"$p = Read-Host 'Word' -AsSecureString; {PASSWORD}",
            "secret",
            "Word",
            "geheim",
            "geheim\n",
        ),
        (f"$p = $Host.UI.ReadLineAsSecureString(); {PASSWORD}", "secret", "", "geheim", "geheim\n"),
        (
            "$Host.UI.PromptForChoice('Cap', 'Sure?', @('&Yes', '&No'), 1)",
            "choice",
            "Sure?",
            0,
            "0\n",
        ),
        (
            "function Get-It { param([Parameter(Mandatory)][int]$Size) $Size + 1 }; Get-It",
            "line",
            "Size",
            "41",
            "42\n",
        ),
    ],
)
async def test_a_prompt_is_answered(
    shell: PowerShell, script: str, kind: str, question: str, value: Any, text: str
) -> None:
    said, asked = await run_answering(shell, script, value)
    assert [one.prompt.kind for one in asked] == [kind]
    assert question in asked[0].prompt.message
    assert (said.text, said.summary.had_errors) == (text, False)


async def test_a_credential_is_asked_for_and_given(shell: PowerShell) -> None:
    script = (
        "$login = Get-Credential ann -Message 'For the tests'; $login.UserName;"
        " $login.GetNetworkCredential().Password"
    )
    said, asked = await run_answering(shell, script, {"user": "bob", "password": "geheim"})
    assert (asked[0].prompt.kind, asked[0].prompt.user, asked[0].prompt.message) == (
        "credential",
        "ann",
        "For the tests",
    )
    assert said.text == "bob\ngeheim\n"


async def test_several_mandatory_parameters_are_one_question_with_fields(shell: PowerShell) -> None:
    script = """function Get-Them {
param([Parameter(Mandatory)][string]$A, [Parameter(Mandatory)][securestring]$B, [Parameter(Mandatory)][string[]]$C)
"$A $($B.Length) $($C -join '+')" }; Get-Them"""  # noqa: E501
    said, asked = await run_answering(shell, script, {"A": "a", "B": "four", "C": ["x", "y"]})
    assert asked[0].prompt.kind == "fields"
    assert [(one.name, one.secret, one.mandatory) for one in asked[0].prompt.fields] == [
        ("A", False, True),
        ("B", True, True),
        ("C", False, True),
    ]
    assert said.text == "a 4 x+y\n"


async def test_a_confirmation_shows_its_choices_keys_and_default(shell: PowerShell) -> None:
    script = (
        "function Set-It { [CmdletBinding(SupportsShouldProcess)] param()"
        " $PSCmdlet.ShouldProcess('it') }; Set-It -Confirm"
    )
    said, asked = await run_answering(shell, script, 2)
    choices = asked[0].prompt.choices
    assert [(one.label, one.key) for one in choices[:4]] == [
        ("Yes", "Y"),
        ("Yes to All", "A"),
        ("No", "N"),
        ("No to All", "L"),
    ]
    assert asked[0].prompt.default == (0,)
    assert said.text == "False\n"


async def test_several_choices_may_be_taken_at_once(shell: PowerShell) -> None:
    script = """$options = [Management.Automation.Host.ChoiceDescription[]]@('&One', '&Two', 'T&hree')
$Host.UI.PromptForChoice('', 'Which?', $options, [int[]]@(1))"""  # noqa: E501
    said, asked = await run_answering(shell, script, [0, 2])
    assert (asked[0].prompt.multiple, asked[0].prompt.choices[2]) == (True, Choice("Three", "H"))
    assert said.text == "0\n2\n"


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("Read-Host q; 'after'", "after\n"),
        ('try { Read-Host q } catch { "$_" }', "nobody is here\n"),
    ],
)
async def test_a_refused_prompt_is_an_error_that_the_script_can_catch(
    shell: PowerShell, script: str, text: str
) -> None:
    pipeline = await shell.start(script)

    async def refuse(event: Event) -> None:
        if isinstance(event, PromptAsked):
            assert await pipeline.refuse(event.id, "nobody is here")

    said = await collect(pipeline, refuse)
    assert said.text == text
    assert all(
        one.message == "nobody is here" and one.error_id.startswith("PromptRefused")
        for one in said.records
    )


async def test_an_answer_of_the_wrong_shape_leaves_the_prompt_open(shell: PowerShell) -> None:
    pipeline = await shell.start("$Host.UI.PromptForChoice('', 'Sure?', @('&Yes', '&No'), 1)")
    prompt = await until(pipeline, lambda event: isinstance(event, PromptAsked))
    assert isinstance(prompt, PromptAsked)
    for wrong in ("yes", 2, -1, True, [0]):
        with pytest.raises(InvalidRequest):
            await pipeline.answer(prompt.id, wrong)
    assert await pipeline.answer(prompt.id, 1)
    assert not await pipeline.answer(prompt.id, 1)
    assert (await collect(pipeline)).text == "1\n"


async def test_a_stop_cancels_an_open_prompt_and_a_late_answer_is_harmless(
    shell: PowerShell,
) -> None:
    pipeline = await shell.start("Read-Host q; 'never'")
    prompt = await until(pipeline, lambda event: isinstance(event, PromptAsked))
    assert isinstance(prompt, PromptAsked)
    assert await pipeline.stop()
    assert not await pipeline.answer(prompt.id, "late")
    said = await collect(pipeline)
    assert (said.summary.outcome, said.text) == ("stopped", "")
    assert (await run(shell, "'usable'")).text == "usable\n"


async def test_what_needs_a_keyboard_is_an_error_and_not_a_hang(shell: PowerShell) -> None:
    said = await run(shell, "$Host.UI.RawUI.ReadKey(); 'after'; $Host.UI.RawUI.WindowSize.Width")
    assert said.text == "after\n120\n"
    assert "keyboard" in said.records[0].message

"""Which texts can say what they would change, and how they are made to: only those of which every
piece either reads, or takes -WhatIf.
"""

import pytest

from pwsh_kernels.errors import CannotPreview
from tests.classification.conftest import Judge, Planner

REWRITTEN = {
    "Set-Mailbox ada -Name Ada": "Set-Mailbox -WhatIf:$true ada -Name Ada",
    "Get-Mailbox | Set-Mailbox -Name x": "Get-Mailbox | Set-Mailbox -WhatIf:$true -Name x",
    "Get-Mailbox | ForEach-Object { Set-Mailbox $_.Id -Name x; Remove-Mailbox $_.Id }": (
        "Get-Mailbox | ForEach-Object { Set-Mailbox -WhatIf:$true $_.Id -Name x;"
        " Remove-Mailbox -WhatIf:$true $_.Id }"
    ),
    "'\U0001f600'; Remove-Mailbox ada": "'\U0001f600'; Remove-Mailbox -WhatIf:$true ada",
    "param($who)\nforeach ($one in $who) { Set-Mailbox $one -Name x }": (
        "param($who)\nforeach ($one in $who) { Set-Mailbox -WhatIf:$true $one -Name x }"
    ),
    "ExchangeOnlineManagement\\Set-Mailbox ada -Name x": (
        "ExchangeOnlineManagement\\Set-Mailbox -WhatIf:$true ada -Name x"
    ),
}


@pytest.mark.parametrize("text", REWRITTEN)
def test_every_command_that_changes_something_only_says_so(planner: Planner, text: str) -> None:
    assert planner(text).text == REWRITTEN[text]


OBSTACLES = {
    "Get-Mailbox ada": "Nothing in it changes anything",
    "Set-Mailbox ada -WhatIf": "gets -WhatIf",
    "Set-Mailbox ada -WhatIf:$false -Name x": "gets -WhatIf",
    "Set-Mailbox ada -wi:$false -Name x": "gets -wi",
    "Set-Mailbox ada -what:$false -Name x": "gets -what",
    "Remove-Mailbox ada -Confirm:$false": "gets -Confirm",
    "Remove-Mailbox ada -cf:$false": "gets -cf",
    "$WhatIfPreference = $false; Set-Mailbox ada -Name x": "WhatIfPreference",
    "& 'Set-Mailbox' ada -Name x": "not called by its plain name",
    "Set-Mail`box ada -Name x": "not called by its plain name",
    "& ('Set' + '-Mailbox') ada": "Line 1",
    "Set-Mailbox ada -Name x > out.txt": "writes to a file",
    "Set-Mailbox ada -Name x; rm out.txt": "Line 1",
    "Set-Mailbox ada -Name x; [IO.File]::Delete('x')": "Line 1",
    "Set-Mailbox ada -Name x; Do-Something": "Do-Something",
    "Set-Mailbox ada -Name x; Invoke-Expression 'x'": "Invoke-Expression",
    "function f { Set-Mailbox ada }; f": "Line 1",
    "Start-Job { Set-Mailbox ada }": "Line 1",
    "1..3 | ForEach-Object -Parallel { Set-Mailbox $_ -Name x }": "Line 1",
    "Set-Mailbox ada -Name x -OutVariable ('a' + 'b')": "Line 1",
    "Connect-ExchangeOnline; Set-Mailbox ada -Name x": "who is signed in",
    "Set-Mailbox ada -Name x; Get-AzAccessToken": "secret",
    "Set-Mailbox (": "Line 1",
    "using module x\nSet-Mailbox ada": "Line 1",
}


@pytest.mark.parametrize("text", OBSTACLES)
def test_what_nobody_can_tell_is_not_previewed(planner: Planner, text: str) -> None:
    with pytest.raises(CannotPreview) as refused:
        planner(text)
    assert any(OBSTACLES[text] in piece for piece in refused.value.pieces), refused.value.pieces


ALONE = {
    "Set-Mailbox ada -Name x": True,
    "Get-Mailbox | Set-Mailbox -Name x": True,
    "Get-Mailbox | ForEach-Object { Set-Mailbox $_.Id -Name x }": True,
    "Set-Mailbox ada -Name x; Set-CASMailbox ada -PopEnabled $false": True,
    "New-Mailbox x | Set-Mailbox -Name y": False,
    "$new = New-Mailbox x; Set-Mailbox $new.Id -Name y": False,
    "Set-Mailbox ada -Name x; Get-Mailbox -Filter 'Name -eq \"x\"' | Remove-Mailbox": False,
    "Set-Mailbox (New-Mailbox x) -Name y": False,
}


@pytest.mark.parametrize("text", ALONE)
def test_a_text_that_goes_on_with_what_it_has_changed_is_not_previewed_completely(
    planner: Planner, text: str
) -> None:
    assert planner(text).alone is ALONE[text]


def test_the_constants_of_a_change_are_known(planner: Planner, judge: Judge) -> None:
    (writer,) = planner("Set-Mailbox 'ada' -Name Ada -Force -Office $x -MailTip $null").writers
    assert (writer.name, writer.service, writer.first) == ("Set-Mailbox", "exo", "ada")
    assert writer.values == {"Name": "Ada", "Force": "$true", "MailTip": "$null"}
    assert judge("Set-Mailbox 'ada'").kind.writes

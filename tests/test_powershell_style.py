"""PowerShell scripts keep the house rules: powershell_style.ps1 asks PowerShell's own parser."""

import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
CHECKER = TESTS / "powershell_style.ps1"
WAIT_S = 170

pytestmark = pytest.mark.timeout(180)

BAD: Mapping[str, tuple[str, str]] = {
    "a verb that is not approved": ("function Fetch-Thing { 1 }\n", "1: verb: Fetch-Thing"),
    "a name without a verb": ("function thing { 1 }\n", "1: verb: thing"),
    "a plural": ("function Get-Thing { 1 }\nfunction Get-Things { 1 }\n", "2: noun: Get-Things"),
    "an alias": ("Get-Item / |\n    % { $_ }\n", "2: alias: %"),
    "an alias of letters": ("gci /\n", "1: alias: gci"),
    "an empty catch": (
        "try { 1 }\ncatch { }\n",
        "2: empty catch: neither a statement nor a reason",
    ),
    "a brace on a line of its own": (
        "function Get-Thing\n{\n    1\n}\n",
        "2: brace: opens on a line of its own",
    ),
    "a brace below a condition": ("if (1)\n{\n    1\n}\n", "2: brace: opens on a line of its own"),
    "an else behind a long block": (
        "if (1) {\n    1\n} else { 2 }\n",
        "3: brace: else follows a block of several lines",
    ),
    "two spaces": ("if (1) {\n  1\n}\n", "2: indent: 2 spaces, not 4"),
    "a closing brace that is too deep": ("if (1) {\n    1\n    }\n", "3: indent: 4 spaces, not 0"),
    "a list that is too deep": ("$a = @(\n        1\n)\n", "2: indent: 8 spaces, not 4"),
    "a line that goes on too deep": ("1 |\n        Out-Null\n", "2: indent: 8 spaces, not 0"),
    "a line that goes on behind a backtick": (
        "Get-Item `\n  /\n",
        "2: indent: 2 spaces, not 0",
    ),
    "a tab": ("$a = 'x\ty'\n", "1: tab: a tab"),
    "a space at the end": ("$a = 1 \n", "1: trailing space: spaces at the end"),
    "a line that is too long": (f"$a = '{'x' * 120}'\n", "1: length: 127 characters"),
    "what does not parse": (
        "$a = 1 +\n",
        "1: syntax: You must provide a value expression following the '+' operator.",
    ),
}
"""What is wrong: a script with it, and what is to be found."""

GOOD: Mapping[str, str] = {
    "singular words in s": "function Get-Status { 1 }\nfunction Get-MailAddress { 1 }\n",
    "a method of a class": "class Thing {\n    [int] Things() { return 1 }\n}\n",
    "a catch with a reason": "try { 1 }\ncatch {\n    # Nobody needs it.\n}\n",
    "a catch with a value": "$a = try { 1 } catch { $null }\n",
    "a script block as a value": "$a = @(\n    { 1 }\n    { 2 }\n)\n",
    "a condition of two lines": "if ($a -and\n        $b) {\n    1\n}\nelse { 2 }\n",
    "a pipeline of blocks": "1 |\n    ForEach-Object {\n        $_\n    } |\n    Out-Null\n",
    "a text of several lines": "$a = @'\n  as it is\n'@\n$b = 1\n",
    "a loop that asks at its end": "do {\n    1\n} while ($a)\n",
    "a chain in one line": "if ($a) { 1 } else { 2 }\n",
}


def package_scripts() -> list[Path]:
    """Return every script of the package, and the checker's own."""
    kinds = ("*.ps1", "*.psm1")
    return [CHECKER, *(one for kind in kinds for one in (ROOT / "pwsh_kernels").rglob(kind))]


def write_module(folder: Path) -> Path:
    """Return a module that gives one plural away and keeps another."""
    folder.mkdir()
    manifest = "@{ FunctionsToExport = @('Get-Given'); AliasesToExport = @('Get-Things') }\n"
    (folder / "Played.psd1").write_text(manifest, encoding="utf-8")
    script = folder / "Part.ps1"
    script.write_text("function Get-Things { 1 }\nfunction Get-Others { 1 }\n", encoding="utf-8")
    return script


def write_scripts(folder: Path, scripts: Mapping[str, str]) -> dict[str, Path]:
    """Return the files, by what they show."""
    files = {name: folder / f"{number}.ps1" for number, name in enumerate(scripts)}
    for name, file in files.items():
        file.write_text(scripts[name], encoding="utf-8")
    return files


def check(executable: Path, files: Sequence[Path]) -> dict[Path, list[str]]:
    """Return what was found in each file, as `line: rule: text`."""
    options = ("-NoLogo", "-NoProfile", "-NonInteractive", "-File")
    command: list[str | Path] = [executable, *options, CHECKER, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert not done.stderr
    found: dict[Path, list[str]] = defaultdict(list)
    for line in done.stdout.splitlines():
        name, finding = line.split(":", 1)
        found[Path(name)].append(finding)
    return found


@pytest.fixture(scope="module")
def findings(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """What was found, by what a script shows; `package`: in all scripts of the package. PowerShell
    starts once for all.
    """
    bad = write_scripts(tmp_path_factory.mktemp("bad"), {name: BAD[name][0] for name in BAD})
    good = write_scripts(tmp_path_factory.mktemp("good"), GOOD)
    shown = {**bad, **good, "module": write_module(tmp_path_factory.mktemp("module") / "Played")}
    package = package_scripts()
    found = check(powershell_path, [*package, *shown.values()])
    ours = [f"{file.relative_to(ROOT)}:{one}" for file in package for one in found.get(file, [])]
    return {"package": ours, **{name: found.get(file, []) for name, file in shown.items()}}


def test_every_script_of_the_package_keeps_the_rules(findings: Mapping[str, Sequence[str]]) -> None:
    assert findings["package"] == []


@pytest.mark.parametrize("name", BAD)
def test_a_script_that_breaks_a_rule_is_found(
    findings: Mapping[str, Sequence[str]], name: str
) -> None:
    assert findings[name] == [BAD[name][1]]


@pytest.mark.parametrize("name", GOOD)
def test_a_script_that_keeps_the_rules_is_let_alone(
    findings: Mapping[str, Sequence[str]], name: str
) -> None:
    assert findings[name] == []


def test_the_names_that_a_module_gives_away_are_its_own_business(
    findings: Mapping[str, Sequence[str]],
) -> None:
    assert findings["module"] == ["2: noun: Get-Others"]

"""Versions and ranges as PSResourceGet reads them, and the packages that they select."""

from dataclasses import replace

import pytest

from pwsh_kernels.catalog.versions import Range, Version
from pwsh_kernels.errors import InvalidRequest, PackageConflict
from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.modules.packages import (
    Package,
    check_together,
    completed,
    lacking,
    newest,
    selection,
)

IN_ORDER = [
    "1.0",
    "1.2",
    "1.10.0-alpha",
    "1.10.0-beta.2",
    "1.10.0-beta.10",
    "1.10",
    "1.10.0.1",
    "2.0.0",
]


def locked(name: str, version: str, **needs: str) -> LockedModule:
    return LockedModule(name, version, dependencies=tuple(needs), ranges=tuple(needs.values()))


def test_versions_are_ordered_by_number_and_a_prerelease_comes_before_its_release() -> None:
    assert sorted([*IN_ORDER[4:], *IN_ORDER[:4]], key=Version.parse) == IN_ORDER
    assert Version.parse("3.1") == Version.parse("3.1.0.0")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("", ["0.1", "9.9-beta"], []),
        ("3.2.0", ["3.2", "3.2.0.0"], ["3.2.1", "3.1", "3.2.0-beta"]),
        ("[3.2.0]", ["3.2.0"], ["3.2.1"]),
        ("[2.41.1, 2.41.1]", ["2.41.1"], ["2.45.0"]),
        ("[3.0,4.0)", ["3.0", "3.9.9"], ["4.0", "2.9"]),
        ("(3.0, )", ["3.0.1", "7"], ["3.0"]),
        ("(, 3.0]", ["1.0", "3.0"], ["3.0.1"]),
        ("3.2.0-beta1", ["3.2.0-beta1"], ["3.2.0", "3.2.0-beta2"]),
    ],
)
def test_a_range_holds_the_versions_that_it_says(
    text: str, inside: list[str], outside: list[str]
) -> None:
    wanted = Range.parse(text)
    assert [one for one in inside if Version.parse(one) not in wanted] == []
    assert [one for one in outside if Version.parse(one) in wanted] == []


@pytest.mark.parametrize(
    "text", ["three", "1.2.3.4.5", "[1.0", "(1.0)", "[]", "3.*", "1.0; rm", "1.0-"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not a (version|range) such as"):
        Range.parse(text)


def test_the_newest_version_of_a_range_is_taken() -> None:
    packages = [
        Package("A", "1.9.0"),
        Package("A", "1.10.0"),
        Package("A", "2.0.0", "beta"),
        Package("A", "3.0.0"),
    ]
    assert newest(packages, Range.parse("[1.0,2.0)")) == packages[2]
    assert newest(packages, Range.parse("[1.0,1.99]")) == packages[1]
    assert newest(packages, Range.parse("[4.0,)")) is None


def test_a_dependency_that_new_sessions_have_already_is_not_fetched() -> None:
    package = Package("Mail", "1.0.0", dependencies={"Core": "[1.0, )", "Other": ""})
    assert lacking(package, {}, [locked("core", "1.5.0"), locked("Other", "0.1")]) == []
    assert [one.name for one in lacking(package, {}, [locked("Core", "0.9")])] == ["Core", "Other"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_version_that_does_not_meet_what_a_module_needs_is_lacking(asked: bool) -> None:
    package = Package("Mail", "1.0.0", dependencies={"Core": "[2.0, )"})
    chosen = Package("Core", "1.0.0", asked=asked)
    assert [one.range.text for one in lacking(package, {"core": chosen}, [])] == ["[2.0, )"]
    chosen = Package("Core", "2.1.0", asked=asked)
    assert lacking(package, {"core": chosen}, []) == []


def test_a_version_that_is_chosen_again_brings_back_the_installed_one_of_what_it_needs() -> None:
    old, new = locked("Core", "1.0.0"), locked("Core", "2.0.0")
    chosen = [locked("Mail", "1.0.0", Core="[1.0.0, 1.0.0]")]
    installed = [replace(old, selected=False), new, *chosen]
    assert completed(installed, chosen) == [*chosen, installed[0]]
    assert completed([old, *chosen], chosen) == chosen
    assert completed([new, *chosen], chosen) == chosen


def test_what_would_not_fit_together_is_refused() -> None:
    old, new = locked("Graph.Users", "2.40.0", Graph="[2.40.0]"), locked("Graph", "2.45.0")
    check_together([old, locked("Graph", "2.40.0")])
    with pytest.raises(PackageConflict) as refused:
        check_together(selection([old, locked("Graph", "2.40.0")], [new]))
    assert refused.value.facts() == {
        "name": "Graph.Users",
        "needs": "Graph",
        "range": "[2.40.0]",
        "version": "2.45.0",
        "other": "",
    }
    with pytest.raises(PackageConflict, match="and there would be none"):
        check_together([old])

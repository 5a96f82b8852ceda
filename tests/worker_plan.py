"""pytest plugin: which worker runs which test files, and which of them begin first.

A test file says itself what it shares and that it is long:
`pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.slow]`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_GROUP = re.compile(r'pytest\.mark\.xdist_group\("([\w-]+)"\)')


class CompanionScheduling(LoadScopeScheduling):
    """Sends the files of a group to one worker: each worker would start what they share again."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.groups: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file not in self.groups:
            text = (self.config.rootpath / file).read_text(encoding="utf-8")
            self.groups[file] = group_in(text) or file
        return self.groups[file]


def group_in(text: str) -> str:
    """Return the group that stands in the text of a test file; "" when there is none. Pure.

    The scheduler sees names of tests alone: it collects none, so it knows no marks.
    """
    found = _GROUP.search(text)
    return found[1] if found else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> CompanionScheduling:
    """Give xdist our scheduler: its own (--dist loadgroup) does nothing on pytest 9.2, whose names
    of tests are fixed.
    """
    return CompanionScheduling(config, log)


def group_of(item: pytest.Item) -> str:
    """Return the group that a test is marked with, or its file."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else str(item.path)


def slow_files(items: Sequence[pytest.Item]) -> Mapping[str, set[Path]]:
    """Return the slow files of each group."""
    found: dict[str, set[Path]] = {}
    for item in items:
        files = found.setdefault(group_of(item), set())
        if item.get_closest_marker("slow"):
            files.add(item.path)
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups of most slow files: a worker that began one of them last would leave
    the others idle. The tests of a group stay together and in their order.
    """
    slow = slow_files(items)
    places = {group: place for place, group in enumerate(slow)}
    items.sort(key=lambda item: (-len(slow[group_of(item)]), places[group_of(item)]))

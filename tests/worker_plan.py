"""pytest plugin: which worker runs which test files, and which of them begin first.

A test file says itself what it shares and that it is long:
`pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.slow]`.
"""

import gc
import re
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_GROUP = re.compile(r'pytest\.mark\.xdist_group\("([\w-]+)"\)')


class CompanionScheduling(LoadScopeScheduling):
    """Sends the files of a group to one worker: each worker would start what they share again.

    `_split_scope` is what xdist's own schedulers by file and by group differ in.
    """

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


def pytest_collection() -> None:
    """Look for no garbage meanwhile: what is collected stays. It takes each worker 1.5 s of 4 s
    less (3,087 tests, Python 3.11).
    """
    gc.disable()


def pytest_collection_finish() -> None:
    """Look only for garbage of what comes from now on."""
    gc.freeze()
    gc.enable()


def group_of(item: pytest.Item) -> str:
    """Return the group that a test is marked with, or its file."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else str(item.path)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that have slow files, the largest first: a worker that began one of
    them last would leave the others idle. The tests of a group stay together and in their order.
    """
    files: dict[str, set[Path]] = {}
    for item in items:
        files.setdefault(group_of(item), set()).add(item.path)
    slow = {group_of(item) for item in items if item.get_closest_marker("slow")}
    order = sorted(files, key=lambda group: (group not in slow, -len(files[group])))
    places = {group: place for place, group in enumerate(order)}
    items.sort(key=lambda item: places[group_of(item)])

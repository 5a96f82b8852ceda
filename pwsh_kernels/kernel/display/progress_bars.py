"""The progress bars of a run as a forest: an activity under its parent, gone when completed.

Pure.
"""

from collections.abc import Iterator, Mapping

from pwsh_kernels.records import Progress

Bars = tuple[tuple[int, Progress], ...]
"""One display: each bar with its depth, parents first."""


class ProgressForest:
    """The activities in progress.

    `take` and `clear` return the displays that change, by the id of their root activity.
    """

    def __init__(self) -> None:
        self._active: dict[int, Progress] = {}

    def take(self, progress: Progress) -> Mapping[int, Bars]:
        """Take a state of an activity; a display without bars is to be removed."""
        before = self._displays()
        if progress.completed:
            self._remove(progress.activity_id)
        else:
            self._active[progress.activity_id] = progress
        return _changes(before, self._displays())

    def clear(self) -> Mapping[int, Bars]:
        """End all: PowerShell's console removes the bars of a command that has ended."""
        before, self._active = self._displays(), {}
        return _changes(before, {})

    def _remove(self, activity: int) -> None:
        self._active.pop(activity, None)
        for child in [
            one.activity_id for one in self._active.values() if one.parent_id == activity
        ]:
            self._remove(child)

    def _displays(self) -> dict[int, Bars]:
        roots = [one for one in self._active.values() if not self._has_parent(one)]
        return {root.activity_id: tuple(self._below(root, 0)) for root in roots}

    def _has_parent(self, progress: Progress) -> bool:
        """Return whether its parent is in progress; activities that name each other in a circle
        have no parent.
        """
        seen = {progress.activity_id}
        parent = progress.parent_id
        while parent in self._active:
            if parent in seen:
                return False
            seen.add(parent)
            parent = self._active[parent].parent_id
        return progress.parent_id in self._active

    def _below(self, progress: Progress, depth: int) -> Iterator[tuple[int, Progress]]:
        yield depth, progress
        for child in self._active.values():
            if child.parent_id == progress.activity_id and self._has_parent(child):
                yield from self._below(child, depth + 1)


def _changes(before: Mapping[int, Bars], after: Mapping[int, Bars]) -> dict[int, Bars]:
    gone: dict[int, Bars] = {root: () for root in before if root not in after}
    return gone | {root: bars for root, bars in after.items() if before.get(root) != bars}

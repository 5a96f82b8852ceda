"""Queries about a run's output objects, which the session's PowerShell keeps: the script, and its
answer.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import (
    InvalidRequest,
    NoObjects,
    ObjectsForgotten,
    ObjectsLost,
    ProductError,
    RunNotEnded,
    UnknownProperty,
)
from pwsh_kernels.records import OutputFormat, Record, Summary
from pwsh_kernels.sessions.queries.conditions import Condition
from pwsh_kernels.sessions.runs.output_log import Stream
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.shapes import Counted

SCRIPT_FILE = Path(__file__).parent / "kept_objects.ps1"
PARAMETER = "PwshKernelsQuery"
TAG_BYTES = 16


@cache
def query_script() -> str:
    """Return the script that answers a query about a run's objects."""
    return SCRIPT_FILE.read_text(encoding="utf-8")


def new_tag() -> str:
    """Return a tag that identifies the answer to one query."""
    return secrets.token_hex(TAG_BYTES)


@dataclass(frozen=True, slots=True)
class ObjectsQuery:
    """A query about a run's objects: those that fulfil all conditions, sorted, `first` of them
    after `skip`.
    """

    where: tuple[Condition, ...] = ()
    sort_by: str | None = None
    descending: bool = False
    select: tuple[str, ...] | None = None
    skip: int = 0
    first: int = 100
    format: OutputFormat = "text"
    width: int | None = None
    wait_s: float | None = None
    """Longest wait for the answer; None: setting `run_wait`."""
    principal: str = "token"
    client: str = ""

    def parameters(self, key: str, tag: str) -> dict[str, str]:
        """Return the script's parameters; `key`: the execute request of the run whose objects are
        queried; `tag`: of the record with the facts about the query.
        """
        asked = {
            "tag": tag,
            "key": key,
            "where": [one.to_json() for one in self.where],
            "sort_by": self.sort_by,
            "descending": self.descending,
            "select": list(self.select) if self.select else None,
            "skip": self.skip,
            "first": self.first,
        }
        return {PARAMETER: json.dumps(asked)}

    def title(self, run_id: str) -> str:
        """Return what people see as the run's command."""
        where = [f"where {' and '.join(one.text for one in self.where)}"] if self.where else []
        order = (
            [f"sort by {self.sort_by}{' descending' if self.descending else ''}"]
            if self.sort_by
            else []
        )
        chosen = [f"select {', '.join(self.select)}"] if self.select else []
        return " ".join([f"query {run_id}", *where, *order, *chosen])


class QueryRecorder(Recorder):
    """Takes the facts about a query out of the output: how many objects there are, or why there is
    no answer.
    """

    def __init__(self, run: Run, of_run: str, session: str, tag: str) -> None:
        """`of_run`: the run whose objects are queried; `tag`: nothing else in the session knows it,
        so the record that has it is the answer's own. Its message is a JSON object.
        """
        super().__init__(run)
        self._of_run = of_run
        self._tag = tag
        self._session = session

    def write(self, stream: Stream, kind: str, text: str, record: Record | None) -> None:
        """Keep the facts apart from the output."""
        if record is None or self._tag not in record.tags:
            super().write(stream, kind, text, record)
            return
        facts = json.loads(record.message)
        if "refused" not in facts:
            self.run.answer_query(known_facts(facts, self._of_run))
            return
        self.run.refuse_query(refusal(facts, self._of_run, self._session))

    def finish(self, summary: Summary | None) -> Summary | None:
        """Fail the run with the refusal."""
        if self.run.refusal:
            self.run.blame(self.run.refusal.code, self.run.refusal.text())
        return summary


def known_facts(facts: Mapping[str, Any], run_id: str) -> Counted:
    """Return how many objects are kept, matched and shown; `beyond`: how many exceeded the limit
    and were not kept.
    """
    view: Counted = {
        "kept": facts["kept"],
        "matched": facts["matched"],
        "shown": facts["shown"],
        "of_run": run_id,
    }
    return {**view, "beyond": facts["beyond"]} if facts["beyond"] else view


def refusal(facts: Mapping[str, Any], run_id: str, session: str) -> ProductError:
    """Return the error that PowerShell's facts stand for (kept.ps1)."""
    makers: dict[str, Callable[[], ProductError]] = {
        "no_objects": lambda: NoObjects(run_id=run_id),
        "objects_forgotten": lambda: ObjectsForgotten(run_id=run_id, session=session),
        "unknown_property": lambda: _unknown(facts),
        "not_comparable": lambda: InvalidRequest(
            field="where",
            problem=(
                f"{facts['condition']!r} compares nothing: {facts['value']!r} cannot be put in"
                f" order with values of {facts['property']}, such as {facts['example']!r}"
            ),
        ),
        "bad_pattern": lambda: InvalidRequest(
            field="where",
            problem=f"{facts['condition']!r} has a bad regular expression: {facts['problem']}",
        ),
    }
    return makers[str(facts["refused"])]()


def _unknown(facts: Mapping[str, Any]) -> UnknownProperty:
    known = list(facts["known"])
    last = str(facts["property"]).rpartition(".")[2]
    by_lower = {one.lower(): one for one in known}
    nearest = [by_lower[one] for one in get_close_matches(last.lower(), by_lower, n=3)]
    return UnknownProperty(
        property=str(facts["property"]),
        inside=str(facts["inside"]),
        known=known,
        total=int(facts["total"]),
        nearest=nearest,
    )


def check_kept(run: Run, session: Session | None) -> None:
    """Raise RunNotEnded, NoObjects or ObjectsLost when the session's PowerShell cannot have the
    objects of a run.
    """
    if not run.ended:
        raise RunNotEnded(run_id=run.id, state=run.state)
    if run.purpose != "command" or not run.message_id:
        raise NoObjects(run_id=run.id)
    if session is None or session.gone or session.created_at > run.created_at:
        reason = (
            session.reason
            if session is not None and session.gone
            else "it has ended, and another one began"
        )
        raise ObjectsLost(
            run_id=run.id, session=str(run.key), reason=reason if session else "it was closed"
        )

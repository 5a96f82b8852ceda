"""What a text's variables hold, as far as the text alone tells.

Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pwsh_kernels.classification.facts import Fact, Value
from pwsh_kernels.classification.tables import engine, may_mean

WRITTEN = ("constant", "block", "literal", "none")
SETTLED = (*WRITTEN, "text", "texts")
AUTOMATIC = frozenset(
    {
        "_",
        "psitem",
        "true",
        "false",
        "null",
        "args",
        "input",
        "this",
        "?",
        "^",
        "$",
        "error",
        "matches",
        "myinvocation",
        "pscmdlet",
        "foreach",
        "psboundparameters",
        "lastexitcode",
        "switch",
        "pid",
        "host",
        "home",
        "pshome",
        "psversiontable",
        "executioncontext",
    }
)
"""Variables that the engine sets while a text runs, or that nobody can set."""
MADE_HERE = ("literal", "texts", "table")


def is_variable_parameter(name: str) -> bool:
    """Return whether a parameter, perhaps shortened, takes the name of a variable to set."""
    lists = engine().lists
    given = name.lower()
    if not given or given in lists["plain_parameters"]:
        return False
    return given in lists["variable_aliases"] or may_mean(given, lists["variable_parameters"])


def is_filled(name: str) -> bool:
    """Return whether a variable, perhaps one to add to (`+name`), is one that others fill."""
    return name.lstrip("+").lower() in engine().lists["filled_variables"]


class Variables:
    """The assignments of a text. A variable that a command sets by its name is unsettled."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._assigned: dict[str, list[Value]] = defaultdict(list)
        self._changed: set[str] = set()
        self._named: set[str] = set()
        for fact in facts:
            self._note(fact)

    def _note(self, fact: Fact) -> None:
        if fact.form == "Assignment" and fact.owner is not None:
            self._changed.add(fact.owner.name.lower())
        elif fact.form == "Assignment":
            self._assigned[fact.target.name.lower()].append(fact.value)
        elif fact.form == "Call" and (fact.name or "").lower() in _changing():
            self._changed.add(fact.target.name.lower())
        elif fact.form == "Command":
            given = (one for one in fact.arguments if is_variable_parameter(one.name))
            self._named |= {one.value.value.lstrip("+").lower() for one in given}

    def from_outside(self, facts: Iterable[Fact]) -> tuple[str, ...]:
        """Return the variables that a text uses and never sets, without those of the engine."""
        used = {one.name.lower(): one.name for one in facts if one.form == "Variable" and one.name}
        own = {*self._assigned, *self._named, *AUTOMATIC}
        return tuple(name for lowered, name in used.items() if lowered not in own)

    def settled(self, value: Value, *, strictly: bool = False) -> bool:
        """Return whether a value is wholly written in the text, blocks included; unless `strictly`,
        it may be a text with parts that are worked out when it runs: that is no code.
        """
        forms = WRITTEN if strictly else SETTLED
        if value.form != "variable":
            return value.form in forms
        name = value.name.lower()
        values = self._assigned.get(name, [])
        firm = name not in self._changed and name not in self._named
        return firm and bool(values) and all(one.form in forms for one in values)

    def made_here(self, value: Value) -> bool:
        """Return whether a variable holds only collections that the text itself has made."""
        name = value.name.lower()
        values = self._assigned.get(name, [])
        known = value.form == "variable" and bool(values) and name not in self._named
        return known and all(_is_made(one) for one in values)

    def splatted(self, value: Value) -> list[Mapping[str, Value]] | None:
        """Return every set of parameters that a splatted variable may hold; None: unknown."""
        name = value.name.lower()
        tables = [one.keys for one in self._assigned.get(name, [])]
        if not tables or None in tables or name in self._changed or name in self._named:
            return None
        return [one for one in tables if one is not None]


def _changing() -> frozenset[str]:
    return engine().lists["collection_methods"]


def _is_made(value: Value) -> bool:
    if value.form == "new":
        return plain_type(value.name) in engine().lists["constructible"]
    return value.form in MADE_HERE


def plain_type(name: str) -> str:
    """Return a type's name without `System.`, in lower case, and without what it is a list of."""
    whole = name.lower().partition("[")[0].partition("`")[0].strip()
    return whole.removeprefix("system.")

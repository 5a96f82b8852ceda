"""What a principal can be allowed to do, and what one verb implies."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Verb(StrEnum):
    """What a door lets its caller do; each route, tool and Jupyter message declares one."""

    SEE = "see"
    SIGN_IN = "sign_in"
    READ = "read"
    WRITE = "write"
    ANSWER = "answer"
    APPROVE = "approve"
    END = "end"
    ADMINISTER = "administer"


EVERY_VERB = frozenset(Verb)
IMPLIED: Mapping[Verb, frozenset[Verb]] = {
    Verb.SEE: frozenset(),
    Verb.SIGN_IN: frozenset({Verb.SEE}),
    Verb.READ: frozenset({Verb.SEE}),
    Verb.WRITE: frozenset({Verb.SEE, Verb.READ}),
    Verb.ANSWER: frozenset({Verb.SEE, Verb.READ}),
    Verb.APPROVE: frozenset({Verb.SEE, Verb.READ}),
    Verb.END: frozenset({Verb.SEE}),
    Verb.ADMINISTER: frozenset({Verb.SEE}),
}
"""Nobody can use a verb who may not see what it is about."""
PEOPLE_ONLY = frozenset({Verb.APPROVE, Verb.ADMINISTER})
"""No grant gives an agent these: who administers could grant the approval to itself."""
ACTIONS: Mapping[str, Verb] = {
    **{verb.value: verb for verb in Verb},
    "run": Verb.WRITE,
    "login": Verb.SIGN_IN,
    "status": Verb.SEE,
    "cancel": Verb.WRITE,
    "disconnect": Verb.END,
    "kill": Verb.END,
}
"""The verbs, and the commands of the command line that need them."""


def with_implied(verbs: Iterable[Verb]) -> frozenset[Verb]:
    """Return the verbs and those that they imply."""
    given = frozenset(verbs)
    return given.union(*(IMPLIED[verb] for verb in given))

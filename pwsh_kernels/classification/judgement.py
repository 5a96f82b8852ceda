"""From the facts of a text to its class: whatever is in no list of harmless things is a reason.

Pure. A false "read" is the one mistake that must not happen: in doubt, nobody can tell.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from pwsh_kernels.classification import argument_rules
from pwsh_kernels.classification.classes import Classification, Found, Reason, worst
from pwsh_kernels.classification.command_classes import CommandClasses, Known
from pwsh_kernels.classification.facts import Argument, Fact
from pwsh_kernels.classification.tables import engine, reason
from pwsh_kernels.classification.variables import (
    Variables,
    is_filled,
    is_variable_parameter,
    plain_type,
)

HARMLESS = frozenset(
    {
        "ScriptBlock",
        "NamedBlock",
        "Pipeline",
        "PipelineChain",
        "CommandExpression",
        "CommandParameter",
        "StatementBlock",
        "IfStatement",
        "ForEachStatement",
        "ForStatement",
        "WhileStatement",
        "DoWhileStatement",
        "DoUntilStatement",
        "SwitchStatement",
        "TryStatement",
        "CatchClause",
        "ReturnStatement",
        "BreakStatement",
        "ContinueStatement",
        "ThrowStatement",
        "ParamBlock",
        "Parameter",
        "ConstantExpression",
        "ExpandableStringExpression",
        "ArrayLiteral",
        "ArrayExpression",
        "Hashtable",
        "ParenExpression",
        "SubExpression",
        "ScriptBlockExpression",
        "IndexExpression",
        "UnaryExpression",
        "TernaryExpression",
        "ConvertExpression",
        "AttributedExpression",
        "MergingRedirection",
        "NamedAttributeArgument",
    }
)
"""Pieces of a text that do nothing by themselves: what is in them is judged."""
CONSTRUCTS = {
    "BackgroundPipeline": "parallel",
    "FileSwitch": "reads_file",
    "FunctionDefinition": "definition",
    "TypeDefinition": "definition",
    "Requirements": "requirements",
    "Problem": "problem",
}
DRIVES = re.compile(r"(?:^|[\\:])\s*(?:function|alias|variable|env|environment):", re.IGNORECASE)
OWN_STATE = re.compile(r"\w*preference", re.IGNORECASE)
GENERIC = re.compile(r"[\w.]+")
NULL = "$null"
TAKE_CODE = ("Ireplace", "Creplace", "Isplit", "Csplit")
"""Operators that run a block on their right side; so does a method `Replace`."""
STOP_PARSING = "--%"
INTRINSICS = ("where", "foreach")


class Judgement:
    """One text's facts, and what they mean together."""

    def __init__(self, facts: Sequence[Fact], commands: CommandClasses, own: str) -> None:
        self._facts = facts
        self._commands = commands
        self._own = own
        self._variables = Variables(facts)
        self._has_files = any(self._gives_files(fact) for fact in facts)
        self._rules: Mapping[str, Callable[[Fact], Iterator[Reason]]] = {
            "Command": self._command,
            "Call": self._call,
            "Member": self._member,
            "Assignment": self._assignment,
            "Type": self._type,
            "Attribute": self._attribute,
            "Variable": self._variable,
            "String": self._string,
            "FileRedirection": self._redirection,
            "BinaryExpression": self._operator,
        }

    def _gives_files(self, fact: Fact) -> bool:
        if fact.form != "Command" or not fact.name:
            return False
        name = self._commands.known(fact.name, self._own).name
        return name.lower() in engine().lists["gives_files"]

    def classification(self) -> Classification:
        """Return the class, the commands, the reasons and the variables, in the text's order."""
        judged = [(fact, tuple(self._reasons(fact))) for fact in self._facts]
        found = [one for fact, its in judged if (one := self._found(fact, its)) is not None]
        reasons = dict.fromkeys(chain.from_iterable(its for _, its in judged))
        outside = self._variables.from_outside(self._facts)
        return Classification(tuple(found), tuple(reasons), outside)

    def _reasons(self, fact: Fact) -> Iterator[Reason]:
        if rule := self._rules.get(fact.form):
            yield from rule(fact)
        elif fact.form not in HARMLESS:
            yield reason(CONSTRUCTS.get(fact.form, "construct"), fact.place, fact.name or fact.form)

    def _found(self, fact: Fact, reasons: Sequence[Reason]) -> Found | None:
        if fact.form != "Command" or not fact.name:
            return None
        known = self._commands.known(fact.name, self._own)
        kind = worst(one.kind for one in reasons)
        return Found(known.name, kind, fact.place, known.service, fact.name)

    def _command(self, fact: Fact) -> Iterator[Reason]:
        if fact.operator == "Dot":
            yield reason("dot_sourced", fact.place)
        if fact.is_block:
            return
        if fact.name is None:
            yield reason("dynamic_command", fact.place)
            return
        known = self._commands.known(fact.name, self._own)
        if known.code:
            yield reason(known.code, fact.place, known.name)
        else:
            yield from self._reading(fact, known)

    def _reading(self, fact: Fact, known: Known) -> Iterator[Reason]:
        arguments = argument_rules.arguments_of(fact, self._variables)
        if arguments is None:
            yield reason("splat", fact.place, known.name)
            return
        yield from argument_rules.general(fact, arguments)
        yield from argument_rules.code(fact, known, arguments, self._variables)
        yield from argument_rules.piped_paths(fact, known, arguments)
        yield from argument_rules.files(fact, known, arguments, from_files=self._has_files)
        if self._commands.takes_method(known.name):
            hosts = self._commands.hosts(known.service)
            yield from argument_rules.request(fact, known, arguments, hosts)
        if known.name.lower() in engine().lists["introspection"]:
            yield from self._introspection(fact, known)

    def _introspection(self, fact: Fact, known: Known) -> Iterator[Reason]:
        inside = [one for one in self._facts if _is_within(one, fact.pipeline)]
        doing = any(one.form in ("Assignment", "Call") for one in inside)
        if not fact.outermost or doing or any(map(_sets_a_variable, inside)):
            yield reason("introspection", fact.place, known.name)

    def _call(self, fact: Fact) -> Iterator[Reason]:
        name = (fact.name or "").lower()
        if fact.name is None:
            yield reason("call_dynamic", fact.place)
        elif fact.static:
            yield from self._static_call(fact, name)
        elif name in engine().lists["collection_methods"]:
            if not self._variables.made_here(fact.target):
                yield reason("call", fact.place, fact.name)
        elif name not in engine().lists["methods"] or not _is_plain_call(name, fact.arguments):
            yield reason("call", fact.place, fact.name)
        yield from self._code_for(fact, name)

    def _code_for(self, fact: Fact, name: str) -> Iterator[Reason]:
        """Yield that a `Replace` gets what may be a block."""
        given = [one.value for one in fact.arguments]
        if name == "replace" and not all(map(self._variables.settled, given)):
            yield reason("worked_out", fact.place, "Replace")

    def _static_call(self, fact: Fact, name: str) -> Iterator[Reason]:
        kind = plain_type(fact.target.name)
        constructs = name == "new" and kind in engine().lists["constructible"]
        allowed = constructs or name in engine().static.get(kind, ())
        if fact.target.form != "type" or not allowed:
            yield reason("call", fact.place, fact.name or "")

    def _member(self, fact: Fact) -> Iterator[Reason]:
        if fact.name is None:
            yield reason("call_dynamic", fact.place)
        elif fact.name.lower() in engine().lists["members"]:
            yield reason("member", fact.place, fact.name)
        elif fact.static and fact.target.form != "type":
            yield reason("type", fact.place, fact.name)

    def _assignment(self, fact: Fact) -> Iterator[Reason]:
        whole = fact.target.form == "variable"
        if not whole and not (fact.owner and self._variables.made_here(fact.owner)):
            yield reason("part_set", fact.place)
        if whole and is_filled(fact.target.name):
            yield reason("filled_name", fact.place, f"${fact.target.name}")

    def _type(self, fact: Fact) -> Iterator[Reason]:
        names = [one.removeprefix("system.") for one in GENERIC.findall((fact.name or "").lower())]
        parts = [one for one in names if not one.isdigit() and not one.endswith("exception")]
        if not names or any(one not in engine().lists["types"] for one in parts):
            yield reason("type", fact.place, fact.name or "")

    def _attribute(self, fact: Fact) -> Iterator[Reason]:
        if (fact.name or "").lower() not in engine().lists["attributes"]:
            yield reason("attribute", fact.place, fact.name or "")

    def _variable(self, fact: Fact) -> Iterator[Reason]:
        name = fact.name or ""
        if ":" in name:
            yield reason("scoped", fact.place, f"${name}")
        elif name.lower() in engine().lists["special_variables"] or OWN_STATE.fullmatch(name):
            yield reason("special_name", fact.place, f"${name}")

    def _string(self, fact: Fact) -> Iterator[Reason]:
        text = (fact.name or "").strip().lstrip("+").rpartition(":")[2].lower()
        lists = engine().lists
        special = text in lists["special_strings"] or text in lists["special_variables"]
        special |= (fact.name or "") == STOP_PARSING
        if DRIVES.search(fact.name or "") or special or OWN_STATE.fullmatch(text):
            yield reason("special_name", fact.place, fact.place.piece)

    def _redirection(self, fact: Fact) -> Iterator[Reason]:
        if not (fact.value.form == "constant" and fact.value.value == NULL):
            yield reason("file", fact.place)

    def _operator(self, fact: Fact) -> Iterator[Reason]:
        if fact.operator == "As" and fact.value.form != "type":
            yield reason("type", fact.place, "after -as")
        if fact.operator in TAKE_CODE and not self._variables.settled(fact.value):
            yield reason("worked_out", fact.place, fact.operator[1:])


def _is_within(fact: Fact, span: tuple[int, int]) -> bool:
    return span[0] <= fact.start and fact.end <= span[1]


def _sets_a_variable(fact: Fact) -> bool:
    return any(is_variable_parameter(one.name) for one in fact.arguments)


def _is_plain_call(name: str, arguments: tuple[Argument, ...]) -> bool:
    """Return whether a method gets only what it can do no harm with."""
    if name == "gettype":
        return not arguments
    if name in INTRINSICS:
        first = arguments[0].value.form if arguments else ""
        return first == "block" and all(one.value.form == "constant" for one in arguments[1:])
    return True

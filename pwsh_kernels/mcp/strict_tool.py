"""Tools that refuse wrong arguments and report our errors in words, with schemas free of useless
words.
"""

from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import ToolAnnotations
from pydantic import ValidationError

from pwsh_kernels.errors import ProductError
from pwsh_kernels.mcp.answers.marks import Marks
from pwsh_kernels.mcp.answers.refusals import error_text
from pwsh_kernels.shapes import ForeignJson

_IN_ARGUMENTS = frozenset({"title"})
_IN_RESULTS = frozenset({"title", "default"})
"""Keywords that tell a model nothing: a title repeats the name, and a result is always complete."""

_NAMED = frozenset({"properties", "$defs"})
"""Keywords whose keys are names, which may look like keywords."""


class StrictTool(Tool):
    """A tool whose refusals reach the model as sentences: wrong arguments, and every error of our
    tree.
    """

    async def run(
        self, arguments: ForeignJson, context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Check the arguments, then run the tool as the SDK does. Raises ToolError."""
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            raise ToolError(
                argument_text(self.name, list(self.parameters["properties"]), error)
            ) from error
        try:
            return await super().run(arguments, context, convert_result)
        except UnexpectedToolError as error:
            if isinstance(error.__cause__, ProductError):
                raise ToolError(error_text(error.__cause__, Marks.fresh())) from error.__cause__
            raise


def strict_tool(
    function: Callable[..., Any],
    name: str,
    title: str,
    description: str,
    annotations: ToolAnnotations,
) -> Tool:
    """Return a tool of an async function: unknown arguments are refused, its schemas are short."""
    tool = StrictTool.from_function(
        function, name=name, title=title, description=description, annotations=annotations
    )
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.parameters = short(without_null(model.model_json_schema(by_alias=True)), _IN_ARGUMENTS)
    tool.fn_metadata.output_schema = short(tool.fn_metadata.output_schema, _IN_RESULTS)
    return tool


def short(schema: Any, dropped: frozenset[str]) -> Any:
    """Return a JSON schema without the dropped keywords and the models' docstrings."""
    if isinstance(schema, list):
        return [short(one, dropped) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if _is_nullable(schema):
        kind, rest = (
            schema["anyOf"][0],
            {name: value for name, value in schema.items() if name != "anyOf"},
        )
        return short({**kind, **rest, "type": [kind["type"], "null"]}, dropped)
    return {
        name: (
            {key: short(one, dropped) for key, one in value.items()}
            if name in _NAMED
            else short(value, dropped)
        )
        for name, value in schema.items()
        if name not in dropped and not (name == "description" and "properties" in schema)
    }


def without_null(arguments: ForeignJson) -> ForeignJson:
    """Return an arguments' schema in which nothing may be null: who has no value leaves it out
    (null is taken too).
    """
    return {
        **arguments,
        "properties": {name: _not_null(one) for name, one in arguments["properties"].items()},
    }


def _not_null(schema: ForeignJson) -> ForeignJson:
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {
        name: value
        for name, value in schema.items()
        if name != "anyOf" and (name, value) != ("default", None)
    }
    return (
        {**kinds[0], **rest} if len(kinds) == 1 else ({**rest, "anyOf": kinds} if kinds else rest)
    )


def _is_nullable(schema: ForeignJson) -> bool:
    """Return whether a schema is one plain type or null, which JSON schema says shorter than
    pydantic does.
    """
    kinds = schema.get("anyOf") or []
    return (
        len(kinds) == 2
        and kinds[1] == {"type": "null"}
        and "enum" not in kinds[0]
        and isinstance(kinds[0].get("type"), str)
    )


def argument_text(tool: str, known: list[str], error: ValidationError) -> str:
    """Return what is wrong with the arguments, and the names of the valid ones; never the values,
    which may be secret.
    """
    problems = "; ".join(
        _problem(one["loc"], one["type"], one["msg"]) for one in error.errors(include_input=False)
    )
    return f"{tool} takes {', '.join(known) or 'no arguments'}. {problems}."


def _problem(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"There is no argument {name}"
    return f"{name} is missing" if kind == "missing" else f"{name}: {message}"

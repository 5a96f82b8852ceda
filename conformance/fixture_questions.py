"""Tools of fixed names by which the conformance suites let a server ask its client, in both
protocol eras.
"""

from typing import Any, Literal

import mcp_types as types
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field
from pydantic.config import JsonDict, JsonValue

Ctx = Context[Any, Any]
Answer = str | types.InputRequiredResult


class Contact(BaseModel):
    """A form of two required texts."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """A form with a default of each primitive type (SEP-1034)."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def titled(**values: str) -> JsonValue:
    """Return choices with titles as JSON Schema has them."""
    return [{"const": value, "title": title} for value, title in values.items()]


VALUES = titled(value1="First Option", value2="Second Option", value3="Third Option")
OPTIONS: JsonValue = ["option1", "option2", "option3"]
LEGACY: JsonDict = {
    "enum": ["opt1", "opt2", "opt3"],
    "enumNames": ["Option One", "Option Two", "Option Three"],
}


class Choices(BaseModel):
    """A form with each of the five kinds of choice (SEP-1330)."""

    untitledSingle: str = Field(json_schema_extra={"enum": OPTIONS})  # noqa: N815 - the suite's names
    titledSingle: str = Field(json_schema_extra={"oneOf": VALUES})  # noqa: N815
    legacyEnum: str = Field(json_schema_extra=LEGACY)  # noqa: N815
    untitledMulti: list[str] = Field(  # noqa: N815
        json_schema_extra={"items": {"type": "string", "enum": OPTIONS}}
    )
    titledMulti: list[str] = Field(json_schema_extra={"items": {"anyOf": VALUES}})  # noqa: N815


def add_legacy_questions(server: MCPServer[Any]) -> None:
    """Add the tools that ask during a call, over the back channel of the legacy era."""

    @server.tool(description="Ask the client's model")
    async def test_sampling(prompt: str, ctx: Ctx) -> str:
        message = types.SamplingMessage(
            role="user", content=types.TextContent(type="text", text=prompt)
        )
        answer = await ctx.session.create_message([message], max_tokens=100)
        return f"LLM response: {getattr(answer.content, 'text', '')}"

    @server.tool(description="Ask the person")
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        return f"User response: {await ask(ctx, message, Contact)}"

    @server.tool(description="Ask with defaults")
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        return f"Elicitation completed: {await ask(ctx, 'Who are you?', Defaults)}"

    @server.tool(description="Ask with choices")
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        return f"Elicitation completed: {await ask(ctx, 'Which ones?', Choices)}"


async def ask(ctx: Ctx, message: str, form: type[BaseModel]) -> str:
    """Return what the client answered to a form."""
    answer = await ctx.elicit(message, form)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"action={answer.action}, content={content}"


def form_request(message: str, **properties: str) -> types.ElicitRequest:
    """Return a question for required values: name → JSON type."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": [*properties],
    }
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=message, requested_schema=schema)
    )


def model_request(words: str, max_tokens: int) -> types.CreateMessageRequest:
    """Return a question for the client's model."""
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=words))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


ROOTS = types.ListRootsRequest()
CAPITAL = model_request("What is the capital of France?", 100)
NAME = form_request("What is your name?", name="string")
GREETING = model_request("Generate a greeting", 50)


def answers(ctx: Ctx, *names: str) -> list[Any] | None:
    """Return the client's answers of these names, or None when one is missing."""
    given = ctx.input_responses or {}
    return [given[name] for name in names] if all(name in given for name in names) else None


def field(answer: Any, name: str) -> str | None:
    """Return a field of an accepted form, or None when it is no such thing."""
    value = (
        (getattr(answer, "content", None) or {}).get(name)
        if isinstance(answer, types.ElicitResult)
        else None
    )
    return value if isinstance(value, str) else None


def required(state: str | None = None, /, **requests: Any) -> types.InputRequiredResult:
    """Return what makes the client ask and call again."""
    return types.InputRequiredResult(input_requests=requests, request_state=state)


def add_single_questions(server: MCPServer[Any]) -> None:
    """Add the tools that ask one question of each kind by their result, as the modern era
    wants it.
    """

    @server.tool(structured_output=False, description="Ask for a name")
    async def test_input_required_result_elicitation(ctx: Ctx) -> Answer:
        given = answers(ctx, "user_name")
        name = field(given[0], "name") if given else None
        return f"Hello, {name}!" if name else required(user_name=NAME)

    @server.tool(structured_output=False, description="Ask the client's model")
    async def test_input_required_result_sampling(ctx: Ctx) -> Answer:
        given = answers(ctx, "capital_question")
        return (
            str(getattr(given[0].content, "text", ""))
            if given
            else required(capital_question=CAPITAL)
        )

    @server.tool(structured_output=False, description="Ask for roots")
    async def test_input_required_result_list_roots(ctx: Ctx) -> Answer:
        given = answers(ctx, "client_roots")
        return (
            ", ".join(str(root.uri) for root in given[0].roots)
            if given
            else required(client_roots=ROOTS)
        )

    @server.tool(structured_output=False, description="Ask by a stream")
    async def test_streaming_elicitation(ctx: Ctx) -> Answer:
        return "done" if answers(ctx, "user_name") else required(user_name=NAME)

    @server.tool(structured_output=False, description="Ask only what the client has declared")
    async def test_input_required_result_capabilities(ctx: Ctx) -> Answer:
        declared = ctx.client_capabilities or types.ClientCapabilities()
        able = {
            "user_name": (declared.elicitation, NAME),
            "capital_question": (declared.sampling, CAPITAL),
        }
        requests: dict[str, Any] = {
            name: request for name, (capability, request) in able.items() if capability is not None
        }
        return required(**requests) if requests and not ctx.input_responses else "done"

    @server.tool(description="Refuse a client without sampling")
    async def test_missing_capability(ctx: Ctx) -> str:
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            missing: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(
                types.MISSING_REQUIRED_CLIENT_CAPABILITY, "The client cannot sample", missing
            )
        return "The client can sample"


def add_stateful_questions(server: MCPServer[Any]) -> None:
    """Add what keeps state with the client between questions."""

    @server.tool(structured_output=False, description="Keep state between two calls")
    async def test_input_required_result_request_state(ctx: Ctx) -> Answer:
        if answers(ctx, "confirm") and ctx.request_state == "confirming":
            return "state-ok"
        return required("confirming", confirm=form_request("Please confirm", ok="boolean"))

    @server.tool(structured_output=False, description="Refuse state that the client has changed")
    async def test_input_required_result_tampered_state(ctx: Ctx) -> Answer:
        if ctx.request_state == "sealed":
            return "state-ok"
        return required("sealed", confirm=form_request("Please confirm", ok="boolean"))

    @server.tool(structured_output=False, description="Ask three questions at once")
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Answer:
        if answers(ctx, "user_name", "greeting", "client_roots") and ctx.request_state == "three":
            return "All three are there"
        return required("three", user_name=NAME, greeting=GREETING, client_roots=ROOTS)

    @server.tool(structured_output=False, description="Ask twice, one after the other")
    async def test_input_required_result_multi_round(ctx: Ctx) -> Answer:
        if answers(ctx, "step2") and ctx.request_state == "second":
            return "Both are there"
        if answers(ctx, "step1") and ctx.request_state == "first":
            return required(
                "second", step2=form_request("Step 2: What is your favorite color?", color="string")
            )
        return required("first", step1=form_request("Step 1: What is your name?", name="string"))


def add_asking_prompt(server: MCPServer[Any]) -> None:
    """Add a prompt that asks."""

    @server.prompt(description="A prompt that asks")
    async def test_input_required_result_prompt(ctx: Ctx) -> Answer:
        given = answers(ctx, "user_context")
        question = form_request("What context should the prompt use?", context="string")
        return (
            f"Use this context: {field(given[0], 'context')}"
            if given
            else required(user_context=question)
        )

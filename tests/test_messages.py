"""Facts survive the trip through message metadata, and bad options are named."""

import json
from typing import Any

import pytest

from pwsh_kernels import messages
from pwsh_kernels.errors import InvalidRequest, ProductError
from pwsh_kernels.records import Choice, Progress, Prompt, PromptField, Record, RunOptions, Summary

ERROR = Record(
    kind="error",
    message="boo",
    error_id="E,Cmd",
    category="NotSpecified",
    line=3,
    column=7,
    tags=("a",),
    terminating=True,
)


def through_json(value: Any) -> Any:
    """Return what a ZeroMQ message makes of a value."""
    return json.loads(json.dumps(value))


def test_a_record_comes_back_as_it_was_sent() -> None:
    facts = through_json(messages.record_metadata(ERROR))[messages.KEY]
    assert facts["kind"] == "error"
    assert Record.from_json(facts["record"]) == ERROR


def test_a_newer_versions_unknown_facts_are_dropped() -> None:
    assert Record.from_json({"kind": "warning", "message": "x", "colour": "red"}) == Record(
        kind="warning", message="x"
    )


def test_a_summary_comes_back_as_it_was_sent() -> None:
    summary = Summary(
        outcome="failed", errors=2, warnings=1, exit_code=3, duration_s=0.5, terminating_error=ERROR
    )
    reply = {"metadata": through_json(messages.summary_metadata(summary))}
    assert messages.read_summary(reply) == summary


def test_a_reply_without_our_metadata_has_no_summary() -> None:
    assert messages.read_summary({"metadata": {"pwsh": "text"}}) is None


def test_a_prompt_comes_back_as_it_was_sent() -> None:
    prompt = Prompt(
        kind="choice",
        caption="c",
        choices=(Choice("Yes", "Y", "go"), Choice("No", "N")),
        default=(1,),
        fields=(PromptField("a"),),
    )
    assert (
        Prompt.from_json(through_json(messages.prompt_metadata(prompt))[messages.KEY]["prompt"])
        == prompt
    )


def test_progress_comes_back_as_it_was_sent() -> None:
    progress = Progress(activity_id=1, parent_id=None, activity="Copying", percent=40)
    assert (
        Progress.from_json(
            through_json(messages.progress_metadata(progress))[messages.KEY]["progress"]
        )
        == progress
    )


def test_what_carries_a_text_comes_back_and_only_a_script_of_the_server_s_own_is_trusted() -> None:
    carried = {"steps": [{"calls": [], "into": "", "each": ""}]}
    for trusted in (True, False):
        sent = messages.options_metadata(RunOptions(carried=carried), trusted=trusted)
        assert messages.is_trusted(sent) is trusted
        assert messages.read_options(through_json(sent)) == RunOptions(carried=carried, own=trusted)
    assert messages.read_options({}) == RunOptions(rich=True)


def test_options_come_back_as_they_were_sent() -> None:
    options = RunOptions(
        parameters={"Name": 'x"; Get-Date #'}, format="json", width=200, max_chars=10, rich=True
    )
    assert messages.read_options(through_json(messages.options_metadata(options))) == options


def test_a_kernel_is_sent_what_it_says_it_knows_and_one_that_says_nothing_what_all_know() -> None:
    everything: dict[str, Any] = {"packed": True, "own": True, "guards": True, "state": {}}
    for told, sent in (
        (messages.understanding(), {*everything}),
        ({messages.KEY: {"understands": ["own", "later"]}}, {"own"}),
        ({messages.KEY: {"understands": "own"}}, set()),
        ({}, set()),
    ):
        known = messages.understood(through_json(told))
        metadata = messages.options_metadata(RunOptions(), known=known, **everything)
        assert set(metadata[messages.KEY]) & {*everything} == sent


def test_a_request_without_our_key_is_a_persons_and_gets_the_rich_way() -> None:
    assert messages.read_options({}) == RunOptions(rich=True)
    assert messages.read_options({messages.KEY: {}}) == RunOptions()
    assert messages.shows_views({}, by_default=True)
    assert not messages.shows_views({messages.KEY: {"width": 80}}, by_default=True)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ("text", "pwsh"),
        ({"colour": 1}, "pwsh.colour"),
        ({"format": "xml"}, "pwsh.format"),
        ({"width": "80"}, "pwsh.width"),
        ({"width": 5}, "pwsh.width"),
        ({"width": True}, "pwsh.width"),
        ({"rich": 1}, "pwsh.rich"),
        ({"max_chars": 0}, "pwsh.max_chars"),
        ({"parameters": ["a"]}, "pwsh.parameters"),
        ({"parameters": {"": 1}}, "pwsh.parameters"),
    ],
)
def test_a_bad_option_is_named(facts: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages.read_options({"pwsh": facts})
    assert caught.value.field == field


def test_only_an_exit_with_a_code_counts_as_an_error() -> None:
    assert Summary(outcome="completed", exit_code=3, exit_called=True).had_errors
    assert not Summary(outcome="completed", exit_code=0, exit_called=True).had_errors
    assert not Summary(outcome="completed", exit_code=3).had_errors


def every_error(base: type[ProductError] = ProductError) -> list[type[ProductError]]:
    """Return all classes of the error tree."""
    return [one for child in base.__subclasses__() for one in (child, *every_error(child))]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))
    assert all(400 <= error.status < 600 for error in every_error())


def test_pieces_in_one_message_are_read_as_they_were_written() -> None:
    pieces = [
        ({"name": "stdout", "text": "one\n"}, messages.text_metadata("text")),
        ({"name": "stderr", "text": "two 𝄞\n"}, messages.record_metadata(ERROR)),
        ({"name": "stdout", "text": "three"}, messages.text_metadata("host")),
    ]
    content = {"name": "stdout", "text": "".join(one["text"] for one, _ in pieces)}
    metadata = through_json(messages.packed_metadata(pieces))
    read = list(messages.unpacked({"content": content, "metadata": metadata}))
    assert [(name, text) for name, text, _ in read] == [
        (one["name"], one["text"]) for one, _ in pieces
    ]
    assert [facts["kind"] for _, _, facts in read] == ["text", "error", "host"]
    assert read[1][2]["record"] == ERROR.to_json()


def test_a_message_of_one_piece_is_read_as_it_is() -> None:
    message = {"content": {"name": "stderr", "text": "one"}, "metadata": {}}
    assert list(messages.unpacked(message)) == [("stderr", "one", {})]


@pytest.mark.parametrize("metadata", [{}, {"pwsh": {}}, {"pwsh": {"packed": 1}}, {"pwsh": 5}])
def test_only_who_says_so_gets_pieces_in_one_message(metadata: dict[str, object]) -> None:
    assert not messages.takes_packed(metadata)
    assert messages.takes_packed(messages.options_metadata(RunOptions(), packed=True))

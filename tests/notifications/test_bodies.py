"""What a message says, and that nobody's words become more than text in it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pwsh_kernels.notifications.bodies import BODIES, Body, json_body, slack_body, teams_body
from pwsh_kernels.notifications.mail import message_of
from pwsh_kernels.notifications.notice import COMMAND_CHARS, MOST_TENANTS, Notice
from tests.notifications.notices import LINK, notice

EVIL = "[Approve](https://evil.example) <https://evil.example|Approve> *now* <!channel>"


def mail_text(one: Notice) -> str:
    return str(message_of(one, "pwsh@contoso.example", ("ada@contoso.example",)).get_content())


@pytest.mark.parametrize("body", BODIES.values())
def test_each_body_says_who_what_where_why_until_when_and_has_the_link(
    body: Callable[[Notice], Body],
) -> None:
    at = datetime(2026, 12, 1, 9, 15, tzinfo=UTC)
    text = json.dumps(body(notice(expires_at=at)))
    for said in ("agent:claude", "contoso.example", "exo", "write", "Set-Mailbox ada", "she moved"):
        assert said in text
    assert LINK in text
    assert "09:15" in text


def test_what_runs_without_an_approval_is_not_put_as_a_question() -> None:
    one = notice(occasion="glass_broken")
    assert one.title == "agent:claude runs a command in contoso.example without an approval"
    for text in (mail_text(one), json.dumps(teams_body(one)), json.dumps(slack_body(one))):
        assert "It runs already" in text
        assert "decide" not in text
        assert "Valid until" not in text
    assert json_body(one)["type"] == "glass_broken"


def test_the_json_body_is_the_documented_one() -> None:
    at = datetime(2026, 12, 1, 10, 15, tzinfo=timezone(timedelta(hours=1)))
    assert json_body(notice(expires_at=at)) == {
        "type": "approval_requested",
        "approval": "a1",
        "requester": "agent:claude",
        "tenants": ["contoso.example"],
        "module": "exo",
        "class": "write",
        "command": "Set-Mailbox ada -Office Other",
        "command_is_cut": False,
        "reason": "she moved",
        "expires_at": "2026-12-01T09:15:00Z",
        "link": LINK,
    }


@pytest.mark.parametrize("body", BODIES.values())
def test_a_long_command_is_cut_and_says_so(body: Callable[[Notice], Body]) -> None:
    text = json.dumps(body(notice(command="x" * (COMMAND_CHARS + 1))), ensure_ascii=False)
    assert "x" * COMMAND_CHARS + "…" in text
    assert json_body(notice(command="x" * (COMMAND_CHARS + 1)))["command_is_cut"]


def test_of_many_tenants_the_first_are_named_and_the_others_counted() -> None:
    many = tuple(f"t{number}.example" for number in range(MOST_TENANTS + 3))
    assert notice(tenants=many).title.endswith("t19.example and 3 more")


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield from nodes(one)


def test_what_an_agent_writes_is_no_markup_in_teams() -> None:
    one = notice(requester=EVIL, reason=EVIL, command=EVIL, module=EVIL)
    card = teams_body(one)["attachments"][0]["content"]
    holders = {node["type"] for node in nodes(card) if "evil" in str(node.get("text", ""))}
    assert holders == {"TextRun"}
    assert [one["url"] for one in card["actions"]] == [LINK]


def test_what_an_agent_writes_is_no_markup_in_slack() -> None:
    body = slack_body(notice(requester=EVIL, reason=EVIL, command=EVIL, module=EVIL))
    assert "<" not in body["text"]
    holders = {
        node["type"] for node in nodes(body["blocks"]) if "evil" in str(node.get("text", ""))
    }
    assert {one for one in holders if one not in ("header", "context")} == {"plain_text", "text"}
    assert [node["url"] for node in nodes(body["blocks"]) if "url" in node] == [LINK]


def test_no_line_of_an_agent_poses_as_another_fact() -> None:
    text = mail_text(notice(reason="fine\nClass: read\u202e", requester="agent:x\r\nBcc: y@z"))
    assert [line for line in text.splitlines() if line.startswith("Class:")] == ["Class: write"]
    assert "\u202e" not in text
    assert "\\u{202E}" in text


def test_a_mail_has_no_header_of_an_agent() -> None:
    mail = message_of(
        notice(requester="agent:x\r\nBcc: y@z"), "a@contoso.example", ("b@c.example",)
    )
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("agent:x Bcc: y@z asks")
    assert mail["Auto-Submitted"] == "auto-generated"

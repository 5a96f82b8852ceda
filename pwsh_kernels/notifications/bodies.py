"""Notices as what a webhook takes: our own JSON, a card of Teams, blocks of Slack. Pure.

What an agent wrote stands only where the receiver takes it for plain text: in marked-up text it
could make links and buttons of its own.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from pwsh_kernels.notifications.notice import Notice

Body = Mapping[str, Any]


def json_body(notice: Notice) -> Body:
    """Return the documented shape (docs/notifications.md)."""
    expires = notice.expires_at.astimezone(UTC).isoformat(timespec="seconds")
    return {
        "type": notice.occasion,
        "approval": notice.approval,
        "requester": notice.requester,
        "tenants": list(notice.tenants),
        "module": notice.module,
        "class": notice.kind,
        "command": notice.shown_command,
        "command_is_cut": notice.shown_command != notice.command,
        "reason": notice.reason,
        "expires_at": expires.replace("+00:00", "Z"),
        "link": notice.link,
    }


def teams_body(notice: Notice) -> Body:
    """Return an Adaptive Card in a message, which a Teams workflow posts in a channel."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _runs(notice.title, weight="Bolder", size="Medium"),
            *(_fact(name, value) for name, value in notice.facts),
            _runs(notice.shown_command, fontType="Monospace"),
            _runs(notice.note, isSubtle=True, size="Small"),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": notice.button, "url": notice.link}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _runs(text: str, **style: Any) -> Body:
    """Return a text of a card; a TextRun, unlike a TextBlock, reads no Markdown."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _fact(name: str, value: str) -> Body:
    inlines = [
        {"type": "TextRun", "text": f"{name}: ", "weight": "Bolder"},
        {"type": "TextRun", "text": value},
    ]
    return {"type": "RichTextBlock", "inlines": inlines, "spacing": "Small"}


def slack_body(notice: Notice) -> Body:
    """Return blocks for an incoming webhook of Slack; `text` is what a notification shows."""
    return {
        "text": _escaped(notice.title),
        "blocks": [
            {"type": "header", "text": _plain(notice.title[:150])},
            {"type": "section", "fields": [_plain(f"{n}\n{v}") for n, v in notice.facts]},
            _preformatted(notice.shown_command),
            {"type": "context", "elements": [_plain(notice.note)]},
            {
                "type": "actions",
                "elements": [{"type": "button", "text": _plain(notice.button), "url": notice.link}],
            },
        ],
    }


def _plain(text: str) -> Body:
    return {"type": "plain_text", "text": text, "emoji": False}


def _preformatted(text: str) -> Body:
    piece = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or " "}]}
    return {"type": "rich_text", "elements": [piece]}


def _escaped(text: str) -> str:
    """Return a text without Slack's own marks: `<…>` would be a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


BODIES = {"json": json_body, "teams": teams_body, "slack": slack_body}
"""By the setting PWSH_MANAGER_NOTIFY_WEBHOOK_KIND."""

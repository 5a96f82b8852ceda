"""What the lines of -WhatIf mean, and which old values belong to them."""

import json
from dataclasses import replace

from pwsh_kernels.catalog import Counterpart
from pwsh_kernels.preview_text import MOST_SHOWN, NOT_ALL, NOTHING, preview_text
from pwsh_kernels.sessions.queries.previews import (
    MOST_OBJECTS,
    MOST_READ,
    SAYS,
    objects_in,
    readings,
    with_changes,
)
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.shapes import Preview
from pwsh_kernels.writer import Writer

KNOWN = {
    "set-mailbox": Counterpart("Get-Mailbox"),
    "update-mguser": Counterpart("Get-MgUser", "UserId"),
}
ADA = Writer("Set-Mailbox", "Set-Mailbox", "exo", {"Office": "Bern", "Force": "$true"}, "ada")
DRY = DryRun("", {}, (), (ADA,), alone=True, kind="write")
LINES = """
What if: Performing the operation "Remove Item" on target "/tmp/x".
What if: Setting mailbox Identity:"Ada Lovelace".
What if: Something else entirely
no preview
"""


def test_each_line_of_what_if_is_an_object_with_its_action() -> None:
    assert [(one["action"], one["target"]) for one in objects_in(LINES)] == [
        ("Remove Item", "/tmp/x"),
        ("Setting mailbox", "Ada Lovelace"),
        ("Something else entirely", ""),
    ]
    assert len(objects_in('What if: Setting x Identity:"y".\n' * 1000)) == MOST_OBJECTS


def test_old_values_are_read_by_what_the_text_names_else_by_what_the_command_says() -> None:
    (said,) = objects_in('What if: Setting mailbox Identity:"Ada Lovelace".')
    (asked,) = readings([said], DRY, KNOWN)
    assert asked.asked() == {
        "at": 0, "get": "Get-Mailbox", "by": "Identity", "identity": "ada", "properties": ["Office"]
    }  # fmt: skip
    piped = replace(DRY, writers=(replace(ADA, first=""),))
    assert readings([said], piped, KNOWN)[0].identity == "Ada Lovelace"
    graph = Writer("Update-MgUser", "Update-MgUser", "graph", {"UserId": "a", "City": "Bern"}, "")
    (user,) = readings([said], replace(DRY, writers=(graph,)), KNOWN)
    assert (user.get, user.by, user.identity, user.new) == (
        "Get-MgUser", "UserId", "a", {"City": "Bern"}
    )  # fmt: skip


def test_of_several_commands_only_the_one_that_names_the_object_is_asked() -> None:
    other = replace(ADA, first="bob", values={"Office": "Basel"})
    two = replace(DRY, writers=(ADA, other))
    said = objects_in('What if: Setting mailbox Identity:"bob".')
    assert [one.new for one in readings(said, two, KNOWN)] == [{"Office": "Basel"}]
    assert readings(objects_in('What if: Setting mailbox Identity:"zoe".'), two, KNOWN) == []
    assert readings(said, replace(DRY, writers=(ADA, ADA)), KNOWN) == []


def test_only_so_many_old_values_are_read() -> None:
    said = objects_in('What if: Setting mailbox Identity:"bob".\n' * 100)
    assert len(readings(said, DRY, KNOWN)) == MOST_READ


def test_changes_have_the_old_and_the_new_value_of_properties_that_are_there() -> None:
    said = objects_in('What if: Setting mailbox Identity:"ada".')
    values = {"Office": "Bern", "AuditEnabled": "$false", "MailTip": "$null", "Nothing": "x"}
    asked = readings(said, replace(DRY, writers=(replace(ADA, values=values),)), KNOWN)
    old = {"office": "Basel", "AuditEnabled": "True", "MailTip": "mind"}
    (one,) = with_changes(said, asked, f"{json.dumps({'at': 0, 'values': old})}\n")
    assert one["changes"] == [
        {"property": "office", "old": "Basel", "new": "Bern"},
        {"property": "AuditEnabled", "old": "True", "new": "False"},
        {"property": "MailTip", "old": "mind", "new": ""},
    ]
    assert with_changes(said, asked, "")[0]["changes"] == []


def test_a_preview_in_words_never_says_more_than_it_knows() -> None:
    said = objects_in('What if: Setting mailbox Identity:"ada".')
    said[0]["changes"] = [{"property": "Office", "old": "", "new": "Bern"}]
    preview: Preview = {"objects": said, "complete": True, "says": SAYS, "ran": ""}
    assert preview_text(preview).splitlines() == [
        "Setting mailbox: ada",
        "  Office: (empty) -> Bern",
        SAYS,
    ]
    none: Preview = {"objects": [], "complete": False, "says": SAYS, "ran": ""}
    assert preview_text(none).splitlines() == [NOTHING, NOT_ALL, SAYS]
    many: Preview = {**preview, "objects": said * (MOST_SHOWN + 1)}
    assert "... and 1 more" in preview_text(many)

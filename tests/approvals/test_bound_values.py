"""An approver sees every value that a change is bound to, or learns that one is hidden."""

from pwsh_kernels.approvals.bound_values import hidden_values, shown_values


def test_no_name_hides_a_value() -> None:
    shown = shown_values({"tokens": "Set-Mailbox x", "Password": ["a", {"Secret": "b"}]})
    for value in ("Set-Mailbox x", '"a"', '"b"'):
        assert value in shown


def test_a_secret_stays_hidden_and_is_named() -> None:
    given = {"To": {"$secret": "s3cret"}, "More": [1, {"Deep": {"$secret": "s3cret"}}], "Id": 7}
    shown = shown_values(given)
    assert "s3cret" not in shown
    assert shown.count("(hidden)") == 2
    assert hidden_values(given) == ["To", "More"]


def test_values_hide_nothing_between_their_letters() -> None:
    assert "<U+202E RIGHT-TO-LEFT OVERRIDE>" in shown_values({"Name": "a\u202eb"})


def test_without_values_there_is_nothing_to_show() -> None:
    assert shown_values({}) == ""

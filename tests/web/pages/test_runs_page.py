"""Runs as pages: the list and its search, live output, Stop, answers, and a form that runs."""

import json
import re
from typing import Any, cast

import pytest

from pwsh_kernels import shapes
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.prompt_answers import check_answer
from pwsh_kernels.records import Choice, Prompt, PromptField, PromptKind
from pwsh_kernels.web.pages.answers import read_answer
from pwsh_kernels.web.pages.entries import MOST_COLUMNS, pieces_of, table_of
from pwsh_kernels.web.pages.runs_page import is_found
from tests.fixtures.browser import Browser, Page, signed_in
from tests.fixtures.principals import Principals
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
TWO_FIELDS = """function f([Parameter(Mandatory)] $A, [Parameter(Mandatory)][string[]] $B) {
    $A + $B.Count
}
f"""
HOSTILE = "<script>alert(1)</script>"


# -- pure ------------------------------------------------------------------------------------------

YES_NO = (Choice("Yes", "Y"), Choice("No", "N"))
FIELDS = (
    PromptField("Name"),
    PromptField("Secret", type_name="SecureString", secret=True),
    PromptField("Names", type_name="String[]"),
    PromptField("Who", type_name="PSCredential"),
)
FORM = {"text-0": ["a"], "text-1": [" b "], "text-2": ["c\r\nd\r\n"]}
FORM |= {"user-3": ["u"], "password-3": ["p"]}


@pytest.mark.parametrize(
    ("prompt", "form", "answer"),
    [
        (Prompt("line"), {"text": [" x "]}, " x "),
        (Prompt("line", fields=(FIELDS[2],)), {"text": ["x\r\ny"]}, ["x", "y"]),
        (Prompt("secret"), {"text": ["s"]}, "s"),
        (Prompt("choice", choices=YES_NO), {"choice": ["1"]}, 1),
        (Prompt("choice", choices=YES_NO, multiple=True), {"choice": ["0", "1"]}, [0, 1]),
        (Prompt("choice", choices=YES_NO, multiple=True), {}, []),
        (
            Prompt("credential"),
            {"user": ["u"], "password": ["p"]},
            {"user": "u", "password": "p"},
        ),
        (
            Prompt("fields", fields=FIELDS),
            FORM,
            {
                "Name": "a",
                "Secret": " b ",
                "Names": ["c", "d"],
                "Who": {"user": "u", "password": "p"},
            },
        ),
    ],
    ids=lambda one: one.kind if isinstance(one, Prompt) else "",
)
def test_a_form_says_an_answer_in_the_shape_that_the_question_requires(
    prompt: Prompt, form: dict[str, list[str]], answer: object
) -> None:
    given = read_answer(prompt.to_json(), form)
    check_answer(prompt, given)
    assert given == answer


@pytest.mark.parametrize(
    ("kind", "form"),
    [("line", {}), ("credential", {"user": ["u"]}), ("choice", {}), ("choice", {"choice": ["-1"]})],
)
def test_a_form_that_says_no_answer_is_refused(kind: str, form: dict[str, list[str]]) -> None:
    prompt = Prompt(cast(PromptKind, kind), choices=YES_NO)
    with pytest.raises(InvalidRequest):
        read_answer(prompt.to_json(), form)


def entry(kind: str, text: str, **record: Any) -> shapes.Entry:
    """Return a piece of output as REST shows it."""
    facts = {"message": text, "error_id": "", **record} if kind == "error" else None
    given = {"start": 0, "stream": "stdout", "kind": kind, "text": text, "record": facts}
    return cast(shapes.Entry, given)


def test_text_loses_what_a_terminal_obeys_and_an_error_comes_with_its_advice() -> None:
    error = cast(shapes.ErrorRecord, {"message": "no", "error_id": "X", "suggestion": "Sign in."})
    text, other, bad = pieces_of(
        [entry("text", "\x1b[31mred"), entry("error", "other"), entry("error", "no", error_id="X")],
        [error],
    )
    assert (text.text, text.label) == ("red", "")
    assert (other.label, other.advice) == ("Error", "")
    assert (bad.label, bad.text, bad.advice) == ("Error", "no", "Sign in.")


def test_objects_become_a_table_and_everything_else_stays_text() -> None:
    table = table_of("json", '[{"a": 1, "b": null}, {"a": "x", "c": [1]}]')
    assert table is not None
    assert (table.columns, table.rows) == (["a", "b", "c"], [["1", "", ""], ["x", "", "[1]"]])
    csv = table_of("csv", "a,b\n1,2\n")
    assert csv is not None
    assert csv.rows == [["1", "2"]]
    wide = table_of("json", json.dumps([{str(one): one for one in range(20)}]))
    assert wide is not None
    assert wide.more_columns == 20 - MOST_COLUMNS
    assert [table_of(*one) for one in (("json", "[1]"), ("json", "x"), ("text", "[{}]"))] == (
        [None] * 3
    )


def test_a_search_looks_at_who_and_at_every_word_of_the_command() -> None:
    run = cast(
        shapes.Run, {"principal": "agent:Claude", "client": "mcp", "command": "Get-Mailbox x"}
    )
    assert is_found(run, "", "")
    assert is_found(run, "claude", "mailbox X")
    assert not is_found(run, "ada", "mailbox")
    assert not is_found(run, "", "mailbox y")


# -- through the server ----------------------------------------------------------------------------


def run_by_form(one: Browser, command: str, tenant: str = CONTOSO, **more: str) -> Page:
    """Run a command by the page's form, and return the page of the run."""
    form = one.open("/page/run").form("/page/run")
    page = one.send(form, session=f"{tenant}:exo", command=command, **{"format": "text", **more})
    assert "/runs/r-" in str(one.answer.url), page.text
    return page


def ended(server: Server, one: Browser) -> Page:
    """Return the page of the run that a browser shows, once the run has ended."""
    path = one.answer.url.path
    server.get(path, wait_s=30, seen="running")
    server.until(lambda: server.get(path)["state"] in shapes.ENDED)
    return one.open(path)


def asked(server: Server, one: Browser) -> Page:
    """Return the page of the run that a browser shows, once the run asks something."""
    path = one.answer.url.path
    server.until(lambda: server.get(path)["prompt"])
    return one.open(path)


def test_a_command_is_run_by_a_form_and_its_output_is_typed(guarded: Server) -> None:
    script = f"'{HOSTILE}'; Write-Warning 'mind'; Write-Error 'bad {HOSTILE}'"
    with signed_in(guarded) as one:
        run_by_form(one, script)
        page = ended(guarded, one)
        text = one.http.get(f"/page{one.answer.url.path}/output")
    assert HOSTILE not in page.html
    assert f"bad {HOSTILE}" in page.text
    shown = page.html.partition('id="output"')[2].partition(">")[2]
    assert shown.startswith("<span>")  # a line break of the template's would be one of the output
    assert re.search(r"\S</div>\s*</section>", shown)
    assert 'class="record error"' in page.html
    assert 'class="record warning"' in page.html
    for fact in ("failed", "the owner", "page", f"admin@{CONTOSO}"):
        assert fact in page.text
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "attachment" in text.headers["content-disposition"]
    assert HOSTILE in text.text


def test_a_run_is_a_notebook_too(guarded: Server) -> None:
    with signed_in(guarded) as one:
        run_by_form(one, "'in a cell'")
        ended(guarded, one)
        file = one.http.get(f"/page{one.answer.url.path}/notebook")
    assert "attachment" in file.headers["content-disposition"]
    about, cell = file.json()["cells"]
    assert about["cell_type"] == "markdown"
    assert cell["source"] == "'in a cell'"
    assert "in a cell" in "".join(cell["outputs"][0]["text"])


def test_runs_are_found_by_class_and_tier(guarded: Server) -> None:
    run = guarded.run("'of no class'")
    assert run["class"] == ""
    with signed_in(guarded) as one:
        search = one.open("/runs").form("/runs")
        assert "of no class" in one.send(search, tier="write").text
        assert "of no class" not in one.send(search, **{"class": "write"}).text
        assert "of no class" not in one.send(search, tier="read").text


def test_objects_are_shown_as_a_table(guarded: Server) -> None:
    with signed_in(guarded) as one:
        run_by_form(one, f"[pscustomobject]@{{ Name = '{HOSTILE}'; Size = 3 }}", format="json")
        page = ended(guarded, one)
    assert page.tags.count("th") == 2
    assert "1 object" in page.text
    assert HOSTILE not in page.html


def test_a_refused_command_stays_in_the_form_with_the_reason(guarded: Server) -> None:
    with signed_in(guarded) as one:
        form = one.open("/page/run").form("/page/run")
        page = one.send(form, session="nowhere.example:exo", command="Get-It 1", format="text")
    assert one.answer.status_code == 401  # REST's status of a session that nobody signed in
    assert "Get-It 1" in page.text
    assert "Nobody is signed in to nowhere.example:exo" in page.text


def test_stop_stops(guarded: Server) -> None:
    with signed_in(guarded) as one:
        page = run_by_form(one, "Start-Sleep 600")
        one.send(page.form("/stop"))
        page = ended(guarded, one)
    assert "cancelled" in page.text
    assert not [form for form in page.forms if form.action.endswith("/stop")]


@pytest.mark.parametrize(
    ("command", "answer", "told"),
    [
        ("'got ' + (Read-Host 'Name')", {"text": f"ada {HOSTILE}"}, f"got ada {HOSTILE}"),
        (
            "$s = Read-Host 'Pin' -AsSecureString; 'got ' + $s.Length",
            {"text": "s3cret-pin"},
            "got 10",
        ),
        (
            "'got ' + $Host.UI.PromptForChoice('Delete', 'Sure?', @('&Yes', '&No'), 1)",
            {"choice": "0"},
            "got 0",
        ),
        (
            "$c = Get-Credential -Message 'Whose?' -UserName bob; 'got ' + $c.UserName",
            {"user": "ada", "password": "s3cret-pin"},
            "got ada",
        ),
        (
            TWO_FIELDS,
            {"text-0": "it", "text-1": "a\r\nb\r\n"},
            "it2",
        ),
    ],
    ids=["line", "secret", "choice", "credential", "fields"],
)
def test_a_question_is_answered_by_a_form_and_a_secret_is_never_shown(
    guarded: Server, command: str, answer: dict[str, str], told: str
) -> None:
    with signed_in(guarded) as one:
        run_by_form(one, command)
        page = asked(guarded, one)
        assert page.form("/answer").names >= {*answer}
        one.send(page.form("/answer"), **answer)
        page = ended(guarded, one)
        everything = page.html + one.open("/").html + one.open("/runs").html
    assert told in page.text
    assert "s3cret-pin" not in everything
    assert HOSTILE not in everything


def test_a_question_needs_you_on_the_first_page_and_can_be_refused(guarded: Server) -> None:
    with signed_in(guarded) as one:
        run_by_form(one, "Read-Host 'Who is it'; 'on'")
        where = one.answer.url.path
        asked(guarded, one)
        page = one.open("/")
        assert "Who is it" in page.text
        refusing = [form for form in page.forms if form.action.endswith("/answer")][-1]
        assert refusing.values["refuse"] == "yes"
        one.send(refusing)
        assert one.answer.url.path == where
        ended(guarded, one)
        assert "Who is it" not in one.open("/").html.split('id="sessions"')[0]


def test_an_answer_for_somebody_else_says_so(guarded: Server, principals: Principals) -> None:
    with signed_in(guarded) as owner, signed_in(guarded, principals.tokens["ada"]) as ada:
        run_by_form(owner, "'got ' + (Read-Host 'Name')")
        where = owner.answer.url.path
        asked(guarded, owner)
        page = ada.open(where)
        assert "stands for the owner" in page.text
        form = page.form("/answer")
        assert form.values["for_other"] == "yes"
        del form.values["for_other"]
        ada.send(form, text="x")
        assert ada.answer.status_code == 403
        ada.send(page.form("/answer"), text="ada", for_other="yes")
        assert "got ada" in ended(guarded, ada).text


def test_runs_are_found_by_who_tenant_command_and_state(guarded: Server) -> None:
    with signed_in(guarded) as one:
        run_by_form(one, "'needle one'")
        run_by_form(one, "throw 'needle two'", FABRIKAM)
        ended(guarded, one)
        found = {
            query: [word in one.open(f"/runs?{query}").text for word in ("'needle one'", "two'")]
            for query in (
                "command=needle",
                f"command=needle&tenant={CONTOSO}",
                "command=needle&state=failed",
                "command=needle&who=nobody",
            )
        }
    assert list(found.values()) == [[True, True], [True, False], [False, True], [False, False]]


def test_runs_of_others_are_neither_listed_nor_shown_nor_sent(
    guarded: Server, principals: Principals
) -> None:
    run = guarded.run("'hidden needle'", FABRIKAM)["run_id"]
    paths = [f"/runs/{run}", f"/page/runs/{run}/output", "/runs/r-unknown"]
    with signed_in(guarded, principals.tokens["ada"]) as one:
        assert "hidden needle" not in one.open("/runs").text
        pages = [one.open(path) for path in paths]
        statuses = {one.http.get(path).status_code for path in paths}
        forms = one.open("/runs").html
    assert statuses == {404}
    assert "hidden needle" not in "".join(page.html for page in pages) + forms
    assert pages[0].text.replace(run, "RUN") == pages[2].text.replace("r-unknown", "RUN")


def test_who_may_only_read_gets_no_buttons_that_do_something(
    guarded: Server, principals: Principals
) -> None:
    run = guarded.run("'seen'")["run_id"]
    with signed_in(guarded, principals.tokens["student"]) as one:
        page = one.open(f"/runs/{run}")
        assert "seen" in page.text
        assert [form.action for form in page.forms] == ["/sign-out"]
        assert "no session in which you may run" in one.open("/page/run").text


def test_a_run_s_stream_adds_what_is_new_and_ends_with_the_run(guarded: Server) -> None:
    script = "'one'; Start-Sleep -Milliseconds 300; 'two'"
    with signed_in(guarded) as one:
        run_by_form(one, script)
        run = one.answer.url.path.rpartition("/")[2]
        with one.http.stream("GET", f"/page/stream/{run}") as answer:
            sent = "".join(f"{line}\n" for line in answer.iter_lines())
        length = guarded.get(f"/runs/{run}")["total_chars"]
        again = one.http.get(f"/page/stream/{run}", headers={"Last-Event-ID": str(length)})
    assert sent.count("<span>one") == 1
    assert sent.count("two\n") == 1
    assert sent.rindex("succeeded") > sent.index("<span>one")
    assert f"id: {length}\n" in sent
    assert "<span>one" not in again.text

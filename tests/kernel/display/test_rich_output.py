"""What a person's notebook shows besides text: tables, lists, pictures, HTML, Markdown and JSON,
from a real kernel.
"""

import base64
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.messages import KEY, view_metadata
from tests.fixtures.kernel import Client, Run, connected, running_kernel

pytestmark = pytest.mark.xdist_group("kernel")

PEOPLE = (
    "[pscustomobject]@{ Name = 'Adele'; Size = 7 }, [pscustomobject]@{ Name = 'Änne'; Size = 1234 }"
)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()


class Cells(HTMLParser):
    """The rows of the HTML tables, each cell with its alignment; the text outside of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str]]] = []
        self.headings: list[str] = []
        self.tags: set[str] = set()
        self.outside = ""
        self._cell: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            style = dict(attrs)["style"] or ""
            self._cell = style.partition("text-align:")[2].partition(";")[0]
            self.rows[-1].append(("", self._cell))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is None:
            self.outside += data
        else:
            self.rows[-1][-1] = (self.rows[-1][-1][0] + data, self._cell)

    @property
    def texts(self) -> list[list[str]]:
        return [[text for text, _ in row] for row in self.rows]


def data(message: dict[str, Any]) -> dict[str, Any]:
    """Return the MIME bundle of a display message."""
    bundle: dict[str, Any] = message["content"]["data"]
    return bundle


def final_displays(run: Run) -> list[dict[str, Any]]:
    """Return what a notebook shows in the end: the last state of every display, in order."""
    shown: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(run.outputs):
        if one["msg_type"] in ("display_data", "update_display_data"):
            shown[one["content"]["transient"].get("display_id", f"#{number}")] = data(one)
    return list(shown.values())


def only_table(run: Run) -> Cells:
    """Return the one table that a run has left."""
    (bundle,) = final_displays(run)
    return Cells(bundle["text/html"])


def test_a_result_that_prints_as_a_table_is_a_table_beside_its_text(client: Client) -> None:
    run = client.notebook_run(PEOPLE)
    (bundle,) = final_displays(run)
    assert bundle["text/plain"] == "Name  Size\n----  ----\nAdele    7\nÄnne  1234"
    table = Cells(bundle["text/html"])
    assert table.rows == [
        [("Name", "left"), ("Size", "right")],
        [("Adele", "left"), ("7", "right")],
        [("Änne", "left"), ("1234", "right")],
    ]


def test_a_table_has_the_columns_and_the_heading_of_powershells_own_view(client: Client) -> None:
    run = client.notebook_run("Get-ChildItem / -Directory | Where-Object Name -eq etc")
    table = only_table(run)
    assert table.texts[0] == ["UnixMode", "User", "Group", "LastWriteTime", "Size", "Name"]
    assert table.texts[1][-1] == "etc"
    assert table.outside.strip() == "Directory: /"


def test_what_format_table_chose_is_what_is_shown(client: Client) -> None:
    run = client.notebook_run(
        f"{PEOPLE} | Format-Table -AutoSize -Property @{{ Label = 'Who'; Expression = 'Name' }}"
    )
    assert only_table(run).texts == [["Who"], ["Adele"], ["Änne"]]
    hidden = client.notebook_run(f"{PEOPLE} | Format-Table -HideTableHeaders")
    assert only_table(hidden).texts == [["Adele", "7"], ["Änne", "1234"]]


def test_a_group_of_format_table_is_a_table_with_its_heading(client: Client) -> None:
    run = client.notebook_run(f"{PEOPLE} | Format-Table -GroupBy Name")
    first, second = (Cells(one["text/html"]) for one in final_displays(run))
    assert (first.outside.strip(), second.outside.strip()) == ("Name: Adele", "Name: Änne")
    assert second.texts[1:] == [["Änne", "1234"]]


def test_a_list_is_a_table_of_labels_and_values(client: Client) -> None:
    run = client.notebook_run(f"{PEOPLE} | Format-List")
    (bundle,) = final_displays(run)
    assert Cells(bundle["text/html"]).texts == [
        ["Name", "Adele"],
        ["Size", "7"],
        ["Name", "Änne"],
        ["Size", "1234"],
    ]
    assert bundle["text/plain"].startswith("Name : Adele\nSize : 7\n\nName : Änne")


def test_text_in_a_table_is_escaped_and_without_colours(client: Client) -> None:
    run = client.notebook_run(
        "[pscustomobject]@{ '<b>' = '<script>alert(1)</script>&' + $PSStyle.Foreground.Red + 'x' }"
    )
    (bundle,) = final_displays(run)
    assert "<script" not in bundle["text/html"]
    assert Cells(bundle["text/html"]).texts == [["<b>"], ["<script>alert(1)</script>&x"]]


def test_strings_and_numbers_stay_text(client: Client) -> None:
    run = client.notebook_run("'a'; 1; 1.5; $true; Get-Date -Date 2026-01-02 | ForEach-Object Year")
    assert {one["msg_type"] for one in run.outputs} == {"stream"}
    assert run.text() == "a\n1\n1.5\nTrue\n2026\n"


def test_at_most_500_rows_are_shown_with_a_line_that_says_how_many_more(client: Client) -> None:
    run = client.notebook_run("1..1700 | ForEach-Object { [pscustomobject]@{ Number = $_ } }")
    (bundle,) = final_displays(run)
    table = Cells(bundle["text/html"])
    assert [row[0] for row in table.texts] == ["Number", *map(str, range(1, 501))]
    assert table.outside.strip() == "… 1,200 more rows (500 shown)"
    assert bundle["text/plain"].split() == ["Number", "------", *map(str, range(1, 1701))]


def test_text_tables_and_records_of_one_cell_keep_their_order(client: Client) -> None:
    code = (
        "'before'; [pscustomobject]@{ A = 1 }; Write-Warning w; [pscustomobject]@{ A = 2 };"
        " 'between';[pscustomobject]@{ A = 3 }; Write-Host h; [pscustomobject]@{ A = 4 } |"
        " Format-List; 'after'; throw 'end'"
    )
    run = client.run(code)
    kinds = ["text", "view", "warning", "view", "text", "view", "host", "view", "text", "error"]
    assert run.kinds == kinds
    tables = [
        Cells(one["content"]["data"]["text/html"]).texts
        for one in run.outputs
        if one["msg_type"] == "display_data"
    ]
    assert tables == [[["A"], ["1"]], [["A"], ["2"]], [["A"], ["3"]], [["A", "4"]]]


def test_a_table_is_shown_before_the_question_that_follows_it(client: Client) -> None:
    run_id = client.send(f"{PEOPLE}; Read-Host 'Which'", cell="c-1", allow_stdin=True)
    run = client.question(run_id)
    client.answer("none")
    client.finish(run_id)
    assert len(run.questions) == 1
    assert only_table(run).texts[1:] == [["Adele", "7"], ["Änne", "1234"]]


def test_a_slow_table_grows_in_a_notebook_and_comes_at_once_for_a_program(client: Client) -> None:
    slow = "1..3 | ForEach-Object { [pscustomobject]@{ A = $_ }; Start-Sleep -Milliseconds 300 }"
    growing = client.notebook_run(slow)
    assert [one["msg_type"] for one in growing.outputs][:2] == [
        "display_data",
        "update_display_data",
    ]
    assert only_table(growing).texts == [["A"], ["1"], ["2"], ["3"]]
    added = "".join(one["metadata"][KEY]["text"] for one in growing.outputs)
    assert added.split() == ["A", "-", "1", "2", "3"]
    whole = client.run(slow)  # a program that takes no input reads the output at its end
    assert [one["msg_type"] for one in whole.outputs] == ["display_data"]
    assert whole.outputs[0]["metadata"] == view_metadata("\nA\n-\n1\n2\n3\n\n")


def test_a_slow_table_comes_in_whole_pieces_where_updates_may_be_ignored(client: Client) -> None:
    slow = (
        "Get-ChildItem / | Select-Object -First 4 | ForEach-Object { $_; Start-Sleep -Milliseconds"
        " 250 }"
    )
    run = client.finish(client.send(slow, allow_stdin=True))  # as jupyter console asks
    assert {one["msg_type"] for one in run.outputs} == {"display_data"}
    assert len(run.outputs) > 1
    pieces = [Cells(data(one)["text/html"]).texts for one in run.outputs]
    names = [row[-1] for piece in pieces for row in piece[1:]]
    assert len(names) == 4
    printed = "\n".join(data(one)["text/plain"] for one in run.outputs)
    assert printed.count("UnixMode") == 1
    assert all(printed.count(f" {name}") == 1 for name in names)


def test_a_stop_or_an_error_leaves_the_rows_that_came(client: Client) -> None:
    run = client.notebook_run(f"{PEOPLE}; throw 'no'")
    assert only_table(run).texts[1:] == [["Adele", "7"], ["Änne", "1234"]]
    run_id = client.send(f"{PEOPLE}; Start-Sleep 60", cell="c-1")
    client.until(run_id, lambda one: bool(one.outputs))
    client.interrupt()
    stopped = client.finish(run_id)
    assert stopped.summary.outcome == "stopped"
    assert only_table(stopped).texts[1:] == [["Adele", "7"], ["Änne", "1234"]]


@pytest.mark.parametrize("how", [", $bytes", "$bytes", "$bytes | ForEach-Object { $_ }"])
def test_bytes_that_are_a_picture_are_shown_as_one(client: Client, how: str) -> None:
    run = client.notebook_run(
        f"$bytes = [Convert]::FromBase64String('{PNG}'); 'before'; {how}; 'after'"
    )
    assert run.text() == "before\nafter\n"
    assert run.outputs[1]["content"]["data"] == {
        "image/png": PNG,
        "text/plain": "[image/png, 264 bytes]",
    }


def test_a_jpeg_is_a_picture_and_other_bytes_are_numbers(client: Client) -> None:
    run = client.notebook_run(
        ", [byte[]](0xFF, 0xD8, 0xFF, 0xE0, 1); [byte[]](0xFF, 0xD8, 1); [byte]0x89"
    )
    assert [one["msg_type"] for one in run.outputs].count("display_data") == 1
    assert "image/jpeg" in data(run.outputs[0])
    assert run.text() == "255\n216\n1\n137\n"


@pytest.mark.parametrize(
    ("code", "mime", "value"),
    [
        ("'<b>x</b>' | Out-Html", "text/html", "<b>x</b>"),
        ("'# A', 'b' | Out-Markdown", "text/markdown", "# A\nb"),
        ("'# A', '*b*' -join \"`n\" | Show-Markdown", "text/markdown", "# A\n*b*"),
        ("Out-Svg '<svg/>'", "image/svg+xml", "<svg/>"),
        ("@{ a = 1, 2 } | Out-Json", "application/json", {"a": [1, 2]}),
        ("1, 2 | Out-Json", "application/json", [1, 2]),
        ("'{\"b\": null}' | Out-Json", "application/json", {"b": None}),
    ],
)
def test_a_function_of_the_kernel_shows_its_kind(
    client: Client, code: str, mime: str, value: Any
) -> None:
    run = client.notebook_run(f"'before'; $later = {code}; $later; '<b>x</b>'")
    assert [one["msg_type"] for one in run.outputs] == ["stream", "display_data", "stream"]
    assert data(run.outputs[1])[mime] == value


def test_for_a_program_the_functions_of_the_kernel_give_plain_strings(client: Client) -> None:
    run = client.run("$x = '<b>x</b>' | Out-Html; $x; $x.Length", {"format": "text"})
    assert run.text() == "<b>x</b>\n8\n"
    assert client.run("'<b>x</b>' | Out-Html", {"format": "json"}).text() == '"<b>x</b>"'


@pytest.mark.parametrize("name", ["Out-Html", "Out-Svg", "Out-Markdown", "Out-Json"])
def test_the_functions_of_the_kernel_have_help(client: Client, name: str) -> None:
    run = client.run(
        f"(Get-Help {name}).Synopsis; (Get-Help {name} -Parameter InputObject).description.Text", {}
    )
    synopsis, parameter = run.text().splitlines()
    assert synopsis.startswith("Shows ")
    assert parameter


def test_a_request_can_switch_rich_output_on_and_off(client: Client) -> None:
    assert client.run(PEOPLE, {"rich": True}).kinds == ["view"]
    assert set(client.run(PEOPLE, {"rich": False}).kinds) == {"text"}  # pieces: as it became ready


@pytest.mark.pwsh
def test_a_kernel_with_rich_output_switched_off_gives_the_same_as_text(tmp_path: Path) -> None:
    with (
        running_kernel(tmp_path, PWSH_KERNELS_RICH_OUTPUT="off") as manager,
        connected(manager) as client,
    ):
        run = client.notebook_run(f"{PEOPLE}; '<i>' | Out-Html")
        assert set(run.kinds) == {"text"}
        assert run.text() == "\nName  Size\n----  ----\nAdele    7\nÄnne  1234\n\n<i>\n"
        assert client.run("$Last.Count").text() == "3\n"


def test_the_last_results_stay_available(client: Client) -> None:
    client.run("Remove-Variable Last -ErrorAction Ignore")
    client.run("Get-Item /etc")
    assert client.run("$Last.FullName").text() == "/etc\n"
    client.run("1, 2, 3; Write-Warning w")
    client.run("$null = 'no result'")
    client.run("'of a program'", {})
    assert client.run("($Last | Measure-Object -Sum).Sum").text() == "6\n"
    client.run("'kept'; throw 'x'")
    assert client.run("$Last").text() == "kept\n"


def test_the_newest_thousand_results_are_kept_and_no_more(client: Client) -> None:
    client.run("Remove-Variable Last -ErrorAction Ignore")
    client.run("1..5000")
    assert client.run('"$($Last.Count) $($Last[0]) $($Last[-1])"').text() == "1000 4001 5000\n"


def test_a_variable_of_that_name_that_the_person_has_set_is_left_alone(client: Client) -> None:
    client.run("$last = 'mine'; 'other'")
    assert client.run("$Last").text() == "mine\n"
    client.run("Remove-Variable Last; 'again'")
    assert client.run("$Last").text() == "again\n"


def test_the_pipeline_variable_is_nobodys_between_cells(client: Client) -> None:
    client.run("1..3 | ForEach-Object { $_ }")
    assert client.run("$null -eq $_").text() == "True\n"


def test_each_kind_of_result_is_shown_in_its_own_way(client: Client) -> None:
    code = (
        "Get-Item /etc | Select-Object Name; [pscustomobject]@{ B = 2 }; [ordered]@{ k = 'v'; l ="
        " 'w' };[version]'1.2'; Get-Date 2026-01-02"
    )
    run = client.notebook_run(code)
    tables = [Cells(one["text/html"]).texts for one in final_displays(run)]
    assert tables == [
        [["Name"], ["etc"]],
        [["B"], ["2"]],
        [["Name", "Value"], ["k", "v"], ["l", "w"]],
        [["Major", "Minor", "Build", "Revision"], ["1", "2", "-1", "-1"]],
    ]
    assert "2026" in run.text()


def test_write_host_has_the_colours_that_it_was_given(client: Client) -> None:
    run = client.notebook_run(
        "Write-Host red -ForegroundColor Red -NoNewline; Write-Host plain; Write-Host on"
        " -BackgroundColor Blue"
    )
    assert run.text() == "\x1b[91mred\x1b[0mplain\n\x1b[104mon\x1b[0m\n"
    assert client.run("Write-Host red -ForegroundColor Red", {}).text() == "red\n"


def test_records_have_the_colours_that_the_session_chose(client: Client) -> None:
    client.notebook_run(
        '$PSStyle.Formatting.Warning = "`e[35m"; $PSStyle.Formatting.Error = "`e[34m"'
    )
    warned = client.notebook_run("Write-Warning 'careful'; throw 'bad'")
    usual = client.notebook_run(
        '$PSStyle.Formatting.Warning = "`e[33;1m"; $PSStyle.Formatting.Error = "`e[31;1m";'
        " Write-Warning x"
    )
    assert "\x1b[35mWARNING: careful\x1b[0m\n" in warned.text("stderr")
    assert any("\x1b[34mbad\x1b[0m" in line for line in warned.content["traceback"])
    assert "\x1b[33;1mWARNING: x\x1b[0m\n" in usual.text("stderr")


@pytest.mark.parametrize("command", ["Clear-Host", "cls", "clear"])
def test_what_clears_the_screen_clears_the_output_of_a_cell_and_is_nothing_to_a_program(
    client: Client, command: str
) -> None:
    run = client.notebook_run(f"'before'; {command}; 'after'")
    assert [one["msg_type"] for one in run.outputs] == ["stream", "clear_output", "stream"]
    assert run.outputs[1]["content"] == {"wait": False}
    assert run.text() == "before\nafter\n"
    program = client.run(f"'before'; {command}; 'after'", {})
    assert {one["msg_type"] for one in program.outputs} == {"stream"}
    assert program.text() == "before\nafter\n"


SHOWN = {
    "NormalView": "+ CategoryInfo          : ObjectNotFound: (/nowhere:String) [Get-Item]",
    "CategoryView": "ObjectNotFound: (/nowhere:String) [Get-Item], ItemNotFoundException",
    "DetailedView": "FullyQualifiedErrorId : PathNotFound",
}


@pytest.mark.parametrize("view", SHOWN)
def test_errors_are_shown_in_the_view_that_the_session_chose(client: Client, view: str) -> None:
    code = f"$ErrorView = '{view}'; Get-Item /nowhere"
    ending = f"{code} -ErrorAction Stop"
    runs = client.notebook_run(code), client.run(code, {})
    ended = client.notebook_run(ending), client.run(ending, {})
    client.run("$ErrorView = 'ConciseView'")
    texts = [one.text("stderr") for one in runs]
    texts += ["\n".join(one.content["traceback"]) for one in ended]
    assert all(SHOWN[view] in text for text in texts)
    assert not any("Get-Item: Cannot find path" in text for text in texts)


def test_an_error_of_syntax_has_its_place_in_every_view(client: Client) -> None:
    client.run("$ErrorView = 'NormalView'")
    run = client.notebook_run("if (")
    client.run("$ErrorView = 'ConciseView'")
    first, *_, last = run.content["traceback"]
    assert "At line:1 char:5" in first
    assert "FullyQualifiedErrorId : IfStatementMissingCondition" in last


@pytest.mark.parametrize("options", [{}, {"rich": True}], ids=["program", "person"])
def test_an_error_line_of_the_host_goes_to_stderr(client: Client, options: dict[str, bool]) -> None:
    run = client.run("'a'; $Host.UI.WriteErrorLine('bad'); 'b'", options)
    assert (run.text(), run.text("stderr")) == ("a\nb\n", "bad\n")
    assert run.summary.errors == 0


def test_colours_of_the_host_are_shown_to_a_person_alone(client: Client) -> None:
    code = (
        "$Host.UI.Write('Red', 'Black', 'a'); $Host.UI.WriteLine('Gray', 'DarkBlue', 'b');"
        " $Host.UI.WriteLine('c')"
    )
    assert client.notebook_run(code).text() == "\x1b[91ma\x1b[0m\x1b[44mb\x1b[0m\nc\n"
    assert client.run(code, {}).text() == "ab\nc\n"


@pytest.mark.parametrize(
    "stop",
    [
        "Wait-Debugger",
        "Get-Item /nowhere -ErrorAction Break",
        "$ErrorActionPreference = 'Break'; 1/0",
    ],
)
def test_a_cell_that_would_wait_for_a_debugger_goes_on_with_a_warning(
    client: Client, stop: str
) -> None:
    run = client.notebook_run(f"'before'; & {{ {stop} }}; 'after'")
    assert run.text() == "before\nafter\n"
    assert "A debugger would stop here: line 1" in run.text("stderr")


def test_an_interrupt_ends_a_cell_that_stops_for_a_debugger_again_and_again(client: Client) -> None:
    run_id = client.send(
        "& { $ErrorActionPreference = 'Break'; 'go'; while ($true) { Get-Item /nowhere 2>$null;"
        " Wait-Debugger } }"
    )
    client.until(run_id, lambda run: "go" in run.text())
    client.interrupt()
    assert client.finish(run_id).summary.outcome == "stopped"


def test_beside_an_error_of_what_needs_a_screen_stands_what_to_use(client: Client) -> None:
    cell = client.notebook_run("1 | Out-GridView; 2 | Out-GridView")
    assert cell.text("stderr").count("Out-GridView opens a window") == 1
    assert "is not recognized" in cell.text("stderr")
    ended = client.notebook_run("try { Out-GridView } catch { throw }")
    (error,) = [one["content"] for one in ended.outputs if one["msg_type"] == "error"]
    assert "Out-GridView opens a window" in error["traceback"][-1]


def test_a_program_gets_the_error_alone(client: Client) -> None:
    assert "opens a window" not in client.run("1 | Out-GridView", {}).text("stderr")


def test_markdown_in_files_is_shown_as_markdown_and_what_was_converted_before_as_text(
    client: Client, tmp_path: Path
) -> None:
    (tmp_path / "a.markdown").write_text("# A\n", encoding="utf-8")
    (tmp_path / "b.markdown").write_text("*b*\n", encoding="utf-8")
    for code in (
        f"Show-Markdown {tmp_path}/*.markdown",
        f"Show-Markdown -LiteralPath {tmp_path}/a.markdown, {tmp_path}/b.markdown",
    ):
        assert [one["text/markdown"] for one in final_displays(client.notebook_run(code))] == [
            "# A\n",
            "*b*\n",
        ]
    (one,) = final_displays(client.notebook_run(f"Get-Item {tmp_path}/a.markdown | Show-Markdown"))
    assert one["text/markdown"] == "# A\n"
    converted = client.notebook_run(
        "'# A' | ConvertFrom-Markdown -AsVT100EncodedString | Show-Markdown"
    )
    assert (converted.text(), final_displays(converted)) == ("A\n\n\n", [])
    missing = client.notebook_run(f"Show-Markdown {tmp_path}/none.markdown")
    assert "none.markdown' because it does not exist" in missing.text("stderr")


def test_for_a_program_markdown_is_plain_text(client: Client) -> None:
    run = client.run('$x = "# A`n* **b**" | Show-Markdown; $x', {"format": "text"})
    assert run.text() == "A\n\n* b\n\n"


@pytest.mark.parametrize("program", [True, False], ids=["program", "person"])
def test_help_is_formatted_as_help(client: Client, program: bool) -> None:
    code = "Get-Help Out-Html -Full"
    text = client.run(code, {}).text() if program else client.notebook_run(code).text()
    headings = ["NAME", "SYNOPSIS", "SYNTAX", "DESCRIPTION", "PARAMETERS"]
    assert [line for line in text.splitlines() if line in headings] == headings
    together = "".join(text.split())  # the path of the script may be too long for one line
    assert "Out-Html.ps1[-InputObject]<String[]>[<CommonParameters>]" in together
    assert "-------------------------- EXAMPLE 1 --------------------------" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("program", [True, False], ids=["program", "person"])
def test_get_error_shows_the_whole_error_readably(client: Client, program: bool) -> None:
    code = "Get-Item /nowhere -ErrorAction SilentlyContinue; Get-Error -Newest 1"
    text = client.run(code, {}).text() if program else client.notebook_run(code).text()
    assert (
        "FullyQualifiedErrorId : PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand" in text
    )
    assert (
        "\n    Message              : Cannot find path '/nowhere' because it does not exist.\n"
        in text
    )
    assert not program or "\x1b" not in text


def test_converttohtml_gives_strings_that_outhtml_shows(client: Client) -> None:
    code = "[pscustomobject]@{ Name = '<Adele>' } | ConvertTo-Html -Fragment"
    lines = client.notebook_run(code).text().splitlines()
    assert lines == [
        "<table>",
        "<colgroup><col/></colgroup>",
        "<tr><th>Name</th></tr>",
        "<tr><td>&lt;Adele&gt;</td></tr>",
        "</table>",
    ]
    (shown,) = final_displays(client.notebook_run(f"{code} | Out-Html"))
    assert shown["text/html"].splitlines() == lines


@pytest.mark.parametrize(
    "start",
    [
        "1 | ForEach-Object -Parallel {0}",
        "Start-Job {0} | Receive-Job -Wait",
        "Start-ThreadJob {0} | Receive-Job -Wait",
    ],
)
def test_the_progress_of_jobs_is_a_bar_that_goes_with_the_cell(client: Client, start: str) -> None:
    work = "{ Write-Progress -Activity Copy -Status half -PercentComplete 50; 'out' }"
    run = client.notebook_run(start.replace("{0}", work))
    bars = [
        data(one)["text/plain"]
        for one in run.outputs
        if one["metadata"].get(KEY, {}).get("kind") == "progress"
    ]
    assert (bars[0], bars[-1]) == ("Copy [##########..........] 50% half", "")
    assert run.text() == "out\n"

"""Questions about the objects of a run, over HTTP: conditions, order, projection, and why there
sometimes is no answer.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.front_end import Notebook
from tests.fixtures.server import CONTOSO, FABRIKAM, KEPT, Server

pytestmark = pytest.mark.xdist_group("server")

MIXED = """
function New-One($Name, $Id, $Note, $Size, $When, $On, $Mail, $Deep) {
    [pscustomobject]@{
        Name = $Name; Id = $Id; Note = $Note; Size = $Size; When = $When; On = $On; Mail = $Mail; Deep = $Deep
    }
}
$deep = [pscustomobject]@{ Inner = @{ Value = 5 } }
$mail = 'smtp:ann@x.example', 'SMTP:a@x.example'
New-One Ann 3 '10' '1.2 GB (1,288,490,188 bytes)' ([datetime]'2026-01-02T10:00') $true $mail $deep
'a line of text'
42
New-One bob $null '9' '900 MB (943,718,400 bytes)' $null $false @() $null
New-One Cy 20 'abc' Unlimited ([datetime]'2026-05-02') $null 'x' $null
New-One ann 3 '' 3GB ([datetime]'2026-01-02') $true 'y' $null
"""  # noqa: E501


@pytest.fixture(scope="module")
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    return server


@pytest.fixture(scope="module")
def mixed(contoso: Server) -> str:
    """A run whose objects have values of many kinds."""
    return str(contoso.run(MIXED)["run_id"])


def query(server: Server, run_id: str, *where: str, **more: Any) -> dict[str, Any]:
    """Ask for objects, as JSON."""
    return server.post(f"/runs/{run_id}/query", where=list(where), **{"format": "json", **more})


def names(answer: dict[str, Any]) -> list[str]:
    assert answer["success"], answer
    return [one["Name"] for one in json.loads(answer["result"])]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["Name eq ann"], ["Ann", "ann"]),
        (["Name ne ann"], ["bob", "Cy"]),
        (["name like a*"], ["Ann", "ann"]),
        (["Name notlike a*"], ["bob", "Cy"]),
        (["Name match ^(b|c)"], ["bob", "Cy"]),
        (["Name notmatch ^(b|c)"], ["Ann", "ann"]),
        (["Name contains N"], ["Ann", "ann"]),
        (["Name in bob, 'cy'"], ["bob", "Cy"]),
        (["Name gt bob"], ["Cy"]),
        (["Id = 3"], ["Ann", "ann"]),
        (["Id gt 10"], ["Cy"]),
        (["Id le 3"], ["Ann", "ann"]),
        (["Id ne 3"], ["bob", "Cy"]),
        (["Id in 20, 4"], ["Cy"]),
        (["Id empty"], ["bob"]),
        (["Id notempty", "Name eq ann"], ["Ann", "ann"]),
        (["Note gt 9"], ["Ann"]),
        (["Note empty"], ["ann"]),
        (["Size gt 1GB"], ["Ann", "Cy", "ann"]),
        (["Size lt 1GB"], ["bob"]),
        (["Size eq 3 GB"], ["ann"]),
        (["Size gt 10TB"], ["Cy"]),
        (["Size ge 1,288,490,188"], ["Ann", "Cy", "ann"]),
        (["When gt 2026-02-01"], ["Cy"]),
        (["When eq 2026-01-02"], ["Ann", "ann"]),
        (["When lt 2026-01-02T09:00:00Z"], ["ann"]),
        (["When ne 2026-01-02"], ["bob", "Cy"]),
        (["On eq true"], ["Ann", "ann"]),
        (["On eq $false"], ["bob"]),
        (["On ne true"], ["bob", "Cy"]),
        (["Mail eq SMTP:A@x.example"], ["Ann"]),
        (["Mail contains ann@"], ["Ann"]),
        (["Mail like smtp:*"], ["Ann"]),
        (["Mail empty"], ["bob"]),
        (["Deep.Inner.Value ge 5"], ["Ann"]),
        (["Deep.Inner.Value empty"], ["bob", "Cy", "ann"]),
        (["Name eq nobody"], []),
    ],
)
def test_conditions_compare_by_the_kind_of_each_value(
    contoso: Server, mixed: str, where: list[str], found: list[str]
) -> None:
    answer = query(contoso, mixed, *where)
    assert names(answer) == found
    assert answer["query"] == {
        "kept": 4,
        "matched": len(found),
        "shown": len(found),
        "of_run": mixed,
    }


@pytest.mark.parametrize(
    ("sort_by", "descending", "found"),
    [
        ("Name", False, ["Ann", "ann", "bob", "Cy"]),
        ("Name", True, ["Cy", "bob", "Ann", "ann"]),
        ("Id", False, ["Ann", "ann", "Cy", "bob"]),
        ("Id", True, ["Cy", "Ann", "ann", "bob"]),
        ("Note", False, ["bob", "Ann", "Cy", "ann"]),
        ("Size", False, ["bob", "Ann", "ann", "Cy"]),
        ("Size", True, ["Cy", "ann", "Ann", "bob"]),
        ("When", False, ["ann", "Ann", "Cy", "bob"]),
        ("On", True, ["Ann", "ann", "bob", "Cy"]),
        ("Deep.Inner.Value", True, ["Ann", "bob", "Cy", "ann"]),
    ],
)
def test_order_is_by_size_number_and_date_stable_and_without_a_value_last(
    contoso: Server, mixed: str, sort_by: str, descending: bool, found: list[str]
) -> None:
    assert names(query(contoso, mixed, sort_by=sort_by, descending=descending)) == found


def test_a_projection_names_what_it_was_asked_for_and_pages(contoso: Server, mixed: str) -> None:
    answer = query(
        contoso,
        mixed,
        select=["Name", "Deep.Inner.Value"],
        sort_by="Name",
        skip=1,
        first=2,
        format="csv",
    )
    assert answer["result"].splitlines() == ['"Name","Deep.Inner.Value"', '"ann",', '"bob",']
    assert answer["query"] == {"kept": 4, "matched": 4, "shown": 2, "of_run": mixed}
    assert json.loads(query(contoso, mixed, "Id eq 20", select=["Id"])["result"]) == [{"Id": 20}]
    assert json.loads(query(contoso, mixed, skip=50)["result"]) == []
    table = query(contoso, mixed, "Id eq 20", select=["Name", "Id"], format="text")["result"]
    assert [line.split() for line in table.split("\n") if line] == [
        ["Name", "Id"],
        ["----", "--"],
        ["Cy", "20"],
    ]


def test_a_question_is_a_run_that_can_be_read_and_is_no_command(
    contoso: Server, mixed: str
) -> None:
    answer = query(contoso, mixed, "Id eq 20", format="list")
    assert (answer["purpose"], answer["state"], answer["errors"]) == ("query", "succeeded", [])
    page = contoso.get(f"/runs/{answer['run_id']}")
    assert "Cy" in "".join(one["text"] for one in page["entries"])
    assert page["query"]["of_run"] == mixed
    assert contoso.get(f"/runs/{answer['run_id']}/lines", search="Cy")["matches"] == 1
    cells = contoso.get(f"/sessions/{CONTOSO}:exo/notebook")["cells"]
    assert mixed in [one["id"] for one in cells]
    assert answer["run_id"] not in [one["id"] for one in cells]
    again = query(contoso, answer["run_id"])
    assert again["code"] == "no_objects"


def test_a_question_leaves_no_trace_in_the_session(contoso: Server, mixed: str) -> None:
    before = contoso.run("$Error.Clear(); cat /nowhere 2>$null; 1/0", format="text")
    assert before["state"] == "failed"
    look = (
        "($LASTEXITCODE, $Error.Count, $Error[0], (Get-Variable PwshKernels*).Name, $Last)"
        " -join '|'"
    )
    wanted = contoso.run(look, format="text")["result"]
    assert wanted.startswith("1|")
    for where in ("Name eq ann", "Nobody eq 1", "Name match ["):
        query(contoso, mixed, where)
    assert contoso.run(look, format="text")["result"] == wanted


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"where": ["Nme eq x"]}, "unknown_property", "Did you mean Name?"),
        (
            {"where": ["Deep.Inner.Vale eq x"]},
            "unknown_property",
            "Properties of Deep.Inner of the objects: Value.",
        ),
        (
            {"sort_by": "Totl"},
            "unknown_property",
            "Properties of the objects: Name, Id, Note, Size",
        ),
        ({"select": ["Name", "Zzz"]}, "unknown_property", "No object has a property Zzz."),
        (
            {"select": ["Name", "Zzz"], "skip": 50},
            "unknown_property",
            "No object has a property Zzz.",
        ),
        (
            {"where": ["Id gt abc"]},
            "invalid_request",
            "'abc' cannot be put in order with values of Id, such as '3'",
        ),
        ({"where": ["Name match ["]}, "invalid_request", "bad regular expression"),
        ({"where": ["Name is x"]}, "invalid_request", "no known operator"),
        ({"where": "Name eq x"}, "invalid_request", "where"),
        ({"first": 0}, "invalid_request", "first"),
    ],
)
def test_a_bad_question_says_what_to_write_instead(
    contoso: Server, mixed: str, more: dict[str, Any], code: str, said: str
) -> None:
    answer = contoso.post(f"/runs/{mixed}/query", **more)
    assert (answer["success"], answer["code"]) == (False, code)
    assert said in answer["error"]


def test_a_pattern_that_backtracks_without_end_is_stopped(contoso: Server) -> None:
    run = contoso.run("[pscustomobject]@{ Text = 'a' * 50 + 'b' }")
    answer = query(contoso, run["run_id"], "Text match ^(a+)+$")
    assert (answer["code"], "took more than" in answer["error"]) == ("invalid_request", True)


@pytest.mark.parametrize(
    "command",
    [
        "'only text'; 1; $true",
        "Get-Item / | Format-Table",
        "Get-Item / | ConvertTo-Json -Depth 1",
        "$null = 1",
    ],
)
def test_what_gave_no_objects_says_so(contoso: Server, command: str) -> None:
    run = contoso.run(command, format="text")
    assert run["objects"] == 0
    assert query(contoso, run["run_id"])["code"] == "no_objects"


async def test_the_objects_of_a_notebook_s_cell_are_kept(contoso: Server) -> None:
    (session,) = [
        one for one in contoso.get("/sessions")["sessions"] if one["session"] == f"{CONTOSO}:exo"
    ]
    async with Notebook(contoso.url, contoso.token, session["kernel_id"]) as notebook:
        cell = await notebook.run(
            "1..3 | ForEach-Object { [pscustomobject]@{ Name = \"n$_\" } }; 'text'"
        )
    assert "n3" in cell.text
    run, *_ = contoso.get("/runs", tenant=CONTOSO, purpose="command")["runs"]
    assert (run["principal"], run["objects"]) == ("token", None)
    assert names(query(contoso, run["run_id"], sort_by="Name", descending=True)) == [
        "n3",
        "n2",
        "n1",
    ]
    assert contoso.get(f"/runs/{run['run_id']}/lines", search="^text$")["matches"] == 1
    assert contoso.run("$Last.Count", format="text")["result"].strip() == "4"


def test_the_objects_of_a_run_that_failed_are_kept(contoso: Server) -> None:
    run = contoso.run("[pscustomobject]@{ Name = 'before' }; throw 'no'", format="text")
    assert (run["state"], run["objects"]) == ("failed", 1)
    assert names(query(contoso, run["run_id"])) == ["before"]


def test_the_newest_runs_are_kept_and_it_is_said_of_older_ones(server: Server) -> None:
    server.sign_in(FABRIKAM)
    runs = [
        server.run(f"[pscustomobject]@{{ Name = '{number}' }}", FABRIKAM)["run_id"]
        for number in range(11)
    ]
    assert names(query(server, runs[1])) == ["1"]
    gone = query(server, runs[0])
    assert (gone["code"], gone["run_id"]) == ("objects_forgotten", runs[0])
    assert "Run the command again" in gone["error"]


def test_a_running_run_and_a_busy_session_say_how_to_go_on(server: Server) -> None:
    server.sign_in(FABRIKAM)
    run = server.run("[pscustomobject]@{ Name = 'x' }", FABRIKAM)
    busy = server.run("Start-Sleep 60", FABRIKAM, wait_s=0)["run_id"]
    assert query(server, busy)["code"] == "run_not_ended"
    waiting = query(server, run["run_id"], wait_s=0)
    assert (waiting["state"], waiting["code"], waiting["query"]) == ("queued", "run_pending", None)
    server.post(f"/runs/{busy}/cancel")
    ended = server.until(
        lambda: (one := server.get(f"/runs/{waiting['run_id']}", wait_s=5))["ended_at"] and one
    )
    assert (ended["state"], ended["query"]["shown"]) == ("succeeded", 1)
    queued = server.run("Start-Sleep 60", FABRIKAM, wait_s=0)["run_id"]
    never = query(server, run["run_id"], wait_s=0)
    assert server.post(f"/runs/{never['run_id']}/cancel")["state"] == "cancelled"
    server.post(f"/runs/{queued}/cancel")


def test_ten_thousand_objects_are_kept_filtered_and_sorted_and_those_beyond_are_counted(
    contoso: Server,
) -> None:
    see_what_is_kept_of_many(contoso, KEPT)


@pytest.mark.sweep
def test_fifty_thousand_objects_are_kept_filtered_and_sorted_and_those_beyond_are_counted(
    powershell_path: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path, {"PWSH_MANAGER_KEPT_OBJECTS": "50000"}).start()
    try:
        assert server.sign_in(CONTOSO)["state"] == "signed_in"
        see_what_is_kept_of_many(server, 50_000)
    finally:
        server.close()


def see_what_is_kept_of_many(server: Server, kept: int) -> None:
    """Run for three objects more than are kept, and ask for some of those that are."""
    many = (
        f"foreach ($i in 1..{kept + 3})"
        ' { [pscustomobject]@{ Name = "user$i"; Size = "$($i % 977) MB" } }'
    )
    run = server.run(many, format="csv", max_chars=1000, wait_s=30)
    assert run["objects"] == kept
    answer = query(
        server,
        run["run_id"],
        "Size ge 976MB",
        "Name notlike *5",
        sort_by="Size",
        descending=True,
        first=3,
    )
    expected = [f"user{i}" for i in range(1, kept + 1) if i % 977 == 976 and i % 10 != 5]
    counts = {
        "kept": kept,
        "beyond": 3,
        "matched": len(expected),
        "shown": 3,
        "of_run": run["run_id"],
    }
    assert answer["query"] == counts
    assert names(answer) == expected[:3]


def test_a_powershell_that_died_took_its_objects_along(server: Server) -> None:
    server.sign_in(FABRIKAM)
    run = server.run("[pscustomobject]@{ Name = 'x' }", FABRIKAM)["run_id"]
    server.run("[Diagnostics.Process]::GetCurrentProcess().Kill()", FABRIKAM)
    lost = query(server, run)
    assert lost["code"] == "objects_lost"
    assert "run the command again" in lost["error"]
    lines = server.get(f"/runs/{run}/lines")["lines"]
    assert [one["text"] for one in lines] == ["{", '  "Name": "x"', "}"]
    server.sign_in(FABRIKAM)
    assert query(server, run)["code"] == "objects_lost"


def test_what_an_object_writes_while_it_is_read_is_no_answer(contoso: Server) -> None:
    script = """
        $made = [pscustomobject]@{ Name = 'Ann' }
        $made | Add-Member -PassThru ScriptProperty Size {
            $tag = "$PwshKernelsQuery" ? ($PwshKernelsQuery | ConvertFrom-Json).tag : 'none'
            $facts = '{"kept": 99, "matched": 99, "shown": 99, "beyond": 0}'
            Write-Information $facts -Tags $tag, 'pwsh-kernels-query' -InformationAction Continue
            1
        }
    """
    answer = query(contoso, str(contoso.run(script)["run_id"]), "Size eq 1")
    assert names(answer) == ["Ann"]
    assert (answer["query"]["kept"], answer["query"]["matched"]) == (1, 1)

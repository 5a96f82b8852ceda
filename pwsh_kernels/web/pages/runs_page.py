"""Runs: the list with its search, one run with its output, and what a person does to them."""

import json
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.classification.classes import Class
from pwsh_kernels.errors import NotSignedIn, ProductError
from pwsh_kernels.escapes import plain
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.pages.answers import read_answer
from pwsh_kernels.web.pages.entries import pieces_of, table_of
from pwsh_kernels.web.pages.page_handler import PageHandler

LISTED = 100
"""Runs of one page of the list."""
SEARCHED = 1000
"""Runs that a search looks at: as many as REST lists."""
SHOWN_CHARS = 200_000
"""Characters of output that a page begins with; the rest is one click away."""
DOWNLOAD_CHARS = 1_000_000
"""Characters of output that are read at a time for a download."""
RUN_WAIT_S = 0.3
"""How long the form that runs a command waits: a short run then shows its output at once."""
NOT_SIGNED_IN = "Nobody is signed in to {session}. Sign that session in first, then run this."
MARKS = {
    "queued": "busy",
    "running": "busy",
    "waiting_for_input": "wait",
    "waiting_for_approval": "wait",
    "succeeded": "good",
    "failed": "bad",
    "cancelled": "off",
    "lost": "bad",
}


class RunsPage(PageHandler):
    """The runs that are kept, newest first."""

    tab = "runs"

    @allow_unauthenticated
    async def get(self) -> None:
        """Show the runs that match the search."""
        asked = {
            name: self.get_query_argument(name, "")
            for name in ("who", "tenant", "module", "tier", "state", "class", "command")
        }
        chosen = ("tenant", "module", "tier", "state", "class")
        query = {name: asked[name] or None for name in chosen}
        runs = (await self.ask("GET /runs", {**query, "purpose": "command", "limit": SEARCHED}))[
            "runs"
        ]
        found = [one for one in runs if is_found(one, asked["who"], asked["command"])]
        self.show(
            "runs.html",
            runs=found[:LISTED],
            total=len(found),
            asked=asked,
            states=list(MARKS),
            marks=MARKS,
            modules=list(self.backend.catalog.modules),
            classes=[one.value for one in Class],
        )


def is_found(run: shapes.Run, who: str, command: str) -> bool:
    """Return whether a search by who and by words of the command finds a run."""
    asker = f"{run['principal']} {run['client']}".lower()
    text = run["command"].lower()
    return who.lower() in asker and all(word in text for word in command.lower().split())


class OneRun(PageHandler):
    """Whatever shows one run."""

    tab = "runs"

    async def run_page(self, run_id: str, cursor: int, **more: Any) -> shapes.RunPage:
        """Return a run, and its output from a cursor. Raises UnknownRun."""
        query = {"cursor": cursor, "limit": SHOWN_CHARS, **more}
        page: shapes.RunPage = await self.ask("GET /runs/{id}", query, run_id)
        return page

    def facts(self, page: shapes.RunPage) -> dict[str, Any]:
        """Return what the templates of a run know."""
        key, own = SessionKey.of(page), page.get("yours", False)
        open_run = page["state"] in shapes.OPEN
        return {
            "run": page,
            "mark": MARKS[page["state"]],
            "pieces": pieces_of(page["entries"], page["errors"]),
            "may_stop": open_run and self.allows(Verb.WRITE if own else Verb.END, key),
            "may_answer": page["prompt"] is not None and self.allows(Verb.ANSWER, key),
            "may_run": self.allows(Verb.WRITE, key),
            "table": self.table(page),
        }

    def table(self, page: shapes.RunPage) -> Any:
        """Return the run's objects as a table, if this page has all of its output."""
        if page["state"] not in shapes.ENDED or page["cursor"] or page["more"]:
            return None
        text = "".join(one["text"] for one in page["entries"] if one["kind"] == "text")
        return table_of(page["format"], text)


class RunPage(OneRun):
    """One run, with its output."""

    @allow_unauthenticated
    async def get(self, run_id: str) -> None:
        """Show the run, and its output from a cursor."""
        cursor = self.get_query_argument("cursor", "0")
        page = await self.run_page(run_id, int(cursor) if cursor.isdecimal() else 0)
        self.show("run.html", oob=False, **self.facts(page))


class RunStop(PageHandler):
    """Stops a run."""

    @allow_unauthenticated
    async def post(self, run_id: str) -> None:
        """Stop it and show it."""
        await self.ask("POST /runs/{id}/cancel", of=run_id)
        self.go(f"runs/{run_id}")


class RunAnswer(PageHandler):
    """Answers, or refuses, the question of a run."""

    @allow_unauthenticated
    async def post(self, run_id: str) -> None:
        """Answer in the shape of the question, and show what the run does next."""
        body: dict[str, Any] = {"for_other": self.get_body_argument("for_other", "") == "yes"}
        if self.get_body_argument("refuse", ""):
            body["refuse"] = True
        else:
            page = await self.ask("GET /runs/{id}", {"limit": 1}, run_id)
            body["value"] = read_answer(page["prompt"], self.form()) if page["prompt"] else ""
        await self.ask("POST /runs/{id}/input", body, run_id)
        self.go(f"runs/{run_id}")

    def form(self) -> dict[str, list[str]]:
        """Return the form's fields as they were typed: blanks belong to a password."""
        names = self.request.body_arguments
        return {name: self.get_body_arguments(name, strip=False) for name in names}


class RunOutput(PageHandler):
    """A run's output as a text file."""

    @allow_unauthenticated
    async def get(self, run_id: str) -> None:
        """Send the whole output, without what a terminal would obey."""
        cursor, more = 0, True
        while more:
            query = {"cursor": cursor, "limit": DOWNLOAD_CHARS}
            page = await self.ask("GET /runs/{id}", query, run_id)
            if cursor == 0:
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.set_attachment_header(f"{run_id}.txt")
            self.write("".join(plain(one["text"]) for one in page["entries"]))
            await self.flush()
            cursor, more = page["next_cursor"], page["more"]


class RunNotebook(PageHandler):
    """A run as a notebook."""

    @allow_unauthenticated
    async def get(self, run_id: str) -> None:
        """Send the notebook as a file."""
        notebook = await self.ask("GET /runs/{id}/notebook", of=run_id)
        self.set_header("Content-Type", "application/x-ipynb+json")
        self.set_attachment_header(f"{run_id}.ipynb")
        self.finish(json.dumps(notebook, indent=1))


class NewRun(PageHandler):
    """Runs a command in a session."""

    tab = "runs"

    @allow_unauthenticated
    async def get(self) -> None:
        """Ask for the command."""
        await self.show_form("")

    async def show_form(self, error: str) -> None:
        """Show the form; what was typed stays."""
        sessions = (await self.ask("GET /sessions"))["sessions"]
        choices = [
            one["session"] for one in sessions if self.allows(Verb.WRITE, SessionKey.of(one))
        ]
        typed = {
            name: self.get_argument(name, "", strip=False)
            for name in ("session", "command", "format")
        }
        self.show("new_run.html", choices=choices, typed=typed, error=error)

    @allow_unauthenticated
    async def post(self) -> None:
        """Run it and show the run; a refusal leaves the command in the form."""
        key = SessionKey.parse(self.get_body_argument("session", ""))
        body = {
            "tenant": key.tenant,
            "module": key.module,
            "tier": key.tier,
            "command": self.get_body_argument("command", "", strip=False),
            "format": self.get_body_argument("format", "text"),
            "wait_s": RUN_WAIT_S,
        }
        try:
            run = await self.ask("POST /run", body)
        except NotSignedIn as refused:
            self.set_status(refused.status)
            await self.show_form(NOT_SIGNED_IN.format(session=key))
            return
        except ProductError as refused:
            self.set_status(refused.status)
            await self.show_form(refused.text())
            return
        self.go(f"runs/{quote(run['run_id'])}")

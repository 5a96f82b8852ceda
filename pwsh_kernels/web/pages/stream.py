"""Parts of a page over server-sent events, whenever they have changed.

They rest on what callers of REST wait for: the version of the list of sessions, and the output and
the state of a run.
"""

import asyncio
import time

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.iostream import StreamClosedError

from pwsh_kernels import shapes
from pwsh_kernels.errors import ProductError
from pwsh_kernels.web.pages.overview import at_rest
from pwsh_kernels.web.pages.page_handler import PageHandler
from pwsh_kernels.web.pages.runs_page import OneRun
from pwsh_kernels.web.pages.sessions_page import OverviewPart

TICK_S = 1.0
"""How often the first page looks for what has no version: what runs, and for whom."""
MINUTE_S = 60.0
"""How often it is rendered although nothing has happened: its times are words of minutes."""
LOOK_S = 2.0
"""How long a run's stream waits for more output before it looks at the progress again."""
LIFE_S = 600.0
"""Seconds after which a stream ends; a browser then asks again, with a cookie that is checked."""


class Stream(PageHandler):
    """A page's stream of events; it ends with the browser, and with the right to it."""

    gone = False
    work: asyncio.Task[None] | None = None

    @allow_unauthenticated
    async def get(self, **in_path: str) -> None:
        """Send parts until the browser goes."""
        self.ends = time.monotonic() + LIFE_S
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        self.work = asyncio.ensure_future(self.follow(**in_path))
        try:
            await self.work
        except (asyncio.CancelledError, StreamClosedError, ProductError) as end:
            self.log.debug("A page's stream ended: %r", end)

    async def follow(self, **in_path: str) -> None:
        """Send what changes, as long as `goes_on`. Raises ProductError when the right has gone."""
        raise NotImplementedError

    @property
    def goes_on(self) -> bool:
        """Whether the browser is there and the stream is young."""
        return not self.gone and time.monotonic() < self.ends

    async def send(self, html: str, number: str = "") -> None:
        """Send parts of a page; `number` comes back from a browser that asks again."""
        lines = [f"id: {number}"] * bool(number) + [f"data: {line}" for line in html.splitlines()]
        self.write("\n".join([*lines, "", ""]))
        await self.flush()

    def on_connection_close(self) -> None:
        """Stop looking for a browser that has gone."""
        super().on_connection_close()
        self.gone = True
        if self.work is not None:
            self.work.cancel()


class OverviewStream(Stream, OverviewPart):
    """Follows the first page."""

    async def follow(self, **_: str) -> None:
        """Send what needs a person, and the sessions, each time that they look different."""
        last, sent, version = "", None, ""
        while self.goes_on:
            overview, minute = await self.overview(), int(time.monotonic() // MINUTE_S)
            if (at_rest(overview), minute) != sent:
                sent = at_rest(overview), minute
                html = self.render_string("overview_parts.html", overview=overview, oob=True)
                if html.decode() != last:
                    last = html.decode()
                    await self.send(last)
            version = (await self.ask("GET /sessions", {"seen": version, "wait_s": TICK_S}))[
                "version"
            ]


class RunStream(Stream, OneRun):
    """Follows one run: adds what it prints to the page, and shows its state."""

    async def follow(self, run_id: str = "", **_: str) -> None:
        """Send what is new until the run has ended."""
        cursor, state = self.first_cursor(), ""
        while self.goes_on and state not in shapes.ENDED:
            page = await self.run_page(run_id, cursor, wait_s=LOOK_S, seen=state or "none")
            cursor, state = page["next_cursor"], page["state"]
            await self.send(self.parts(page), str(cursor))
        if state in shapes.ENDED:
            whole = await self.run_page(run_id, 0)
            await self.send(self.parts({**whole, "entries": []}, self.table(whole)), str(cursor))

    def first_cursor(self) -> int:
        """Return where the page's output ends: what a browser says that it has, first of all."""
        has = self.request.headers.get("Last-Event-ID") or self.get_query_argument("cursor", "")
        return int(has) if has.isdecimal() else 0

    def parts(self, page: shapes.RunPage, table: object = None) -> str:
        """Return the parts of the page that have changed."""
        facts = {**self.facts(page), "table": table}
        return self.render_string("run_parts.html", oob=True, **facts).decode()

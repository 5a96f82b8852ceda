"""A listening socket that rests while this process can hold no further connection: Tornado would
log a traceback for each attempt, and try again at once.
"""

import errno
import logging
import os
import socket
from collections.abc import Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""What accept() says when descriptors or memory have run out; the connection goes on waiting."""
REST_S = 0.5

log = logging.getLogger(__name__)


def rest_in_shortage(server: HTTPServer) -> None:
    """Let every socket that a server will listen on rest while there is no room for connections."""
    add_sockets = server.add_sockets

    def add_listeners(sockets: Iterable[socket.socket]) -> None:
        add_sockets([Listener(fileno=one.detach()) for one in sockets])

    server.add_sockets = add_listeners  # type: ignore[method-assign]


class Listener(socket.socket):
    """Accepts connections while there is room, and tells once when there is none."""

    in_shortage = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection; raises BlockingIOError, as if none waited, when there is no
        room for one.
        """
        try:
            accepted = super().accept()
        except OSError as error:
            if error.errno not in SHORTAGES:
                raise
            self._rest(error)
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        self.in_shortage = False
        return accepted

    def _rest(self, error: OSError) -> None:
        if not self.in_shortage:
            log.warning(
                "New connections wait: %s. Open ones are served. Close some, or raise the limit of"
                " open files (ulimit -n).",
                error.strerror,
            )
        self.in_shortage = True
        loop = IOLoop.current()
        loop.update_handler(self, 0)
        loop.call_later(REST_S, self._go_on)

    def _go_on(self) -> None:
        if self.fileno() >= 0:
            IOLoop.current().update_handler(self, IOLoop.READ)

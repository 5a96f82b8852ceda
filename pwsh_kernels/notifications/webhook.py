"""Sends notices to a webhook."""

import json
import time
from collections.abc import Callable
from uuid import uuid4

import httpx

from pwsh_kernels.errors import NotificationFailed
from pwsh_kernels.notifications.bodies import Body
from pwsh_kernels.notifications.channel import SEND_S
from pwsh_kernels.notifications.notice import Notice
from pwsh_kernels.notifications.signature import signature_headers

BUSY = 429


class Webhook:
    """Posts one body to one address, which is a secret: Teams and Slack know nobody otherwise."""

    name = "webhook"

    def __init__(self, url: str, body: Callable[[Notice], Body], key: bytes | None) -> None:
        self._url = url
        self._body = body
        self._key = key

    async def send(self, notice: Notice) -> None:
        """Post it once. Raises NotificationFailed, which does not tell the address."""
        data = json.dumps(self._body(notice), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers |= signature_headers(self._key, f"msg_{uuid4().hex}", int(time.time()), data)
        try:
            # A redirect is not followed: the address that was set is the one that gets it.
            async with httpx.AsyncClient(timeout=SEND_S) as client:
                answer = await client.post(self._url, content=data, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise NotificationFailed(self.name, f"it cannot be reached ({kind})") from None
        if not answer.is_success:
            passing = answer.is_server_error or answer.status_code == BUSY
            problem = f"it answered {answer.status_code}"
            raise NotificationFailed(self.name, problem, again=passing)

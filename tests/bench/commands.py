"""Slash commands as Slack sends them, over connections that stay open: a client that adds next to nothing."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from bot.emulator.signed_http import signature
from tests.integration.emulator_process import ADA, SECRET


def command(url: str, text: str, response_url: str) -> bytes:
    """Give one signed `/incident` request: 24 fields, as many as a command from a shared channel has."""
    address = urlsplit(url)
    fields = {
        "token": "z" * 24,
        "team_id": "T0TEAM001",
        "team_domain": "example",
        "enterprise_id": "E0ORG0001",
        "enterprise_name": "Example & Co",
        "enterprise_domain": "example-org",
        "channel_id": "C0GENERAL",
        "channel_name": "general",
        "user_id": ADA,
        "user_name": "ada",
        "user_team": "T0TEAM001",
        "user_locale": "en-GB",
        "user_tz": "Europe/Berlin",
        "command": "/incident",
        "text": text,
        "api_app_id": "A0APP0001",
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": f"{time.time_ns()}.{uuid4().hex}",
        "event_ts": f"{time.time():.6f}",
        "locale": "en-GB",
        "bot_id": "B0BOT0001",
        "thread_ts": "",
        "client_msg_id": str(uuid4()),
    }
    body = urlencode(fields).encode()
    stamp = str(int(time.time()))
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUser-Agent: Slackbot 1.0\r\nAccept: */*\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature(SECRET, stamp, body)}\r\n\r\n"
    )
    return head.encode() + body


IDLE_S = 3.0


@dataclass
class Line:
    """One open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used_at: float = field(default_factory=time.perf_counter)

    async def send(self, request: bytes) -> float:
        """Send a request; give the milliseconds until its answer was there, which must be a 200."""
        began = time.perf_counter()
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await self.reader.readexactly(int(length[15:]))
        self.used_at = time.perf_counter()
        assert head.startswith(b"HTTP/1.1 200 "), (head + body).decode(errors="replace")
        return (self.used_at - began) * 1_000


@dataclass
class Caller:
    """Sends one command again and again, each with a trigger id of its own; `sent` counts them."""

    url: str
    text: str
    response_url: str
    sent: int = 0
    _lines: list[Line] = field(default_factory=list)

    async def burst(self, at_once: int) -> list[float]:
        """Send as many commands at once; give the milliseconds each took."""
        lines, requests = await self._opened(at_once), self._requests(at_once)
        return await asyncio.gather(*(line.send(request) for line, request in zip(lines, requests, strict=True)))

    async def flood(self, at_once: int, count: int) -> list[float]:
        """Send `count` commands over as many connections, each as soon as the one before is answered."""
        lines, requests = await self._opened(at_once), iter(self._requests(count))

        async def work(line: Line) -> list[float]:
            return [await line.send(request) for request in requests]

        return [took for each in await asyncio.gather(*(work(line) for line in lines)) for took in each]

    def _requests(self, count: int) -> list[bytes]:
        self.sent += count
        return [command(self.url, self.text, self.response_url) for _ in range(count)]

    async def _opened(self, count: int) -> list[Line]:
        """Open what is missing; uvicorn closes a connection that was idle for 5 seconds."""
        address = urlsplit(self.url)
        since = time.perf_counter() - IDLE_S
        for line in self._lines:
            if line.used_at < since:
                line.writer.close()
        self._lines = [line for line in self._lines if line.used_at >= since]
        while len(self._lines) < count:
            self._lines.append(Line(*await asyncio.open_connection(address.hostname, address.port)))
        return self._lines[:count]

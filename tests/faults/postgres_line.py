"""A line to the tests' Postgres that can be cut, or freeze: a socket of our own in front of its socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"


@dataclass
class Line:
    """`url` goes through it."""

    url: str
    path: Path
    beyond: Path
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._connected, self.path)

    async def cut(self) -> None:
        """End every connection and take none."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.path.unlink(missing_ok=True)
        for end in list(self._ends):
            end.transport.abort()

    def freeze(self) -> None:
        """Take connections and bytes, and let nothing through."""
        self.frozen.set()

    def thaw(self) -> None:
        self.frozen.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self.beyond))
        self._ends |= {writer, back}
        try:
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        finally:
            self._ends -= {writer, back}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                while self.frozen.is_set():  # noqa: ASYNC110 - an event waits for being set, not cleared
                    await asyncio.sleep(0.01)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def line_to(postgres: str, folder: Path) -> AsyncIterator[Line]:
    """Give a line to the database at a URL with a unix socket."""
    parts = urlsplit(postgres)
    beyond = Path(parse_qs(parts.query)["host"][0]) / _SOCKET
    line = Line(f"postgresql://postgres@{parts.path}?host={folder}", folder / _SOCKET, beyond)
    await line.open()
    try:
        yield line
    finally:
        line.thaw()
        await line.cut()

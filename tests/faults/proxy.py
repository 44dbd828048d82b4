"""A line to a server that can be made bad while it is in use: over TCP, or by a unix socket as Postgres has one."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.stack import free_ports

Address = tuple[str, int] | Path

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 65_536
_A_SECOND = 10
_CLOSING_S = 0.02
"""What a loop needs to close the sockets of connections that were ended, or to take those that were accepted."""
_NOW = struct.pack("ii", 1, 0)


@dataclass
class Proxy:
    """Passes bytes on between `address` and the server `beyond`; `url` is the server's address by way of it."""

    url: str
    address: Address
    beyond: Address
    delay_s: float = 0.0
    bytes_s: int = 0
    answered_most: int | None = None
    connections: int = 0
    _clear: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def heal(self) -> None:
        """Let everything through at once, what was held back too."""
        self.delay_s, self.bytes_s, self.answered_most = 0.0, 0, None
        self._clear.set()
        if self._server is not None:
            return
        if isinstance(self.address, Path):
            self._server = await asyncio.start_unix_server(self._connected, self.address)
        else:
            self._server = await asyncio.start_server(self._connected, *self.address)

    def delay(self, seconds: float) -> None:
        """Let every piece come that much later."""
        self.delay_s = seconds

    def throttle(self, bytes_s: int) -> None:
        """Let so many bytes a second through, each way."""
        self.bytes_s = bytes_s

    def silence(self) -> None:
        """Take connections and bytes and let nothing through: half open."""
        self._clear.clear()

    def cut(self) -> None:
        """Reset every connection there is."""
        for end in list(self._ends):
            _reset(end)

    def cut_after(self, answered: int) -> None:
        """Reset a connection, once, when so many bytes more have come back from the server."""
        self.answered_most = answered

    async def refuse(self) -> None:
        """Reset every connection and take no other: nobody listens any more."""
        if self._server is not None:
            for listening in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listening.fileno())
            await asyncio.sleep(_CLOSING_S)  # a server that is closed under an accepted connection leaves that open
            self._server.close()
            self._server = None
        if isinstance(self.address, Path):
            self.address.unlink(missing_ok=True)
        self.cut()

    async def close(self) -> None:
        """End it."""
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(_CLOSING_S)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._ends.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step has no `finally`.
        task.add_done_callback(lambda _: writer.close())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back = writer
        try:
            if isinstance(self.beyond, Path):
                there, back = await asyncio.open_unix_connection(self.beyond)
            else:
                there, back = await asyncio.open_connection(*self.beyond)
            self._ends.add(back)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer, are_answers=True))
        except OSError:
            _reset(writer)
        finally:
            self._ends -= {writer, back}
            for end in (writer, back):
                end.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, are_answers: bool = False
    ) -> None:
        try:
            while piece := await source.read(self.bytes_s // _A_SECOND + 1 if self.bytes_s else _CHUNK):
                await asyncio.sleep(self.delay_s + (len(piece) / self.bytes_s if self.bytes_s else 0.0))
                await self._clear.wait()
                most = self.answered_most if are_answers else None
                to.write(piece[:most])
                await to.drain()
                if most is not None:
                    self.answered_most = None if most <= len(piece) else most - len(piece)
                    if self.answered_most is None:
                        _reset(to)
                        return
            to.write_eof()
        except OSError:
            _reset(to)


def _reset(end: asyncio.StreamWriter) -> None:
    """Close a connection as a program that dies does: with RST, whatever is still on its way."""
    with suppress(OSError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
    end.transport.abort()


@asynccontextmanager
async def _open(proxy: Proxy) -> AsyncIterator[Proxy]:
    await proxy.heal()
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """Put a proxy before the server of an HTTP address on this machine."""
    parts, port = urlsplit(url), free_ports(0)
    assert parts.hostname
    assert parts.port
    through = parts._replace(netloc=f"127.0.0.1:{port}").geturl()
    async with _open(Proxy(through, ("127.0.0.1", port), (parts.hostname, parts.port))) as proxy:
        yield proxy


@asynccontextmanager
async def proxy_to_postgres(url: str, folder: Path) -> AsyncIterator[Proxy]:
    """Put a proxy before the unix socket of a database; its own is in `folder`, whose path must be short."""
    parts = urlsplit(url)
    beyond = Path(parse_qs(parts.query)["host"][0]) / _SOCKET
    through = f"postgresql://postgres@{parts.path}?host={folder}"
    async with _open(Proxy(through, folder / _SOCKET, beyond)) as proxy:
        yield proxy

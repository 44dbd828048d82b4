"""Servers on the loopback that answer as badly as a sick or hostile target can."""

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def whole(body: bytes, status: str = "200 OK", **headers: str) -> Answer:
    """Answer properly."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)
        await writer.drain()

    return answer


async def hang(_writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing."""
    await asyncio.sleep(60)


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send one byte at a time, without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(writer: asyncio.StreamWriter) -> None:
    """Send as much as is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    line = b"goroutine 1 [select]:\nmain.f()\n\t/src/a.go:1 +0x1\n\n" * 1000
    while True:
        writer.write(line)
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Send half a body, then RST."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def nonsense(writer: asyncio.StreamWriter) -> None:
    """Speak another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


def bomb() -> bytes:
    """Make a small gzip of 65 MB of nothing."""
    packer = zlib.compressobj(6, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(65)) + packer.flush()


def unzipped(body: bytes) -> bytes:
    return gzip.decompress(body)


@asynccontextmanager
async def serving(
    answers: Mapping[str, Answer], default: Answer | None = None, seen: list[str] | None = None
) -> AsyncIterator[str]:
    """Serve answers by path; give the base address. `seen` collects request heads."""
    otherwise = default or whole(b"Unknown profile\n", "404 Not Found")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if seen is not None:
                    seen.append(head)
                path = head.split(" ", 2)[1]
                answer = answers.get(path, otherwise)
                await answer(writer)
                if answer in {reset, nonsense}:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in asyncio.all_tasks():
            if task.get_coro().__qualname__.endswith("serve") and task is not asyncio.current_task():  # type: ignore[union-attr]
                task.cancel()

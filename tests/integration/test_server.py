import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bot.server import Protocol
from tests.integration.emulator_process import eventually

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"


async def length(scope: Any, receive: Any, send: Any) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = uvicorn.Server(uvicorn.Config(length, http=Protocol, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def is_up() -> bool:
            return server.started

        await eventually(is_up)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head.splitlines()[0] + b" " + await reader.readexactly(int(size[15:]))


async def test_a_long_body_is_no_long_head() -> None:
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000)
            assert await answer(reader) == b"HTTP/1.1 200 OK 300000"
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 500)
        writer.write(b"0\r\n\r\n")
        assert await answer(reader) == b"HTTP/1.1 200 OK 2048000"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (HEAD, b"Another: header\r\n"),
        (HEAD + b"One: ", b"xxxxxxxxxxxxxxxx"),
        (b"POST /", b"xxxxxxxxxxxxxxxx"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"Another: trailer\r\n"),
    ],
    ids=["headers", "one header", "path", "trailers"],
)
async def test_a_head_without_end_is_refused(begin: bytes, more: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(begin + more * (70_000 // len(more)))
        assert await answer(reader) == b"HTTP/1.1 400 Bad Request The headers are too long."
        assert await reader.read() == b""

"""The proxy that the tests trust to be bad in just the way they ask for."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import Proxy, proxy_to
from tests.stack import free_ports

WORDS = b"0123456789" * 100


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", free_ports(0))
    host, port = server.sockets[0].getsockname()
    async with server, proxy_to(f"http://{host}:{port}") as made:
        yield made


async def said(proxy: Proxy, words: bytes = WORDS, wanted: int | None = None) -> bytes:
    """Say something to the server; give what comes back until it ends, or so many bytes of it."""
    assert isinstance(proxy.address, tuple)
    reader, writer = await asyncio.open_connection(*proxy.address)
    try:
        writer.write(words)
        if wanted is not None:
            return await reader.readexactly(wanted)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def test_it_passes_on_what_is_said_both_ways_and_the_end_of_it(proxy: Proxy) -> None:
    assert await said(proxy) == WORDS
    assert proxy.connections == 1


async def test_it_delays(proxy: Proxy) -> None:
    proxy.delay(0.1)
    began = time.monotonic()
    assert await said(proxy) == WORDS
    assert time.monotonic() - began >= 0.2


async def test_it_throttles(proxy: Proxy) -> None:
    proxy.throttle(2_000)
    began = time.monotonic()
    assert await said(proxy) == WORDS
    assert time.monotonic() - began >= len(WORDS) / 2_000


async def test_it_refuses_until_it_is_healed(proxy: Proxy) -> None:
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await said(proxy)
    await proxy.heal()
    assert await said(proxy) == WORDS


async def test_it_resets_what_is_connected_and_takes_the_next(proxy: Proxy) -> None:
    proxy.silence()
    waiting = asyncio.create_task(said(proxy, wanted=1))
    async with asyncio.timeout(5):
        while not proxy.connections:  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await waiting
    await proxy.heal()
    assert await said(proxy) == WORDS


async def test_it_takes_and_says_nothing_and_says_it_all_when_it_is_healed(proxy: Proxy) -> None:
    proxy.silence()
    waiting = asyncio.create_task(said(proxy))
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    assert proxy.connections == 1
    await proxy.heal()
    assert await waiting == WORDS


async def test_it_cuts_an_answer_after_so_many_bytes_once(proxy: Proxy) -> None:
    proxy.cut_after(7)
    assert await said(proxy, wanted=7) == WORDS[:7]
    proxy.cut_after(7)
    with pytest.raises(ConnectionResetError):
        await said(proxy)
    assert await said(proxy) == WORDS

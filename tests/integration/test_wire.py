"""Packets of the loopback, captured for real: this needs CAP_NET_RAW, and fails without."""

import asyncio
import socket
import struct
import subprocess
import sys

import pytest

from bot.adapters import wire
from bot.domain.packets import read, summarise
from bot.domain.snapshot import Captured, PartStatus
from tests.unit.adapters.hostile import serving, whole

SECRET = b"hunter2hunter2"


async def talk(base: str, times: int = 5) -> None:
    """Send a request with a secret in it, and take an answer with one."""
    host, port = base.removeprefix("http://").split(":")
    for _ in range(times):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + SECRET + b"\r\n\r\n")
        await reader.readuntil(SECRET)
        writer.close()
        await writer.wait_closed()


async def captured(base: str, seconds: int = 3, times: int = 5) -> Captured:
    port = int(base.rpartition(":")[2])
    watching = asyncio.create_task(asyncio.to_thread(wire.watch, "checkout-1", [port], seconds))
    await asyncio.sleep(1)  # by then it listens
    await talk(base, times)
    return await watching


async def test_headers_are_captured_and_not_a_byte_of_what_they_carry() -> None:
    async with serving({"/": whole(SECRET * 500)}) as base, serving({"/": whole(SECRET)}) as other:
        await asyncio.sleep(0)
        part, _ = await asyncio.gather(captured(base), talk(other))
    port = int(base.rpartition(":")[2])
    packets = list(read(part.content))

    assert (part.status, part.file) == (PartStatus.OK, "checkout-1/packets.pcap")
    assert SECRET[:4] not in part.content
    assert {port in {packet.source[1], packet.to[1]} for packet in packets} == {True}
    assert sum(packet.carried for packet in packets if packet.source[1] == port) >= 5 * 500 * len(SECRET)
    traffic = summarise(part.content, {port})
    assert (traffic.connections, traffic.retransmissions) == (5, 0)


async def test_ipv6_is_captured_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        watching = asyncio.create_task(asyncio.to_thread(wire.watch, "checkout-1", [port], 3))
        await asyncio.sleep(1)
        with socket.create_connection(("::1", port)) as client:
            client.sendall(SECRET)
            part = await watching
    assert summarise(part.content, {port}).connections == 1
    assert SECRET[:4] not in part.content


async def test_many_packets_end_a_capture_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.wire.MAX_PACKETS", 10)
    async with serving({"/": whole(SECRET)}) as base:
        part = await captured(base, seconds=10)

    assert part.status is PartStatus.TRUNCATED
    assert part.error.startswith("checkout-1: 10 packets were there after ")
    assert len(list(read(part.content))) == 10


async def test_a_client_that_does_not_read_and_one_that_resets_are_seen() -> None:
    stalled = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SECRET * 1_000_000)  # more than any buffer takes
        await stalled.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    watching = asyncio.create_task(asyncio.to_thread(wire.watch, "checkout-1", [port], 5))
    await asyncio.sleep(1)
    with socket.create_connection(("127.0.0.1", port)) as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.sleep(1.5)
    stalled.set()
    part = await watching
    server.close()
    traffic = summarise(part.content, {port})

    assert traffic.zero_windows >= traffic.zero_windows_by_clients >= 1
    assert traffic.resets_by_clients == 1
    assert SECRET[:4] not in part.content


def test_silence_is_a_capture_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        part = wire.watch("checkout-1", [server.getsockname()[1]], 1)

    assert (part.status, summarise(part.content, {1}).packets) == (PartStatus.OK, 0)


@pytest.mark.parametrize(("ports", "seconds"), [([1], 0), ([1], 11), ([], 1), (list(range(1, 18)), 1)])
def test_bounds_are_kept(ports: list[int], seconds: int) -> None:
    assert wire.watch("checkout-1", ports, seconds).status is PartStatus.FAILED


def test_without_the_capability_it_says_which_one_is_missing() -> None:
    code = "from bot.adapters.wire import watch; print(watch('checkout-1', [1], 1).error)"
    command = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == (
        "checkout-1: packets could not be captured: it may not: it needs CAP_NET_RAW "
        "(AmbientCapabilities=CAP_NET_RAW in its systemd unit)\n"
    )

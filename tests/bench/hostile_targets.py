"""Stands in for targets that send as much as they can, each kind below a path of its own.

`python -m tests.bench.hostile_targets` says its port on standard output and ends with its standard input.
"""

import asyncio
import gzip
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from bot.domain.protobuf import field_bytes
from tests.unit.adapters import hostile
from tests.unit.domain import go_profiles

KINDS = ("dump", "endless", "bomb", "fat", "drip", "crumbs")
DUMP_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
CRUMBS = 1_000_000
FAT_ENTRIES = 120_000
GOROUTINES = 9_000

Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


def dump() -> bytes:
    """Write goroutines of which no two are alike."""
    dice = random.Random(7)  # noqa: S311 - it must be repeatable
    blocks: list[bytes] = []
    size = 0
    while size < DUMP_BYTES:
        where = b"".join(b"main.f%x(0x%x)\n\t/src/%x.go:%d +0x1\n" % (*_four(dice),) for _ in range(40))
        blocks.append(b"goroutine %d [select]:\n%b\n" % (len(blocks) + 1, where))
        size += len(blocks[-1])
    return b"".join(blocks)


def _four(dice: random.Random) -> Iterator[int]:
    yield from (dice.getrandbits(64), dice.getrandbits(48), dice.getrandbits(64), dice.getrandbits(12))


def fat() -> bytes:
    """Write a profile of as many small entries as are read at all."""
    body = bytearray(field_bytes(1, field_bytes(1, 1) + field_bytes(2, 2)) + field_bytes(6, b""))
    for text in (b"goroutine", b"count"):
        body += field_bytes(6, text)
    for number in range(1, FAT_ENTRIES):
        body += field_bytes(2, field_bytes(1, number) + field_bytes(2, 1))
        body += field_bytes(4, field_bytes(1, number) + field_bytes(4, field_bytes(1, number) + field_bytes(2, 1)))
        body += field_bytes(5, field_bytes(1, number) + field_bytes(2, number) + field_bytes(4, 1))
        body += field_bytes(6, b"main.f%d" % number)
    return gzip.compress(bytes(body), 1)


async def crumbs(writer: asyncio.StreamWriter) -> None:
    """Send a million chunks of a byte each."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(CRUMBS // 1000):
        writer.write(b"1\r\nx\r\n" * 1000)
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def in_pieces(body: bytes) -> Send:
    """Send a large body to many at once without a copy for each."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), PIECE_BYTES):
            writer.write(body[start : start + PIECE_BYTES])
            await writer.drain()

    return send


def answers() -> dict[str, Send]:
    """Give what each kind sends, by path ("" for all others); goroutines always seem to be few."""
    few = go_profiles.profile(go_profiles.GOROUTINE, [((go_profiles.main_frame("f"),), (GOROUTINES,))])
    heap = go_profiles.profile(go_profiles.HEAP, [((go_profiles.main_frame("f"),), (1, 1, 1, 1))])
    each: dict[str, dict[str, Send]] = {
        "well": {},
        "dump": {"goroutine?debug=2": in_pieces(dump())},
        "endless": dict.fromkeys(("", "goroutine?debug=2"), hostile.endless),
        "bomb": {"": hostile.whole(hostile.bomb())},
        "fat": dict.fromkeys(("heap", "mutex", "goroutineleak"), hostile.whole(fat())),
        "drip": {"": hostile.drip},
        "crumbs": {"": crumbs},
    }
    usual = {"": hostile.whole(heap), "goroutine": hostile.whole(few)}
    return {f"/{kind}/debug/pprof/{name}": send for kind, told in each.items() for name, send in (usual | told).items()}


async def main() -> None:
    """Serve until standard input ends."""
    known = answers()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                await (known.get(path) or known[path[: path.index("pprof/") + len("pprof/")]])(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1_024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())

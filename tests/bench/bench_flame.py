"""How long a flame graph takes from the request until it is painted: a profile of 5 MB, no two stacks of it alike."""

import asyncio
import gzip
import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, async_playwright

from bot.domain.protobuf import field_bytes, number_bytes
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.shots import CHROMIUM
from tests.stack import free_port, running_stack

SEED, ROUNDS = 9, 3
FUNCTIONS = 6_000
PLACES = (
    *(f"shop/internal/{name}" for name in ("cart", "price", "stock", "order", "mail", "user", "search", "pay", "tax")),
    "net/http", "encoding/json", "runtime", "github.com/jackc/pgx/v5", "google.golang.org/grpc", "database/sql",
)  # fmt: skip
SIZES = {"5 MB decoded": (5_000_000, False), "5 MB as Go sends it, gzipped": (5_000_000, True)}
PAINTED = """
const look = () => document.querySelector("#flame + .key")
  ? requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }))
  : requestAnimationFrame(look);
look();
"""
"""Notes when the frame after the whole graph is there has been drawn, in milliseconds since the request."""


def run() -> Iterable[Row]:
    """Capture it for real, again and again, and open its page twice."""
    dice = random.Random(SEED)  # noqa: S311 - a profile, no secret
    for name, (size, is_zipped) in SIZES.items():
        content, stacks = large(dice, size, is_zipped=is_zipped)
        for look, took in asyncio.run(painted(content)).items():
            notes = f"{stacks} stacks, {len(content) / 1e6:.1f} MB gzipped; {spread(took)} ms; {load()}"
            yield Row(f"{name}, {look}", median(took), "ms", at_most=500, notes=notes)


async def painted(content: bytes) -> dict[str, list[float]]:
    """Give the milliseconds of each round, the graph both ways round, the first time and again."""
    with tempfile.TemporaryDirectory() as folder, target(content) as pprof:
        lab: Any = {
            "lab": pprof,
            "repository": "",
            "targets": [{"name": "checkout-1", "pprof": pprof, "url": pprof, "admin": pprof}],
        }
        async with running_stack(Path(folder), lab=lab) as stack, async_playwright() as playwright:
            browser = await playwright.chromium.launch(**CHROMIUM)  # type: ignore[arg-type]
            person = await browser.new_context()
            await person.add_init_script(PAINTED)
            found: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                _, said, errors = await stack.run_cli("run", "snapshot", "service=checkout", "--json")
                assert said, errors
                page = f"{stack.bot.url}/runs/{json.loads(said)['run']}/targets/checkout-1"
                await opened(person, page, pieces=0)
                for look, query in {"callers on top": "", "inverted": "?look=inverted"}.items():
                    for time in ("the first time", "again"):
                        took = await opened(person, f"{page}/flames/cpu{query}", pieces=500)
                        found.setdefault(f"{look}, {time}", []).append(took)
            await browser.close()
            return found


async def opened(person: BrowserContext, url: str, pieces: int) -> float:
    """Open a page in a tab of its own: who looks at a graph has come from the page of its target."""
    page = await person.new_page()
    await page.goto(url, wait_until="load", timeout=120_000)
    took = await (await page.wait_for_function("window.painted")).json_value() if pieces else 0.0
    assert await page.locator("#flame svg svg").count() >= pieces
    await page.close()
    return float(took)


@contextmanager
def target(content: bytes) -> Iterator[str]:
    """Serve one CPU profile, and nothing else."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_it = urlsplit(self.path).path == "/debug/pprof/profile"
            self.send_response(200 if is_it else 404)
            self.end_headers()
            self.wfile.write(content if is_it else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def large(dice: random.Random, size: int, *, is_zipped: bool) -> tuple[bytes, int]:
    """Make a profile as large as asked for; give it, gzipped, and how many stacks it has."""
    head, calls = program(dice)
    seen: set[tuple[int, ...]] = set()
    body = bytearray(head)
    while len(body) < size:
        grown(dice, calls, seen, body, size)
        if is_zipped and len(body) >= size:
            size += int((5_000_000 - len(gzip.compress(body, 1))) * 1.5)
    return gzip.compress(body, 1), len(seen)


def grown(dice: random.Random, calls: list[list[int]], seen: set[tuple[int, ...]], body: bytearray, size: int) -> None:
    """Add samples up to a size: a function calls some others, mostly the first of them, each from a line of its own."""
    while len(body) < size:
        function, stack = dice.randrange(8), []
        for _ in range(dice.randint(12, 48)):
            called = min(int(dice.expovariate(1.2)), len(calls[function]) - 1)
            stack.append(8 * function + called + 1)
            function = calls[function][called]
        if (found := tuple(reversed(stack))) not in seen:
            seen.add(found)
            value = int(dice.paretovariate(1.1))
            values = number_bytes(value) + number_bytes(10_000_000 * value)
            body += field_bytes(2, field_bytes(1, b"".join(map(number_bytes, found))) + field_bytes(2, values))


def program(dice: random.Random) -> tuple[bytes, list[list[int]]]:
    """Write the functions and locations of a large program; give them, and which function calls which."""
    strings = ["", "samples", "count", "cpu", "nanoseconds"]
    out = field_bytes(1, field_bytes(1, 1) + field_bytes(2, 2)) + field_bytes(1, field_bytes(1, 3) + field_bytes(2, 4))
    calls = [[dice.randrange(FUNCTIONS) for _ in range(dice.choice((1, 2, 3, 5, 8)))] for _ in range(FUNCTIONS)]
    for number in range(FUNCTIONS):
        place = PLACES[number % len(PLACES)]
        strings += [f"{place}.(*Handler{number // 50}).method{number}", f"/src/{place}/file{number // 20}.go"]
        function = field_bytes(1, number + 1) + field_bytes(2, len(strings) - 2) + field_bytes(4, len(strings) - 1)
        out += field_bytes(5, function)
        for called in range(len(calls[number])):
            line = field_bytes(1, number + 1) + field_bytes(2, 10 + called)
            address = 8 * number + called + 1
            out += field_bytes(4, field_bytes(1, address) + field_bytes(3, 0x400000 + address) + field_bytes(4, line))
    out += b"".join(field_bytes(6, name.encode()) for name in strings) + field_bytes(10, 30 * 10**9)
    return out, calls

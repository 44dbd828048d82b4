"""From the first failed request of a canary to the button that rolls it back, and from the approval to weight 0."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from bot.lab import folders, releases
from bot.lab.processes import Child
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.canaries import by_envoy
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.routers.envoy import running_envoy
from tests.routers.tracks import Tracks
from tests.scenario.test_two_people import message_with, press
from tests.stack import Stack, running_stack

TIMES = 3
RATE = 200
_IN_TEN = 2
_WITHIN_S = 60.0
_PEOPLE = ["[services.people]", f'approve = ["{ADA}", "{BEN}"]']


@dataclass(frozen=True)
class Taken:
    """Seconds from the first failure to the judgement, and to the button; from the approval to weight 0 read back."""

    judged: float
    offered: float
    done: float


def run() -> Iterable[Row]:
    """Let a canary with a tenth of the requests begin to fail two of ten, a few times over, each time anew."""
    taken = [asyncio.run(_once()) for _ in range(TIMES)]
    judged, offered, done = ([getattr(each, name) for each in taken] for name in ("judged", "offered", "done"))
    notes = f"20 % of {RATE // 10} requests/s fail, a look every second; real Envoy, bot, local Slack; {load()}"
    yield Row("breach to judgement", median(judged), "s", notes=f"{spread(judged)}; {notes}")
    yield Row("breach to the button in Slack", median(offered), "s", at_most=10, notes=spread(offered))
    yield Row("approval to weight 0 read back", median(done), "s", at_most=1, notes=spread(done))


async def _once() -> Taken:
    with tempfile.TemporaryDirectory(prefix="firstfive-bench-") as name, _canary(Path(name)) as (config, failing):
        async with running_stack(Path(name), service=[*config, *_PEOPLE]) as stack:
            await asyncio.sleep(5)
            failing.set()
            began = time.time()
            message = await eventually(lambda: message_with(stack, "Roll back"), _WITHIN_S)
            offered = time.time() - began
            assert message
            await press(stack, "Roll back", ADA)
            await press(stack, "Approve", BEN)
            done = await eventually(lambda: _entry(stack, "traffic set"), _WITHIN_S)
            approved, judged = [await _entry(stack, kind) for kind in ("approval decided", "judged")]
            return Taken(judged["at_us"] / 1e6 - began, offered, (done["at_us"] - approved["at_us"]) / 1e6)


async def _entry(stack: Stack, kind: str) -> dict[str, Any]:
    """Give the first entry of a kind, or nothing yet."""
    entries = await stack.listed("/api/v1/incidents/INC-1/entries")
    return next((each for each in entries if isinstance(each, dict) and each["kind"] == kind), {})


@contextmanager
def _canary(folder: Path) -> Iterator[tuple[list[str], threading.Event]]:
    """Give the configuration of a canary behind an Envoy under load, and what makes it fail."""
    failing = threading.Event()
    program = str(releases.prepare(folders.cache() / "lab").program(releases.HEALTHY))
    with ExitStack() as stack:
        tracks = Tracks(*(stack.enter_context(_upstream(event)) for event in (threading.Event(), failing)))
        router = stack.enter_context(running_envoy(tracks, folder))
        sent = [program, "-load", f"http://{router.address}", "-rate", str(RATE), "-name", "load", "-follow-stdin"]
        stack.enter_context(Child("load", sent, folder / "load.log"))
        yield [router.toml, *by_envoy(str(router.settings["admin"]))], failing


class _Answer(BaseHTTPRequestHandler):
    failing: ClassVar[threading.Event]
    answered: ClassVar[Iterator[int]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        bad = self.failing.is_set() and next(self.answered) % 10 < _IN_TEN
        self.send_response(500 if bad else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Stay silent."""


@contextmanager
def _upstream(failing: threading.Event) -> Iterator[str]:
    handler = type("Answer", (_Answer,), {"failing": failing, "answered": count()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

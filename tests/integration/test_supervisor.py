"""The lab's supervisor does to a real process what a kubelet does, and tells it as a cluster does."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from bot.domain.facts import Facts
from bot.domain.faults import Beside, Finding, probe_loop
from bot.domain.pods import tell_pod
from bot.domain.restarts import Restarts, read_restarts
from bot.lab import cluster
from bot.lab.supervisor import Container, Probe, Supervisor
from tests.stack import free_port

PROGRAM = """
import pathlib, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
folder, port, start_s = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
if (folder / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        if (folder / "panic").exists():
            import os
            os._exit(2)
        self.send_response(503 if (folder / self.path[1:]).exists() else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
time.sleep(start_s)
HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""
"""Answers 503 for `/live` or `/ready` while a file of that name is there."""
PATIENCE_S = 20.0


@dataclass
class Pod:
    """A supervised process, and what can be done to it by files."""

    folder: Path
    supervisor: Supervisor
    processes: Sequence["Popen[bytes]"]

    def be(self, what: str, *, on: bool = True) -> None:
        (self.folder / what).touch() if on else (self.folder / what).unlink()

    def wait(self, is_so: Callable[[Restarts], bool]) -> Restarts:
        until = time.monotonic() + PATIENCE_S
        while not is_so(found := self.told()):
            assert time.monotonic() < until, found
            time.sleep(0.02)
        return found

    def told(self) -> Restarts:
        """Give what its cluster tells, as it is captured of a target; when nobody asks it for its health."""
        (pod,) = self._items("pods?labelSelector=app%3Dcheckout")
        events = self._items("events?fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dcheckout-1")
        found = read_restarts(tell_pod(pod, events, (), "") | {"at": datetime.now(UTC).isoformat()})
        assert found is not None
        return found

    def _items(self, path: str) -> list[dict[str, Any]]:
        answer = cluster.answer(f"/api/v1/namespaces/lab/{path}", [self.supervisor])
        assert answer is not None
        items: list[dict[str, Any]] = answer["items"]
        return items

    def finding(self) -> Finding | None:
        return probe_loop.find(Facts("checkout-1", restarts=self.told()), Beside())


Run = Callable[..., Pod]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with ExitStack() as stack:

        def start(*files: str, start_s: float = 0.0, **probes: Probe) -> Pod:
            port, processes = free_port(), []
            for file in files:
                (tmp_path / file).touch()

            def begin() -> "Popen[bytes]":
                processes.append(Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(port), str(start_s)]))
                return processes[-1]

            kinds = {kind: replace(each, port=port) for kind, each in probes.items()}
            container = Container("checkout-1", begin, kinds, grace_s=0.3, back_off_s=0.1, longest_back_off_s=0.2)
            return Pod(tmp_path, stack.enter_context(Supervisor(container)), processes)

        yield start


LIVE, READY = Probe("/live", 0, period_s=0.1, failures=2), Probe("/ready", 0, period_s=0.1, failures=1)
START = Probe("/start", 0, period_s=0.1, failures=100)
PROBES = {"liveness": LIVE, "readiness": READY, "startup": START}


def test_a_liveness_that_fails_with_readiness_ends_it_until_it_is_well(run: Run) -> None:
    pod = run(**PROBES)
    well = pod.wait(lambda told: told.ready)
    pod.be("ready")
    pod.be("live")
    sick = pod.wait(lambda told: told.kills("liveness") > 1 and told.count > 1)
    found = pod.finding()
    pod.be("live", on=False)
    pod.be("ready", on=False)
    mended = pod.wait(lambda told: told.ready)

    assert (well.count, well.last) == (0, None)
    assert sick.last is not None
    assert (sick.killed_by, sick.last.exit, sick.last.reason) == ("liveness", 143, "Error")
    assert {each.how for each in sick.misses("liveness")} >= {"status 503"}
    assert found is not None
    assert mended.count >= 2
    assert pod.finding() is None


def test_who_does_not_hear_that_it_must_end_is_killed_when_its_grace_is_over(run: Run) -> None:
    told = run("deaf", "live", **PROBES).wait(lambda told: told.last is not None)
    assert told.last is not None
    assert (told.last.exit, told.killed_by) == (137, "liveness")


def test_a_start_that_takes_too_long_is_ended_before_it_listens(run: Run) -> None:
    pod = run(start_s=30, liveness=replace(LIVE, period_s=0.3))
    pod.wait(lambda told: told.kills("liveness") > 1 and told.count > 1)
    found = pod.finding()
    assert found is not None
    assert "it did not listen yet" in found.claim


def test_a_startup_probe_gives_it_the_time_that_it_needs(run: Run) -> None:
    assert run(start_s=0.5, **PROBES).wait(lambda told: told.ready).count == 0


def test_whoever_is_not_ready_is_not_ended(run: Run) -> None:
    pod = run("ready", **PROBES)
    told = pod.wait(lambda told: sum(each.count for each in told.misses("readiness")) >= 3)
    assert (told.count, told.ready, pod.finding()) == (0, False, None)


@pytest.mark.parametrize(("how", "code"), [("panic", 2), ("person", 137), ("stop", 143)])
def test_what_ends_in_another_way_is_not_put_down_to_its_probes(run: Run, how: str, code: int) -> None:
    pod = run(**PROBES)
    pod.wait(lambda told: told.ready)
    if how == "panic":
        pod.be("panic")
    else:
        os.kill(pod.processes[-1].pid, signal.SIGKILL if how == "person" else signal.SIGTERM)
    told = pod.wait(lambda told: told.last is not None)
    assert told.last is not None
    assert (told.last.exit, told.killed_by, pod.finding()) == (code, "", None)


def test_what_nobody_asked_for_is_not_listed() -> None:
    assert cluster.answer("/api/v1/namespaces/lab/pods?labelSelector=app%3Dother", []) == {
        "kind": "PodList", "apiVersion": "v1", "items": [],
    }  # fmt: skip
    assert cluster.answer("/api/v1/namespaces/shop/pods", []) is None
    assert cluster.answer("/debug/faults", []) is None

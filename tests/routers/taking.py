"""One of two upstreams is taken away behind a real HAProxy under load, and comes back: what its users lose by that."""

import asyncio
import http.client
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.routers.haproxy import HaproxyDriver
from bot.domain.backends import Backend
from bot.domain.traffic import Route
from tests.routers.programs import Running, running
from tests.stack import free_ports

CHECK_MS, FALL = 100, 2
LOADS, AWAY_S, PATIENCE_S = 4, 1.0, 60.0
CONFIG = """
global
    stats socket "{folder}/haproxy.sock" mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    {retries}
frontend users
    bind 127.0.0.1:{port}
    default_backend checkout
backend checkout
    option httpchk GET /health/ready
    default-server check inter {check}ms fall {fall} rise 1
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""
AGAIN = {False: "retries 0", True: "retries 2\n    option redispatch 1"}


@dataclass
class Load:
    """What users got: answers of a server's error or none at all are failed."""

    address: str
    answered: int = 0
    failed: int = 0
    enough: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask again and again, over a connection that is kept for as long as it lasts."""
        connection = http.client.HTTPConnection(self.address, timeout=5)
        while not self.enough.wait(0.01):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.failed += answer.status >= http.client.INTERNAL_SERVER_ERROR
                self.answered += 1
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
        connection.close()


@dataclass(frozen=True)
class Taken:
    """What was lost of how many requests by one way of taking away, and how soon it was sent to again."""

    requests: int
    failed: int
    back_s: float
    before: Backend
    after: Backend


def take_away(folder: Path, *, drained: bool, again: bool) -> Taken:
    """Take it away at once, or after its readiness and when the router has seen that; `again`: requests are retried."""
    port = free_ports(0, 1, 2)
    config = CONFIG.format(
        folder=folder, port=port, one=port + 1, two=port + 2, check=CHECK_MS, fall=FALL, retries=AGAIN[again]
    )
    (folder / "haproxy.cfg").write_text(config)
    keys = {"kind": "haproxy", "socket": f"{folder}/haproxy.sock", "canary": "checkout/two", "baseline": "checkout/one"}
    command = ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]
    with ExitStack() as stack:
        first = stack.enter_context(_upstream(port + 1))
        stack.enter_context(_upstream(port + 2))
        router = stack.enter_context(running(Running(f"127.0.0.1:{port}", keys, command, folder / "log")))
        while not (folder / "haproxy.sock").exists():  # it serves users a moment before
            time.sleep(0.01)
        _await(router.route, "UP")
        with _loaded(router.address) as loads:
            before = _one(router.route)
            if drained:
                first.send_signal(signal.SIGUSR1)
                _await(router.route, "DOWN")
            first.kill()
            first.wait()
            time.sleep(AWAY_S)
            sent = _one(router.route).sent
            stack.enter_context(_upstream(port + 1))
            returned_at = time.monotonic()
            while _one(router.route).sent == sent:
                assert time.monotonic() < returned_at + PATIENCE_S, "it is sent nothing"
                time.sleep(0.01)
            back_s = time.monotonic() - returned_at
        after = _one(router.route)
    return Taken(sum(each.answered for each in loads), sum(each.failed for each in loads), back_s, before, after)


@contextmanager
def _upstream(port: int) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen([sys.executable, "-m", "tests.routers.upstream", str(port)])
    try:
        while process.poll() is None and not _listens(port):
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def _loaded(address: str) -> Iterator[list[Load]]:
    loads = [Load(address) for _ in range(LOADS)]
    threads = [threading.Thread(target=load.run) for load in loads]
    for thread in threads:
        thread.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.enough.set()
        for thread in threads:
            thread.join()


def _one(route: Route) -> Backend:
    told = asyncio.run(HaproxyDriver().backends(route))
    assert isinstance(told, tuple), told
    return next(each for each in told if each.name == "checkout/one")


def _await(route: Route, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _one(route).state.startswith(state):
        assert time.monotonic() < deadline, f"it never was {state}"
        time.sleep(0.01)

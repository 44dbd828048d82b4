"""The dispatcher is really ill while a fault is on, and well again: seen in its raw profiles and in /proc."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.lab.toolchain import build_environment, find_go

pytestmark = [pytest.mark.matrix(sample=3, group="dispatcher"), pytest.mark.go, pytest.mark.timeout(600)]

SOURCE = Path(__file__).parent / "dispatcher"
CLASSES = {
    "gc-pressure",
    "alloc-churn",
    "heap-growth",
    "cpu-hotspot",
    "lock-contention",
    "deadlock",
    "goroutine-leak",
    "timeout-mismatch",
    "stalled-readers",
    "socket-exhaustion",
    "pool-exhaustion",
}


@dataclass(frozen=True)
class Dispatcher:
    """A running target and its load."""

    pid: int
    url: str
    admin: str

    def turn(self, name: str, size: str = "", *, on: bool) -> None:
        wanted = {"on": on, "size": size}
        httpx.post(f"{self.admin}/debug/faults/{name}", json=wanted, timeout=60).raise_for_status()

    @contextmanager
    def ill(self, name: str, size: str) -> Iterator[None]:
        self.turn(name, size, on=True)
        try:
            yield
        finally:
            self.turn(name, on=False)

    def stacks(self, frame: str, top: str = "") -> int:
        """Count the goroutines with a frame whose innermost frame holds a text."""
        text = httpx.get(f"{self.admin}/debug/pprof/goroutine?debug=1", timeout=60).text
        groups = re.findall(r"^(\d+) @.*\n((?:#.*\n)+)", text, re.MULTILINE)
        return sum(int(count) for count, stack in groups if frame in stack and top in stack.split("\n")[0])

    def files(self) -> int:
        return len([*Path(f"/proc/{self.pid}/fd").iterdir()])

    def serves(self) -> bool:
        """Tell whether ten users in a row are served."""
        try:
            return all(httpx.get(self.url, timeout=2).status_code == httpx.codes.OK for _ in range(10))
        except httpx.HTTPError:
            return False


def comes(true: Callable[[], bool]) -> bool:
    """Wait for it, as long as a fault may take to show."""
    for _ in range(300):
        if true():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("dispatcher") / "dispatcher"
    command = [str(find_go()), "build", "-trimpath", "-buildvcs=false", "-o", str(built), "."]
    subprocess.run(command, cwd=SOURCE, env=build_environment(), check=True)
    return built


@pytest.fixture
def dispatcher(program: Path) -> Iterator[Dispatcher]:
    with ExitStack() as stack:

        def start(*options: str) -> subprocess.Popen[bytes]:
            command = [str(program), "-follow-stdin", *options]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.callback(process.wait, 20)
            stack.enter_context(process)
            assert process.stdin is not None
            stack.callback(process.stdin.close)
            return process

        target = start()
        assert target.stdout is not None
        ready = json.loads(target.stdout.readline())
        start("-load", ready["url"], "-rate", "20")
        yield Dispatcher(target.pid, ready["url"], ready["admin"])


def test_every_class_has_a_fault_and_there_are_many_healthy_windows(dispatcher: Dispatcher) -> None:
    listed = httpx.get(f"{dispatcher.admin}/debug/faults").json()
    assert {one["class"] for one in listed} == {""} | CLASSES
    assert len([one for one in listed if not one["class"]]) >= 12
    assert not any(one["on"] for one in listed)
    assert httpx.get(f"{dispatcher.url}/health/ready").status_code == httpx.codes.OK


def test_workers_that_wait_for_each_other_serve_nobody(dispatcher: Dispatcher) -> None:
    with dispatcher.ill("moves-both-ways", "small"):
        assert comes(lambda: dispatcher.stacks("(*shelf).hold", "runtime_SemacquireMutex") == 32)  # all workers
        assert not dispatcher.serves()
    assert comes(dispatcher.serves)
    assert comes(lambda: dispatcher.stacks("(*shelf).hold", "runtime_SemacquireMutex") == 0)


def test_estimates_that_nobody_hears_add_up(dispatcher: Dispatcher) -> None:
    with dispatcher.ill("first-estimate-wins", "medium"):
        assert comes(lambda: dispatcher.stacks("depot.estimate") > 500)
    assert comes(lambda: dispatcher.stacks("depot.estimate") == 0)


def test_unread_quotes_use_up_the_files(dispatcher: Dispatcher) -> None:
    with dispatcher.ill("quotes-ahead", "large"):
        assert comes(lambda: dispatcher.files() > 900 and not dispatcher.serves())
    assert comes(lambda: dispatcher.serves() and dispatcher.files() < 200)


def test_lost_printers_leave_couriers_waiting(dispatcher: Dispatcher) -> None:
    with dispatcher.ill("lost-printers", "medium"):
        assert comes(lambda: dispatcher.stacks("(*Depot).printLabel") > 200)
    assert comes(lambda: dispatcher.stacks("(*Depot).printLabel") == 0)


@pytest.mark.parametrize("window", ["full-pool", "watched-parcels"])
def test_users_are_served_in_a_healthy_window(dispatcher: Dispatcher, window: str) -> None:
    with dispatcher.ill(window, "large"):
        assert comes(lambda: dispatcher.stacks("database/sql.(*DB)" if window == "full-pool" else "watch.func1") > 10)
        assert comes(dispatcher.serves)

"""The warehouse's faults do to it what they say, and take it back; told by its own profiles and the kernel alone."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import pytest

from bot.lab.toolchain import build_environment, find_go

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]

SOURCE = Path(__file__).parent / "warehouse"
CLASSES = {
    "gc-pressure", "alloc-churn", "heap-growth", "cpu-hotspot", "lock-contention", "deadlock", "goroutine-leak",
    "timeout-mismatch", "stalled-readers", "socket-exhaustion", "pool-exhaustion",
}  # fmt: skip
CLOSE_WAIT, LISTENS = "08", "0A"
WINDOWS_MIN = 12
SEEN_WITHIN_S = 60


class Warehouse(NamedTuple):
    """A warehouse that runs."""

    pid: int
    url: str
    admin: str

    def turn(self, name: str, *, on: bool, size: str = "small") -> None:
        """Switch one of its situations."""
        asked = {"on": on, "size": size}
        httpx.post(f"{self.admin}/debug/faults/{name}", json=asked, timeout=60).raise_for_status()

    def stacks(self, state: str, function: str) -> int:
        """Count the goroutines in a state that have a function on their stack."""
        text = httpx.get(f"{self.admin}/debug/pprof/goroutine?debug=2", timeout=60).text
        return sum(function in one and f"[{state}" in one.partition("\n")[0] for one in text.split("\n\n"))

    def leaked(self, function: str) -> int:
        """Count the goroutines that the runtime finds leaked with a function on their stack."""
        text = httpx.get(f"{self.admin}/debug/pprof/goroutineleak?debug=1", timeout=60).text
        return sum(int(one.partition(" @")[0].split()[-1]) for one in text.split("\n\n") if function in one)

    def serves(self) -> bool:
        """Tell whether every zone of the first page is answered."""
        with httpx.Client(timeout=5) as users, suppress(httpx.TimeoutException):
            return all(users.get(self.url).status_code == httpx.codes.OK for _ in range(8))
        return False

    def sockets(self) -> list[list[str]]:
        """Give the kernel's lines on the sockets that this process holds."""
        held = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                held.add(str(descriptor.readlink()))
        lines = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return [line for line in lines if f"socket:[{line[9]}]" in held]

    def in_state(self, state: str) -> int:
        """Count the sockets in a state."""
        return sum(line[3] == state for line in self.sockets())

    def unread(self) -> int:
        """Count the sockets on which a kilobyte and more waits for its reader."""
        return sum(line[3] != LISTENS and int(line[4].partition(":")[0], 16) > 1024 for line in self.sockets())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("warehouse") / "warehouse"
    command = [str(find_go()), "build", "-o", str(built), "."]
    subprocess.run(command, cwd=SOURCE, env=build_environment(), check=True)
    return built


@pytest.fixture(scope="module")
def warehouse(program: Path) -> Iterator[Warehouse]:
    with ExitStack() as stack:

        def started(*words: str) -> subprocess.Popen[bytes]:
            command = [str(program), *words, "-follow-stdin"]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.wait, 20)
            assert process.stdin is not None
            stack.callback(process.stdin.close)
            return process

        process = started()
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        started("-load", told["url"], "-rate", "20")
        yield Warehouse(process.pid, told["url"], told["admin"])


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what takes its time on a busy machine."""
    until = monotonic() + SEEN_WITHIN_S
    while not is_so():
        assert monotonic() < until, "it did not come to that"
        sleep(0.2)


def test_the_code_is_as_gofmt_would_have_it(program: Path) -> None:
    assert program.exists()
    gofmt = find_go().resolve().with_name("gofmt")
    assert subprocess.run([gofmt, "-l", SOURCE], check=True, capture_output=True, text=True).stdout == ""


def test_every_class_has_a_fault_and_windows_have_none(warehouse: Warehouse) -> None:
    told = httpx.get(f"{warehouse.admin}/debug/faults").json()
    classes = [one["class"] for one in told]
    assert set(classes) == CLASSES | {""}
    assert classes.count("") >= WINDOWS_MIN
    assert not any(one["on"] for one in told)
    listed = (SOURCE / "README.md").read_text()
    assert [one["name"] for one in told if f"`{one['name']}`" not in listed] == []


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize(
    ("name", "state", "function", "count"),
    [
        ("bin-transfers", "sync.Mutex.Lock", "store.(*Transfer).Run", 2),
        ("implausible-counts", "sync.Mutex.Lock", "store.(*Counts).Last", 5),
        ("carrier-quotes", "chan send", "api.(*round).call", 100),
        ("stock-followers", "select", "api.(*follower).run", 100),
        ("patient-stocktakes", "chan receive", "api.(*Desk).stocktake", 30),
        ("turnover-reports", "select", "database/sql.(*DB).conn", 8),
        ("lost-printers", "select", "store.(*Lending[...]).Borrow", 8),
        ("supplier-lines", "select", "net/http.(*Transport).getConn", 5),
    ],
)
def test_who_waits_is_seen_and_goes(warehouse: Warehouse, name: str, state: str, function: str, count: int) -> None:
    warehouse.turn(name, on=True)
    try:
        wait_until(lambda: warehouse.stacks(state, function) >= count)
    finally:
        warehouse.turn(name, on=False)
    wait_until(lambda: warehouse.stacks(state, function) < count)
    wait_until(warehouse.serves)


def test_a_leak_that_a_profile_has_found_is_taken_back(warehouse: Warehouse) -> None:
    warehouse.turn("carrier-quotes", on=True)
    try:
        wait_until(lambda: warehouse.leaked("api.(*round).call") > 50)
    finally:
        warehouse.turn("carrier-quotes", on=False)
    wait_until(lambda: warehouse.stacks("chan send", "api.(*round).call") == 0)
    wait_until(lambda: warehouse.leaked("api.(*round).call") == 0)
    wait_until(warehouse.serves)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("name", ["bin-transfers", "implausible-counts", "urgent-orders", "lost-printers"])
def test_users_suffer_until_it_is_over(warehouse: Warehouse, name: str) -> None:
    wait_until(warehouse.serves)
    warehouse.turn(name, on=True)
    try:
        wait_until(lambda: not warehouse.serves())
    finally:
        warehouse.turn(name, on=False)
    wait_until(warehouse.serves)


def test_scanners_that_are_not_hung_up_on_stay_in_close_wait(warehouse: Warehouse) -> None:
    warehouse.turn("handheld-beeps", on=True)
    try:
        wait_until(lambda: warehouse.in_state(CLOSE_WAIT) > 100)
        assert "1024" in Path(f"/proc/{warehouse.pid}/limits").read_text().partition("Max open files")[2].split()[:1]
    finally:
        warehouse.turn("handheld-beeps", on=False)
    wait_until(lambda: warehouse.in_state(CLOSE_WAIT) < 10)
    assert "1024" not in Path(f"/proc/{warehouse.pid}/limits").read_text().partition("Max open files")[2].split()[:1]


@pytest.mark.parametrize("name", ["export-pullers", "wallboards"])
def test_what_nobody_reads_waits_in_the_kernel(warehouse: Warehouse, name: str) -> None:
    warehouse.turn(name, on=True)
    try:
        wait_until(lambda: warehouse.unread() >= 30)
        wait_until(lambda: warehouse.stacks("IO wait", "trellis.(*recorder).Write") >= 30)
    finally:
        warehouse.turn(name, on=False)
    wait_until(lambda: warehouse.unread() < 5)


def test_thousands_who_are_parked_hurt_nobody(warehouse: Warehouse) -> None:
    warehouse.turn("parked-pickers", on=True)
    try:
        assert warehouse.stacks("select", "ops.parkedPickers") >= 2000
        wait_until(warehouse.serves)
    finally:
        warehouse.turn("parked-pickers", on=False)
    wait_until(lambda: warehouse.stacks("select", "ops.parkedPickers") == 0)

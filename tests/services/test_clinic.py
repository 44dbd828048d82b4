"""The clinic is ill while a fault is on and only then; no window harms its users. By its profiles and the kernel."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import pytest

from bot.lab.toolchain import build_environment, find_go

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]

SOURCE = Path(__file__).parent / "clinic"
FAULTS = {
    "gc-pressure": ["index-in-a-small-room", "tidy-after-visits"],
    "alloc-churn": ["dose-table", "waveforms"],
    "heap-growth": ["first-lines", "next-years-reminders"],
    "cpu-hotspot": ["interaction-table", "sealed-prescriptions"],
    "lock-contention": ["signed-log", "duty-roster"],
    "deadlock": ["bed-board", "discharge-book"],
    "goroutine-leak": ["bedside-monitors", "second-opinions", "waiting-lounge"],
    "timeout-mismatch": ["claim-checks", "second-insurers"],
    "stalled-readers": ["frozen-monitors", "scans-on-tablets"],
    "socket-exhaustion": ["client-of-its-own", "referral-line"],
    "pool-exhaustion": ["missing-consents", "open-transactions", "letters-on-paper"],
}
WINDOWS = [
    "open-house", "passers-by", "idle-tablets", "awaited-results", "hall-screens", "front-door", "flu-campaign",
    "slow-insurer", "formulary", "morning-round", "archive-compaction", "lean-collector", "stock-count",
    "hourly-orders", "handovers", "on-call-staff", "scans-at-home", "day-sessions", "busy-records", "one-printer",
    "lab-couriers",
]  # fmt: skip
CLOSE_WAIT = "08"
VISITS = 16  # two to each ward
SEEN_WITHIN_S = 60


class Clinic(NamedTuple):
    """A clinic that runs under its load."""

    pid: int
    url: str
    admin: str

    def turn(self, name: str, *, on: bool, size: str = "small") -> None:
        asked = {"on": on, "size": size}
        httpx.post(f"{self.admin}/debug/faults/{name}", json=asked, timeout=120).raise_for_status()

    @contextmanager
    def ill(self, name: str, size: str = "small") -> Iterator[None]:
        self.turn(name, on=True, size=size)
        try:
            yield
        finally:
            self.turn(name, on=False)

    def stacks(self, state: str, function: str) -> int:
        """Count the goroutines in a state that have a function on their stack."""
        text = httpx.get(f"{self.admin}/debug/pprof/goroutine?debug=2", timeout=60).text
        return sum(function in one and f"[{state}" in one.partition("\n")[0] for one in text.split("\n\n"))

    def leaked(self, function: str) -> int:
        """Count the goroutines that the runtime finds leaked with a function on their stack."""
        text = httpx.get(f"{self.admin}/debug/pprof/goroutineleak?debug=1", timeout=60).text
        return sum(int(one.partition(" @")[0].split()[-1]) for one in text.split("\n\n") if function in one)

    def memory(self, name: str) -> int:
        """Give a figure of runtime.MemStats."""
        text = httpx.get(f"{self.admin}/debug/pprof/heap?debug=1", timeout=60).text
        found = re.search(rf"^# {name} = (\d+)$", text, re.MULTILINE)
        assert found is not None
        return int(found[1])

    def holds(self, most: int) -> bool:
        """Tell whether its heap is larger than that."""
        return self.memory("HeapAlloc") > most

    def busy(self) -> int:
        """Give the clock ticks that it has computed."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def files(self) -> int:
        return len([*Path(f"/proc/{self.pid}/fd").iterdir()])

    def unclosed(self) -> int:
        """Count its sockets whose peer has hung up."""
        held = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                held.add(str(descriptor.readlink()))
        lines = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(line[3] == CLOSE_WAIT and f"socket:[{line[9]}]" in held for line in lines)

    def served(self) -> int:
        """Count the visits, made at the same time, that are answered well."""
        with httpx.Client(timeout=10) as users, ThreadPoolExecutor(VISITS) as visitors:
            return sum(visitors.map(lambda _: self._is_served(users), range(VISITS)))

    def _is_served(self, users: httpx.Client) -> bool:
        with suppress(httpx.TransportError):
            return users.get(self.url).status_code == httpx.codes.OK
        return False


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("clinic") / "clinic"
    command = [str(find_go()), "build", "-o", str(built), "."]
    subprocess.run(command, cwd=SOURCE, env=build_environment(), check=True)
    return built


@pytest.fixture(scope="module")
def clinic(program: Path) -> Iterator[Clinic]:
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

        process = started("-name", "clinic-1")
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["name"] == "clinic-1"
        started("-load", told["url"], "-rate", "20")
        yield Clinic(process.pid, told["url"], told["admin"])


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what takes its time on a busy machine."""
    until = monotonic() + SEEN_WITHIN_S
    while not is_so():
        assert monotonic() < until, "it did not come to that"
        sleep(0.2)


def gained(figure: Callable[[], int]) -> int:
    """Give what a figure gains in a moment of the load."""
    before = figure()
    sleep(2)
    return figure() - before


def test_the_code_is_as_gofmt_would_have_it(program: Path) -> None:
    assert program.exists()
    gofmt = find_go().resolve().with_name("gofmt")
    assert subprocess.run([gofmt, "-l", SOURCE], check=True, capture_output=True, text=True).stdout == ""


def test_it_has_the_faults_and_windows_that_are_tested_here(clinic: Clinic) -> None:
    told = httpx.get(f"{clinic.admin}/debug/faults").json()
    listed = {kind: sorted(one["name"] for one in told if one["class"] == kind) for kind in {*FAULTS, ""}}
    assert listed == {kind: sorted(names) for kind, names in {**FAULTS, "": WINDOWS}.items()}
    assert not any(one["on"] for one in told)
    manual = (SOURCE / "README.md").read_text()
    assert [one["name"] for one in told if f"`{one['name']}`" not in manual] == []


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(
    ("name", "state", "function", "count"),
    [
        ("bed-board", "sync.RWMutex.RLock", "wards.(*beds).Summary", 2),
        ("discharge-book", "chan send", "wards.(*discharges).File", 2),
        ("signed-log", "sync.Mutex.Lock", "log.(*Logger).output", 4),
        ("duty-roster", "sync.Mutex.Lock", "lantern.(*Cache[...]).Refresh", 2),
        ("bedside-monitors", "chan receive", "vitals.(*monitors).watch", 160),
        ("waiting-lounge", "sync.Cond.Wait", "vitals.(*lounge).sit", 160),
        ("claim-checks", "select", "billing.claims", 10),
        ("second-insurers", "select", "billing.cover", 15),
        ("missing-consents", "select", "records.(*Pool).Acquire", 4),
        ("open-transactions", "select", "records.(*Pool).Acquire", 4),
        ("letters-on-paper", "select", "lantern.(*Queue[...]).Ask", 5),
        ("frozen-monitors", "IO wait", "vitals.follow", 20),
        ("scans-on-tablets", "IO wait", "http.(*response).Write", 20),
        ("on-call-staff", "sync.Cond.Wait", "wards.(*bell).wait", 300),
        ("day-sessions", "sync.WaitGroup.Wait", "vitals.sessions", 90),
    ],
)
def test_who_waits_is_seen_and_goes(clinic: Clinic, name: str, state: str, function: str, count: int) -> None:
    with clinic.ill(name):
        wait_until(lambda: clinic.stacks(state, function) >= count)
    wait_until(lambda: clinic.stacks(state, function) < min(count, 4))


def test_a_leak_that_a_profile_has_found_is_taken_back(clinic: Clinic) -> None:
    with clinic.ill("second-opinions"):
        wait_until(lambda: clinic.leaked("vitals.(*consult).listen") > 160)
    wait_until(lambda: clinic.stacks("chan receive", "vitals.(*consult).listen") == 0)
    wait_until(lambda: clinic.leaked("vitals.(*consult).listen") == 0)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("bed-board", "small"),
        ("discharge-book", "small"),
        ("claim-checks", "small"),
        ("second-insurers", "small"),
        ("missing-consents", "large"),
        ("open-transactions", "large"),
        ("letters-on-paper", "large"),
        ("client-of-its-own", "large"),
        ("referral-line", "large"),
    ],
)
def test_users_are_not_served_until_it_is_over(clinic: Clinic, name: str, size: str) -> None:
    wait_until(lambda: clinic.served() == VISITS)
    with clinic.ill(name, size):
        wait_until(lambda: clinic.served() < VISITS)
    wait_until(lambda: clinic.served() == VISITS)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(
    ("name", "figure", "times"),
    [
        ("index-in-a-small-room", "NumGC", 4),
        ("tidy-after-visits", "NumGC", 4),
        ("dose-table", "TotalAlloc", 20),
        ("waveforms", "TotalAlloc", 20),
    ],
)
def test_memory_has_far_more_to_do(clinic: Clinic, name: str, figure: str, times: int) -> None:
    usual = max(1, gained(lambda: clinic.memory(figure)))
    with clinic.ill(name):
        wait_until(lambda: gained(lambda: clinic.memory(figure)) > times * usual)
    wait_until(lambda: gained(lambda: clinic.memory(figure)) < times * usual)


@pytest.mark.parametrize("name", FAULTS["heap-growth"])
def test_what_is_held_grows_and_is_given_back(clinic: Clinic, name: str) -> None:
    usual = clinic.memory("HeapAlloc")
    with clinic.ill(name, "large"):
        for times in (3, 5, 7):
            wait_until(partial(clinic.holds, times * usual))
    wait_until(lambda: not clinic.holds(3 * usual))


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("name", FAULTS["cpu-hotspot"])
def test_a_processor_has_far_more_to_do(clinic: Clinic, name: str) -> None:
    usual = max(1, gained(clinic.busy))
    with clinic.ill(name):
        wait_until(lambda: gained(clinic.busy) > 4 * usual)
    wait_until(lambda: gained(clinic.busy) < 4 * usual)


def test_clients_of_their_own_keep_their_files(clinic: Clinic) -> None:
    usual = clinic.files()
    with clinic.ill("client-of-its-own"):
        wait_until(lambda: clinic.files() > usual + 610)
    wait_until(lambda: clinic.files() < 1.5 * usual)


def test_callers_who_have_hung_up_stay_until_it_is_over(clinic: Clinic) -> None:
    with clinic.ill("referral-line"):
        wait_until(lambda: clinic.unclosed() > 610)
    wait_until(lambda: clinic.unclosed() < 10)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("name", WINDOWS)
def test_users_are_served_in_a_healthy_window(clinic: Clinic, name: str) -> None:
    with clinic.ill(name, "large"):
        wait_until(lambda: clinic.served() == VISITS)

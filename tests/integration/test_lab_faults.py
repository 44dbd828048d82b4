"""Each fault of the lab leaves its signal in real profiles, and takes it back when it is switched off."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from bot.adapters.targets.handshake import TlsHandshakes
from bot.domain.examination import examine
from bot.domain.faults import RULES, Beside
from bot.domain.service import Target
from bot.domain.snapshot import TLS
from tests.lab import Lab, LabTarget, running_lab, turn_fault

pytestmark = [pytest.mark.matrix(sample=6, group="lab faults"), pytest.mark.go, pytest.mark.timeout(600)]

PATIENCE_S = 60
DIAGNOSED = (
    "alloc-churn",
    "alpn-h2",
    "cpu-hotspot",
    "deadlock",
    "gc-pressure",
    "goroutine-leak",
    "heap-growth",
    "lock-contention",
    "pool-exhaustion",
    "socket-exhaustion",
    "stalled-readers",
    "timeout-mismatch",
    "tls-chain",
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(targets=2, sick="checkout-2") as running:
        yield running


@pytest.fixture
def target(lab: Lab) -> LabTarget:
    return lab["targets"][0]


@contextmanager
def fault(target: LabTarget, name: str, size: str = "medium") -> Iterator[None]:
    turn_fault(target, name, on=True, size=size)
    try:
        yield
    finally:
        turn_fault(target, name, on=False)


def page(target: LabTarget, path: str) -> str:
    return httpx.get(f"{target['admin']}{path}", timeout=60).raise_for_status().text


def leaked(target: LabTarget) -> dict[str, int]:
    """Count leaked goroutines by their top frame; a group without frames is none (Go counts such)."""
    groups = page(target, "/debug/pprof/goroutineleak?debug=1").split("\n\n")
    tops = (re.search(r"^(\d+) @ .*\n#\t0x[0-9a-f]+\t(\S+?)\+0x", group, re.MULTILINE) for group in groups)
    return {top[2]: int(top[1]) for top in tops if top is not None}


def at_frame(target: LabTarget, frame: str) -> int:
    groups = page(target, "/debug/pprof/goroutine?debug=1").split("\n\n")
    counts = (re.search(r"^(\d+) @", group, re.MULTILINE) for group in groups if f"{frame}+0x" in group)
    return sum(int(count[1]) for count in counts if count is not None)


def heap(target: LabTarget, name: str) -> float:
    found = re.search(rf"^# {name} = ([0-9.e-]+)$", page(target, "/debug/pprof/heap?debug=1&gc=1"), re.MULTILINE)
    assert found is not None
    return float(found[1])


def most_objects_in_use(target: LabTarget) -> str:
    """Return the stack that most of the sampled live objects come from."""
    groups = page(target, "/debug/pprof/heap?debug=1").split("\n\n")
    counts = (re.search(r"^(\d+): \d+ \[\d+: \d+\] @ 0x", group, re.MULTILINE) for group in groups)
    return max((int(count[1]), group) for count, group in zip(counts, groups, strict=True) if count is not None)[1]


def answered(target: LabTarget) -> tuple[int, int]:
    """Return how many requests were answered, and how many of them with a 500."""
    counts = dict(re.findall(r'^http_requests_total\{code="(\d+)"\} (\d+)$', page(target, "/metrics"), re.MULTILINE))
    return sum(map(int, counts.values())), int(counts.get("500", 0))


def eventually(holds: Callable[[], bool]) -> bool:
    """Look again and again for as long as a busy machine may need."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_every_fault_and_window_is_listed_and_off_at_first(target: LabTarget) -> None:
    listed = httpx.get(f"{target['admin']}/debug/faults").json()

    assert {each["class"] for each in listed} == {*DIAGNOSED, "", "unnamed"}
    assert sum(each["class"] == "" for each in listed) >= 12
    assert all(each["name"] and each["title"] and not each["on"] for each in listed)


@pytest.mark.parametrize("fault_class", DIAGNOSED)
def test_every_class_that_a_diagnosis_names_has_a_switch_of_each_size(target: LabTarget, fault_class: str) -> None:
    listed = httpx.get(f"{target['admin']}/debug/faults").json()
    name = next(each["name"] for each in listed if each["class"] == fault_class)
    for size in ("small", "large"):
        with fault(target, name, size):
            listed = httpx.get(f"{target['admin']}/debug/faults").json()
            assert [each["name"] for each in listed if each["on"]] == [name]


def test_a_leak_is_half_receive_half_select_and_is_freed(target: LabTarget) -> None:
    with fault(target, "goroutine-leak"):
        assert eventually(lambda: min(leaked(target).get(f"main.watch{of}", 0) for of in ("Price", "Stock")) >= 30)

    assert eventually(lambda: at_frame(target, "main.watchPrice") <= 3)
    assert leaked(target) == {}


def test_a_slow_downstream_queues_at_the_pool_and_drains(target: LabTarget) -> None:
    with fault(target, "slow-downstream"):
        assert eventually(lambda: at_frame(target, "main.(*pool).Get") >= 100)
        assert at_frame(target, "main.(*slowDownstream).waitDownstream") == 4

    assert eventually(lambda: at_frame(target, "main.(*pool).Get") == 0)


def test_gc_pressure_fills_the_heap_from_one_function_and_empties_it(target: LabTarget) -> None:
    with fault(target, "gc-pressure"):
        collections = heap(target, "NumGC")
        assert heap(target, "HeapAlloc") > 80e6
        assert eventually(lambda: "main.encodeReceipt+0x" in most_objects_in_use(target))
        assert eventually(lambda: heap(target, "NumGC") >= collections + 5)

    assert eventually(lambda: heap(target, "HeapAlloc") < 20e6)


def test_churn_collects_often_with_little_alive(target: LabTarget) -> None:
    with fault(target, "alloc-churn"):
        collections = heap(target, "NumGC")
        assert eventually(lambda: heap(target, "NumGC") >= collections + 100)
        assert heap(target, "HeapAlloc") < 16e6


def test_a_timeout_mismatch_works_on_for_customers_who_left_until_it_is_off(target: LabTarget) -> None:
    with fault(target, "timeout-mismatch"):
        assert eventually(lambda: at_frame(target, "main.(*timeoutMismatch).waitForStock") >= 200)

    assert eventually(lambda: at_frame(target, "main.(*timeoutMismatch).waitForStock") == 0)


def test_stalled_readers_hold_their_handlers_until_they_go(target: LabTarget) -> None:
    with fault(target, "stalled-readers"):
        assert eventually(lambda: at_frame(target, "main.writeCatalogue") == 80)
        assert httpx.get(target["url"], timeout=60).json()["currency"] == "EUR"

    assert eventually(lambda: at_frame(target, "main.writeCatalogue") == 0)


def test_a_deadlock_holds_its_requests_and_gives_them_back(target: LabTarget) -> None:
    with fault(target, "deadlock", "large"):
        assert eventually(lambda: at_frame(target, "main.(*deadlock).bookOrder") >= 60)
        assert at_frame(target, "main.(*deadlock).transfer") == 2

    assert eventually(lambda: at_frame(target, "main.(*deadlock).bookOrder") == 0)
    assert at_frame(target, "main.(*deadlock).transfer") == 0
    assert httpx.get(target["url"], timeout=60).json()["currency"] == "EUR"


def test_a_heap_that_grows_is_given_back(target: LabTarget) -> None:
    with fault(target, "heap-growth"):
        assert eventually(lambda: heap(target, "HeapAlloc") > 60e6)

    assert eventually(lambda: heap(target, "HeapAlloc") < 20e6)


def test_the_writers_of_a_journal_queue_for_its_lock_until_they_end(target: LabTarget) -> None:
    with fault(target, "lock-contention", "large"):
        assert eventually(lambda: at_frame(target, "main.(*lockContention).writeJournal") >= 48)

    assert eventually(lambda: at_frame(target, "main.(*lockContention).writeJournal") == 0)


def test_three_of_ten_requests_fail_until_it_is_switched_off(target: LabTarget) -> None:
    with fault(target, "error-ratio"):
        before = answered(target)
        assert eventually(lambda: answered(target)[0] >= before[0] + 200)
        after = answered(target)
    settled = answered(target)

    assert (after[1] - before[1]) / (after[0] - before[0]) == pytest.approx(0.3, abs=0.03)
    assert eventually(lambda: answered(target)[0] >= settled[0] + 50)
    assert answered(target)[1] <= settled[1] + 1  # one may have been under way


def test_a_failed_request_says_so_in_json(target: LabTarget) -> None:
    with fault(target, "error-ratio"):
        answers = [httpx.get(target["url"], timeout=60) for _ in range(40)]

    failed = [answer for answer in answers if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR]
    assert failed
    assert failed[0].json() == {"error": "the stock table is locked"}


def test_the_sick_target_leaks_by_its_build_with_every_fault_off(lab: Lab) -> None:
    sick = lab["targets"][1]

    assert eventually(lambda: leaked(sick).get("main.watchPrice", 0) >= 30)
    assert not any(fault["on"] for fault in httpx.get(f"{sick['admin']}/debug/faults").json())
    assert leaked(lab["targets"][0]) == {}


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("unheard-of", b'{"on": true}', 404),
        ("error-ratio", b'{"on": "yes"}', 400),
        ("error-ratio", b'{"on": true, "size": "huge"}', 400),
        ("error-ratio", b"", 400),
    ],
)
def test_a_wrong_switch_is_refused(target: LabTarget, name: str, body: bytes, status: int) -> None:
    answer = httpx.post(f"{target['admin']}/debug/faults/{name}", content=body)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_request_can_be_followed_by_its_headers(target: LabTarget) -> None:
    answer = httpx.get(target["url"], headers={"X-Request-ID": "r-1", "X-Release-Phase": "canary"})

    assert answer.headers["X-Request-ID"] == "r-1"
    assert answer.headers["X-Release-Phase"] == "canary"
    assert answer.json()["currency"] == "EUR"
    assert httpx.get(target["url"]).headers["X-Request-ID"]


SERVED = {
    ("tls-chain", "small"): "serves a certificate that ended 1.0 h ago",
    ("tls-chain", "medium"): "serves its certificate alone: “Checkout Intermediate”, who signed it, is missing",
    ("tls-chain", "large"): "serves a certificate for default.internal: clients of checkout.internal refuse it",
    ("alpn-h2", "medium"): "chooses http/1.1 of h2, http/1.1",
}


async def claims(target: LabTarget) -> list[str]:
    """Shake hands with a target, and say what is wrong with that."""
    where = (target["name"], "checkout", target["admin"])
    known = Target(*where, https=target["https"], ca=target["ca"], server_name=target["server_name"], h2=True)
    facts = examine([await TlsHandshakes().capture(known, TLS)])
    assert facts.tls is not None
    return [found.claim for rule in RULES if (found := rule(facts, Beside())) is not None]


@pytest.mark.parametrize(("name", "size"), SERVED)
async def test_users_over_tls_are_served_what_clients_refuse_and_well_again(
    target: LabTarget, name: str, size: str
) -> None:
    assert await claims(target) == []
    with fault(target, name, size):
        (claim,) = await claims(target)
    assert claim.startswith(f"checkout.internal {SERVED[name, size]}")
    assert await claims(target) == []

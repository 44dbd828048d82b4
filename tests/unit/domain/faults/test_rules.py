"""Each fault class: found when it is there, named with its line, and not seen where a healthy service looks alike."""

import pytest

from bot.domain.facts import Facts
from bot.domain.faults import RULES, Finding
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
    LOCK,
    SELECT,
    SLEEP,
    cpu,
    document,
    dump_of,
    facts_of,
    failed_probe,
    good_probe,
    goroutines,
    heap,
    leaks,
    mutex,
)
from tests.unit.domain.go_profiles import SERVE, main_frame

GET = main_frame("(*pool).Get", 45)
WAIT = main_frame("waitDownstream", 50)
WATCH = main_frame("watch", 51)
ENCODE = main_frame("encode", 54)
OTHERS = [
    facts_of(name, good_probe(name), cpu=cpu(((main_frame("serve"),), 2))) for name in ("checkout-1", "checkout-2")
]

LEAK = facts_of(
    "c", goroutine=goroutines(((*CHAN_RECEIVE, WATCH), 500)), goroutineleak=leaks(((*CHAN_RECEIVE, WATCH), 480))
)
LEAK_OF_GLOBALS = facts_of("c", goroutine=goroutines(((*CHAN_RECEIVE, WATCH), 800)), goroutineleak=leaks())
POOL = facts_of(
    "c", failed_probe("c"), goroutine=goroutines(((*CHAN_SEND, GET, *SERVE), 290), ((*SLEEP, WAIT, *SERVE), 10))
)
HTTP_POOL = facts_of(
    "c",
    failed_probe("c"),
    goroutine=goroutines(
        ((*SELECT, Frame("net/http.(*Transport).getConn"), Frame("net/http.(*Client).Do"), GET, *SERVE), 90)
    ),
)
COLLECTING = (("runtime.scanobject", "runtime.gcBgMarkWorker"), 40)
ALLOCATING = (("runtime.mallocgc", ENCODE), 55)
GC = facts_of("c", cpu=cpu(COLLECTING, ALLOCATING, ((WATCH,), 5)))
SPIN = facts_of("c", failed_probe("c"), cpu=cpu(((ENCODE,), 96), ((WATCH,), 4)))
DEADLOCK = facts_of(
    "c", goroutine=goroutines(((*LOCK, GET, *SERVE), 122)), mutex=mutex(((main_frame("other", 9),), 0.1))
)
OLD_DEADLOCK = facts_of("c", goroutine_dump=dump_of([("sync.Mutex.Lock, 3 minutes", [*LOCK[3:], GET], 60)]))
CONTENTION = facts_of(
    "c", goroutine=goroutines(((*LOCK, GET, *SERVE), 60)), mutex=mutex(((main_frame("(*pool).Get", 47),), 61.5))
)
HEAP = facts_of("c", heap=heap(((ENCODE,), 118_000_000), ((WATCH,), 800_000)))
HEAP_NEAR_LIMIT = facts_of(
    "c", heap=heap(((ENCODE,), 118_000_000)), process=document({"pid": 1, "memory_limit_bytes": 134_000_000})
)

SICK = [
    ("goroutine-leak", LEAK, "480 of 500 goroutines are leaked", "main.watch (checkout/main.go:51)"),
    (
        "goroutine-leak",
        LEAK_OF_GLOBALS,
        "800 of 800 goroutines (100 %) wait at one place",
        "main.watch (checkout/main.go:51)",
    ),
    ("pool-exhaustion", POOL, "290 of 300 requests wait for their turn", "main.(*pool).Get (checkout/main.go:45)"),
    ("pool-exhaustion", HTTP_POOL, "(HTTP connection)", "main.(*pool).Get (checkout/main.go:45)"),
    ("gc-pressure", GC, "40 % of the CPU collects garbage and 55 % allocates", "main.encode (checkout/main.go:54)"),
    ("cpu-hotspot", SPIN, "main.encode takes 96 % of 0.50 busy cores", "main.encode (checkout/main.go:54)"),
    ("deadlock", DEADLOCK, "122 goroutines wait at", "main.(*pool).Get (checkout/main.go:45)"),
    ("deadlock", OLD_DEADLOCK, "the longest for 3 min", "main.(*pool).Get (checkout/main.go:45)"),
    ("lock-contention", CONTENTION, "62 s were lost so far", "main.(*pool).Get (checkout/main.go:47)"),
    ("heap-growth", HEAP, "119 MB of live heap, 99 % of it held by", "main.encode (checkout/main.go:54)"),
]


def findings(facts: Facts, others: list[Facts]) -> list[Finding]:
    return [found for rule in RULES if (found := rule(facts, others)) is not None]


@pytest.mark.parametrize(("fault", "facts", "claim", "line"), SICK)
def test_a_sick_target_has_its_class_and_its_line(fault: str, facts: Facts, claim: str, line: str) -> None:
    (found,) = findings(facts, OTHERS)

    assert (found.fault, found.target) == (fault, "c")
    assert claim in found.claim
    assert line in found.fix
    assert found.evidence
    assert all(each.artifact in {*dict(facts.files).values(), "manifest.json"} for each in found.evidence)
    assert 0 < found.weight <= 1


@pytest.mark.parametrize("facts", [LEAK, POOL, GC, SPIN, DEADLOCK, OLD_DEADLOCK, HEAP_NEAR_LIMIT])
def test_the_only_target_of_a_service_is_diagnosed_too(facts: Facts) -> None:
    assert len(findings(facts, [])) == 1


HEALTHY = {
    "idle": facts_of("c", good_probe("c")),
    "a few leaks": facts_of("c", goroutine=goroutines((SERVE, 40)), goroutineleak=leaks(((WATCH,), 3))),
    "many idle connections": facts_of("c", goroutine=goroutines((SERVE, 4000))),
    "300 slow but fine requests": facts_of("c", good_probe("c"), goroutine=goroutines(((*SLEEP, WAIT, *SERVE), 300))),
    "answers awaited, not connections": facts_of(
        "c",
        failed_probe("c"),
        goroutine=goroutines(((*SELECT, Frame("net/http.(*persistConn).roundTrip"), GET, *SERVE), 300)),
    ),
    "pool below its limit": facts_of(
        "c", goroutine=goroutines(((*SLEEP, WAIT, *SERVE), 8), ((*CHAN_SEND, GET, *SERVE), 3))
    ),
    "busy but lean": facts_of("c", good_probe("c"), cpu=cpu(((ENCODE,), 50), ((WATCH,), 50))),
    "a background job": facts_of("c", good_probe("c"), cpu=cpu(((ENCODE,), 60))),
    "too few samples": facts_of("c", cpu=cpu((COLLECTING[0], 20), (ALLOCATING[0], 25))),
    "a short crowd at a lock": facts_of(
        "c", goroutine=goroutines(((*LOCK, GET, *SERVE), 30)), mutex=mutex(((GET,), 0.5))
    ),
    "no mutex profile": facts_of("c", goroutine=goroutines(((*LOCK, GET, *SERVE), 60))),
    "a warm cache": facts_of("c", heap=heap(((ENCODE,), 40_000_000))),
    "a heap in many hands": facts_of("c", heap=heap(*(((main_frame(f"f{n}", n),), 20_000_000) for n in range(10)))),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_target_has_none(facts: Facts) -> None:
    assert findings(facts, OTHERS) == []


def test_subscribers_waiting_alike_on_every_target_are_no_queue() -> None:
    streaming = [
        facts_of(name, good_probe(name), goroutine=goroutines(((*SELECT, WATCH, *SERVE), 300), ((WAIT, *SERVE), 2)))
        for name in ("a", "b", "c")
    ]

    assert findings(streaming[0], streaming[1:]) == []


def test_a_fleet_that_leaks_alike_is_still_proven() -> None:
    assert [found.fault for found in findings(LEAK, [LEAK, LEAK])] == ["goroutine-leak"]
    assert findings(LEAK_OF_GLOBALS, [LEAK_OF_GLOBALS, LEAK_OF_GLOBALS]) == []


def test_the_starter_of_a_leak_is_named_when_a_dump_tells() -> None:
    facts = facts_of(
        "c",
        goroutine=goroutines(((*CHAN_RECEIVE, WATCH), 500)),
        goroutineleak=leaks(((*CHAN_RECEIVE, WATCH), 480)),
        goroutine_dump=dump_of([("chan receive (leaked)", [WATCH], 500)]),
    )

    assert "(started by main.start)" in findings(facts, OTHERS)[0].fix

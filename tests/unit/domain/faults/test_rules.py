"""Each fault class: found when it is there, named with its line, and not seen where a healthy service looks alike."""

import pytest

from bot.domain.facts import Facts
from bot.domain.faults import RULES, Beside, Finding
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
    LOCK,
    SELECT,
    SLEEP,
    WRITE,
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

COLLECTOR = ("runtime.scanobject", "runtime.gcBgMarkWorker")


def churn(collecting: int, allocating: int) -> bytes:
    """Take 100 samples of a process that makes objects and drops them."""
    rest = 100 - collecting - allocating
    return cpu(
        (COLLECTOR, collecting),
        (("runtime.mallocgc", ENCODE), allocating),
        ((GET,), rest // 2),
        ((WATCH,), rest - rest // 2),
    )


def writing(requests: int) -> bytes:
    """Pretend requests whose clients take no more bytes."""
    return goroutines(((*WRITE, SEND, *SERVE), requests))


CARD_FIX = 300
"""Characters of a fix that the card shows."""

GET = main_frame("(*pool).Get", 45)
WAIT = main_frame("waitDownstream", 50)
WATCH = main_frame("watch", 51)
ENCODE = main_frame("encode", 54)
SEND = main_frame("send", 61)
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
COLLECTING = (COLLECTOR, 40)
ALLOCATING = (("runtime.mallocgc", ENCODE), 55)
LARGE_HEAP = heap(*(((main_frame(f"keep{n}", n),), 14_000_000) for n in range(10)))
GC = facts_of("c", cpu=cpu(COLLECTING, ALLOCATING, ((WATCH,), 5)), heap=LARGE_HEAP)
CHURN = facts_of("c", good_probe("c", 40.0), cpu=churn(11, 39))
CHURN_SEEN_BY_USERS = facts_of("c", failed_probe("c"), cpu=churn(8, 19), process=document({"pid": 1, "uptime_s": 3.0}))
HEAVY_CHURN = facts_of("c", cpu=churn(40, 55))
UNANSWERED = goroutines(((*SLEEP, WAIT, *SERVE), 745))
MISMATCH = facts_of(
    "c",
    failed_probe("c"),
    goroutine=UNANSWERED,
    sockets=document({"states": {"CLOSE_WAIT": 645, "ESTABLISHED": 168}}),
    process=document({"pid": 1, "fds": 720, "fd_limit": 1024}),
)
STALLED = facts_of(
    "c", good_probe("c"), goroutine=writing(80), sockets=document({"states": {"ESTABLISHED": 208}, "unsent": 81})
)
STALLED_ELSEWHERE = facts_of("c", failed_probe("c"), goroutine=writing(80))
HTTP2 = "net/http/internal/http2.(*serverConn)"
STALLED_STREAMS = facts_of(
    "c",
    failed_probe("c"),
    goroutine=goroutines(((*SELECT, Frame(f"{HTTP2}.writeDataFromHandler"), SEND, Frame(f"{HTTP2}.runHandler")), 30)),
    sockets=document({"states": {"ESTABLISHED": 2}, "unsent": 0}),
)
OUT_OF_FILES = facts_of(
    "c",
    good_probe("c"),
    process=document({"pid": 1, "fds": 472, "fd_limit": 512, "peer": "10.1.2.3:6379", "peer_sockets": 460}),
)
TOO_MANY_CLIENTS = facts_of(
    "c",
    sockets=document({"states": {"ESTABLISHED": 990, "LISTEN": 2}}),
    process=document({"pid": 1, "fds": 1003, "fd_limit": 1024}),
)
OUT_OF_PORTS = facts_of(
    "c", failed_probe("c"), sockets=document({"states": {"TIME_WAIT": 7709}, "ephemeral_ports": 28232})
)

SPIN = facts_of("c", failed_probe("c"), cpu=cpu(((ENCODE,), 96), ((WATCH,), 4)))
DEADLOCK = facts_of(
    "c", goroutine=goroutines(((*LOCK, GET, *SERVE), 122)), mutex=mutex(((main_frame("other", 9),), 0.1))
)
OLD_DEADLOCK = facts_of(
    "c",
    goroutine=goroutines(((*LOCK, GET), 60)),
    goroutine_dump=dump_of([("sync.Mutex.Lock, 3 minutes", [*LOCK[3:], GET], 60)]),
)
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
    (
        "alloc-churn",
        CHURN,
        "39 % of the CPU allocates and 11 % collects, with only 3.0 MB alive",
        "main.encode (checkout/main.go:54)",
    ),
    ("alloc-churn", CHURN_SEEN_BY_USERS, "19 % of the CPU allocates", "main.encode (checkout/main.go:54)"),
    ("alloc-churn", HEAVY_CHURN, "55 % of the CPU allocates", "main.encode (checkout/main.go:54)"),
    (
        "timeout-mismatch",
        MISMATCH,
        "645 of 745 requests are worked on for clients that gave up (CLOSE_WAIT); 745 are at main.waitDownstream",
        "main.waitDownstream (checkout/main.go:50)",
    ),
    ("stalled-readers", STALLED, "80 of 80 requests wait at main.send", "main.send (checkout/main.go:61)"),
    ("stalled-readers", STALLED_ELSEWHERE, "for clients that do not read", "main.send (checkout/main.go:61)"),
    ("stalled-readers", STALLED_STREAMS, "30 of 30 requests wait at main.send", "main.send (checkout/main.go:61)"),
    (
        "socket-exhaustion",
        OUT_OF_FILES,
        "472 of 512 files are open (92 %), 460 of them connections to 10.1.2.3:6379",
        "10.1.2.3:6379",
    ),
    ("socket-exhaustion", TOO_MANY_CLIENTS, "990 of them connections of its clients", "IdleTimeout"),
    ("socket-exhaustion", OUT_OF_PORTS, "7709 connections at its ports are closed", "Keep connections alive"),
    ("cpu-hotspot", SPIN, "main.encode takes 96 % of 0.50 busy cores", "main.encode (checkout/main.go:54)"),
    ("deadlock", DEADLOCK, "122 goroutines wait at", "main.(*pool).Get (checkout/main.go:45)"),
    ("deadlock", OLD_DEADLOCK, "the longest for 3 min", "main.(*pool).Get (checkout/main.go:45)"),
    ("lock-contention", CONTENTION, "62 s were lost so far", "main.(*pool).Get (checkout/main.go:47)"),
    ("heap-growth", HEAP, "119 MB of live heap, 99 % of it held by", "main.encode (checkout/main.go:54)"),
]


def findings(facts: Facts, others: list[Facts]) -> list[Finding]:
    return [found for rule in RULES if (found := rule(facts, Beside(others))) is not None]


@pytest.mark.parametrize(("fault", "facts", "claim", "line"), SICK)
def test_a_sick_target_has_its_class_and_its_line(fault: str, facts: Facts, claim: str, line: str) -> None:
    (found,) = findings(facts, OTHERS)

    assert (found.fault, found.target) == (fault, "c")
    assert claim in found.claim
    assert line in found.fix
    assert found.evidence
    assert all(each.artifact in {*dict(facts.files).values(), "manifest.json"} for each in found.evidence)
    assert 0 < found.weight <= 1
    assert len(found.fix) <= CARD_FIX


@pytest.mark.parametrize(
    "facts", [LEAK, POOL, GC, SPIN, DEADLOCK, OLD_DEADLOCK, HEAP_NEAR_LIMIT, HEAVY_CHURN, MISMATCH, OUT_OF_FILES]
)
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
    "answers awaited over HTTP/2": facts_of(
        "c",
        failed_probe("c"),
        goroutine=goroutines(((*SELECT, Frame("net/http/internal/http2.(*ClientConn).roundTrip"), GET, *SERVE), 300)),
    ),
    "pool below its limit": facts_of(
        "c", goroutine=goroutines(((*SLEEP, WAIT, *SERVE), 8), ((*CHAN_SEND, GET, *SERVE), 3))
    ),
    "busy but lean": facts_of("c", good_probe("c"), cpu=cpu(((ENCODE,), 50), ((WATCH,), 50))),
    "a background job": facts_of("c", good_probe("c"), cpu=cpu(((ENCODE,), 60))),
    "too few samples": facts_of("c", cpu=cpu((COLLECTING[0], 7), (ALLOCATING[0], 9))),
    "a short crowd at a lock": facts_of(
        "c", goroutine=goroutines(((*LOCK, GET, *SERVE), 30)), mutex=mutex(((GET,), 0.5))
    ),
    "no mutex profile": facts_of("c", goroutine=goroutines(((*LOCK, GET, *SERVE), 60))),
    "a warm cache": facts_of("c", heap=heap(((ENCODE,), 40_000_000))),
    "garbage beside idle targets, too little to matter": facts_of(
        "c", good_probe("c"), cpu=cpu((COLLECTOR, 8), (("runtime.mallocgc", ENCODE), 19), ((ENCODE,), 73), seconds=20.0)
    ),
    "a warm-up": facts_of("c", good_probe("c"), cpu=churn(11, 39), process=document({"pid": 1, "uptime_s": 9.0})),
    "computing, and some garbage": facts_of(
        "c", good_probe("c"), cpu=cpu((COLLECTOR, 3), (("runtime.mallocgc", ENCODE), 11), ((GET,), 50), ((WATCH,), 36))
    ),
    "clients that left while answers were quick": facts_of(
        "c", goroutine=goroutines((SERVE, 600)), sockets=document({"states": {"CLOSE_WAIT": 600}})
    ),
    "a few clients that left slow requests": facts_of(
        "c", good_probe("c"), goroutine=UNANSWERED, sockets=document({"states": {"CLOSE_WAIT": 60, "ESTABLISHED": 700}})
    ),
    "clients that left a busy CPU": facts_of(
        "c", goroutine=goroutines(((WAIT, *SERVE), 200)), sockets=document({"states": {"CLOSE_WAIT": 150}})
    ),
    "slow requests whose sockets are unknown": facts_of("c", good_probe("c"), goroutine=UNANSWERED),
    "a few slow readers": facts_of("c", good_probe("c"), goroutine=writing(12)),
    "downloads that move on": facts_of(
        "c", good_probe("c"), goroutine=writing(80), sockets=document({"states": {"ESTABLISHED": 80}, "unsent": 3})
    ),
    "many clients far below the limit": facts_of(
        "c",
        good_probe("c"),
        sockets=document({"states": {"ESTABLISHED": 4000}}),
        process=document({"pid": 1, "fds": 4010, "fd_limit": 1_048_576}),
    ),
    "files near the limit, but no sockets": facts_of(
        "c",
        sockets=document({"states": {"ESTABLISHED": 40}}),
        process=document({"pid": 1, "fds": 900, "fd_limit": 1024, "peer": "10.1.2.3:5432", "peer_sockets": 30}),
    ),
    "clients without keep-alive": facts_of(
        "c", good_probe("c"), sockets=document({"states": {"TIME_WAIT": 4000}, "ephemeral_ports": 28232})
    ),
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


def test_what_all_targets_do_alike_while_users_are_well_is_their_habit() -> None:
    habits = {
        "garbage": {"cpu": churn(11, 39)},
        "downloads": {"goroutine": writing(80)},
        "no keep-alive": {"sockets": document({"states": {"TIME_WAIT": 9000}, "ephemeral_ports": 28232})},
    }
    for contents in habits.values():
        targets = [facts_of(name, good_probe(name), **contents) for name in ("a", "b", "c")]
        assert findings(targets[0], targets[1:]) == []


def test_clients_that_leave_a_queue_do_not_hide_its_cause() -> None:
    left = document({"states": {"CLOSE_WAIT": 280}})
    queue = facts_of("c", failed_probe("c"), goroutine=goroutines(((*CHAN_SEND, GET, *SERVE), 290)), sockets=left)

    assert [found.fault for found in findings(queue, OTHERS)] == ["pool-exhaustion"]


def test_a_mismatch_that_fills_the_files_is_named_before_them() -> None:
    full = facts_of(
        "c",
        failed_probe("c"),
        goroutine=UNANSWERED,
        sockets=document({"states": {"CLOSE_WAIT": 745}}),
        process=document({"pid": 1, "fds": 917, "fd_limit": 1024}),
    )

    assert [found.fault for found in findings(full, OTHERS)] == ["timeout-mismatch", "socket-exhaustion"]


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

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.domain.diagnosis import Diagnosis, diagnose
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.snapshot import GOROUTINE, LOG, Probe, captured, missed
from tests.unit.domain.captures import (
    CHAN_SEND,
    LOCK,
    SELECT,
    document,
    facts_of,
    failed_probe,
    good_probe,
    goroutines,
    heap,
    leaks,
    parts_of,
)
from tests.unit.domain.go_profiles import SERVE, main_frame

GET = main_frame("(*pool).Get", 45)
WATCH = main_frame("watch", 51)


UNSEEN = " Not seen: a CPU profile, a second reading, sockets and limits (`firstfive agent` beside it tells them)."


def diagnosis_of(facts: Iterable[Facts]) -> Diagnosis:
    return diagnose({each.target: each for each in facts})


def healthy(target: str) -> Facts:
    return facts_of(target, good_probe(target))


def test_nothing_stands_out_is_said_plainly() -> None:
    found = diagnosis_of(map(healthy, ["checkout-1", "checkout-2", "checkout-3"]))

    assert (found.verdict, found.findings, found.differences) == (None, (), ())
    assert found.statement == (
        "Nothing stands out: 3 targets, 10 goroutines, heap 3.0 MB, all on build 1a2b3c4, probes 200 in 2 ms." + UNSEEN
    )


def test_a_target_that_could_not_be_examined_is_never_healthy() -> None:
    silent = examine([missed("checkout-2", GOROUTINE, "checkout-2: nothing listens on http://127.0.0.1:1")])
    found = diagnosis_of([healthy("checkout-1"), silent])

    assert found.statement == (
        "checkout-2 could not be examined: nothing listens on http://127.0.0.1:1. "
        "Nothing else stands out: 1 target, 10 goroutines, heap 3.0 MB, all on build 1a2b3c4, probes 200 in 2 ms."
        + UNSEEN
    )
    assert diagnosis_of([silent]).statement.startswith("Nothing can be said. checkout-2 could not be examined")
    assert diagnose({}).statement == "There is no target to examine."


def test_the_one_that_differs_is_named_with_both_numbers() -> None:
    odd = facts_of(
        "checkout-3",
        good_probe("checkout-3", 90.0),
        goroutine=goroutines((SERVE, 400)),
        heap=heap(((main_frame("f"),), 60_000_000), ((main_frame("g"),), 90_000_000)),
        sockets=document({"states": {"CLOSE_WAIT": 90}}),
    )
    others = [
        facts_of(name, good_probe(name), sockets=document({"states": {"CLOSE_WAIT": 1}}))
        for name in ("checkout-1", "checkout-2")
    ]
    found = diagnosis_of([*others, odd])

    assert {each.target for each in found.differences} == {"checkout-3"}
    assert [str(each) for each in found.differences] == [
        "checkout-3: probe latency 90 ms, the others 2 ms",
        "checkout-3: goroutines 400, the others 10",
        "checkout-3: heap in use 150 MB, the others 3.0 MB",
        "checkout-3: sockets CLOSE_WAIT 90, the others 1",
    ]


def test_what_a_log_complains_of_is_evidence_beside_a_finding_and_no_verdict_by_itself() -> None:
    logged = (captured("checkout-1", LOG, b"level=ERROR i/o timeout\n" * 40, 0.1),)
    leaking = parts_of("checkout-1", {"goroutineleak": leaks(((*SELECT, WATCH), 500))})
    sick = diagnosis_of([examine([*leaking, *logged]), healthy("checkout-2")])
    fine = diagnosis_of([examine([*parts_of("checkout-1", {}), *logged]), healthy("checkout-2")])

    assert sick.verdict == "goroutine-leak"
    last = sick.findings[0].evidence[-1]
    assert (last.what, last.value) == ("its log", "40 errors, 40 timeouts in the last 40 lines")
    assert last.artifact == "checkout-1/log.txt"
    assert fine.verdict is None


def test_a_log_with_many_more_errors_than_the_others_is_a_difference() -> None:
    def with_errors(target: str, count: int) -> Facts:
        log = captured(target, LOG, b"fine\n" + b"level=ERROR no\n" * count, 0.1)
        return examine([*parts_of(target, {}), log])

    found = diagnosis_of([with_errors("a", 1), with_errors("b", 1), with_errors("c", 30)])

    assert [str(each) for each in found.differences] == ["c: errors in its log 30, the others 1"]


def test_of_two_targets_the_larger_must_be_far_off() -> None:
    small, near = facts_of("a", goroutine=goroutines((SERVE, 100))), facts_of("b", goroutine=goroutines((SERVE, 250)))
    far = facts_of("b", goroutine=goroutines((SERVE, 350)))

    assert diagnosis_of([small, near]).differences == ()
    assert [str(each) for each in diagnosis_of([small, far]).differences] == ["b: goroutines 350, the others 100"]


def test_another_build_and_other_answers_are_differences_and_no_verdict() -> None:
    odd = facts_of("c", Probe("c", 5, (("200", 3), ("500", 2)), 2.0, 2.0), goroutine=goroutines((SERVE, 10)))
    odd = Facts(**{**odd.__dict__, "build": type(odd.build)("99887766")})
    found = diagnosis_of([healthy("a"), healthy("b"), odd])

    assert [str(each) for each in found.differences] == [
        "c: answers to users 3 x 200, 2 x 500, the others 200",
        "c: build 9988776, the others 1a2b3c4",
    ]
    assert found.verdict is None
    assert found.statement == (
        "No fault class fits. What differs: c answers 3 x 200, 2 x 500 in 2 ms (max 2 ms);"
        " c: build 9988776, the others 1a2b3c4." + UNSEEN
    )


def test_where_users_suffer_comes_first_then_what_stops_requests() -> None:
    leaking = facts_of(
        "a",
        good_probe("a"),
        goroutine=goroutines(((*SELECT, WATCH), 9000)),
        goroutineleak=leaks(((*SELECT, WATCH), 9000)),
    )
    stuck = facts_of(
        "b",
        failed_probe("b"),
        goroutine=goroutines(((*CHAN_SEND, GET, *SERVE), 300), ((*SELECT, WATCH), 200)),
        goroutineleak=leaks(((*SELECT, WATCH), 200)),
    )
    found = diagnosis_of([leaking, stuck, healthy("c")])

    assert [(each.fault, each.target) for each in found.findings] == [
        ("pool-exhaustion", "b"),
        ("goroutine-leak", "b"),
        ("goroutine-leak", "a"),
    ]
    assert found.verdict == "pool-exhaustion"
    assert found.statement.startswith(
        "b: 300 of 300 requests wait for their turn at main.(*pool).Get (checkout/main.go:45)"
    )
    assert " Also found: goroutine-leak on 2 targets." in found.statement


GROUPS = st.lists(
    st.tuples(
        st.sampled_from([(*CHAN_SEND, GET, *SERVE), (*SELECT, WATCH), (*LOCK, GET), SERVE, (WATCH,)]),
        st.integers(0, 5000),
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(GROUPS, st.booleans()), max_size=4))
def test_any_fleet_is_diagnosed_the_same_in_any_order_and_survives_json(
    fleet: list[tuple[list[tuple[tuple[object, ...], int]], bool]],
) -> None:
    facts = [
        facts_of(f"t{number}", failed_probe(f"t{number}") if bad else None, goroutine=goroutines(*groups))  # type: ignore[arg-type]
        for number, (groups, bad) in enumerate(fleet)
    ]
    found = diagnosis_of(facts)
    adapter = TypeAdapter(Diagnosis)

    assert diagnosis_of(reversed(facts)) == found
    assert adapter.validate_json(adapter.dump_json(found)) == found
    assert found.verdict == (found.findings[0].fault if found.findings else None)
    assert found.statement.endswith(".")

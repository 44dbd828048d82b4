from typing import Any

import pytest

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.silence import explain
from bot.domain.snapshot import GOROUTINE, PROCESS, Captured, PartStatus, Probe, captured, missed
from tests.unit.domain.captures import document, failed_probe, good_probe

LATE = "checkout-2: /debug/pprof/goroutine did not end in 3 s (nothing came): is the process stuck or starved?"
STUCK = "It is stuck, or gets no CPU: look at its log and its machine's load; take it out of traffic, then restart it."


def late() -> Captured:
    return missed("checkout-2", GOROUTINE, LATE, 3.0, PartStatus.LATE)


def silent(probe: Probe | None = None, **process: Any) -> Facts:
    kernel = [captured("checkout-2", PROCESS, document({"pid": 7, **process}), 0.01)] if process else []
    return examine([late(), *kernel], probe)


def test_a_target_that_accepts_and_does_not_answer_is_told_with_what_its_users_get() -> None:
    assert explain([silent(failed_probe("checkout-2"))]) == (
        "checkout-2 could not be examined: it accepts connections, but /debug/pprof/goroutine did not end in 3 s "
        f"(nothing came): is the process stuck or starved? Its users get {failed_probe('checkout-2')}. {STUCK}"
    )
    assert explain([silent(good_probe("checkout-2"))]).endswith(
        f"Its users get {good_probe('checkout-2')}. So it works, and only its pprof address does not: what stands in "
        "front of that, and has it CPU to spare?"
    )


@pytest.mark.parametrize(
    ("process", "seen", "advice"),
    [
        ({"state": "T"}, "pid 7.", "It was stopped by a signal or a debugger: `kill -CONT 7` lets it go on."),
        (
            {"fds": 1020, "fd_limit": 1024, "rss_bytes": 3_000_000},
            "pid 7, 3.0 MB, 1020 of 1024 files.",
            "It has no file left for another connection: raise its limit (nofile), and restart it.",
        ),
        (
            {"cpu_limit_cores": 0.5, "cpu_periods": 100, "cpu_throttled": 80},
            "pid 7, held back in 80 % of its time at its limit of 0.5 CPUs.",
            "It gets too little CPU: raise its limit, or take load from it.",
        ),
        ({"state": "S", "fds": 9, "fd_limit": 1024}, "pid 7, 9 of 1024 files.", STUCK),
    ],
)
def test_what_the_kernel_knows_decides_what_to_do(process: dict[str, Any], seen: str, advice: str) -> None:
    assert explain([silent(**process)]).endswith(f"Its process is there: {seen} {advice}")


def test_who_does_not_listen_is_told_by_the_reason_alone() -> None:
    down = examine([missed("checkout-2", GOROUTINE, "checkout-2: nothing listens on http://127.0.0.1:1")])

    assert explain([down]) == "checkout-2 could not be examined: nothing listens on http://127.0.0.1:1."


def test_of_many_three_are_explained() -> None:
    told = explain([silent()] * 30)

    assert told.count("it accepts connections") == 3
    assert told.endswith(" 27 more could not be examined.")
    assert explain([]) == ""

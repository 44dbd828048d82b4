"""The grid's own reckoning: which cases there are, and when an outcome is right."""

import pytest

from tests.grid.accuracy import accuracy, failures, false_alarms, summary
from tests.grid.cases import CLASSES, SIZES, WINDOWS, Case, Turn, healthy_cases, sick_cases
from tests.grid.run import Outcome

LISTED = [{"name": name, "class": fault} for name, fault in [
    ("z-leak", "goroutine-leak"), ("goroutine-leak", "goroutine-leak"), *((f"window-{n:02}", "") for n in range(12)),
]]  # fmt: skip
ONE = Case("s", "one", "deadlock-small", 3, (Turn(1, "deadlock", "small"),))
TWO = Case("s", "two", "both", 3, (Turn(1, "deadlock", "medium"), Turn(2, "heap-growth", "medium")))
WELL = Case("s", "healthy", "window-1", 3, (Turn(1, ""),))


def outcome(case: Case, *findings: tuple[str, int]) -> Outcome:
    return Outcome(case, ("something",), findings[0][0] if findings else None, findings, "said", 3.0)


def test_every_class_is_tried_at_every_size_alone_and_everywhere() -> None:
    cases = list(sick_cases("s"))

    assert {(t.fault, t.size) for c in cases if c.kind == "one" for t in c.turns} == {
        (fault, size) for fault in CLASSES for size in SIZES
    }
    assert [c.targets for c in cases if c.kind == "alone"] == [1] * len(CLASSES)
    assert all(set(range(3)) == {t.place for t in c.turns} for c in cases if c.kind == "all")
    assert len({str(case) for case in cases}) == len(cases)


def test_twelve_kinds_of_windows_are_tried_at_all_sizes() -> None:
    turns = [turn.on(LISTED) for case in healthy_cases("s") for turn in case.turns]

    assert len(turns) == WINDOWS
    assert set(turns) == {(f"window-{n:02}", size) for n in range(12) for size in SIZES}


def test_a_switch_named_after_its_class_comes_first_and_the_others_have_their_turn() -> None:
    names = [Turn(0, "goroutine-leak", "small", number).on(LISTED)[0] for number in range(3)]

    assert names == ["goroutine-leak", "z-leak", "goroutine-leak"]


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (outcome(ONE, ("deadlock", 1)), ""),
        (outcome(ONE, ("deadlock", 1), ("heap-growth", 1)), ""),
        (outcome(ONE), "deadlock is called nothing"),
        (outcome(ONE, ("heap-growth", 1), ("deadlock", 1)), "deadlock is called heap-growth"),
        (outcome(ONE, ("deadlock", 0)), "not found: deadlock on target 2"),
        (outcome(ONE, ("deadlock", 1), ("cpu-hotspot", 0)), "a healthy target is blamed: cpu-hotspot on target 1"),
        (outcome(TWO, ("deadlock", 1), ("heap-growth", 2)), ""),
        (outcome(TWO, ("deadlock", 1)), "not found: heap-growth on target 3"),
        (outcome(TWO, ("heap-growth", 2), ("deadlock", 1)), "deadlock is called heap-growth"),
        (outcome(WELL), ""),
        (outcome(WELL, ("deadlock", 0)), "a healthy window is called deadlock"),
    ],
)
def test_an_outcome_is_right_only_if_all_of_it_is(found: Outcome, complaint: str) -> None:
    assert found.complaint == complaint


def test_a_run_comes_to_two_figures_and_what_went_wrong() -> None:
    run = [outcome(ONE, ("deadlock", 1)), outcome(ONE), outcome(WELL), outcome(WELL, ("deadlock", 0))]

    assert accuracy(run) == 50
    assert false_alarms(run) == 1
    assert summary(run) == "50.0 % of 2 sick cases right, 1 false alarms in 2 healthy windows"
    assert len(failures(run)) == 2

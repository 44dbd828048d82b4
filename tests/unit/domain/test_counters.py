"""Raw counters become looks: by series, whatever restarts, comes, goes, or is out of order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.canary import CanaryPlan, Counts
from bot.domain.counters import Reading, SelectorRefused, between, carried, reading, selector
from tests.fakes import NOON

PLAN = CanaryPlan("requests_total", "latency_bucket")
LATER = NOON + timedelta(seconds=5)


@dataclass(frozen=True)
class Number:
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def requests(value: float, track: str = "canary", code: str = "200", **labels: str) -> Number:
    return Number(value, {"__name__": "requests_total", "track": track, "code": code, **labels})


def histogram(upto: Mapping[str, float], track: str = "canary", **labels: str) -> list[Number]:
    name = {"__name__": "latency_bucket", "track": track}
    return [Number(value, {**name, "le": le, **labels}) for le, value in upto.items()]


def gained(before: Iterable[Number], after: Iterable[Number], plan: CanaryPlan = PLAN) -> tuple[Counts | None, ...]:
    seen = between(reading(plan, NOON, before), reading(plan, LATER, after))
    return seen.canary, seen.baseline


def test_both_tracks_gain_what_their_replicas_did() -> None:
    before = [requests(10), requests(1, code="503"), requests(100, "baseline", instance="a")]
    after = [requests(17), requests(4, code="503"), requests(150, "baseline", instance="a")]
    assert gained(before, after) == (Counts(10, 3), Counts(50, 0))
    seen = between(reading(PLAN, NOON, before), reading(PLAN, LATER, after))
    assert (seen.at, seen.seconds, seen.bounds, seen.missing) == (LATER, 5, (), "")


@pytest.mark.parametrize(
    ("code", "errors"),
    [("500", 7), ("5xx", 7), ("404", 0), ("200", 0)],
)
@pytest.mark.parametrize("label", ["code", "status", "envoy_response_code"])
def test_what_failed_is_told_by_the_label_of_the_status(label: str, code: str, errors: int) -> None:
    def counted(value: float) -> Number:
        return Number(value, {"__name__": "requests_total", "track": "canary", label: code})

    assert gained([counted(1)], [counted(8)])[0] == Counts(7, errors)


@pytest.mark.parametrize("value", [1e308, -1.0, float("inf"), float("nan")])
def test_what_cannot_be_counted_is_no_counter(value: float) -> None:
    lies = [requests(value, code=code) for code in ("500", "502")]
    assert gained([requests(1), requests(1, code="500")], [requests(8), *lies])[0] == Counts(7, 0)


def test_a_counter_that_is_left_out_once_has_not_begun_anew() -> None:
    first = reading(PLAN, NOON, [requests(100), requests(40, code="500")])
    second = reading(PLAN, NOON, [requests(110)])
    third = reading(PLAN, LATER, [requests(120), requests(41, code="500")])
    kept = carried(carried(None, first), second)
    assert between(carried(None, first), second).canary == Counts(10, 0)
    assert between(kept, third).canary == Counts(11, 1)


def test_a_track_without_series_is_not_one_without_requests() -> None:
    assert gained([requests(5)], [requests(5)]) == (Counts(0, 0), None)
    assert gained([requests(5)], []) == (None, None)


def test_a_replica_that_restarted_counts_from_zero() -> None:
    assert gained([requests(1000, instance="a")], [requests(3, instance="a")])[0] == Counts(3, 0)


def test_a_replica_that_has_just_come_counts_from_its_first_reading() -> None:
    before = [requests(10, instance="a")]
    after = [requests(12, instance="a"), requests(1_000_000, instance="b")]
    assert gained(before, after)[0] == Counts(2, 0)


def test_a_code_that_a_known_replica_answers_for_the_first_time_counts_from_zero() -> None:
    assert gained([requests(10)], [requests(10), requests(4, code="500")])[0] == Counts(4, 4)


def test_a_canary_that_a_known_router_shows_for_the_first_time_counts_from_zero() -> None:
    assert gained([requests(10, "baseline")], [requests(10, "baseline"), requests(4)])[0] == Counts(4, 0)


def test_two_prometheis_that_do_not_agree_gain_nothing() -> None:
    assert gained([requests(1000)], [requests(998)])[0] == Counts(0, 0)


def test_buckets_are_told_apart_and_those_of_all_replicas_are_added() -> None:
    before = [*histogram({"0.1": 10, "0.5": 20, "+Inf": 30}), *histogram({"0.1": 1, "0.5": 1, "+Inf": 1}, pod="b")]
    after = [*histogram({"0.1": 15, "0.5": 27, "+Inf": 38}), *histogram({"0.1": 2, "0.5": 2, "+Inf": 3}, pod="b")]
    seen = between(reading(PLAN, NOON, [requests(0), *before]), reading(PLAN, LATER, [requests(10), *after]))
    assert seen.bounds == (0.1, 0.5)
    assert seen.canary == Counts(10, 0, (6, 2, 2))
    assert seen.baseline is None


def test_builds_with_different_buckets_share_those_that_both_have() -> None:
    before = [*histogram({"0.1": 0, "0.3": 0, "+Inf": 0}), *histogram({"0.1": 0, "0.5": 0, "+Inf": 0}, "baseline")]
    after = [*histogram({"0.1": 1, "0.3": 2, "+Inf": 3}), *histogram({"0.1": 4, "0.5": 5, "+Inf": 6}, "baseline")]
    seen = between(reading(PLAN, NOON, before), reading(PLAN, LATER, after))
    assert seen.bounds == (0.1,)
    assert seen.canary is not None
    assert seen.baseline is not None
    assert (seen.canary.buckets, seen.baseline.buckets) == ((1, 2), (4, 2))


def test_milliseconds_are_told_in_seconds() -> None:
    plan = CanaryPlan("requests_total", "latency_bucket", latency_unit="ms")
    series = histogram({"250": 1, "+Inf": 1})
    assert between(reading(plan, NOON, series), reading(plan, LATER, series)).bounds == (0.25,)


def test_a_histogram_restarts_as_a_whole() -> None:
    before, after = histogram({"0.1": 2, "0.5": 90, "+Inf": 90}), histogram({"0.1": 2, "0.5": 4, "+Inf": 5})
    counts = gained(before, after)[0]
    assert counts is not None
    assert counts.buckets == (2, 2, 1)


def test_a_reading_that_failed_gives_its_reason() -> None:
    there, failed = reading(PLAN, NOON, [requests(1)]), Reading(LATER, missing="it is down")
    assert between(there, failed).missing == "it is down"
    assert between(failed, there).missing == "it is down"


def test_only_what_is_selected_counts() -> None:
    plan = CanaryPlan('requests_total{job="a",path!~"/health.*"}', "latency_bucket")
    shown = [
        requests(5, job="a", path="/pay"),
        requests(7, job="b", path="/pay"),
        requests(9, job="a", path="/healthz"),
        requests(float("nan"), job="a", path="/x"),
        requests(3, "elsewhere", job="a"),
    ]
    assert [each.value for each in reading(plan, NOON, shown).counters] == [5]


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ("up", ()),
        ("up{}", ()),
        ('up{job="a"}', (("job", "=", "a"),)),
        (' up { job =~ "a|b" , pod != "x" , } ', (("job", "=~", "a|b"), ("pod", "!=", "x"))),
        (r'up{path="a\"b,}"}', (("path", "=", 'a"b,}'),)),
    ],
)
def test_a_selector_is_a_name_and_matchers(text: str, matchers: tuple[tuple[str, str, str], ...]) -> None:
    assert (selector(text).name, selector(text).matchers) == ("up", matchers)


@pytest.mark.parametrize(
    "text", ["", "rate(up[1m])", "up / up", "sum(up)", 'up{job="a"}[1m]', "up{job=a}", "job:up:rate"]
)
def test_an_expression_is_no_selector(text: str) -> None:
    with pytest.raises(SelectorRefused):
        selector(text)


VALUES = st.lists(st.integers(0, 1_000_000) | st.none(), min_size=6, max_size=6)


def replicas(values: list[int | None]) -> list[Number]:
    return [
        requests(value, code=("200", "500")[place % 2], instance=f"replica-{place // 2}")
        for place, value in enumerate(values)
        if value is not None
    ]


@given(VALUES, VALUES, st.randoms())
def test_the_order_of_series_changes_nothing(before: list[int | None], after: list[int | None], random: Random) -> None:
    first, second = replicas(before), replicas(after)
    random.shuffle(first)
    random.shuffle(second)
    assert gained(first, second) == gained(replicas(before), replicas(after))


@given(VALUES, VALUES)
def test_no_restart_gives_a_negative_count_or_more_than_there_is(
    before: list[int | None], after: list[int | None]
) -> None:
    counts = gained(replicas(before), replicas(after))[0] or Counts(0, 0)
    assert 0 <= counts.errors <= counts.requests <= sum(value or 0 for value in after)

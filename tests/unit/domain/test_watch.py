"""What always holds of a watched canary, whatever the traffic does."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.domain.canary import Counts, Judged, Judgement, Look, Policy
from bot.domain.evidence import REST
from bot.domain.judge import judge
from bot.domain.watch import Watch, observe, slow_from
from tests.unit.domain.canaries import BOUNDS, POLICY, look, missing, seconds, story, track, watched

STORED = TypeAdapter(Watch)
IMPATIENT = Policy(errors_window_s=10, latency_window_s=10, settle_s=2)
BUCKETS = len(BOUNDS) + 1


@st.composite
def tracks(draw: st.DrawFn, most: int) -> Counts:
    buckets = draw(st.lists(st.integers(0, most), min_size=BUCKETS, max_size=BUCKETS))
    requests = sum(buckets)
    share = draw(st.sampled_from((0.0, 0.0, 0.02, 0.1, 0.3, 1.0)))
    return Counts(requests, int(share * requests), tuple(buckets))


LOOKS = st.lists(st.tuples(tracks(6), tracks(40) | st.none()), min_size=1, max_size=40).map(
    lambda pairs: [look(second, canary, baseline) for second, (canary, baseline) in enumerate(pairs)]
)


def ranks(told: Sequence[Judged], rule: int) -> list[int]:
    return [each.reasons[rule].judgement.rank for each in told]


def failing_more(counts: Counts) -> Counts:
    return replace(counts, errors=min(counts.requests, counts.errors + 1))


def slower(counts: Counts) -> Counts:
    place = next((place for place, count in enumerate(counts.buckets[:-1]) if count), None)
    if place is None:
        return counts
    buckets = list(counts.buckets)
    buckets[place] -= 1
    buckets[-1] += 1
    return replace(counts, buckets=tuple(buckets))


@given(LOOKS, st.data())
def test_more_errors_on_the_canary_never_make_it_better(looks: list[Look], data: st.DataObject) -> None:
    worse = list(looks)
    for place in data.draw(st.sets(st.integers(0, len(looks) - 1), min_size=1)):
        assert looks[place].canary is not None
        worse[place] = replace(looks[place], canary=failing_more(looks[place].canary or Counts(0, 0)))
    assert all(
        more >= less
        for more, less in zip(ranks(story(worse, IMPATIENT), 0), ranks(story(looks, IMPATIENT), 0), strict=True)
    )


@given(LOOKS, st.data())
def test_more_slow_requests_of_the_canary_never_make_it_better(looks: list[Look], data: st.DataObject) -> None:
    worse = list(looks)
    for place in data.draw(st.sets(st.integers(0, len(looks) - 1), min_size=1)):
        worse[place] = replace(looks[place], canary=slower(looks[place].canary or Counts(0, 0)))
    assert all(
        more >= less
        for more, less in zip(ranks(story(worse, IMPATIENT), 1), ranks(story(looks, IMPATIENT), 1), strict=True)
    )


@given(LOOKS)
@settings(max_examples=50)
def test_a_restart_at_any_point_changes_nothing(looks: list[Look]) -> None:
    watch = stored = Watch()
    for each in looks:
        watch = observe(watch, each, IMPATIENT)
        stored = observe(STORED.validate_json(STORED.dump_json(stored)), each, IMPATIENT)
        assert stored == watch
    assert judge(stored, IMPATIENT) == judge(watch, IMPATIENT)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=60))
def test_bursts_that_both_tracks_share_never_roll_back(bursts: list[tuple[int, int]]) -> None:
    shared = [(requests, min(requests, bad)) for requests, bad in bursts]
    looks = [
        look(second, track(requests, bad, bad), track(9 * requests, 9 * bad, 9 * bad))
        for second, (requests, bad) in enumerate(shared)
    ]
    told = story([*seconds(20, track(20), track(180), after=-30), *looks], IMPATIENT)
    assert all(each.judgement is not Judgement.ROLLBACK for each in told)
    assert all(each.reasons[1].judgement is not Judgement.HOLD for each in told)


@given(LOOKS, st.sampled_from(["it is down", "it gave no answer within 3 s"]))
def test_what_is_missing_is_never_healthy_and_forgets_nothing(looks: list[Look], why: str) -> None:
    before = watched(looks, IMPATIENT)
    after = observe(before, missing(len(looks), why), IMPATIENT)
    assert judge(after, IMPATIENT).judgement is Judgement.INCONCLUSIVE
    assert why in judge(after, IMPATIENT).words
    assert replace(after, at=before.at, missing="") == replace(before, missing="")


@given(LOOKS, st.sampled_from(["errors_dry_run", "latency_dry_run"]))
def test_a_rule_on_a_dry_run_decides_nothing(looks: list[Look], dry: str) -> None:
    watch = watched(looks, IMPATIENT)
    policy = replace(IMPATIENT, **{dry: True})
    said = judge(watch, policy)
    (deciding,) = (reason for reason in said.reasons if reason.decides)
    assert said.judgement is deciding.judgement
    assert [each.judgement for each in said.reasons] == [each.judgement for each in judge(watch, IMPATIENT).reasons]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(1, 40), st.integers(0, 20))
def test_looks_without_a_bad_request_add_up_to_one_look(bad: list[int], good: int, requests: int) -> None:
    before = watched([look(second, track(20, errors, errors), track(180)) for second, errors in enumerate(bad)])
    begins = len(bad) - 1
    each = watched(seconds(good, track(requests), track(180), after=begins), POLICY, before)
    once = observe(before, look(begins + good, track(good * requests), track(good * 180), good), POLICY)
    for one, other in ((each.errors, once.errors), (each.latency, once.latency)):
        assert one.evidence == pytest.approx(other.evidence)
        assert one.excess == pytest.approx(other.excess)
        assert one.blame == pytest.approx(other.blame)


def scraped(canary_at: int, baseline_at: int, begins: int, *, alike: bool) -> list[Look]:
    """Look at a Prometheus that scrapes every 15 s, the tracks at different seconds; 30 % fail for two minutes."""

    def lump(second: int, phase: int, each_s: int, share: float) -> Counts:
        if second % 15 != phase:
            return Counts(0, 0)
        bad_s = sum(begins <= past < begins + 120 for past in range(second - 15, second))
        return Counts(15 * each_s, int(share * bad_s * each_s))

    shares = (0.3, 0.3 if alike else 0.0)
    return [
        look(second, lump(second, canary_at, 20, shares[0]), lump(second, baseline_at, 180, shares[1]))
        for second in range(1, 300)
    ]


PHASES = pytest.mark.parametrize(("canary_at", "baseline_at"), [(3, 10), (10, 3), (0, 14), (14, 0), (7, 8)])


@PHASES
@pytest.mark.parametrize("begins", range(100, 115, 4))
def test_scrapes_that_are_not_of_the_same_moment_blame_nobody(canary_at: int, baseline_at: int, begins: int) -> None:
    told = {each.reasons[0].judgement for each in story(scraped(canary_at, baseline_at, begins, alike=True))}
    assert Judgement.HOLD in told
    assert Judgement.ROLLBACK not in told


@PHASES
def test_scrapes_that_are_not_of_the_same_moment_find_the_canary_within_three(canary_at: int, baseline_at: int) -> None:
    told = story(scraped(canary_at, baseline_at, 100, alike=False))
    found = [second for second, each in enumerate(told, 1) if each.judgement is Judgement.ROLLBACK]
    assert 100 < found[0] <= 100 + 3 * 15


def test_what_a_canary_was_blamed_for_is_forgotten_when_it_is_over() -> None:
    blip = watched([*seconds(3, track(20, errors=3), track(180))])
    assert max(blip.errors.blame) > 0
    after = watched(seconds(200, track(20), track(180), after=3), POLICY, blip)
    assert (after.errors.evidence, after.errors.excess, after.errors.blame) == (REST, REST, REST)


def test_a_canary_that_comes_back_after_a_long_time_is_cold_again() -> None:
    first = watched(seconds(90, track(20, errors=1), track(180)))
    later = observe(first, look(90 + 1_801, track(20), track(180)), POLICY)
    assert later.first_at == later.at
    assert later.errors.spans[0].canary == 20
    sooner = observe(first, look(90 + 1_799, track(20), track(180)), POLICY)
    assert sooner.first_at == first.first_at


def test_only_the_window_is_kept() -> None:
    watch = watched(seconds(500, track(20), track(180)))
    assert (len(watch.errors.spans), len(watch.latency.spans)) == (60, 30)
    assert len(STORED.dump_json(watch)) < 20_000


def test_requests_of_the_baseline_count_beside_the_canarys_next() -> None:
    watch = watched([look(1, track(1), track(9)), look(2, track(0), track(11)), look(3, track(1), track(8))])
    assert [(span.canary, span.baseline) for span in watch.errors.spans] == [(1, 20), (1, 8)]


def test_other_buckets_begin_the_rule_of_latency_anew() -> None:
    watch = watched(seconds(60, track(20), track(180)))
    other = Look(look(61, None, None).at, 1.0, Counts(3, 0, (2, 1)), Counts(9, 0, (9, 0)), (0.3,))
    after = observe(watch, other, POLICY)
    assert (after.bounds, after.latency.spans, after.usual.buckets) == ((0.3,), (), (9, 0))
    assert judge(after, POLICY).reasons[0].judgement is Judgement.PROMOTE


@pytest.mark.parametrize(
    ("usual", "edge"),
    [
        ((100, 0, 0, 0, 0, 0), 0.25),  # the P95 is 50 ms at most: 250 ms
        ((90, 10, 0, 0, 0, 0), 0.5),  # 100 ms at most: 300 ms, and there is no such edge but 500 ms
        ((94, 0, 0, 6, 0, 0), 1.0),  # within 500 ms: 700 ms
        ((950, 0, 50, 0, 0, 0), 0.5),  # 50 ms by the ranks alone, and 250 ms is as likely
    ],
)
def test_coarse_buckets_and_small_samples_are_rounded_in_favour_of_the_canary(
    usual: tuple[int, ...], edge: float
) -> None:
    assert slow_from(BOUNDS, usual, 0.2) == (edge, "")


@pytest.mark.parametrize(("bucket", "judgement"), [(3, Judgement.PROMOTE), (4, Judgement.HOLD)])
def test_a_canary_is_held_only_for_what_its_bucket_proves(bucket: int, judgement: Judgement) -> None:
    """The baseline takes up to 100 ms. 250 to 500 ms may be 200 ms more, or less; 500 to 1,000 ms are more."""
    told = story(seconds(60, track(20, usual=bucket), track(180, usual=1)))
    assert told[-1].reasons[1].judgement is judgement

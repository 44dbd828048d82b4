"""What becomes of a canary: each rule, each way of not knowing, and the words for 03:00."""

from dataclasses import replace

import pytest

from bot.domain.canary import Counts, Judgement, Look, Policy
from bot.domain.judge import judge
from bot.domain.watch import Watch
from tests.unit.domain.canaries import BOUNDS, POLICY, judged, look, missing, seconds, story, track

CANARY, BASELINE = track(20), track(180)
IN_TIME = "0 % of 600 requests in 30 s slower than 250 ms (baseline 0 % of 5,400, P95 48 ms)"
HEALTHY = seconds(90, CANARY, BASELINE)


def words(looks: list[Look], policy: Policy = POLICY) -> list[str]:
    return [reason.words for reason in judged(looks, policy).reasons]


def test_a_healthy_canary_is_promoted_once_its_window_is_full() -> None:
    assert judged(HEALTHY).judgement is Judgement.PROMOTE
    assert words(HEALTHY) == [
        "5xx 0 % of 1,200 requests in 60 s (baseline 0 % of 10,800); fewer than 5 %",
        f"{IN_TIME}; P95 not 200 ms over the baseline",
    ]
    assert judged(HEALTHY[:59]).judgement is Judgement.INCONCLUSIVE


def test_a_canary_that_fails_is_rolled_back_before_the_window_is_full() -> None:
    breach = judged([*HEALTHY, *seconds(8, track(20, errors=4), BASELINE, after=90)])
    assert breach.judgement is Judgement.ROLLBACK
    assert (
        breach.words == "5xx 20 % of 160 requests in 8 s (baseline 0 % of 1,440); more than 5 %: back to the baseline"
    )
    (errors, latency) = breach.reasons
    assert (errors.canary, errors.baseline, errors.canary_n, errors.baseline_n, errors.window_s) == (
        0.2,
        0,
        160,
        1440,
        8,
    )
    assert errors.evidence > 1e6
    assert latency.judgement is Judgement.PROMOTE


def test_a_fifth_that_fails_is_found_within_five_seconds() -> None:
    failing = seconds(5, track(20, errors=4), BASELINE, after=90)
    told = [each.judgement for each in story([*HEALTHY, *failing])]
    assert told.index(Judgement.ROLLBACK) in {92, 93, 94}


def test_a_canary_that_fails_less_than_it_may_is_not_rolled_back_though_it_is_not_healthy() -> None:
    waves = [look(second, track(20, errors=4 * (second % 5 == 0)), BASELINE) for second in range(1, 600)]
    assert {each.judgement for each in story(waves)} <= {Judgement.PROMOTE, Judgement.INCONCLUSIVE}


def test_nothing_is_held_against_a_canary_before_the_fewest_requests() -> None:
    failing = seconds(6, track(2, errors=2), track(98))
    told = [each.reasons[0].judgement for each in story(failing)]
    assert told == [Judgement.INCONCLUSIVE] * 4 + [Judgement.ROLLBACK] * 2
    patient = replace(POLICY, fewest=13)
    assert judged(failing, patient).reasons[0].judgement is Judgement.INCONCLUSIVE


def test_one_bad_scrape_is_no_breach() -> None:
    assert judged([*HEALTHY, look(91, track(20, errors=20), BASELINE)]).judgement is Judgement.INCONCLUSIVE
    after = [*HEALTHY, look(91, track(20, errors=20), BASELINE), *seconds(60, CANARY, BASELINE, after=91)]
    assert judged(after).judgement is Judgement.PROMOTE


def test_a_burst_that_both_tracks_share_is_not_the_canarys_fault() -> None:
    burst = judged([*HEALTHY, *seconds(30, track(20, errors=6), track(180, errors=54), after=90)])
    assert burst.judgement is Judgement.HOLD
    assert burst.words == (
        "5xx 15 % of 1,200 requests in 60 s (baseline 15 % of 10,800);"
        " both tracks fail alike: the canary is not the cause"
    )


def test_a_little_more_than_its_share_of_a_burst_is_not_the_canarys_fault() -> None:
    """The odds of a request to fail are 1.45 times the baseline's: between a quarter more and half more."""
    burst = judged([*HEALTHY, *seconds(120, track(60, errors=23), track(540, errors=162), after=90)])
    assert burst.judgement is Judgement.HOLD
    worse = judged([*HEALTHY, *seconds(120, track(60, errors=33), track(540, errors=162), after=90)])
    assert worse.judgement is Judgement.ROLLBACK


def test_a_canary_that_fails_with_next_to_no_baseline_is_held_until_it_is_clear() -> None:
    looks = [*seconds(90, CANARY, track(1)), *seconds(40, track(20, errors=4), track(0), after=90)]
    soon, later = judged(looks[:100]), judged(looks)
    assert (soon.judgement, later.judgement) == (Judgement.INCONCLUSIVE, Judgement.HOLD)
    assert soon.reasons[0].words == (
        "5xx 3.3 % of 1,200 requests in 60 s (baseline 0 % of 50);"
        " not clear yet whether it is the canary that fails more than 5 %"
    )


def test_without_a_baseline_the_canary_is_judged_alone() -> None:
    alone = judged(seconds(20, track(20, errors=10), None))
    assert alone.judgement is Judgement.ROLLBACK
    assert alone.reasons[0].words.startswith("5xx 50 % of 400 requests in 20 s (no baseline to compare with); more")


def test_a_slow_canary_gets_no_new_traffic() -> None:
    slow = judged([*HEALTHY, *seconds(10, track(20, slow=4), BASELINE, after=90)])
    assert slow.judgement is Judgement.HOLD
    assert slow.words == (
        "20 % of 200 requests in 10 s slower than 250 ms (baseline 0 % of 1,800, P95 48 ms);"
        " P95 more than 200 ms over the baseline: no new traffic to the canary"
    )
    assert slow.reasons[1].canary == 1.0
    assert slow.reasons[1].baseline == pytest.approx(0.0475)


def test_tracks_that_are_slow_alike_are_not_held() -> None:
    slow = seconds(20, track(20, slow=6), track(180, slow=54), after=90)
    seen = [each.reasons[1] for each in story([*HEALTHY, *slow])]
    assert {each.judgement for each in seen} <= {Judgement.PROMOTE, Judgement.INCONCLUSIVE}
    assert any(each.words.endswith("both tracks are slow alike: the canary is not the cause") for each in seen)


def test_a_canary_may_start_slow_and_not_failing() -> None:
    assert words(seconds(20, track(20, slow=20), BASELINE))[1] == (
        "the canary has only just started: how fast it is counts in 11 s"
    )
    assert judged(seconds(20, track(20, errors=20), BASELINE)).judgement is Judgement.ROLLBACK


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([], "nothing has been measured yet"),
        ([*HEALTHY, missing(91)], "the numbers cannot be read: http://prometheus gave no answer within 3 s"),
        ([*HEALTHY, look(91, None, BASELINE)], "there are no numbers of the canary"),
        (seconds(90, track(0), BASELINE), "no request has reached the canary for 60 s"),
        ([*HEALTHY, *seconds(60, track(0), BASELINE, after=90)], "no request has reached the canary for 60 s"),
    ],
)
def test_what_cannot_be_measured_is_inconclusive_and_says_so(looks: list[Look], told: str) -> None:
    assert judged(looks).judgement is Judgement.INCONCLUSIVE
    assert judged(looks).reasons[0].words == told


def test_few_requests_are_too_few_to_tell() -> None:
    few = judged([look(10 * n, track(1), track(9), 10) for n in range(1, 10)])
    assert few.judgement is Judgement.INCONCLUSIVE
    assert few.reasons[0].words == "5xx 0 % of 9 requests in 90 s (baseline 0 % of 81); too few to tell: it takes 52"


def test_at_little_traffic_the_last_requests_count_however_long_they_took() -> None:
    quiet = [look(60 * n, track(1), track(9), 60) for n in range(1, 70)]
    assert judged(quiet).reasons[0].judgement is Judgement.PROMOTE
    failing = [look(60 * (69 + n), track(1, errors=1), track(9), 60) for n in range(1, 13)]
    assert judged([*quiet, *failing]).judgement is Judgement.ROLLBACK


def test_a_rule_on_a_dry_run_is_shown_and_decides_nothing() -> None:
    failing = [*HEALTHY, *seconds(8, track(20, errors=4), BASELINE, after=90)]
    dry = judged(failing, replace(POLICY, errors_dry_run=True))
    assert dry.judgement is Judgement.PROMOTE
    assert [(each.judgement, each.decides) for each in dry.reasons] == [
        (Judgement.ROLLBACK, False),
        (Judgement.PROMOTE, True),
    ]
    both = judged(failing, replace(POLICY, errors_dry_run=True, latency_dry_run=True))
    assert (both.judgement, both.words) == (Judgement.INCONCLUSIVE, "every rule is on a dry run: none decides")


def test_latency_that_is_not_to_be_judged_is_not() -> None:
    only_errors = judged(HEALTHY, replace(POLICY, latency_over_s=0))
    assert [each.rule for each in only_errors.reasons] == ["errors"]
    assert only_errors.judgement is Judgement.PROMOTE


def test_a_histogram_that_cannot_tell_names_the_bucket_that_it_lacks() -> None:
    usual_slow = track(180, usual=len(BOUNDS) - 1)
    assert words(seconds(40, CANARY, usual_slow))[1] == "the histogram has no bucket at 1.2 s or more: add one"
    beyond = "the baseline's P95 lies beyond the histogram's last bucket, 1 s: add larger ones"
    assert words(seconds(40, CANARY, track(180, slow=180)))[1] == beyond
    assert words(seconds(40, CANARY, track(1)))[1] == "40 requests are too few to know the baseline's P95"
    bare = [replace(each, bounds=()) for each in HEALTHY]
    assert words(bare)[1] == "there is no histogram of latency"


@pytest.mark.parametrize("bounds", [BOUNDS, ()])
def test_a_canary_that_is_no_longer_timed_is_not_taken_for_fast(bounds: tuple[float, ...]) -> None:
    untimed = [replace(each, canary=Counts(20, 0), bounds=bounds) for each in seconds(40, CANARY, BASELINE, after=90)]
    assert judged(HEALTHY).judgement is Judgement.PROMOTE
    last = judged([*HEALTHY, *untimed]).reasons[1]
    assert last.judgement is Judgement.INCONCLUSIVE
    assert last.words == (
        "how long the canary's requests take has not been measured lately"
        if bounds
        else "there is no histogram of latency"
    )


def test_judgements_are_ordered_by_how_bad_they_are() -> None:
    assert sorted(Judgement, key=lambda each: each.rank) == ["promote", "inconclusive", "hold", "rollback"]
    assert judge(Watch(), POLICY).judgement is Judgement.INCONCLUSIVE

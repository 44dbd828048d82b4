"""Evidence is what it says: rare when nothing is wrong however often one looks, and soon there when something is."""

from random import Random
from statistics import mean

import pytest

from bot.domain.evidence import REST, Bar, against, enough, upper, value

BAR = Bar(100)


def run_length(random: Random, share: float, requests: int, bar: Bar = BAR, most: int = 100_000) -> int:
    """Look at a canary that fails so often until the evidence passes the bar; give the number of looks."""
    evidence = REST
    for looks in range(1, most):
        bad = sum(random.random() < share for _ in range(requests))
        evidence = against(evidence, 0.05, bad, requests - bad, bar)
        if bar.passed(evidence):
            return looks
    return most


@pytest.mark.parametrize("requests", [1, 5, 20])
def test_looking_again_and_again_does_not_find_what_is_not_there(requests: int) -> None:
    random = Random(7)  # noqa: S311 - a test that can be repeated
    assert mean(run_length(random, 0.05, requests) for _ in range(60)) >= BAR.odds


def test_what_is_there_is_found_soon_and_the_more_there_is_the_sooner() -> None:
    random = Random(7)  # noqa: S311 - a test that can be repeated
    lengths = [mean(run_length(random, share, 20, bar=Bar(1e6)) for _ in range(40)) for share in (0.1, 0.25, 0.5, 1.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[1] < 6
    assert lengths[3] < 2


def test_one_look_is_not_enough_and_evidence_goes_when_the_trouble_does() -> None:
    twice = Bar(1e6, looks=2)
    once = against(REST, 0.05, 1_000, 0, twice)
    assert not twice.passed(once)
    most = against(against(once, 0.05, 1_000, 0, twice), 0.05, 1_000, 0, twice)
    assert twice.passed(most)
    assert value(most) < 1e8
    assert against(most, 0.05, 0, 1_000, twice) == REST


def test_a_track_that_has_all_or_none_of_the_requests_cannot_be_told_from_the_other() -> None:
    assert against(REST, 1.0, 20, 0, BAR) == pytest.approx(REST)
    assert against(REST, 0.0, 0, 20, BAR) == REST


def test_the_upper_end_is_wilsons() -> None:
    assert upper(0, 0) == 1.0
    assert upper(5, 100) == pytest.approx(0.0990, abs=5e-4)
    assert upper(10, 10) == 1.0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_enough_is_the_first_number_that_is(share: float) -> None:
    assert upper(0, enough(share)) < share <= upper(0, enough(share) - 1)

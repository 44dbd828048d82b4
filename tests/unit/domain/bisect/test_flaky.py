"""The search for a test that fails at random: the culprit with its probability, or none."""

import pytest

from bot.domain.bisect.question import Find, Kind, Question, Rates
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.search import plan
from tests.unit.domain.bisect.histories import line, name
from tests.unit.domain.bisect.worlds import World, broken_at, play

RATES = Rates(bad=0.6, good=0.05)


@pytest.mark.parametrize("k", [1, 3])
def test_the_culprit_is_found_and_its_rates_are_told(k: int) -> None:
    history = line(30)
    world = World(broken_at(history, name(12)).results, rates=RATES)
    answers = [play(Question(history), world, k, seed).answer for seed in range(8)]
    assert sum((answer.kind, answer.culprit) == (Kind.CULPRIT, name(12)) for answer in answers) >= 7
    assert all(answer.confidence >= 0.95 for answer in answers)
    assert all(answer.posterior[0] == (answer.culprit, answer.confidence) for answer in answers if answer.culprit)
    assert any("The test is flaky" in answer.why for answer in answers)


@pytest.mark.parametrize("rate", [0.08, 0.4])
def test_a_flake_has_no_culprit(rate: float) -> None:
    world = World({name(number): Result.BAD for number in range(31)}, rates=Rates(rate, rate))
    answers = [play(Question(line(30)), world, 2, seed).answer for seed in range(6)]
    assert sum(answer.kind is Kind.FLAKY for answer in answers) >= 5
    assert any("No commit did it" in answer.why for answer in answers)
    assert all(answer.posterior[0][0] == "" for answer in answers if answer.kind is Kind.FLAKY)


def test_what_mended_a_flaky_test_is_found() -> None:
    history = line(30)
    world = World({name(number): Result.BAD for number in range(18)}, rates=Rates(0.7, 0.02))
    answers = [play(Question(history, find=Find.FIX), world, 2, seed).answer for seed in range(8)]
    assert sum(answer.culprit == name(18) for answer in answers) >= 7


def test_commits_where_it_cannot_run_are_suspected_together() -> None:
    history = line(30)
    world = World(broken_at(history, name(12)).results, {name(11): "p", name(12): "p"}, RATES)
    answers = [play(Question(history), world, 2, seed).answer for seed in range(8)]
    suspected = [answer for answer in answers if answer.suspects == (name(11), name(12), name(13))]
    assert len(suspected) >= 7
    assert {answer.kind for answer in suspected} == {Kind.SUSPECTS}


def test_known_rates_are_used_from_the_first_run_on() -> None:
    history = line(30)
    question = Question(history, rates=RATES)
    ended = [Trial(name(30), Result.GOOD), Trial(name(0), Result.GOOD), *[Trial(name(20), Result.BAD)] * 3]
    planned = plan(question, ended, (), 1)
    assert planned.answer is None
    assert 0 < int(planned.start[0].commit, 16) < 20


def test_the_runs_that_are_allowed_end_it_with_the_likeliest() -> None:
    history = line(60)
    world = World(broken_at(history, name(12)).results, rates=Rates(0.3, 0.1))
    answer = play(Question(history, rates=Rates(0.3, 0.1), most_runs=12), world).answer
    assert answer.kind is Kind.UNDECIDED
    assert len(answer.suspects) == len([commit for commit, _ in answer.posterior if commit])
    assert "12 runs" in answer.why

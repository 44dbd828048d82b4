"""What follows from the runs for commits that were not run."""

from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.question import Question
from bot.domain.bisect.results import Result, Trial
from tests.unit.domain.bisect.histories import line, name

KEYS = {
    name(0): {"p": "1", "q": "fine"},
    name(1): {"p": "1", "q": "fine"},
    name(2): {"p": "2", "q": "broken"},
    name(3): {"p": "3", "q": "broken"},
    name(4): {"p": "1", "q": "fine"},
}


def evidence(*trials: Trial) -> Evidence:
    return Evidence(Question(line(4), package="p", keys=KEYS), trials)


def test_equal_sources_have_equal_results() -> None:
    known = evidence(Trial(name(1), Result.GOOD)).results
    assert known == {name(0): Result.GOOD, name(1): Result.GOOD, name(4): Result.GOOD}


def test_the_package_that_did_not_build_does_not_build_elsewhere() -> None:
    known = evidence(Trial(name(2), Result.UNTESTABLE, broken=("q",))).results
    assert known == {name(2): Result.UNTESTABLE, name(3): Result.UNTESTABLE}


def test_a_build_that_failed_once_does_not_outweigh_runs() -> None:
    known = evidence(Trial(name(1), Result.UNTESTABLE), Trial(name(4), Result.GOOD)).results
    assert {known[name(number)] for number in (0, 1, 4)} == {Result.GOOD}


def test_moot_runs_say_nothing() -> None:
    seen = evidence(Trial(name(1), Result.UNTESTABLE, broken=("q",), moot=True))
    assert seen.results == {}
    assert seen.runs == {}


def test_a_test_that_both_failed_and_passed_is_flaky() -> None:
    assert evidence(Trial(name(2), Result.GOOD), Trial(name(2), Result.BAD)).flaky
    assert not evidence(Trial(name(2), Result.GOOD), Trial(name(3), Result.BAD)).flaky


def test_equal_sources_with_different_results_disagree() -> None:
    assert evidence(Trial(name(1), Result.GOOD), Trial(name(4), Result.BAD)).disagreeing == {name(1), name(4)}


def test_a_later_commit_that_is_good_clears_all_that_it_holds() -> None:
    seen = evidence(Trial(name(3), Result.GOOD), Trial(name(2), Result.BAD))
    assert seen.undone == ((name(2), name(3)),)
    assert seen.question.history.ids(seen.suspects) == (name(4),)

"""What people are shown while a bisect goes on."""

import json

import pytest

from bot.domain.bisect.history import between
from bot.domain.bisect.question import Find, Question, Rates
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.standing import CELLS, Sought, Standing, lines, percent, standing
from tests.unit.domain.bisect.histories import graph, line, listing, name
from tests.unit.domain.bisect.worlds import World, play

SOUGHT = Sought("TestPay of ./payment", new="main", old="v1.12.0")


def _shown(
    question: Question | None, trials: list[Trial], sought: Sought = SOUGHT, elapsed_s: float = 41.7
) -> list[str]:
    """Give the lines, drawn from what an entry of the timeline would keep."""
    kept = json.loads(json.dumps(standing(question, trials, elapsed_s).facts()))
    return lines(sought, Standing.read(kept))


def test_before_the_first_run_everything_is_open() -> None:
    assert _shown(Question(line(30)), []) == [
        "*Bisecting TestPay of ./payment*: 30 of 30 commits left, no test has run yet.",
        f"good `{'·' * CELLS}` bad",
    ]


def test_each_run_closes_a_part_of_the_range() -> None:
    trials = [
        Trial(name(24), Result.BAD),
        Trial(name(0), Result.GOOD),
        Trial(name(12), Result.UNTESTABLE),
        Trial(name(8), Result.GOOD),
        Trial(name(20), Result.BAD, moot=True),
        Trial(name(16), Result.BAD),
    ]
    assert _shown(Question(line(24)), trials) == [
        "*Bisecting TestPay of ./payment*: 8 of 24 commits left, 5 test runs in 41 s.",
        "good `░░░░░░░░···x····████████` bad",
        f"Last: {name(16)[:10]} bad, {name(8)[:10]} good, {name(12)[:10]} untestable",
    ]


def test_a_long_range_has_a_bar_for_a_phone_in_which_one_open_commit_is_seen() -> None:
    trials = [Trial(name(number), Result.BAD if number > 777 else Result.GOOD) for number in (0, 2000, 777, 779)]
    head, bar, _ = _shown(Question(line(2000)), trials)
    assert "2 of 2,000 commits left" in head
    assert bar == f"good `{'░' * 9}·{'█' * 14}` bad"


def test_the_commit_that_mended_it_is_looked_for_the_other_way_round() -> None:
    trials = [Trial(name(0), Result.BAD), Trial(name(9), Result.GOOD), Trial(name(4), Result.ABSENT)]
    trials += [Trial(name(6), Result.GOOD)]
    question = Question(line(9), find=Find.FIX)
    assert _shown(question, trials, Sought("make check", "main", "v1", Find.FIX))[1] == "bad `···-··░░░` good"


def test_commits_that_change_nothing_tested_are_as_those_they_were_made_from() -> None:
    keys = {name(number): {"payment": f"{number // 4}"} for number in range(9)}
    question = Question(line(8), package="payment", keys=keys)
    head, bar, *_ = _shown(question, [Trial(name(8), Result.BAD), Trial(name(0), Result.GOOD)])
    assert "2 of 8 commits left" in head
    assert bar == "good `░░░·····` bad"


def test_a_merged_branch_is_in_the_bar() -> None:
    commits = graph({0: [], 1: [0], 2: [0], 3: [1, 2], 4: [3]})
    history = between(listing(commits, name(0), name(4)), name(0), name(4))
    head, bar, *_ = _shown(Question(history), [Trial(name(4), Result.BAD), Trial(name(3), Result.GOOD)])
    assert "1 of 4 commits left" in head
    assert bar == "good `░░░·` bad"


def test_a_flaky_test_shows_how_probable_each_part_is() -> None:
    question = Question(line(40), rates=Rates(bad=0.6, good=0.02))
    truth = World({name(number): Result.BAD for number in range(30, 41)}, rates=question.rates)
    played = play(question, truth, 2)
    head, bar, likeliest = _shown(question, played.trials)
    assert head.startswith("*Bisecting TestPay of ./payment*: the test is flaky, ")
    assert bar[6:-5][30 * CELLS // 40 - 1] == "█"
    assert likeliest.startswith(f"Likeliest: {played.answer.culprit[:10]} 9")
    assert "no commit" in _shown(question, [])[2]


def test_while_no_good_commit_is_known_there_is_no_bar() -> None:
    trials = [Trial(name(9), Result.BAD)]
    assert _shown(None, trials, Sought("TestPay", "main"), 3.0) == [
        "*Bisecting TestPay*: looking for a commit before main that is good, 1 test run in 3 s.",
        f"Last: {name(9)[:10]} bad",
    ]


@pytest.mark.parametrize(
    ("chance", "words"),
    [(0.0, "0 %"), (0.876, "87 %"), (0.9899, "98 %"), (0.9951, "99.5 %"), (0.99999, "99.9 %"), (1.0, "99.9 %")],
)
def test_a_probability_never_says_more_than_there_is(chance: float, words: str) -> None:
    assert percent(chance) == words

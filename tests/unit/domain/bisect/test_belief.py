"""The probabilities behind a flaky search agree with what can be worked out by hand, and with each other."""

from math import isclose

import pytest

from bot.domain.bisect.belief import Belief, Counts, believe
from bot.domain.bisect.flaky import choose, entropy
from bot.domain.bisect.question import Chances, Rates
from tests.unit.domain.bisect.histories import line, name

KNOWN = Chances(rates=Rates(bad=0.5, good=0.1))


def believed(counts: dict[int, Counts], chances: Chances = KNOWN, size: int = 4) -> tuple[Belief, list[float]]:
    """Give the belief, and the probability of each commit of a line."""
    history = line(size)
    belief = believe(history, history.everything, {name(number): each for number, each in counts.items()}, chances)
    return belief, [belief.of(1 << place) for place in range(size)]


@pytest.mark.parametrize("counts", [{}, {2: Counts(1, 3)}, {0: Counts(0, 9), 4: Counts(5, 6), 3: Counts(2, 2)}])
@pytest.mark.parametrize("chances", [KNOWN, Chances(), Chances(mends=True)])
def test_all_probabilities_add_up(counts: dict[int, Counts], chances: Chances) -> None:
    belief, each = believed(counts, chances)
    assert isclose(sum(each) + belief.none, 1)


def test_a_failure_speaks_for_each_commit_that_it_holds_by_its_rate() -> None:
    _, (first, second, third, fourth) = believed({2: Counts(failed=1)})
    assert isclose(first, second)
    assert isclose(third, fourth)
    assert isclose(first / third, 0.5 / 0.1)


def test_what_makes_a_test_pass_is_searched_with_the_rates_swapped() -> None:
    _, (first, _, third, _) = believed({2: Counts(failed=1)}, Chances(mends=True, rates=KNOWN.rates))
    assert isclose(first / third, 0.1 / 0.5)


def test_a_test_without_exception_is_believed_not_to_be_flaky() -> None:
    _, each = believed({0: Counts(0, 3), 2: Counts(0, 3), 3: Counts(3, 0), 4: Counts(1, 0)}, Chances())
    assert each[2] > 0.99


def test_equal_rates_everywhere_are_no_culprit() -> None:
    belief, _ = believed({number: Counts(30, 70) for number in range(5)}, Chances())
    assert belief.none > 0.95
    assert isclose(belief.flake, 0.3, abs_tol=0.03)


def test_what_a_failure_means_depends_on_what_is_usual_until_more_is_seen() -> None:
    _, at_first = believed({0: Counts(0, 5), 2: Counts(2, 3), 4: Counts(2, 3)}, Chances())
    _, later = believed({0: Counts(160, 240), 2: Counts(162, 243), 4: Counts(360, 40)}, Chances())
    assert sum(at_first[:2]) > 0.5
    assert sum(later[2:]) > 0.99


def test_many_runs_do_not_vanish_in_rounding() -> None:
    belief, each = believed({0: Counts(10, 9_000), 4: Counts(9_000, 10)}, Chances())
    assert isclose(sum(each) + belief.none, 1)


def test_the_run_that_tells_most_parts_the_probable_commits() -> None:
    history = line(64)
    belief = believe(history, history.everything, {}, Chances())
    probes = {commit.id: 1.0 for commit in history.commits}
    (chosen,) = choose(history, belief, probes, (), 1)
    assert abs(int(chosen, 16) - 32) <= 8


def test_a_run_that_costs_a_build_must_tell_more() -> None:
    history = line(64)
    belief = believe(history, history.everything, {}, Chances())
    probes = {commit.id: 10.0 for commit in history.commits} | {name(20): 1.0}
    assert choose(history, belief, probes, (), 1) == [name(20)]


def test_a_run_beside_others_of_the_same_commit_is_worth_less() -> None:
    history = line(64)
    belief = believe(history, history.everything, {}, Chances())
    chosen = choose(history, belief, {commit.id: 1.0 for commit in history.commits}, (), 4)
    assert len(set(chosen)) > 1


def test_a_coin_is_the_least_certain() -> None:
    assert [entropy(chance) for chance in (0.0, 0.5, 1.0)] == [0.0, 1.0, 0.0]

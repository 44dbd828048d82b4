"""No history, however crooked, makes the search name a commit that did not do it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.bisect.history import Commit, History, between
from bot.domain.bisect.question import Answer, Find, Kind, Question, Rates
from bot.domain.bisect.results import Result
from tests.unit.domain.bisect.histories import listing, name
from tests.unit.domain.bisect.worlds import World, play

HISTORIES, FLAKY = 200, 60
"""How many are made by each of the three tests, and for the flaky one."""
pytestmark = pytest.mark.timeout(600)
OPPOSITE = {Result.GOOD: Result.BAD, Result.BAD: Result.GOOD}


@dataclass(frozen=True)
class Made:
    """A history, what is true in it, and how it is asked about."""

    history: History
    world: World
    keys: Mapping[str, Mapping[str, str]]
    k: int
    seed: int

    def changed(self, commit: Commit, find: Find) -> bool:
        """Tell whether the test is as at the new end there, and as at the old end at each parent.

        Of a parent that another one holds already, at which the test runs, nothing is new.
        """
        place, holds, ids = self.history.place, self.history.holds, self.history.ids
        before = {each for each in commit.parents if self.truth(each) is find.before}
        held = {each for good in before if good in place for each in ids(holds[place[good]])}
        return self.truth(commit.id) is find.after and {*commit.parents} <= before | held

    def truth(self, commit: str) -> Result:
        """Give what the test says there."""
        return Result.UNTESTABLE if commit in self.world.broken else self.world.results.get(commit, Result.GOOD)


@st.composite
def made(draw: st.DrawFn, *, flips: int, rates: Rates | None = None, gaps: bool = True) -> Made:
    """Make a history with merges: the test breaks, is mended, breaks again, and does not run everywhere."""
    count = draw(st.integers(2, 40))
    commits = [Commit(name(0))]
    for number in range(1, count + 1):
        first = draw(st.integers(max(0, number - 3), number - 1))
        second = draw(st.integers(max(0, number - 5), number - 1))
        merges = draw(st.integers(0, 4)) == 0 and second != first
        commits.append(Commit(name(number), (name(first), name(second)) if merges else (name(first),)))
    history = between(listing(commits, name(0), name(count)), name(0), name(count))
    truth, broken = _truth(draw, history, flips), _bursts(draw, history) if gaps else {}
    keys = _keys(draw, commits, truth | dict.fromkeys(broken, Result.UNTESTABLE))
    since = draw(st.integers(-8, count // 2)) if gaps else 0
    truth |= {name(number): Result.ABSENT for number in range(since)}
    return Made(history, World(truth, broken, rates), keys, draw(st.integers(1, 5)), draw(st.integers(0, 99)))


def _truth(draw: st.DrawFn, history: History, flips: int) -> dict[str, Result]:
    """Let the test change at some commits; what is merged is bad where any part of it is."""
    truth = {history.old: Result.GOOD}
    changes = {draw(st.sampled_from(history.commits)).id for _ in range(flips)}
    for commit in history.commits:
        parts = {truth.get(parent, Result.GOOD) for parent in commit.parents}
        result = Result.BAD if Result.BAD in parts else Result.GOOD
        truth[commit.id] = OPPOSITE[result] if commit.id in changes else result
    return truth


def _bursts(draw: st.DrawFn, history: History) -> dict[str, str]:
    """Let some commits in a row not build, never the ends."""
    ids = [commit.id for commit in history.commits[:-1]]
    starts = draw(st.lists(st.integers(0, max(0, len(ids) - 1)), max_size=3))
    return {each: "q" for start in starts for each in ids[start : start + draw(st.integers(1, 5))]}


def _keys(draw: st.DrawFn, commits: list[Commit], truth: Mapping[str, Result]) -> Mapping[str, Mapping[str, str]]:
    """Give keys that differ where the result does, and at some other commits; or none at all."""
    if draw(st.booleans()):
        return {}
    versions: dict[str, str] = {}
    for commit in commits:
        same = commit.parents and truth.get(commit.id, Result.GOOD) is truth.get(commit.parents[0], Result.GOOD)
        versions[commit.id] = versions[commit.parents[0]] if same and draw(st.booleans()) else commit.id
    fine = {each: "" if truth.get(each, Result.GOOD) is Result.UNTESTABLE else "fine" for each in versions}
    return {each: {"p": version, "q": fine[each] or "broken"} for each, version in versions.items()}


def ask(given_: Made, find: Find = Find.BREAK) -> Answer:
    """Ask for the commit, and give the answer."""
    question = Question(given_.history, find, "p", given_.keys)
    return play(question, given_.world, given_.k, given_.seed).answer


def ends_are_as_said(given_: Made) -> bool:
    """Tell whether the question makes sense."""
    return (given_.truth(given_.history.old), given_.truth(given_.history.new)) == (Result.GOOD, Result.BAD)


def by_id(history: History) -> dict[str, Commit]:
    return {commit.id: commit for commit in history.commits}


many = settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(made(flips=1))
def test_a_commit_that_broke_it_once_is_found_or_is_among_the_suspects(given_: Made) -> None:
    answer = ask(given_)
    if not ends_are_as_said(given_):
        assert answer.kind is not Kind.CULPRIT or given_.changed(by_id(given_.history)[answer.culprit], Find.BREAK)
    elif answer.kind is Kind.CULPRIT:
        assert given_.changed(by_id(given_.history)[answer.culprit], Find.BREAK)
    else:
        assert answer.kind is Kind.SUSPECTS
        changes = {each.id for each in given_.history.commits if given_.changed(each, Find.BREAK)}
        assert not changes or changes & set(answer.suspects)


@many
@given(made(flips=3))
def test_a_culprit_did_change_it_whatever_was_undone_and_done_again(given_: Made) -> None:
    answer = ask(given_)
    if answer.kind is Kind.CULPRIT:
        assert given_.changed(by_id(given_.history)[answer.culprit], Find.BREAK)


@many
@given(made(flips=2))
def test_what_mended_it_did(given_: Made) -> None:
    swapped = {commit: OPPOSITE.get(result, result) for commit, result in given_.world.results.items()}
    turned = Made(given_.history, World(swapped, given_.world.broken), given_.keys, given_.k, given_.seed)
    answer = ask(turned, Find.FIX)
    if answer.kind is Kind.CULPRIT:
        assert turned.changed(by_id(turned.history)[answer.culprit], Find.FIX)


def test_a_flaky_culprit_is_wrong_as_seldom_as_it_is_said_to_be() -> None:
    sure: list[bool] = []

    @settings(max_examples=FLAKY, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(made(flips=1, rates=Rates(0.6, 0.05)))
    def ask_each(given_: Made) -> None:
        answer = ask(given_)
        if answer.kind is Kind.CULPRIT and ends_are_as_said(given_):
            sure.append(given_.changed(by_id(given_.history)[answer.culprit], Find.BREAK))

    ask_each()
    assert len(sure) > FLAKY / 5
    assert sum(sure) / len(sure) >= 0.93

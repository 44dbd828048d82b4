"""The old end is found by steps that double."""

import pytest

from bot.domain.bisect.question import Find, Running
from bot.domain.bisect.results import Purpose, Result, Trial
from bot.domain.bisect.retreat import retreat
from tests.unit.domain.bisect.histories import name

LINE = [name(number) for number in range(100, -1, -1)]
"""From commit 100, the newest, to commit 0."""


def bad(*numbers: int) -> list[Trial]:
    return [Trial(name(number), Result.BAD) for number in numbers]


@pytest.mark.parametrize(("k", "expected"), [(1, [99]), (3, [99, 98, 96])])
def test_several_steps_are_looked_at_at_once(k: int, expected: list[int]) -> None:
    started = retreat(LINE, [], [], k).start
    assert [int(each.commit, 16) for each in started] == expected
    assert {each.purpose for each in started} == {Purpose.ENDS}


def test_the_next_steps_follow_what_runs() -> None:
    (started,) = retreat(LINE, bad(99), [Running(name(98))], 2).start
    assert started.commit == name(96)


@pytest.mark.parametrize("result", [Result.GOOD, Result.ABSENT])
def test_the_first_that_is_otherwise_is_the_old_end(result: Result) -> None:
    found = retreat(LINE, [*bad(99, 98), Trial(name(92), result)], [Running(name(84))], 2)
    assert (found.old, found.stop, found.start) == (name(92), (name(84),), ())


def test_a_commit_that_does_not_build_is_passed() -> None:
    found = retreat(LINE, [Trial(name(99), Result.UNTESTABLE)], [], 1)
    assert [each.commit for each in found.start] == [name(98)]


def test_what_was_mended_begins_where_it_was_broken() -> None:
    assert retreat(LINE, bad(99), [], 1, Find.FIX).old == name(99)


def test_the_first_commit_of_all_is_the_last_step() -> None:
    passed = (99, 98, 96, 92, 84, 68, 36)
    assert [each.commit for each in retreat(LINE, bad(*passed), [], 2).start] == [name(0)]
    assert retreat(LINE, bad(*passed, 0), [], 2).exhausted
    assert retreat(LINE[:1], [], [], 2).exhausted

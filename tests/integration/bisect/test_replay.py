"""The log that is kept of a bisect: real git replays it and comes to the same commit."""

import random
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bot.domain.bisect.history import Commit, History, between
from bot.domain.bisect.question import Answer, Find, Kind, Question, Rates
from bot.domain.bisect.replay import replay
from bot.domain.bisect.results import Result
from tests.bisecting.repositories import Small
from tests.samples import BUILDS
from tests.unit.domain.bisect.worlds import World, play

pytestmark = BUILDS


@dataclass(frozen=True)
class Real:
    """A repository whose commits are numbered from 0 on, and what lies between the first and the last."""

    small: Small
    ids: tuple[str, ...]
    history: History

    def replayed(self, log: str) -> str:
        """Let git replay a log; give what it said at last."""
        path = self.small.folder.parent / "bisect.log"
        path.write_text(log, encoding="utf-8")
        command = ["git", "-C", str(self.small.folder), "bisect", "replay", str(path)]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout.decode()

    def world(self, changed: range, but: Mapping[int, Result]) -> World:
        results = {self.ids[number]: Result.BAD for number in changed}
        return World(results | {self.ids[number]: result for number, result in but.items()})


def _made(small: Small, parents: Mapping[int, tuple[int, ...]]) -> Real:
    ids: list[str] = []
    tree = small.git("mktree", given=b"")
    for number, made_from in parents.items():
        named = [word for each in made_from for word in ("-p", ids[each])]
        ids.append(small.git("commit-tree", tree, *named, "-m", f"Change {number}\n\nIt is *that*."))
    small.git("update-ref", "refs/heads/main", ids[-1])
    small.git("reset", "--quiet", "--hard")
    listed = [Commit(ids[number], tuple(ids[each] for each in made_from)) for number, made_from in parents.items()]
    return Real(small, tuple(ids), between(listed[1:], ids[0], ids[-1]))


def _line(small: Small, count: int) -> Real:
    return _made(small, {number: (number - 1,) if number else () for number in range(count + 1)})


def _log(real: Real, question: Question, world: World, seed: int = 1) -> tuple[Answer, str]:
    played = play(question, world, k=3, seed=seed)
    subjects = {commit: f"Change {number}" for number, commit in enumerate(real.ids)}
    return played.answer, replay(question, played.trials, played.answer, subjects)


def test_the_culprit_among_commits_that_cannot_be_built(small: Small) -> None:
    real = _line(small, 40)
    world = real.world(range(23, 41), dict.fromkeys([*range(9, 12), *range(19, 22), *range(30, 33)], Result.UNTESTABLE))
    answer, log = _log(real, Question(real.history), world)
    assert (answer.kind, answer.culprit) == (Kind.CULPRIT, real.ids[23])
    assert "git bisect skip" in log
    assert f"{real.ids[23]} is the first bad commit" in real.replayed(log)
    assert "Change 23" in log.splitlines()[-1]


def test_the_commit_that_mended_it(small: Small) -> None:
    real = _line(small, 30)
    world = real.world(range(12), {5: Result.ABSENT})
    answer, log = _log(real, Question(real.history, find=Find.FIX), world)
    assert answer.culprit == real.ids[12]
    assert f"{real.ids[12]} is the first fixed commit" in real.replayed(log)


def test_suspects_that_no_run_tells_apart(small: Small) -> None:
    real = _line(small, 20)
    world = real.world(range(10, 21), dict.fromkeys(range(9, 13), Result.UNTESTABLE))
    answer, log = _log(real, Question(real.history), world)
    assert answer.suspects == real.ids[9:14]
    said = real.replayed(log)
    assert "only 'skip'ped commits left" in said
    assert all(commit in said for commit in answer.suspects)


@pytest.mark.parametrize("culprit", range(1, 10))
def test_a_history_with_merges(small: Small, culprit: int) -> None:
    parents = {0: (), 1: (0,), 2: (1,), 3: (1,), 4: (2,), 5: (3,), 6: (4, 5), 7: (6,), 8: (3,), 9: (7, 8)}
    real = _made(small, parents)
    bit = 1 << real.history.place[real.ids[culprit]]
    held = [place for place, bits in enumerate(real.history.holds) if bits & bit]
    world = World({real.history.commits[place].id: Result.BAD for place in held})
    answer, log = _log(real, Question(real.history), world, culprit)
    assert answer.culprit == real.ids[culprit]
    assert f"{real.ids[culprit]} is the first bad commit" in real.replayed(log)


def test_a_change_that_was_taken_back_and_made_again(small: Small) -> None:
    real = _line(small, 40)
    world = real.world(range(8, 14), dict.fromkeys(range(30, 41), Result.BAD))
    for seed in range(5):
        answer, log = _log(real, Question(real.history), world, seed)
        assert answer.kind is Kind.CULPRIT
        assert f"{answer.culprit} is the first bad commit" in real.replayed(log)


def test_a_flaky_test_is_told_in_comments(small: Small) -> None:
    real = _line(small, 12)
    question = Question(real.history, rates=Rates(bad=0.6, good=0.02))
    world = World({real.ids[number]: Result.BAD for number in range(7, 13)}, rates=question.rates)
    answer, log = _log(real, question, world)
    assert answer.culprit == real.ids[7]
    assert any(line.startswith("# failed ") for line in log.splitlines())
    assert f"{real.ids[7]} is the first bad commit" in real.replayed(log)


def test_no_culprit_marks_nothing(small: Small) -> None:
    real = _line(small, 12)
    world = World(dict.fromkeys(real.ids, Result.BAD), rates=Rates(bad=0.4, good=0.4))
    answer, log = _log(real, Question(real.history), world)
    assert answer.kind in {Kind.FLAKY, Kind.UNDECIDED}
    assert not any(line.startswith(("git bisect good", "git bisect bad")) for line in log.splitlines())
    assert f"# {answer.why}" in log
    assert "first bad commit" not in real.replayed(log)


def test_any_order_of_runs_is_replayed(small: Small) -> None:
    chance = random.Random(5)  # noqa: S311 - a seeded order, no secret
    real = _line(small, 60)
    for seed in range(6):
        culprit = chance.randrange(1, 61)
        holes = chance.sample([each for each in range(1, 60) if abs(each - culprit) > 1], 8)
        world = real.world(range(culprit, 61), dict.fromkeys(holes, Result.UNTESTABLE))
        answer, log = _log(real, Question(real.history), world, seed)
        assert answer.culprit == real.ids[culprit]
        assert f"{answer.culprit} is the first bad commit" in real.replayed(log)

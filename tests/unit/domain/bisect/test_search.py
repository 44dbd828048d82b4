"""The search for a test that is not flaky: few runs, several at once, and a plain answer to what makes no sense."""

from collections import Counter
from math import ceil, log2

import pytest

from bot.domain.bisect.history import History, between
from bot.domain.bisect.question import Find, Kind, Question, Running
from bot.domain.bisect.results import Purpose, Result, Trial
from bot.domain.bisect.search import plan
from tests.unit.domain.bisect.histories import graph, line, listing, name
from tests.unit.domain.bisect.worlds import World, broken_at, play

SIZES = (1, 2, 3, 7, 40, 200)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_every_culprit_is_found(size: int, k: int) -> None:
    history = line(size)
    for number in range(1, size + 1, max(1, size // 20)):
        answer = play(Question(history), broken_at(history, name(number)), k, number).answer
        assert (answer.kind, answer.culprit) == (Kind.CULPRIT, name(number))
        assert answer.confidence >= 0.99


@pytest.mark.parametrize("size", SIZES)
def test_one_at_a_time_is_as_few_as_can_be(size: int) -> None:
    history = line(size)
    for number in range(1, size + 1, max(1, size // 20)):
        runs = play(Question(history), broken_at(history, name(number))).answer.runs
        assert runs.get("search", 0) <= ceil(log2(size)) + 1
        assert (runs["ends"], runs["retest"], runs.get("moot", 0)) == (2, 4, 0)


def test_the_commit_that_mended_it() -> None:
    history = line(30)
    world = World({name(number): Result.BAD for number in range(20)})
    answer = play(Question(history, find=Find.FIX), world, 2).answer
    assert (answer.kind, answer.culprit) == (Kind.CULPRIT, name(20))
    assert "good at" in answer.why
    assert "bad at each of its parents" in answer.why


def test_several_at_once_part_the_commits_evenly() -> None:
    started = plan(Question(line(100)), [], [], 5).start
    assert Counter(each.purpose for each in started) == {Purpose.ENDS: 2, Purpose.SEARCH: 3}
    assert [int(each.commit, 16) for each in started if each.purpose is Purpose.SEARCH] == [25, 50, 75]


def test_a_run_whose_answer_is_known_is_stopped_and_another_one_started() -> None:
    question = Question(line(100))
    running = [Running(name(number)) for number in (25, 75)]
    ended = [Trial(name(100), Result.BAD), Trial(name(0), Result.GOOD), Trial(name(50), Result.BAD)]
    planned = plan(question, ended, running, 2)
    assert planned.stop == (name(75),)
    assert [int(each.commit, 16) for each in planned.start] == [12]
    assert planned.left == 50


def test_a_bisect_goes_on_from_its_record_alone() -> None:
    history = line(60)
    question, world = Question(history), broken_at(history, name(23))
    whole = play(question, world)
    for kept in range(len(whole.trials)):
        assert play(question, world, ended=whole.trials[:kept]).trials == whole.trials


def test_proof_is_run_in_idle_slots() -> None:
    question = Question(line(4))
    ended = [Trial(name(4), Result.BAD), Trial(name(0), Result.GOOD), Trial(name(2), Result.GOOD)]
    started = plan(question, ended, [], 4).start
    assert Counter(each.purpose for each in started) == {Purpose.SEARCH: 1, Purpose.RETEST: 3}


class TestEnds:
    """What is said of them is not believed."""

    @pytest.mark.parametrize("k", [1, 3])
    def test_a_bad_commit_that_is_good(self, k: int) -> None:
        answer = play(Question(line(20)), World(), k).answer
        assert answer.kind is Kind.REFUTED
        assert f"{name(20)[:10]} was said to be bad, and is good" in answer.why

    @pytest.mark.parametrize("k", [1, 3])
    def test_a_good_commit_that_is_bad(self, k: int) -> None:
        history = line(20)
        world = World({name(number): Result.BAD for number in range(21)})
        answer = play(Question(history), world, k).answer
        assert answer.kind is Kind.REFUTED
        assert f"{name(0)[:10]} was said to be good, and is bad" in answer.why

    @pytest.mark.parametrize(("run_s", "least"), [(30.0, 10), (2.0, 30), (0.01, 80)])
    def test_a_quick_test_is_run_more_often_before_it_is_said_never_to_fail(self, run_s: float, least: int) -> None:
        passed = Trial(name(20), Result.GOOD, run_s + 50, build_s=50)
        assert plan(Question(line(20)), [passed] * (least - 1), [], 1).start[0].commit == name(20)
        answer = plan(Question(line(20)), [passed] * least, [], 1).answer
        assert answer is not None
        assert answer.kind is Kind.REFUTED

    def test_how_seldom_a_flake_may_be_is_told(self) -> None:
        answer = plan(Question(line(20)), [Trial(name(20), Result.GOOD, seconds=2)] * 30, [], 1).answer
        assert answer is not None
        assert "If it is flaky, it is bad in less than 10% of its runs." in answer.why

    def test_an_old_end_need_not_be_run_once_a_later_commit_is_as_it_was_said_to_be(self) -> None:
        history = line(20)
        ended = [Trial(name(20), Result.BAD), Trial(name(7), Result.GOOD)]
        played = play(Question(history), broken_at(history, name(13)), 2, ended=ended)
        assert (played.answer.kind, played.answer.culprit) == (Kind.CULPRIT, name(13))
        assert name(0) not in {trial.commit for trial in played.trials}

    @pytest.mark.parametrize("k", [1, 3])
    def test_a_test_that_is_nowhere(self, k: int) -> None:
        history = line(20)
        answer = play(Question(history), World({name(number): Result.ABSENT for number in range(21)}), k).answer
        assert answer.kind is Kind.REFUTED
        assert "absent" in answer.why

    def test_where_the_old_end_left_the_way(self) -> None:
        commits = graph({0: [], 1: [0], 2: [1], 3: [2], 9: [1]})
        history = between(listing(commits, name(9), name(3)), name(9), name(3))
        world = World({name(number): Result.BAD for number in range(4)})
        answer = play(Question(history), world).answer
        assert answer.kind is Kind.REFUTED
        assert "left the way" in answer.why


class TestGaps:
    """Commits where the test cannot run."""

    def test_a_burst_that_does_not_build_hides_the_culprit(self) -> None:
        history = line(20)
        world = World(broken_at(history, name(11)).results, {name(number): "p" for number in (10, 11, 12)})
        answer = play(Question(history), world, 2).answer
        assert answer.kind is Kind.SUSPECTS
        assert answer.suspects == tuple(name(number) for number in (10, 11, 12, 13))

    def test_one_build_that_failed_tells_of_all_with_the_same_package(self) -> None:
        history = line(40)
        burst = range(16, 24)
        keys = {
            commit.id: {"p": f"p{number}", "q": "broken" if number in burst else "fine"}
            for number, commit in enumerate(history.commits, 1)
        }
        world = World(broken_at(history, name(30)).results, {name(number): "q" for number in burst})
        played = play(Question(history, package="p", keys=keys), world)
        assert played.answer.culprit == name(30)
        assert sum(trial.result is Result.UNTESTABLE for trial in played.trials) == 1

    @pytest.mark.parametrize("k", [1, 4])
    def test_what_is_older_than_the_test_is_not_good(self, k: int) -> None:
        history = line(20)
        absent = {name(number): Result.ABSENT for number in range(8)}
        answer = play(Question(history), World({**absent, **broken_at(history, name(8)).results}), k).answer
        assert answer.kind is Kind.SUSPECTS
        assert answer.suspects == tuple(name(number) for number in range(1, 9))
        assert "overlay=" in answer.why

    @pytest.mark.parametrize("k", [1, 4])
    def test_a_culprit_that_is_younger_than_the_test(self, k: int) -> None:
        history = line(20)
        absent = {name(number): Result.ABSENT for number in range(8)}
        answer = play(Question(history), World({**absent, **broken_at(history, name(14)).results}), k).answer
        assert (answer.kind, answer.culprit) == (Kind.CULPRIT, name(14))


class TestSources:
    """Commits whose sources are the same cannot differ, unless the test reads something else."""

    def keyed(self, history: History, changes: set[int]) -> Question:
        """Give a question where only some commits changed the package."""
        versions = {name(0): 0}
        for number, commit in enumerate(history.commits, 1):
            versions[commit.id] = versions[commit.parents[0]] + (number in changes)
        return Question(history, package="p", keys={commit: {"p": str(each)} for commit, each in versions.items()})

    def test_commits_that_changed_nothing_are_not_searched(self) -> None:
        history = line(200)
        question = self.keyed(history, {30, 70, 110, 150})
        answer = play(question, broken_at(history, name(110))).answer
        assert answer.culprit == name(110)
        assert answer.runs["search"] <= 3

    @pytest.mark.parametrize("k", [1, 4])
    def test_a_test_that_reads_more_than_its_sources(self, k: int) -> None:
        history = line(60)
        question = self.keyed(history, {10, 20, 30, 40, 50})
        answer = play(question, broken_at(history, name(36)), k).answer
        assert (answer.kind, answer.culprit) == (Kind.CULPRIT, name(36))


class TestMerges:
    """Histories that are no line."""

    COMMITS = graph({0: [], 1: [0], 2: [1], 3: [1], 4: [3], 5: [2, 4], 6: [5]})

    @pytest.mark.parametrize("culprit", [1, 2, 3, 4, 5, 6])
    @pytest.mark.parametrize("k", [1, 3])
    def test_the_culprit_may_be_on_a_branch_or_be_the_merge(self, culprit: int, k: int) -> None:
        history = between(listing(self.COMMITS, name(0), name(6)), name(0), name(6))
        answer = play(Question(history), broken_at(history, name(culprit)), k).answer
        assert (answer.kind, answer.culprit) == (Kind.CULPRIT, name(culprit))

    def test_first_parents_name_the_merge(self) -> None:
        history = between(listing(self.COMMITS, name(0), name(6)), name(0), name(6), first_parent=True)
        world = World({name(number): Result.BAD for number in (4, 5, 6)})
        assert play(Question(history), world).answer.culprit == name(5)


@pytest.mark.parametrize("k", [1, 3])
def test_where_the_test_is_absent_at_all_that_are_left_they_are_suspected(k: int) -> None:
    commits = graph({0: [], 1: [0], 2: [0], 3: [2], 4: [2, 1], 5: [4, 3]})
    history = between(listing(commits, name(0), name(5)), name(0), name(5))
    keys = {name(number): {"p": "mended"} for number in (2, 4, 5)}
    world = World({name(0): Result.ABSENT, name(1): Result.ABSENT, name(3): Result.BAD})
    seen = [Trial(name(number), world.results.get(name(number), Result.GOOD)) for number in (0, 1, 2, 3, 5)]
    answer = play(Question(history, Find.FIX, "p", keys), world, k, ended=seen).answer
    assert (answer.kind, answer.suspects) == (Kind.SUSPECTS, (name(1),))


class TestUndone:
    """A change that was undone and done again."""

    HISTORY = line(40)
    WORLD = World({name(number): Result.BAD for number in (*range(5, 12), *range(25, 41))})

    def test_what_is_seen_to_be_undone_is_not_the_culprit(self) -> None:
        ended = [Trial(name(number), Result.BAD) for number in (40, 7)]
        ended += [Trial(name(number), Result.GOOD) for number in (0, 13)]
        played = play(Question(self.HISTORY), self.WORLD, 2, ended=ended)
        assert (played.answer.kind, played.answer.culprit) == (Kind.CULPRIT, name(25))
        assert "changed more than once" in played.answer.why
        # Before a contradiction is believed to be no flake, both are run again.
        assert [sum(trial.commit == name(number) for trial in played.trials) for number in (7, 13)] == [3, 3]

    @pytest.mark.parametrize("k", [1, 2, 7])
    def test_without_that_one_of_the_changes_is_named(self, k: int) -> None:
        answers = [play(Question(self.HISTORY), self.WORLD, k, seed).answer for seed in range(10)]
        assert {answer.culprit for answer in answers} <= {name(5), name(25)}

    @pytest.mark.parametrize("k", [1, 2, 7])
    def test_sources_that_came_back_are_known(self, k: int) -> None:
        keys = {name(number): {"p": self.WORLD.results.get(name(number), Result.GOOD).value} for number in range(41)}
        question = Question(self.HISTORY, package="p", keys=keys)
        assert play(question, self.WORLD, k).answer.culprit == name(25)


@pytest.mark.parametrize("k", [1, 3])
def test_the_only_commit_that_explains_all_is_suspected_where_it_does_not_build(k: int) -> None:
    """Two branches from it are bad: it is the one thing that they share."""
    commits = graph({0: [], 1: [0], 2: [1, 0], 3: [1, 0], 4: [2, 3]})
    history = between(listing(commits, name(0), name(4)), name(0), name(4))
    world = World({name(number): Result.BAD for number in (1, 2, 3, 4)}, {name(1): "q"})
    played = play(Question(history), world, k)

    assert (played.answer.kind, played.answer.suspects) == (Kind.SUSPECTS, (name(1),))
    assert len(played.trials) <= 12


def test_the_runs_that_are_allowed_are_not_exceeded() -> None:
    history = line(100)
    answer = play(Question(history, most_runs=5), broken_at(history, name(50))).answer
    assert answer.kind is Kind.UNDECIDED
    assert sum(answer.runs.values()) == 5

"""`/incident bisect`, over a prober that knows what the test says at each commit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.bisect.bisected import PROGRESS, Progress
from bot.domain.bisect.results import Result
from bot.domain.gate.policy import GatePolicy
from bot.domain.run import RunStatus
from bot.domain.service import BisectRules, Catalog, Regression, Service
from bot.domain.timeline import HOUSE, Kind
from bot.engine.tools import adapter_of
from tests.fakes import FakeProber, fake_ports
from tests.unit.playbooks.desk import Desk

COMMITS = tuple(f"{number:040x}" for number in range(32))
G, B, U, A = Result.GOOD, Result.BAD, Result.UNTESTABLE, Result.ABSENT


def told(culprit: int, **odd: Result) -> dict[str, Result]:
    """Let a commit break the test; `at_3` says what else it is at a commit."""
    results = {commit: B if number >= culprit else G for number, commit in enumerate(COMMITS)}
    return results | {COMMITS[int(name.removeprefix("at_"))]: result for name, result in odd.items()}


def desk(results: Mapping[str, Result], *, rules: BisectRules | None = None, **more: Any) -> Desk:
    names = {"v1": COMMITS[0], "HEAD": COMMITS[-1], "main": COMMITS[-1]}
    services = (Service("checkout", (), repository="/srv/checkout.git"), Service("payment", ()))
    ports = fake_ports(Catalog(services, bisect=rules or BisectRules()))
    return Desk(replace(ports, prober=FakeProber(results, names, **more)))


def with_a_test_of_its_own(regression: Regression, results: Mapping[str, Result]) -> Desk:
    house = desk(results)
    (checkout, *others) = house.ports.catalog.services
    services = (replace(checkout, regression=regression), *others)
    return Desk(replace(house.ports, catalog=replace(house.ports.catalog, services=services)))


def runs_of(house: Desk) -> list[str]:
    assert isinstance(house.ports.prober, FakeProber)
    return house.ports.prober.tested


@pytest.mark.parametrize("culprit", [1, 13, 31])
@pytest.mark.parametrize("at_once", [1, 4])
async def test_it_names_the_commit_that_broke_the_test(culprit: int, at_once: int) -> None:
    house = desk(told(culprit), at_once=at_once)
    ended = await house.say("bisect checkout test=TestPay package=./payment good=v1 bad=main")
    assert ended.result["culprit"] == COMMITS[culprit]
    assert ended.result["confidence"] > 0.95
    assert ended.result["author"] == "Ada"
    assert ended.result["message"] == f"Change {COMMITS[culprit][:7]}"
    assert ended.result["files"] == ["payment/payment.go"]
    assert ended.result["test_runs"] == len(runs_of(house)) == sum(ended.result["runs"].values())
    (entry,) = (entry for entry in house.chain(HOUSE) if entry.kind == Kind.BISECTED)
    assert (entry.facts["made"][0]["commit"], entry.facts["service"]) == (COMMITS[culprit], "checkout")


async def test_the_older_end_is_found_when_nobody_names_it() -> None:
    ended = await desk(told(20)).say("bisect checkout test=TestPay")
    assert ended.result["culprit"] == COMMITS[20]
    assert ended.result["commits"] < len(COMMITS) - 1
    everywhere = await desk(told(0)).say("bisect checkout test=TestPay")
    assert everywhere.result["culprit"] is None
    assert "back to 0000000000, the first commit of all" in everywhere.result["why"]


async def test_it_names_the_commit_that_mended_the_test() -> None:
    mended = {commit: G if number >= 9 else B for number, commit in enumerate(COMMITS)}
    ended = await desk(mended).say("bisect checkout test=TestPay find=fix bad=v1 good=main")
    assert ended.result["culprit"] == COMMITS[9]


async def test_the_same_question_is_answered_from_the_record() -> None:
    house = desk(told(13))
    first = await house.say("bisect checkout test=TestPay good=v1 bad=main")
    runs = len(runs_of(house))
    again = await house.say(f"bisect checkout test=TestPay good={COMMITS[0]}")
    assert (again.result["culprit"], again.result["earlier"]) == (COMMITS[13], first.id)
    assert again.result["test_runs"] == first.result["test_runs"]
    assert len(runs_of(house)) == runs
    await house.say("bisect checkout test=TestPay good=v1 fresh=yes")
    await house.say("bisect checkout test=TestOther good=v1")
    assert len(runs_of(house)) == 3 * runs


async def test_when_its_time_is_over_it_says_what_it_knows_and_does_not_keep_that() -> None:
    house = desk(told(13), rules=BisectRules(minutes=0))
    for _ in range(2):
        ended = await house.say("bisect checkout test=TestPay good=v1 bad=main")
        assert (ended.result["kind"], ended.result["culprit"], ended.result["earlier"]) == ("undecided", None, "")


async def test_what_was_refused_is_tried_again_when_it_is_asked_again() -> None:
    house = desk(told(0))
    for _ in range(2):
        ended = await house.say("bisect checkout test=TestPay good=v1 bad=main")
        assert (ended.result["kind"], ended.result["earlier"]) == ("refuted", "")


async def test_after_a_death_no_run_that_ended_is_repeated() -> None:
    house = desk(told(13), at_once=3)
    kept: list[str] = []

    def some_are_kept() -> bool:
        kept[:] = [key for run in house.state.memos.values() for key in run if key.startswith("part:search:")]
        return len(kept) >= 4

    await house.begin("bisect", {"service": "checkout", "test": "TestPay", "good": "v1"})
    await house.work(some_are_kept)
    begun = len(runs_of(house))
    await house.work(lambda: all(run.status.ended for run in house.state.runs.values()))
    (ended,) = house.state.runs.values()
    assert ended.result["culprit"] == COMMITS[13]
    assert len(runs_of(house)) - begun == ended.result["test_runs"] - len(kept)


async def test_how_far_it_is_can_be_read_while_it_runs() -> None:
    house = desk(told(13))
    await house.begin("bisect", {"service": "checkout", "test": "TestPay", "good": "v1"})
    seen: list[Progress] = []

    def is_half_way() -> bool:
        texts = [memos[PROGRESS] for memos in house.state.memos.values() if PROGRESS in memos]
        seen[:] = [adapter_of(Progress).validate_json(text) for text in texts]
        return any(len(each.seen) > 2 for each in seen)

    await house.work(is_half_way)
    assert seen[0].commits == len(COMMITS) - 1
    assert 0 < seen[0].done < 1
    assert seen[0].asked.test == "TestPay"
    assert len(seen[0].running) == 1


@pytest.mark.parametrize(
    ("words", "results", "reason"),
    [
        ("good=v1 bad=main", told(0), "was said to be good, and is bad"),
        ("good=v1 bad=main", told(0), "The last that was said there: it is bad"),
        ("good=v1 bad=main", dict.fromkeys(COMMITS, A), "Are its name and its package right?"),
        ("good=v1 bad=main", dict.fromkeys(COMMITS, G), "was said to be bad, and is good"),
        ("good=v1 bad=main", dict.fromkeys(COMMITS, A), "The test is absent at"),
        ("good=v1 bad=main", dict.fromkeys(COMMITS, U), "is untestable: it does not build"),
    ],
)
async def test_ends_that_are_not_as_they_were_said_to_be_are_told(
    words: str, results: dict[str, Result], reason: str
) -> None:
    ended = await desk(results).say(f"bisect checkout test=TestPay {words}")
    assert ended.result["culprit"] is None
    assert reason in ended.result["why"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("test=TestPay good=nowhere", "nowhere is no commit"),
        ("test=TestPay good=main bad=v1", "find=fix looks for what mended it."),
        ("test=TestPay good=v1 bad=v1", "there is nothing to search"),
        ("test=pay.sh good=v1", "is no test's name, such as TestPay"),
        ("test=TestPay package=../other good=v1", "is not the folder of one package"),
        ("good=v1", "Name a test or a command"),
        ("test=TestPay command=true good=v1", "Name a test or a command"),
        ('command="sh \'x" good=v1', "The command cannot be read"),
        ("test=TestPay repo=/srv/secret.git", "repo= is for the command line"),
        ("test=TestPay overlay=/etc/passwd good=v1", "overlay= names a test file of the repository here"),
        ("test=TestPay overlay=payment/pay.go good=v1", "is no test file"),
        ("test=TestPay timeout=0 good=v1", "timeout= is 1 to 3600 seconds"),
    ],
)
async def test_what_cannot_be_searched_is_refused_in_a_sentence(words: str, reason: str) -> None:
    ended = await desk(told(13)).say(f"bisect checkout {words}")
    assert ended.status is RunStatus.FAILED
    assert reason in ended.reason


async def test_a_service_without_a_repository_is_told_where_to_name_one() -> None:
    ended = await desk(told(13)).say("bisect payment test=TestPay")
    assert "set `repository` in its [[services]] of firstfive.toml" in ended.reason


async def test_what_is_not_kept_apart_runs_no_command_from_the_chat() -> None:
    ended = await desk(told(13), rules=BisectRules(trusted=True)).say('bisect checkout command="make check" good=v1')
    assert "command= is for the command line" in ended.reason


async def test_a_service_names_its_own_test_and_another_one_may_be_named() -> None:
    house = with_a_test_of_its_own(Regression("TestAnswers", "./payment"), told(13))
    ended = await house.say("bisect checkout good=v1")
    assert (ended.result["culprit"], ended.result["asked"]["test"]) == (COMMITS[13], "TestAnswers")
    assert ended.result["asked"]["package"] == "payment"
    other = await house.say("bisect checkout good=v1 test=TestPay")
    assert (other.result["asked"]["test"], other.result["asked"]["package"]) == ("TestPay", "")
    by_command = await house.say("bisect checkout good=v1 command=true")
    assert (by_command.result["asked"]["test"], by_command.result["asked"]["command"]) == ("", ["true"])


async def test_the_five_minutes_bisect_what_was_deployed_last_by_themselves() -> None:
    house = with_a_test_of_its_own(Regression(command="make check"), told(13))
    await house.say(f"deploy checkout release=v1 commit={COMMITS[4]}")
    house.later(60)
    await house.say(f"deploy checkout release=v2 commit={COMMITS[20]}")
    house.later(60)
    await house.say("start sev2 checkout slow")
    await house.reach("mitigate")
    await house.work(lambda: bool(house.incident().bisects and house.incident().bisects[0].is_over))
    (found,) = house.incident().bisects
    assert found.told is not None
    assert found.told.made[0].commit == COMMITS[13]
    begun = next(run for run in house.state.runs.values() if run.plan.playbook == "bisect")
    assert begun.plan.params["bad"] == COMMITS[20]
    assert begun.plan.params["good"] == COMMITS[4]


@pytest.mark.parametrize(("passes", "bad", "good"), [("v3 25", 25, 4), ("v1 4", 20, 4)])
async def test_the_five_minutes_search_what_ran_last_and_what_a_rollback_takes_back(
    passes: str, bad: int, good: int
) -> None:
    house = with_a_test_of_its_own(Regression(command="make check"), told(13))
    (checkout, *others) = house.ports.catalog.services
    gated = replace(checkout, gate=GatePolicy(signature=False, sbom=False))
    house = Desk(replace(house.ports, catalog=replace(house.ports.catalog, services=(gated, *others))))
    for release, number in (("v1", 4), ("v2", 20)):
        await house.say(f"deploy checkout release={release} commit={COMMITS[number]}")
        house.later(60)
    name, commit = passes.split()
    await house.say(f"gate checkout release={name} commit={COMMITS[int(commit)]} digest=sha256:{'a' * 64}")
    house.later(60)
    await house.say("start sev2 checkout slow")
    await house.reach("mitigate")
    begun = next(run for run in house.state.runs.values() if run.plan.playbook == "bisect")
    assert (begun.plan.params["bad"], begun.plan.params["good"]) == (COMMITS[bad], COMMITS[good])


@pytest.mark.parametrize("regression", [None, Regression("TestAnswers")])
async def test_without_a_test_or_a_deploy_nothing_is_bisected_unasked(regression: Regression | None) -> None:
    house = with_a_test_of_its_own(regression, told(13)) if regression else desk(told(13))
    if regression is None:
        await house.say(f"deploy checkout release=v1 commit={COMMITS[4]}")
    await house.say("start sev2 checkout slow")
    await house.reach("mitigate")
    assert [run for run in house.state.runs.values() if run.plan.playbook == "bisect"] == []

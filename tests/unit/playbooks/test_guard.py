"""The guard by the clock, at a deploy, and as a person asks it: incidents, digest and monitoring hear what it finds."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.discovery import DiscoveryPlan
from bot.domain.expected import Lineage
from bot.domain.gate.policy import GatePolicy
from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.incident import Severity
from bot.domain.run import Missing, RunStatus
from bot.domain.service import Catalog, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import BUILD, VERSION, Captured, Part, missed
from bot.domain.timeline import Kind
from bot.ports import Keep, as_it_is
from tests.fakes import FakeDiscovery, FakeGateway, FakeReplica, FakeRepository, FakeTargets
from tests.unit.domain.captures import document, parts_of
from tests.unit.playbooks.desk import TARGETS, Desk, desk

NEW, OLD, ODD = "a" * 40, "b" * 40, "c" * 40
PLAN = GuardPlan("prod", ("main",), frozenset({Reason.DIRTY_TREE}), Severity.SEV2)
CHECKOUT = Service("checkout", TARGETS, "/srv/git/checkout", guard=PLAN)


def built(*dirty: str, revision: str = NEW) -> list[Any]:
    """Capture the builds of all targets; of these the work tree had changes."""
    found = []
    for target in TARGETS:
        settings = {"vcs.revision": revision, "vcs.modified": "true" if target.name in dirty else "false"}
        found += parts_of(target.name, {"build": document({"go": "go1.27.3", "settings": settings})})
    return found


def house(captures: list[Any], service: Service = CHECKOUT, **parts: Any) -> Desk:
    repository = FakeRepository()
    repository.lineages = {
        (NEW, ""): Lineage(NEW, ("main",)),
        (NEW, NEW): Lineage(NEW, ("main",), NEW),
        (OLD, NEW): Lineage(OLD, ("hotfix",), NEW, 1, 3),
        (OLD, ""): Lineage(OLD, ("hotfix",)),
        (OLD, OLD): Lineage(OLD, ("hotfix",), OLD),
        (NEW, OLD): Lineage(NEW, ("main",), OLD, 3, 1),
    }
    catalog = Catalog((service, Service("payment", ())))
    known = {"catalog": catalog, "targets": FakeTargets((), captures), "repository": repository, **parts}
    return desk(**known)


def gateway(at: Desk) -> FakeGateway:
    assert isinstance(at.ports.gateway, FakeGateway)
    return at.ports.gateway


def told(at: Desk) -> dict[str, int]:
    """Give what the monitoring is told of checkout, but for what is 0."""
    counts = gateway(at).told["checkout", "prod"]
    assert set(counts) == set(Reason)
    return {reason.value: count for reason, count in counts.items() if count}


async def look(at: Desk, captures: list[Any] | None = None) -> str:
    """Let the guard look, and what follows from it be done."""
    if captures is not None:
        assert isinstance(at.ports.targets, FakeTargets)
        at.ports.targets.captures = captures
    at.later(600)
    run = await at.run("guard", {"service": "checkout"})
    assert run.status is RunStatus.DONE, run.reason
    await at.work(lambda: all(each.status.ended for each in at.state.runs.values() if each.plan.playbook == "alert"))
    return str(run.result["summary"])


async def test_what_the_policy_names_is_one_incident_until_it_is_over() -> None:
    at = house(built("checkout-2"))
    assert "the builds of 1 of 3 targets are not what they should be" in await look(at)
    incident = at.incident()
    assert (incident.service, incident.severity, incident.reporter.name) == ("checkout", Severity.SEV2, "Guard")
    assert incident.title.startswith("dirty_tree on checkout-2: It was built from aaaaaaa and changes")
    assert told(at) == {"dirty_tree": 1}

    await look(at, built("checkout-2"))
    await look(at, built("checkout-1", "checkout-2"))
    assert told(at) == {"dirty_tree": 2}
    await look(at, built())
    assert told(at) == {}

    assert [chain for chain in at.state.chains if chain.startswith("INC")] == ["INC-1"]
    news = [
        (each.kind, each.facts["names"]) for each in at.chain() if each.kind in {Kind.ALERT_FIRED, Kind.ALERT_RESOLVED}
    ]
    assert news == [
        (Kind.ALERT_FIRED, ["dirty_tree on checkout-2"]),
        (Kind.ALERT_FIRED, ["dirty_tree on checkout-1", "dirty_tree on checkout-2"]),
        (Kind.ALERT_RESOLVED, ["dirty_tree on checkout-2", "dirty_tree on checkout-1"]),
    ]


async def test_what_the_policy_does_not_name_is_for_the_digest_alone() -> None:
    at = house(built(revision=OLD))
    await look(at)
    assert told(at) == {"commit_not_in_branch": 3}
    assert "INC-1" not in at.state.chains
    digest = await at.text("digest")
    assert "New: checkout-1 (and 2 more): It runs bbbbbbb, which is no ancestor of main." in digest


async def test_a_deploy_is_looked_at_at_once_and_when_it_should_be_everywhere() -> None:
    at = house(built())
    await at.say(f"deploy checkout release=v2 commit={OLD}")
    guards = [run for run in at.state.runs.values() if run.plan.playbook == "guard"]
    assert [run.wake_at - run.created_at if run.wake_at else timedelta(0) for run in guards] == [
        timedelta(0),
        timedelta(minutes=11),
    ]
    at.later(660)
    await at.work(lambda: all(run.status.ended for run in at.state.runs.values()))
    assert told(at) == {"commit_mismatch": 3}


async def test_what_the_gate_let_through_is_looked_at_and_may_run_or_not_until_somebody_tells_of_it() -> None:
    at = house(built(), replace(CHECKOUT, gate=GatePolicy(signature=False, sbom=False)))
    await at.say(f"deploy checkout release=v1 commit={NEW}")
    at.later(3_600)
    asked = {"service": "checkout", "release": "v2", "commit": OLD, "digest": f"sha256:{'a' * 64}"}
    allowed = await at.run("gate", asked)
    assert [run.id for run in at.state.runs.values() if run.parent_id == allowed.id] == [
        f"{allowed.id}.guard",
        f"{allowed.id}.guard-later",
    ]
    await look(at)
    assert told(at) == {}
    await look(at, built(revision=OLD))
    assert told(at) == {"commit_not_in_branch": 3}
    await look(at, built(revision=ODD))
    assert told(at) == {"commit_mismatch": 3}
    await at.say(f"deploy checkout release=v2 commit={OLD}")
    at.later(660)
    await look(at, built())
    assert told(at) == {"commit_mismatch": 3}


async def test_a_service_that_is_not_guarded_is_told_to_whoever_asks_and_nobody_else() -> None:
    at = house(built("checkout-1"), replace(CHECKOUT, guard=None))
    assert "`dirty_tree` checkout-1: " in await at_text(at)
    await at.say(f"deploy checkout release=v2 commit={NEW}")
    assert gateway(at).told == {}
    assert "It was built from" not in await at.text("digest")
    assert "INC-1" not in at.state.chains
    assert [run for run in at.state.runs.values() if run.plan.playbook == "guard" and run.parent_id] == []


async def at_text(at: Desk) -> str:
    return str((await at.say("guard checkout")).result["summary"])


async def test_what_was_wrong_with_a_target_that_discovery_lost_is_not_over() -> None:
    loss = "checkout: no target is found: http://prometheus.test scrapes nothing"
    discovery = FakeDiscovery(Discovered(TARGETS))
    found = replace(CHECKOUT, targets=(), discovery=DiscoveryPlan("prometheus", ()))
    at = house(built("checkout-2"), found, discovery=discovery)
    await look(at)
    for left in (TARGETS[:1], ()):
        discovery.found = [Discovered(left, (loss,))]
        said = await look(at)
        assert "`dirty_tree` checkout-2: " in said
        assert f"Some may be missing: {loss}." in said
        assert told(at) == {"dirty_tree": 1}
    assert not [each for each in at.chain() if each.kind == Kind.ALERT_RESOLVED]
    discovery.found = [Discovered(TARGETS[2:])]
    await look(at)
    assert told(at) == {}
    assert [each for each in at.chain() if each.kind == Kind.ALERT_RESOLVED]


SERVES = tuple(replace(each, version="/version") for each in TARGETS[:1])
SERVING = replace(CHECKOUT, targets=SERVES, guard=replace(PLAN, stamped=True, opens=frozenset(Reason)))
STAMPED = {"build_id": "7001", "commit": OLD, "go": "go1.27.3", "env": "prod"}


class Forgetful(FakeTargets):
    """An agent reads of a program its Go alone, and what it serves is there but for so many times."""

    def __init__(self, **served: Any) -> None:
        super().__init__()
        self.told = parts_of("checkout-1", {"build": document({"go": "go1.27.3"}), "version": document(served)})
        self.silent = 0

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        self.silent, is_silent = max(self.silent - 1, 0), self.silent > 0
        gone = missed("checkout-1", VERSION, "checkout-1: http://127.0.0.1:8080/version answered 503")
        self.captures = [gone if is_silent and each.part == "version" else each for each in self.told]
        return await super().capture(target, parts, keep)


@pytest.mark.parametrize(
    ("silent", "words"), [(0, ""), (1, ""), (2, "Not all is known: checkout-1: http://127.0.0.1:8080/version")]
)
async def test_a_version_that_is_not_served_once_is_no_alarm_and_none_is_over(silent: int, words: str) -> None:
    well = Forgetful(revision=NEW, stamp={**STAMPED, "commit": NEW})
    at = house([], SERVING, targets=well)
    well.silent = silent
    said = await look(at)
    assert ("nothing wrong is seen" if words else "are what they should be") in said
    assert words in said
    assert "INC-1" not in at.state.chains

    ill = Forgetful(revision=OLD, stamp=STAMPED)
    at = house([], SERVING, targets=ill)
    await look(at)
    ill.silent = silent
    assert "`commit_not_in_branch` checkout-1: It runs bbbbbbb" in await look(at)
    assert told(at) == {"commit_not_in_branch": 1}
    assert not [each for each in at.chain() if each.kind == Kind.ALERT_RESOLVED]


async def test_a_version_that_is_lost_for_good_is_told_from_the_second_look_on_until_it_is_back() -> None:
    lost = Forgetful(revision=NEW, stamp={**STAMPED, "commit": NEW})
    at = house([], SERVING, targets=lost)
    lost.silent = 99
    await look(at)
    assert (told(at), "INC-1" in at.state.chains) == ({}, False)
    assert "`unseen` checkout-1: Not all of its build can be seen" in await look(at)
    assert (told(at), news(at)) == ({"unseen": 1}, [Kind.ALERT_FIRED])
    assert "New: checkout-1: Not all of its build can be seen" in await at.text("digest")
    lost.silent = 0
    assert "are what they should be" in await look(at)
    assert (told(at), news(at)) == ({}, [Kind.ALERT_FIRED, Kind.ALERT_RESOLVED])


async def test_of_two_looks_at_a_target_the_one_that_was_told_more_counts() -> None:
    worse = Forgetful(revision=OLD, stamp=STAMPED)
    worse.told[2] = missed("checkout-1", BUILD, "checkout-1: no answer in 5 s")
    at = house([], SERVING, targets=worse)
    real = worse.capture

    async def once(target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        got = await real(target, parts, keep)
        worse.silent = 9
        return got

    worse.capture = once  # type: ignore[method-assign]
    assert "`commit_not_in_branch` checkout-1: It runs bbbbbbb" in await look(at)


async def test_a_gateway_that_is_away_keeps_nobody_from_hearing_the_rest() -> None:
    at = house(built("checkout-3"))
    gateway(at).ailment = "http://127.0.0.1:9091 All connection attempts failed"
    assert "Not pushed: http://127.0.0.1:9091 All connection attempts failed." in await look(at)
    assert at.incident().title.startswith("dirty_tree on checkout-3")
    gateway(at).ailment = ""
    await look(at)
    assert set(gateway(at).told) == {("checkout", "prod")}


async def test_of_what_is_told_only_what_we_pushed_is_taken_back() -> None:
    at = house(built())
    await look(at)
    ours, others = [("checkout", "staging"), ("payment", "prod")], [("checkout", "live"), ("shop", "prod")]
    gateway(at).told |= {group: {} for group in [*ours, *others]}
    at.state.marks["guard-pushed"] = json.dumps([*json.loads(at.state.marks["guard-pushed"]), *ours])
    await look(at)
    assert set(gateway(at).told) == {("checkout", "prod"), *others}
    assert json.loads(at.state.marks["guard-pushed"]) == [["checkout", "prod"]]


async def test_a_look_by_hand_takes_back_what_the_last_guard_has_left() -> None:
    at = house(built(), replace(CHECKOUT, guard=None))
    gateway(at).told[("checkout", "prod")] = {}
    at.state.marks["guard-pushed"] = json.dumps([("checkout", "prod")])
    await look(at)
    assert gateway(at).told == {}
    assert json.loads(at.state.marks["guard-pushed"]) == []


class Slow(FakeTargets):
    """Answers the first question with what was true when it was asked, when much has happened meanwhile."""

    def __init__(self, first: list[Any], then: list[Any]) -> None:
        super().__init__((), first)
        self.then = then
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        got = await super().capture(target, parts, keep)
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile, self.captures = None, self.then
            await meanwhile()
        return got


async def test_a_slow_look_is_not_heard_after_one_that_began_later() -> None:
    slow = Slow(built("checkout-1"), built())

    async def looked_again() -> None:
        at.later(60)
        later = await at.begin("guard", {"service": "checkout"})
        while not at.state.runs[later].status.ended:  # noqa: ASYNC110 - the desk wakes nobody
            await asyncio.sleep(0)

    slow.meanwhile = looked_again
    at = house([], targets=slow)
    run = await at.run("guard", {"service": "checkout"})
    assert "`dirty_tree` checkout-1" in str(run.result["summary"])
    assert told(at) == {}
    assert "INC-1" not in at.state.chains
    assert "dirty_tree" not in at.state.marks["guard:checkout"]


class Busy(FakeGateway):
    """Takes the first numbers only when much has happened meanwhile, or never; `waits` tells that it has begun to."""

    def __init__(self, *, never: bool) -> None:
        super().__init__()
        self.never = never
        self.waits = asyncio.Event()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()
            self.waits.set()
            if self.never:
                await asyncio.Event().wait()
        return await super().push(service, env, counts)


def news(at: Desk) -> list[str]:
    return [each.kind for each in at.chain() if each.kind in {Kind.ALERT_FIRED, Kind.ALERT_RESOLVED}]


@pytest.mark.parametrize("how", ["slow", "killed"])
async def test_what_fires_while_another_look_finds_it_over_is_over_and_news_when_it_is_back(how: str) -> None:
    is_killed = how == "killed"
    busy = Busy(never=is_killed)
    at = house(built("checkout-1"), gateway=busy)

    async def looked_again() -> None:
        assert isinstance(at.ports.targets, FakeTargets)
        at.ports.targets.captures = built()
        at.later(60)
        later = await at.begin("guard", {"service": "checkout"})
        while not at.state.runs[later].status.ended:  # noqa: ASYNC110 - the desk wakes nobody
            await asyncio.sleep(0)

    busy.meanwhile = looked_again
    slow = await at.begin("guard", {"service": "checkout"})
    await at.work(lambda: busy.waits.is_set() and (is_killed or at.state.runs[slow].status.ended))
    if is_killed:
        await at.resume_later(slow)
    assert at.state.runs[slow].status is RunStatus.DONE
    assert told(at) == {}
    await look(at)
    assert news(at) == [Kind.ALERT_FIRED, Kind.ALERT_RESOLVED]
    await look(at, built("checkout-1"))
    assert news(at) == [Kind.ALERT_FIRED, Kind.ALERT_RESOLVED, Kind.ALERT_FIRED]


@pytest.mark.parametrize(
    ("release", "words"), [("1.2.3", "are what they should be"), ("1.3.0", "`commit_mismatch` firstfive")]
)
async def test_the_bot_is_guarded_in_the_same_way(release: str, words: str) -> None:
    at = house([], Service("firstfive", (), guard=replace(PLAN, branches=())), replica=FakeReplica())
    await at.say(f"deploy firstfive release={release}")
    at.later(1_000)
    assert words in str((await at.say("guard firstfive")).result["summary"])

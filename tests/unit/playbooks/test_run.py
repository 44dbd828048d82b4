import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.approval import requests
from bot.domain.configured_actions import ActionParam, Call, ConfiguredAction, Done
from bot.domain.run import Run, RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Kind
from bot.engine.admission import Command
from tests.fakes import FakeArtifacts, FakeDoer, fake_ports
from tests.unit.playbooks.desk import ADA, BEN, PEOPLE, TARGETS, Desk

RESTART = ConfiguredAction(
    "restart", "Restart one.", ("restart-it", "{target}"), params=(ActionParam("target", default="checkout-1"),)
)
ONCE = replace(RESTART, name="once", repeatable=False)
QUEUE = ConfiguredAction("queue", "Say how long the queue is.", ("queue-length",), danger="read-only")
CATALOG = Catalog((Service("checkout", TARGETS, actions=(RESTART, ONCE, QUEUE), people=PEOPLE), Service("payment", ())))


def house(end: Done | None = None) -> Desk:
    return Desk(replace(fake_ports(CATALOG), doer=FakeDoer(end)))


def calls(at: Desk) -> list[Call]:
    assert isinstance(at.ports.doer, FakeDoer)
    return at.ports.doer.calls


async def asked(at: Desk, action: str = "restart", values: str = "target=checkout-3") -> str:
    """Ask for an action in an incident, and work until a second person is asked."""
    await at.say("start sev2 checkout slow")
    params = {"service": "checkout", "action": action, "values": values}
    command = Command("run", params, ADA, Source(via="test"), incident_id="INC-1")
    run_id = (await at.admission.admit(command)).run_id
    await at.work(lambda: bool(requests(at.chain())))
    return run_id


async def ended(at: Desk, run_id: str) -> Run:
    await at.work(lambda: at.state.runs[run_id].status.ended)
    run: Run = at.state.runs[run_id]
    return run


def told(at: Desk) -> list[dict[str, Any]]:
    return [entry.facts for entry in at.chain() if entry.kind == Kind.ACTED]


async def test_a_second_person_sees_the_exact_command_and_a_snapshot_is_taken_first() -> None:
    at = house()
    await asked(at)
    (request,) = requests(at.chain())

    assert request.will == ("Do it",)
    assert request.measured["Prepare the action"] == "`restart-it checkout-3`"
    assert "target" in request.measured["Take a snapshot"]
    assert calls(at) == []


async def test_what_was_approved_is_done_and_what_it_said_is_kept() -> None:
    at = house()
    run_id = await asked(at)
    await at.say("approve INC-1", BEN)
    run = await ended(at, run_id)

    assert run.status is RunStatus.DONE
    assert [call.command for call in calls(at)] == [("restart-it", "checkout-3")]
    (entry,) = told(at)
    assert (entry["ok"], entry["how"], entry["command"]) == (True, "exit code 0", "restart-it checkout-3")
    assert isinstance(at.ports.artifacts, FakeArtifacts)
    assert at.ports.artifacts.kept[entry["artifact"]] == b"restarted\n"


async def test_who_asked_cannot_approve_and_what_is_refused_is_not_done() -> None:
    at = house()
    run_id = await asked(at)
    assert "it takes a second person" in await at.text("approve INC-1", ADA)
    await at.say("refuse INC-1", BEN)

    assert (await ended(at, run_id)).status is RunStatus.REFUSED
    assert calls(at) == []


async def test_an_action_that_fails_is_told_and_fails_the_run() -> None:
    at = house(Done(ok=False, how="exit code 3"))
    run_id = await asked(at)
    await at.say("approve INC-1", BEN)
    run = await ended(at, run_id)

    assert run.status is RunStatus.FAILED
    assert run.reason.startswith("`restart-it checkout-3` failed: exit code 3.")
    assert [entry["ok"] for entry in told(at)] == [False]


@pytest.mark.parametrize(("action", "times", "status"), [("restart", 2, RunStatus.DONE), ("once", 1, RunStatus.FAILED)])
async def test_a_death_while_it_is_done_repeats_only_what_may_be_repeated(
    action: str, times: int, status: RunStatus
) -> None:
    at = house()
    doer = Stuck()
    at.ports = replace(at.ports, doer=doer)
    at.__post_init__()
    run_id = await asked(at, action)
    await at.say("approve INC-1", BEN)
    await at.work(lambda: doer.count == 1)
    doer.is_stuck = False
    run = await ended(at, run_id)

    assert doer.count == times
    assert run.status is status
    assert ("may or may not be done" in run.reason) == (status is RunStatus.FAILED)


class Stuck(FakeDoer):
    """Never comes to an end while it is stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.is_stuck = True

    async def do(self, call: Call) -> Done:
        self.count += 1
        if self.is_stuck:
            await asyncio.Event().wait()
        return await super().do(call)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("run checkout restrat", "has no action `restrat`. Did you mean `restart`? Configured: restart, once, queue."),
        ("run payment restart", "Configured: none; add [[services.actions]] to firstfive.toml."),
        ("run checkout restart target=-f", "target='-f' does not match"),
        ("run checkout restart force=yes", "does not take 'force'; it takes target."),
        ("run checkout restart now", "'now' is not a value. Write name=value."),
    ],
)
async def test_what_cannot_be_done_is_refused_before_anybody_is_asked(words: str, reason: str) -> None:
    at = house()
    run = await at.say(words)

    assert run.status.ended
    assert reason in run.reason
    assert calls(at) == []


async def test_what_only_looks_is_done_at_once_by_one_who_may_and_takes_no_snapshot() -> None:
    at = house()
    await at.say("start sev2 checkout slow")
    run = await at.say("run INC-1 checkout queue", BEN)
    assert run.status is RunStatus.DONE
    assert [call.command for call in calls(at)] == [("queue-length",)]
    assert requests(at.chain()) == ()
    assert not [entry for entry in at.chain() if entry.kind == Kind.ARTIFACT and "snapshot" in entry.facts["name"]]


async def test_who_has_no_right_does_not_even_look() -> None:
    at = house()
    await at.say("start sev2 checkout slow")
    run = await at.say("run INC-1 checkout queue", replace(ADA, id="U9"))
    assert run.status is RunStatus.REFUSED
    assert calls(at) == []

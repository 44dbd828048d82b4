"""What stands is counted the same, whatever it stands in."""

from datetime import timedelta
from functools import partial
from typing import Any

from bot.adapters.sql.gauges import SqlGauges
from bot.adapters.sql.store import SqlStore
from bot.domain.incident import Severity
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import Author, Draft, Kind
from bot.engine.approval import FOR_EVER
from bot.ports import ASKED, Standing
from tests.fakes import FakeGauges
from tests.integration.contracts.conftest import ANN, Ground


async def standing(ground: Ground) -> Standing:
    gauges = SqlGauges() if isinstance(ground.store, SqlStore) else FakeGauges()
    return await ground.read(lambda tx: gauges.read(tx, ground.now))


async def ended(ground: Ground, run: Run) -> None:
    await ground.write(lambda tx: ground.journal.end(tx, run))


async def asked(ground: Ground, run: Run) -> None:
    await ground.write(lambda tx: ground.journal.remember(tx, run, ASKED, "0", ground.now))


async def claimed(ground: Ground, id_: str) -> None:
    await ground.admit(id_)
    await ground.write(lambda tx: ground.journal.claim(tx, id_, ground.now))


async def test_in_an_empty_house_nothing_stands(ground: Ground) -> None:
    assert await standing(ground) == Standing({})


async def test_open_incidents_are_counted_by_severity_but_private_ones_and_drills(ground: Ground) -> None:
    for severity, more in (
        ("SEV1", []), ("SEV2", []), ("SEV2", []),
        ("SEV1", [Draft(Kind.STATUS_SET, {"status": "resolved", "previous": "open"})]),
        ("SEV1", [Draft(Kind.MADE_PRIVATE, {})]),
    ):  # fmt: skip
        opening = Draft(Kind.OPENED, {"title": "slow", "severity": severity})
        by: Any = {"author": Author(ANN), "now": ground.now}
        id_ = await ground.write(partial(ground.timeline.open, draft=opening, **by))
        await ground.write(partial(ground.timeline.append, incident_id=id_, drafts=more, **by))
    assert (await standing(ground)).incidents == {Severity.SEV1: 1, Severity.SEV2: 2}


async def test_runs_are_counted_by_what_they_wait_for(ground: Ground) -> None:
    began = ground.now
    await ground.admit("old")
    await ground.admit("due", wake_at=began + timedelta(seconds=5))
    await ground.admit("later", wake_at=began + timedelta(hours=1))
    for id_, status in (("works", None), ("over", RunStatus.DONE), ("parked", RunStatus.PARKED)):
        await claimed(ground, id_)
        if status is not None:
            await ended(ground, ground.run(id_, fence=1, status=status, ended_at=began))
    ground.clock.at = began + timedelta(seconds=30)
    assert await standing(ground) == Standing({}, waiting=2, scheduled=1, running=1, parked=1, oldest_waiting_s=30.0)


async def test_an_approval_waits_until_it_is_decided_or_its_run_has_ended(ground: Ground) -> None:
    began = ground.now
    for id_ in ("r1", "r10", "r2"):
        await claimed(ground, id_)
        await asked(ground, ground.run(id_, fence=1))
        ground.clock.at += timedelta(seconds=10)
    now = await standing(ground)
    assert (now.approvals, now.oldest_approval_s) == (3, 30.0)
    hold = "approval:r1:5f3a", "approved by r1"
    await ground.write(lambda tx: ground.journal.hold(tx, *hold, ground.now, ground.now + FOR_EVER))
    now = await standing(ground)
    assert (now.approvals, now.oldest_approval_s) == (2, 20.0)
    await ended(ground, ground.run("r10", fence=1, status=RunStatus.FAILED, ended_at=began))
    assert (await standing(ground)).approvals == 1

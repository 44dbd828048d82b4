"""What retention takes away, and what it leaves: words as configured, runs that no timeline names."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.run import VIA_CLOCK, Source
from bot.domain.service import Catalog
from bot.domain.timeline import FIRSTFIVE
from bot.engine.admission import Command
from tests.unit.playbooks.desk import CATALOG, Desk, desk


async def stalking(house: Desk, days: int) -> None:
    """Let the clock look at everything every day, as `stalk` does."""
    for _ in range(days):
        slot = f"digest:x:{house.ports.clock.now()}"
        command = Command("digest", {"team": ""}, FIRSTFIVE, Source(via=VIA_CLOCK), slot=slot)
        run_id = (await house.admission.admit(command)).run_id
        await house.work(lambda run_id=run_id: bool(house.state.runs[run_id].status.ended))  # type: ignore[misc]
        house.later(timedelta(days=1).total_seconds())


def runs_of(house: Desk, playbook: str) -> int:
    return sum(run.plan.playbook == playbook for run in house.state.runs.values())


async def test_runs_of_the_clock_go_after_a_month_and_an_incident_keeps_its_own() -> None:
    house = desk(catalog=CATALOG)
    await house.say("start sev2 checkout slow")
    await house.say("resolve INC-1")
    named = {entry.run_id for entry in house.chain()} - {""}
    await stalking(house, 40)
    assert runs_of(house, "digest") == 40
    said = await house.text("retention")
    assert runs_of(house, "digest") == 30
    assert named <= set(house.state.runs)
    assert "Every word is kept" in said
    assert "older than 30 days" in said


async def test_zero_days_keep_everything() -> None:
    house = desk(catalog=replace(CATALOG, runs_days=0))
    await stalking(house, 2)
    house.later(timedelta(days=900).total_seconds())
    said = await house.text("retention")
    assert said == ("Every word is kept: `retention.days` is 0. Every run is kept: `retention.runs_days` is 0.")
    assert runs_of(house, "digest") == 2
    assert Catalog().runs_days == 30

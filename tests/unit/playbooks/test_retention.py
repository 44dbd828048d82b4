"""What retention takes away, and what it leaves: words as configured, runs that no timeline names."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.run import VIA_CLOCK, Source
from bot.domain.service import Catalog
from bot.domain.sign_in import LIFE, Scope, Session, Token
from bot.domain.timeline import FIRSTFIVE, Kind
from bot.engine.admission import Command
from tests.unit.playbooks.desk import ADA, CATALOG, Desk, desk


async def stalking(house: Desk, days: int) -> None:
    """Let the clock look at everything every day, as `stalk` does."""
    for _ in range(days):
        slot = f"digest:x:{house.ports.clock.now()}"
        command = Command("digest", {"team": ""}, FIRSTFIVE, Source(via=VIA_CLOCK), slot=slot)
        run_id = (await house.admission.admit(command)).run_id
        await house.work(lambda run_id=run_id: bool(house.state.runs[run_id].status.ended))  # type: ignore[misc]
        house.later(timedelta(days=1).total_seconds())


async def test_the_five_minutes_stay_when_what_was_asked_in_them_goes() -> None:
    house = desk(catalog=replace(CATALOG, retention_days=30))
    await house.say("start sev3 checkout slow")
    await house.reach("mitigate")
    await house.say("resolve INC-1")
    await house.say("reopen INC-1")
    house.later(7_200)
    again = await house.begin("sop", {}, incident_id="INC-1")
    await house.work(lambda: any(each.kind == Kind.ASKED and each.run_id == again for each in house.chain()))
    await house.resume_later(again)
    await house.say("resolve INC-1")
    before = house.incident()
    assert before.sop_started_at
    assert before.sop_started_at - before.opened_at >= timedelta(hours=2)
    house.later(40 * 86_400)
    assert (await house.text("retention")).startswith("Blanked 2 entries of 1 incidents")
    after = house.incident()
    assert (after.sop_started_at, after.deadline_at) == (before.sop_started_at, before.deadline_at)
    assert [each.kind for each in house.chain() if each.body is None] == [Kind.ASKED, Kind.ASKED]


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


async def test_sessions_go_as_they_are_over_and_tokens_a_month_later_whatever_is_configured() -> None:
    house = desk(catalog=replace(CATALOG, runs_days=0))
    now, ports = house.ports.clock.now(), house.ports
    ends = {"over": now - timedelta(hours=1), "on": now + timedelta(hours=1)}
    for name, ends_at in ends.items():
        session = Session(name, ADA, "", ends_at - LIFE, ends_at)
        token = Token(name, name, name, Scope.READ, ADA, "", ends_at - LIFE, ends_at)
        await ports.store.write(lambda tx, session=session: ports.sessions.keep(tx, session))  # type: ignore[misc]
        await ports.store.write(lambda tx, token=token: ports.tokens.keep(tx, token))  # type: ignore[misc]
    await house.text("retention")
    assert (set(house.state.sessions), set(house.state.tokens)) == ({"on"}, {"over", "on"})
    house.later(timedelta(days=30).total_seconds())
    await house.text("retention")
    assert (set(house.state.sessions), set(house.state.tokens)) == (set(), {"on"})

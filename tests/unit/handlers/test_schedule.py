"""The clock's way in: one run for a slot, whatever the clocks, restarts and outages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

import pytest

from bot.domain.canary import CanaryPlan
from bot.domain.errors import StoreUnusable
from bot.domain.service import Catalog, DigestPlan, DrillPlan, ReminderRules, Service
from bot.domain.timeline import HOUSE, Author, Draft, Kind, to_us
from bot.domain.traffic import Route
from bot.engine.admission import Admission
from bot.engine.slots import Slots
from bot.ports import Tx
from handlers.schedule import Schedule, Timed, chores, digests, drills, watches
from tests.fakes import NOON, FakeClock, FakeStore, fake_ports
from tests.unit.playbooks.desk import ADA, REGISTRY

T = TypeVar("T")

HOURLY = Timed("digest:shop", Slots("0 * * * *"), "digest", grace=timedelta(minutes=30))


class House:
    """Processes over one database, each with a clock of its own."""

    def __init__(self, *skews_s: float, timed: Timed = HOURLY, rules: ReminderRules | None = None) -> None:
        first = fake_ports(Catalog(reminders=rules or ReminderRules()))
        self.ports = first
        self.timed = timed
        self.replicas: list[tuple[timedelta, FakeClock, Schedule]] = []
        self._ids = count(1)
        for skew_s in skews_s or (0.0,):
            self.join(skew_s)

    def join(self, skew_s: float = 0.0) -> None:
        clock = FakeClock()
        ports = replace(self.ports, clock=clock)
        admission = Admission(REGISTRY, ports, lambda: f"r{next(self._ids)}")
        self.replicas.append((timedelta(seconds=skew_s), clock, Schedule(admission, ports, [self.timed])))

    async def tick(self, minute: float) -> None:
        """Let every process look, at what its clock takes for so many minutes after noon."""
        for skew, clock, schedule in self.replicas:
            clock.at = NOON + timedelta(minutes=minute) + skew
            await schedule.look()

    @property
    def store(self) -> FakeStore:
        assert isinstance(self.ports.store, FakeStore)
        return self.ports.store

    @property
    def slots(self) -> list[str]:
        return [run.slot.split(":", 3)[-1][11:16] for run in self.store.now.runs.values()]

    @property
    def reminders(self) -> list[str]:
        runs = self.store.now.runs.values()
        return [run.slot.removeprefix("remind:") for run in runs if run.plan.playbook == "remind"]

    @property
    def skipped(self) -> list[tuple[int, list[str]]]:
        entries = [entry for entry in self.store.now.chains.get(HOUSE, []) if entry.kind == Kind.SLOTS_SKIPPED]
        return [(each.facts["count"], [slot[11:16] for slot in each.facts["slots"]]) for each in entries]

    async def open(self) -> str:
        draft = Draft(Kind.OPENED, {"title": "slow", "severity": "SEV2", "service": ""})
        return await self.store.write(lambda tx: self.ports.timeline.open(tx, draft, Author(ADA), NOON))


async def test_three_skewed_clocks_make_one_run_for_each_slot() -> None:
    house = House(-100, 0, 100)
    for minute in range(-5, 190):
        await house.tick(minute)
    assert house.slots == ["12:00", "13:00", "14:00", "15:00"]
    assert house.skipped == []


async def test_the_slot_is_the_cron_line_s_moment_and_not_the_tick_s() -> None:
    house = House()
    await house.tick(-1)
    await house.tick(7.3)
    assert house.slots == ["12:00"]


async def test_at_the_very_first_start_nothing_was_missed() -> None:
    house = House()
    await house.tick(5)
    assert (house.slots, house.skipped) == ([], [])


async def test_of_missed_slots_the_newest_is_served_and_the_older_are_recorded() -> None:
    house = House()
    await house.tick(-1)
    house.join()
    await house.tick(200)
    assert house.slots == ["15:00"]
    assert house.skipped == [(3, ["12:00", "13:00", "14:00"])]
    await house.tick(201)
    assert len(house.slots) == len(house.skipped) == 1


async def test_what_is_older_than_its_grace_is_skipped_once_by_all_processes_together() -> None:
    house = House(0, 3, -3)
    await house.tick(-5)
    await house.tick(100)
    assert house.slots == []
    assert house.skipped == [(2, ["12:00", "13:00"])]


async def test_a_process_that_comes_back_after_the_others_served_finds_nothing_missed() -> None:
    house = House(0)
    for minute in range(-5, 130):
        await house.tick(minute)
    house.join(-30)
    for minute in range(130, 190):
        await house.tick(minute)
    assert house.slots == ["12:00", "13:00", "14:00", "15:00"]
    assert house.skipped == []


async def test_a_clock_that_jumps_back_serves_nothing_twice() -> None:
    house = House()
    for minute in (-5, 61, 1, 30, 62, 121):
        await house.tick(minute)
    assert house.slots == ["13:00", "14:00"]
    assert house.skipped == [(1, ["12:00"])]


class BrokenStore(FakeStore):
    async def read(self, act: Callable[[Tx], T]) -> T:
        raise StoreUnusable(f"disk full, so no {act}"[:9])


async def test_while_the_database_is_away_nothing_is_lost_and_the_reason_is_told() -> None:
    house = House()
    await house.tick(-1)
    _, clock, schedule = house.replicas[0]
    good, schedule._ports = schedule._ports, replace(schedule._ports, store=BrokenStore())
    await house.tick(0)
    assert schedule.ailment() == "disk full"
    schedule._ports = good
    await house.tick(10)
    assert (house.slots, schedule.ailment()) == (["12:00"], None)
    assert clock.at == NOON + timedelta(minutes=10)


async def test_another_cron_line_is_another_schedule() -> None:
    house = House()
    await house.tick(-1)
    house.timed = replace(HOURLY, slots=Slots("30 * * * *"))
    house.replicas.clear()
    house.join()
    await house.tick(40)
    await house.tick(91)
    assert house.slots == ["13:30"]
    assert house.skipped == []


async def test_a_missed_promise_is_reminded_of_once_by_three_processes_and_across_a_restart() -> None:
    house = House(-100, 0, 100, rules=ReminderRules(no_commander_min=0, no_update_min=0))
    incident_id = await house.open()
    promised = NOON + timedelta(minutes=12, microseconds=345)
    update = [Draft(Kind.UPDATE, {"text": "rolling back", "next_at": to_us(promised)})]
    await house.store.write(lambda tx: house.ports.timeline.append(tx, incident_id, update, Author(ADA), NOON))
    await house.tick(10)
    assert house.reminders == []
    for minute in (12.1, 14, 15):
        await house.tick(minute)
    house.join()
    for minute in (16, 60):
        await house.tick(minute)
    assert house.reminders == ["INC-1:update:2026-03-01T12:12:00Z"]


async def test_reminders_of_three_processes_are_one_and_survive_a_restart() -> None:
    house = House(-40, 0, 40, rules=ReminderRules(no_commander_min=5, no_update_min=0))
    await house.open()
    for minute in range(8):
        await house.tick(minute)
    house.replicas.clear()
    house.join()
    for minute in range(8, 10):
        await house.tick(minute)
    assert house.reminders == ["INC-1:commander:2026-03-01T12:05:00Z"]
    await house.tick(10)
    assert house.reminders[1:] == ["INC-1:commander:2026-03-01T12:10:00Z"]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime.fromisoformat("2026-03-28T12:00:00+00:00"), ["01:30", "00:30"]),
        (datetime.fromisoformat("2026-10-24T12:00:00+00:00"), ["00:30", "01:30"]),
    ],
)
async def test_a_digest_at_half_past_two_in_berlin_is_daily_over_both_changes(
    start: datetime, expected: list[str]
) -> None:
    plan = DigestPlan("shop", "30 2 * * *", "Europe/Berlin", "#shop", ())
    house = House(timed=digests(Catalog(digests=(plan,)))[0])
    for half_hour in range(96):
        await house.tick((start - NOON).total_seconds() / 60 + 30 * half_hour)
    assert house.slots == expected
    assert house.skipped == []


async def test_a_drill_that_is_due_is_of_its_class_or_blind() -> None:
    plans = (
        DrillPlan("checkout", "0 14 * * wed", fault="deadlock", size="large"),
        DrillPlan("checkout", "0 9 * * *", grace_min=5),
    )
    one, other = timed = drills(Catalog(drills=plans))
    assert (one.name, one.params) == (
        "drill:checkout:deadlock",
        {"service": "checkout", "size": "large", "class": "deadlock"},
    )
    assert (other.name, other.params, other.grace) == (
        "drill:checkout:blind",
        {"service": "checkout", "size": "medium", "blind": True},
        timedelta(minutes=5),
    )
    house = House(-100, 0, 100, timed=replace(timed[1], slots=HOURLY.slots))
    for minute in range(-5, 70):
        await house.tick(minute)
    assert [(run.plan.playbook, run.plan.params["blind"]) for run in house.store.now.runs.values()] == [
        ("drill", True)
    ] * 2


def test_every_night_the_timelines_are_anchored_and_what_is_too_old_goes() -> None:
    assert [timed.playbook for timed in chores()] == ["anchor", "retention"]


async def test_a_canary_behind_a_router_is_watched_from_the_first_look_on_minute_by_minute() -> None:
    plan = CanaryPlan("rq", "t", exposition="http://127.0.0.1:9901/stats/prometheus")
    routed = Service("checkout", (), route=Route("envoy"), canary=plan)
    unwatched = (replace(routed, route=None), replace(routed, canary=None))
    [timed] = watches(Catalog((routed, *unwatched)))
    house = House(-20, 0, timed=timed)
    for half_minute in range(5):
        await house.tick(0.5 + half_minute / 2)
    assert house.slots == ["12:00", "12:01", "12:02"]

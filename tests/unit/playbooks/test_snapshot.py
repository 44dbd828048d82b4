"""What a snapshot asks of its targets, and what several of them share."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.run import Run
from bot.domain.service import Target
from bot.domain.snapshot import Captured, Part, PartStatus
from bot.ports import Keep, as_it_is
from tests.fakes import FakeClock, FakeTargets
from tests.unit.playbooks.desk import TARGETS, Desk, desk

SNAPSHOT = {"service": "checkout"}
KEPT = [
    Captured(one.name, part, PartStatus.OK, f"{one.name}/{part}.pb.gz", 1, "a" * 64, content=b"?")
    for one in TARGETS
    for part in ("heap", "cpu")
]


class StandingClock(FakeClock):
    """Time passes for the test alone, however long a run waits."""

    async def sleep_until(self, at: datetime) -> None:
        del at
        await asyncio.sleep(0)


class BusyTargets(FakeTargets):
    """Another profiler is at work on every one of them."""

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        captures = await super().capture(target, parts, keep)
        return tuple(one for one in captures if one.part != "cpu")


def profiled(house: Desk) -> int:
    targets = house.ports.targets
    assert isinstance(targets, FakeTargets)
    return [part for _, part in targets.asked].count("cpu")


def lent(run: Run) -> set[str]:
    """Name the runs whose CPU profiles a snapshot has, "" for its own."""
    parts: list[dict[str, Any]] = run.result["parts"]
    return {part["run"] for part in parts if part["part"] == "cpu"}


def told(house: Desk, run: Run) -> str:
    """Give the line of the step that profiles."""
    ended = [entry.facts for entry in house.chain("house") if entry.run_id == run.id]
    return next(str(body["summary"]) for body in ended if body.get("title") == "Profile the worst")


@pytest.fixture
def house() -> Desk:
    return desk(targets=FakeTargets(captures=KEPT))


async def test_what_costs_a_target_is_asked_once_in_two_minutes_and_shared(house: Desk) -> None:
    first = await house.run("snapshot", SNAPSHOT)
    asked = profiled(house)
    house.later(90)
    second = await house.run("snapshot", SNAPSHOT | {"seconds": 5})

    assert 1 <= asked <= 3
    assert profiled(house) == asked
    assert (lent(first), lent(second)) == ({""}, {first.id})
    assert second.result["losses"] == []
    assert told(house, second) == (
        f"shared: run {first.id} profiled checkout-1, checkout-2, checkout-3 90 s ago, "
        "2 s of CPU profile where 5 s were asked for"
    )
    house.later(31)
    assert lent(await house.run("snapshot", SNAPSHOT)) == {""}
    assert profiled(house) == 2 * asked


async def test_two_at_the_same_moment_profile_once() -> None:
    house = desk(targets=FakeTargets(captures=KEPT), clock=StandingClock())
    both = await asyncio.gather(house.run("snapshot", SNAPSHOT), house.run("snapshot", SNAPSHOT))
    (owner,) = (run for run in both if lent(run) == {""})

    assert profiled(house) == 3
    assert {lender for run in both for lender in lent(run)} == {"", owner.id}


async def test_a_run_that_died_profiling_is_waited_for_no_longer_than_profiling_takes(house: Desk) -> None:
    now, clock = house.ports.clock.now(), house.ports.clock
    until = now + timedelta(seconds=10)
    await house.ports.store.write(lambda tx: house.ports.journal.hold(tx, "intrusive:checkout", "dead", now, until))
    run = await house.run("snapshot", SNAPSHOT)

    assert lent(run) == {""}
    assert clock.now() < now + timedelta(seconds=11)


async def test_a_capture_that_gave_nothing_is_nobodys() -> None:
    house = desk(targets=BusyTargets(captures=KEPT))
    await house.run("snapshot", SNAPSHOT)
    asked = profiled(house)
    await house.run("snapshot", SNAPSHOT)

    assert profiled(house) == 2 * asked


async def test_a_dump_is_asked_for_by_the_name_of_its_target(house: Desk) -> None:
    run = await house.say("snapshot checkout dump=checkout-2 seconds=0")
    targets = house.ports.targets
    assert isinstance(targets, FakeTargets)

    assert run.result["losses"] == []
    assert [(part.goroutines is None) for part in targets.parts if part.kind == "dump"] == [False, True, False]
    assert await house.text("snapshot checkout dump=chekout") == (
        "dump=chekout: name one target, checkout-1, checkout-2, checkout-3."
    )

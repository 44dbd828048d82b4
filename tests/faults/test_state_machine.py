"""Any order of commands, deaths, zombies, releases and decisions: the engine keeps its word, on every store alike."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.domain.run import RunStatus
from tests.faults.machine_world import Place, Stage, World, asked, decision

T = TypeVar("T")

PARTS = {
    ("work", 3): ["one", "two a", "two b", "last"],
    ("work", 4): ["one", "extra", "two a", "two b", "last"],
    ("part", 1): ["part"],
    ("change", 2): ["look", "change"],
}
PICK = st.integers(0, 30)


class Machine(RuleBasedStateMachine):
    """Does the same to the fake and to a real database, and expects the same of both."""

    kinds: tuple[str, ...] = ("fake", "sqlite")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="firstfive-machine-")
        self.runner = asyncio.Runner()
        stage = Stage()
        self.worlds = [World(kind, Path(self.folder.name), stage) for kind in self.kinds]
        self.slots: dict[str, str] = {}
        self.kept: dict[tuple[str, str], str] = {}
        self.admitted = 0
        self.each(World.start)

    def each(self, act: Callable[[World], Awaitable[T]]) -> T:
        """Do something in every world; give what came of it, which is the same everywhere."""

        async def all_() -> list[T]:
            return [await act(world) for world in self.worlds]

        first, *others = self.runner.run(all_())
        for other in others:
            assert first == other
        return first

    def teardown(self) -> None:
        try:
            self.bring_to_an_end()
        finally:
            self.each(World.close)
            self.runner.close()
            self.folder.cleanup()

    @rule(
        slot=st.integers(0, 5),
        playbook=st.sampled_from(["work", "work", "change"]),
        how=st.sampled_from(["", "signal", "child"]),
        later_s=st.sampled_from([0, 0, 30]),
    )
    def submit(self, slot: int, playbook: str, how: str, later_s: int) -> None:
        wake_at = self.worlds[0].clock.now() + timedelta(seconds=later_s) if later_s else None
        self.admitted += 1
        run_id, key = f"r{self.admitted}", f"slot {slot}"
        command = asked(playbook, key, how, wake_at)
        held_by = self.each(lambda world: world.admit(run_id, command))
        assert held_by == self.slots.setdefault(key, run_id)

    @precondition(lambda self: self.worlds[0].places)
    @rule(pick=PICK, steps=st.integers(1, 4))
    def let_it_go(self, pick: int, steps: int) -> None:
        place = self.picked(pick)
        for _ in range(steps):
            self.each(lambda world, place=place: world.go(place))  # type: ignore[misc]
            following = [each for each in self.places() if each[:2] == place[:2]]
            if not following:
                return
            place = following[0]

    @precondition(lambda self: self.slots)
    @rule(pick=PICK)
    def signal(self, pick: int) -> None:
        run_id = self.run_picked(pick)
        self.each(lambda world: world.signal(run_id))

    @precondition(lambda self: self.slots)
    @rule(pick=PICK, verb=st.sampled_from(["approve", "approve", "refuse"]))
    def decide(self, pick: int, verb: str) -> None:
        self.admitted += 1
        command = decision(verb, self.run_picked(pick))
        self.each(lambda world: world.admit(f"r{self.admitted}", command))

    @rule(seconds=st.sampled_from([1, 31, 700]))
    def pass_time(self, seconds: int) -> None:
        to = self.worlds[0].clock.now() + timedelta(seconds=seconds)
        self.each(lambda world: world.pass_time(to))

    @rule(release=st.sampled_from([1, 2]))
    def stop_and_start(self, release: int) -> None:
        async def act(world: World) -> None:
            await world.engine.stop(0)
            await world.deploy(release)

        self.each(act)

    @rule(release=st.sampled_from([1, 1, 2]), is_zombie=st.booleans())
    def die_and_be_taken_over(self, release: int, is_zombie: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        async def act(world: World) -> None:
            await (world.be_taken_for_dead() if is_zombie else world.die())
            await world.deploy(release)

        self.each(act)

    @invariant()
    def what_is_kept_never_changes(self) -> None:
        kept = dict(self.each(World.memos))
        assert self.kept.items() <= kept.items()
        self.kept = kept

    @invariant()
    def everywhere_is_the_same_to_see(self) -> None:
        runs = self.each(World.runs)
        assert self.each(places_of) == self.places()
        assert all(run.reason for run in runs.values() if run.status is RunStatus.PARKED)
        told = self.each(World.entries)
        assert {entry: times for entry, times in told.items() if entry[0].endswith("ended") and times > 1} == {}

    @invariant()
    def whoever_lost_a_run_does_no_more_than_it_was_at(self) -> None:
        assert all(times <= 1 for world in self.worlds for times in world.late.values())

    def places(self) -> list[Place]:
        return sorted(self.worlds[0].places)

    def picked(self, pick: int) -> Place:
        places = self.places()
        return places[pick % len(places)]

    def run_picked(self, pick: int) -> str:
        return list(self.slots.values())[pick % len(self.slots)]

    def bring_to_an_end(self) -> None:
        """Let everything go on under either release; every run ends, with all its effects."""
        for release in (1, 2):
            self.die_and_be_taken_over(release, is_zombie=True)
            for _ in range(40):
                while self.places():
                    self.let_it_go(0, 1)
                if self.all_have_ended(release):
                    break
                for run_id in set(self.slots.values()):
                    self.each(lambda world, run_id=run_id: world.signal(run_id))  # type: ignore[misc]
                self.pass_time(700)
            assert self.all_have_ended(release)
        self.what_is_kept_never_changes()
        self.everywhere_is_the_same_to_see()
        self.nothing_was_lost_and_only_what_was_in_flight_repeated()

    def all_have_ended(self, release: int) -> bool:
        """Tell whether all have; under the first release, those of the second are parked."""
        runs = self.each(World.runs).values()
        return all(run.status.ended or (release == 1 and run.status is RunStatus.PARKED) for run in runs)

    def nothing_was_lost_and_only_what_was_in_flight_repeated(self) -> None:
        runs = self.each(World.runs)
        done = self.each(effects_of)
        for run in runs.values():
            parts = PARTS.get((run.plan.playbook, len(run.plan.steps)))
            if parts is None:
                continue
            if run.status is RunStatus.DONE:
                assert set(done[run.id]) == set(parts)
            assert done[run.id].total() - len(done[run.id]) < max(1, run.fence)


async def places_of(world: World) -> list[Place]:
    return sorted(world.places)


async def effects_of(world: World) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {run_id: Counter() for run_id in await world.runs()}
    for run_id, part, _ in world.effects:
        found[run_id][part] += 1
    return found


class OnPostgres(Machine):
    kinds = ("fake", "postgres")


@pytest.mark.parametrize(
    ("machine", "examples"), [(Machine, 15), pytest.param(OnPostgres, 3, marks=pytest.mark.postgres)]
)
@pytest.mark.timeout(900)
def test_an_engine_keeps_its_word(machine: Any, examples: int, pytestconfig: pytest.Config) -> None:
    many = 20 if pytestconfig.getoption("--whole-matrix") else 1
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * many,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

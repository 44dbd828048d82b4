"""What is done to a router is about what was approved, whole in the end, and never taken for somebody else's."""

from dataclasses import replace

from bot.domain.run import Missing, RunStatus, Source
from bot.domain.service import Service
from bot.domain.timeline import Kind
from bot.domain.traffic import CLOSED, EMPTIED, Change, Move, Split, change_key
from bot.engine.admission import Command
from bot.engine.tools import adapter_of
from tests.fakes import FakeRouter
from tests.unit.playbooks.desk import ADA, Desk, desk
from tests.unit.playbooks.test_rollback import entries, go_on, opened, rolled_back, waiting

SHARED = Split(10.0, dyed=True)


class Forgetful(FakeRouter):
    """Loses what it was told when it restarts, unless it keeps it; `dies`: after a move, before it is kept."""

    def __init__(self, split: Split, *, dies: bool = False) -> None:
        super().__init__(split)
        self.kept, self.dies = split == SHARED, dies

    async def plan(self, service: Service, wanted: Split) -> tuple[Move, ...] | Missing:
        moves = await super().plan(service, wanted)
        if isinstance(moves, Missing) or (not moves and self.kept):
            return moves
        return tuple(replace(move, command=f"{move.command}; keep") for move in moves) or (Move("keep", "keep"),)

    async def make(self, service: Service, move: Move) -> Missing | None:
        await super().make(service, move)
        self.kept = not (self.dies and move.body)
        return None


async def test_what_is_right_but_would_be_lost_is_kept() -> None:
    router = Forgetful(CLOSED)
    run = await rolled_back(await opened(router))
    assert (run.status, [move.command for move in router.made]) == (RunStatus.DONE, ["keep"])


async def test_a_part_of_what_was_approved_is_made_up_for() -> None:
    router = Forgetful(SHARED, dies=True)
    run = await rolled_back(await opened(router))
    assert (run.status, router.split, router.kept) == (RunStatus.DONE, CLOSED, True)


async def test_a_rollback_that_stopped_half_way_and_went_on_is_taken_back_whole() -> None:
    class Half(FakeRouter):
        refuses = True

        async def make(self, service: Service, move: Move) -> Missing | None:
            return Missing("HTTP 500") if self.refuses and "dyed" in move.body else await super().make(service, move)

    router = Half(SHARED)
    house = await opened(router)
    assert ((await rolled_back(house)).status, router.split) == (RunStatus.FAILED, replace(SHARED, weight=0.0))
    router.refuses = False
    assert ((await rolled_back(house)).status, router.split) == (RunStatus.DONE, CLOSED)
    assert (await rolled_back(house, "restore checkout")).status is RunStatus.DONE
    assert router.split == SHARED


async def test_what_its_incident_is_about_later_changes_nothing_of_what_was_asked_for() -> None:
    class Two(FakeRouter):
        """Payment has no canary, so that whoever looked there would find all well."""

        async def read(self, service: Service) -> Split | Missing:
            return CLOSED if service.name == "payment" else await super().read(service)

    router = Two(SHARED)
    house = await opened(router)
    command = Command("rollback", {}, ADA, Source(via="test"), incident_id="INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: waiting(house))
    await house.say("service payment incident=INC-1")
    run = await go_on(house, run_id)
    assert (run.status, run.result["service"], router.split) == (RunStatus.DONE, "checkout", CLOSED)


async def test_what_firstfive_changes_while_it_looks_is_no_drift() -> None:
    class Racing(FakeRouter):
        """A restore comes between two looks."""

        house: Desk | None = None

        async def read(self, service: Service) -> Split | Missing:
            if self.house is not None:
                marks, self.house = self.house.state.marks, None
                last = adapter_of(Change).validate_json(marks[change_key("checkout")])
                newer = replace(last, run="r99", wanted=SHARED, restored=True)
                marks[change_key("checkout")] = adapter_of(Change).dump_json(newer).decode()
                self.split = SHARED
            return await super().read(service)

    router = Racing(SHARED)
    house = await opened(router)
    await rolled_back(house)
    router.house = house
    await house.say("breach checkout drift=yes incident=INC-1")
    assert entries(house, Kind.DRIFTED) == []
    assert '"run":"r99"' in house.state.marks[change_key("checkout")]


async def test_a_veto_takes_a_router_that_is_as_firstfive_left_it() -> None:
    change = Change("r1", "checkout", SHARED, EMPTIED, desk().ports.clock.now())
    assert change.stands(Split(0.0, dyed=True))
    assert not change.stands(CLOSED)
    assert not change.stands(SHARED)

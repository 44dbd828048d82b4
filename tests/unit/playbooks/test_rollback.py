"""A rollback happens whole, once, and only as it was approved, whatever the router answers; a restore undoes it."""

from dataclasses import replace

import pytest

from bot.domain.canary import Judged, Judgement
from bot.domain.narrative import tell
from bot.domain.run import Missing, Run, RunStatus, Source
from bot.domain.service import Service
from bot.domain.timeline import Entry, Kind, Person
from bot.domain.traffic import CLOSED, Move, Split
from bot.engine.admission import Command
from bot.engine.tools import adapter_of
from bot.engine.tracks import Kept, watch_key
from tests.fakes import FakeRouter
from tests.unit.playbooks.desk import ADA, BEN, CATALOG, Desk, desk
from tests.unit.playbooks.watched import WatchedDesk, watched_desk

OPEN_ = Split(10.0, dyed=True)
LATE = Missing("no answer within 3 s")


class Deaf(FakeRouter):
    """Does nothing for its first moves; `late`: it does what it was told, but its answer never comes."""

    def __init__(self, times: int = 0, *, late: bool = False, refuses: bool = False) -> None:
        super().__init__(OPEN_)
        self.times, self.late = times, late
        self.answer = Missing("HTTP 403") if refuses else LATE

    async def make(self, service: Service, move: Move) -> Missing | None:
        if self.times:
            self.times -= 1
            return self.answer
        await super().make(service, move)
        return LATE if self.late else None


class Slow(FakeRouter):
    """What it is told takes effect only after it was read so many times."""

    def __init__(self, reads: int) -> None:
        super().__init__(OPEN_)
        self.reads, self.soon = reads, list[Move]()

    async def read(self, service: Service) -> Split | Missing:
        if self.soon:
            self.reads -= 1
        if self.soon and self.reads < 0:
            for move in self.soon:
                await super().make(service, move)
            self.soon.clear()
        return await super().read(service)

    async def make(self, service: Service, move: Move) -> Missing | None:
        assert service
        self.soon = [*(each for each in self.soon if each != move), move]
        return LATE


async def ask(house: Desk, words: str = "rollback checkout it fails", by: Person = ADA) -> str:
    """Ask for it until it waits for a second person, or has ended; give the run."""
    verb, _, rest = words.partition(" ")
    service, _, reason = rest.partition(" ")
    command = Command(verb, {"service": service, "reason": reason}, by, Source(via="test"))
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(waiting(house) or house.state.runs[run_id].status.ended))
    return run_id


def waiting(house: Desk) -> bool:
    return bool("INC-1" in house.state.chains and house.incident().waiting)


async def go_on(house: Desk, run_id: str) -> Run:
    """Approve what waits; give the run as it ended."""
    if waiting(house):
        await house.say("approve incident=INC-1", by=BEN)
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    run: Run = house.state.runs[run_id]
    return run


async def rolled_back(house: Desk, words: str = "rollback checkout it fails") -> Run:
    return await go_on(house, await ask(house, words))


async def opened(router: FakeRouter) -> Desk:
    house = desk(router=router)
    await house.say("start sev3 checkout slow")
    return house


def entries(house: Desk, kind: Kind, chain: str = "INC-1") -> list[Entry]:
    return [entry for entry in house.chain(chain) if entry.kind == kind]


async def test_it_shows_the_commands_waits_for_a_second_person_and_closes_the_canary() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    run_id = await ask(house)
    [asked] = house.incident().waiting
    assert asked.measured["Plan"] == "`weight 0`; `close`. Now canary gets 10 %, marked requests reach it."
    assert (router.made, asked.will) == ([], ("Roll back",))
    run = await go_on(house, run_id)
    assert (run.status, router.split) == (RunStatus.DONE, CLOSED)
    assert run.result["summary"] == (
        "checkout is rolled back: canary gets 0 %, marked requests do not reach it. Not verified: no canary is "
        "configured, so nothing is measured."
    )
    [told] = entries(house, Kind.TRAFFIC_SET)
    assert tell(told) == (
        "Rolled back checkout, approved by Ben (it fails): canary gets 0 %, marked requests do not reach it; before, "
        "canary gets 10 %, marked requests reach it."
    )
    assert house.incident().rollout is not None


async def test_asked_outside_of_a_channel_it_belongs_to_the_open_incident_of_the_service() -> None:
    house = await opened(FakeRouter(OPEN_))
    assert (await rolled_back(house)).incident_id == "INC-1"


async def test_asked_in_a_chat_without_an_incident_it_opens_one() -> None:
    house = desk(router=FakeRouter(OPEN_))
    command = Command("rollback", {"service": "checkout"}, ADA, Source(channel="C1", via="test"))
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: waiting(house))
    assert house.incident().title == "Rollback of checkout"
    assert (await go_on(house, run_id)).status is RunStatus.DONE


@pytest.mark.parametrize(
    "router", [Deaf(1), Deaf(2, late=True), Deaf(0, late=True), Slow(1), Slow(4)], ids=lambda made: type(made).__name__
)
async def test_an_answer_that_is_late_or_lost_changes_nothing_of_how_it_ends(router: FakeRouter) -> None:
    house = await opened(router)
    run = await rolled_back(house)
    assert (run.status, router.split) == (RunStatus.DONE, CLOSED)
    assert len(entries(house, Kind.TRAFFIC_SET)) == 1
    assert [move.command for move in router.made] == ["weight 0", "close"]


async def test_a_router_that_refuses_is_asked_again_until_it_is_too_late_and_says_why() -> None:
    router = Deaf(999, refuses=True)
    house = await opened(router)
    run = await rolled_back(house)
    assert (run.status, router.split) == (RunStatus.FAILED, OPEN_)
    assert run.reason == (
        "The router of checkout is not there after 1 min: canary gets 10 %, marked requests reach it. Its last answer: "
        "HTTP 403. Ask for it again to go on from there."
    )
    assert entries(house, Kind.TRAFFIC_SET) == []


async def test_a_router_that_does_not_answer_cannot_be_planned_for() -> None:
    router = FakeRouter(OPEN_)
    router.ailment = "no route to host"
    run = await rolled_back(await opened(router))
    assert (run.status, run.reason) == (
        RunStatus.FAILED,
        "The router of checkout cannot be asked: no route to host. Nothing was changed.",
    )


async def test_a_router_that_falls_silent_after_the_approval_says_what_is_known() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    run_id = await ask(house)
    router.ailment = "no route to host"
    run = await go_on(house, run_id)
    assert run.status is RunStatus.FAILED
    assert "nobody knows what it does. Its last answer: no route to host." in run.reason


async def test_half_of_the_moves_done_by_whomever_is_gone_on_from() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    run_id = await ask(house)
    router.split = replace(OPEN_, weight=0.0)
    assert (await go_on(house, run_id)).status is RunStatus.DONE
    assert [move.command for move in router.made] == ["close"]


async def test_what_somebody_else_has_done_meanwhile_needs_no_move() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    run_id = await ask(house)
    router.split = CLOSED
    assert ((await go_on(house, run_id)).status, router.made) == (RunStatus.DONE, [])


async def test_two_that_are_approved_at_once_are_told_as_one() -> None:
    house = await opened(FakeRouter(OPEN_))
    asked = [
        (await house.admission.admit(Command("rollback", {"service": "checkout"}, ADA, Source(via="test")))).run_id
        for _ in range(2)
    ]
    await house.work(lambda: len(entries(house, Kind.APPROVAL_ASKED)) == len(asked))
    for run_id in asked:
        await house.say(f"approve run={run_id}", by=BEN)
    await house.work(lambda: all(house.state.runs[run_id].status.ended for run_id in asked))

    said = [house.state.runs[run_id].result["summary"] for run_id in asked]
    assert len(entries(house, Kind.TRAFFIC_SET)) == 1
    assert ["It was so already when its turn came: nothing more was changed." in each for each in said].count(True) == 1


async def test_a_router_that_somebody_else_has_changed_is_left_alone() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    run_id = await ask(house)
    router.split = Split(50.0, dyed=True)
    run = await go_on(house, run_id)
    assert (run.status, router.made, router.split) == (RunStatus.REFUSED, [], Split(50.0, dyed=True))
    assert run.reason == (
        "Somebody else has changed the router of checkout: it was planned from canary gets 10 %, marked requests reach "
        "it, and now canary gets 50 %, marked requests reach it. Nothing more was changed; ask for it again."
    )
    assert (await rolled_back(house)).status is RunStatus.DONE


async def test_twice_is_once() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    await rolled_back(house)
    run = await rolled_back(house)
    assert (run.status, len(router.made)) == (RunStatus.FAILED, 2)
    assert run.reason.startswith("checkout was rolled back at 12:00:0")


async def test_without_a_canary_the_release_before_runs_again_once() -> None:
    router = FakeRouter(Split(release="r5"), earlier="r4")
    house = await opened(router)
    assert (await rolled_back(house)).status is RunStatus.DONE
    assert router.split == Split(release="r4")
    again = await rolled_back(house)
    assert (again.status, router.split.release) == (RunStatus.FAILED, "r4")


async def test_without_a_canary_and_a_release_before_there_is_nothing_to_go_back_to() -> None:
    run = await rolled_back(await opened(FakeRouter(Split(release="r1"))))
    assert run.reason == "No release of checkout before release r1 is known. Nothing was changed."


async def test_nothing_to_roll_back_is_said() -> None:
    run = await rolled_back(await opened(FakeRouter(CLOSED)))
    assert run.reason == (
        "checkout is so already: canary gets 0 %, marked requests do not reach it. Nothing was changed."
    )


async def test_a_restore_goes_back_to_what_was_before_the_first_of_several_changes() -> None:
    router = FakeRouter(OPEN_)
    house = await opened(router)
    await rolled_back(house)
    run = await rolled_back(house, "restore checkout it was the database")
    assert (run.status, router.split) == (RunStatus.DONE, OPEN_)
    told = [tell(entry) for entry in entries(house, Kind.TRAFFIC_SET)]
    assert told[-1].startswith("Took back the rollback of checkout, approved by Ben (it was the database): canary gets")
    again = await rolled_back(house, "restore checkout")
    assert again.reason == "FirstFive has nothing of checkout to take back. Nothing was changed."


async def measured(house: WatchedDesk) -> Run:
    """Roll a watched checkout back; what was measured before is what the second person sees."""
    await house.say("start sev3 checkout slow")
    return await rolled_back(house)


async def test_it_measures_before_and_proves_that_users_are_safe_after() -> None:
    house = watched_desk(failing=0.2)
    run = await measured(house)
    assert run.status is RunStatus.DONE
    assert (run.result["safe"], run.result["before"]) == (True, "canary gets 10 %, marked requests reach it")
    assert "Safe after 6.0 s: errors 0 %, P95 4" in run.result["summary"]
    [asked] = house.entries(Kind.APPROVAL_ASKED)
    assert "inconclusive: " in asked.facts["measured"]["Measure"]
    proof = house.entries(Kind.JUDGED)[-1]
    assert (proof.facts["safe"], tell(proof)[:11]) == (True, "Safe after ")
    assert house.incident().rollout.safe == tell(proof)  # type: ignore[union-attr]


async def test_what_the_watch_has_seen_is_not_measured_again() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout slow")
    watch = Kept(house.ports.clock.now(), judged=Judged(Judgement.ROLLBACK, (), "20 % fail"))
    house.state.marks[watch_key("checkout")] = adapter_of(Kept).dump_json(watch).decode()
    run = await rolled_back(house)
    assert house.entries(Kind.APPROVAL_ASKED)[0].facts["measured"]["Measure"] == "rollback: 20 % fail."
    assert run.result["judgement"] == "rollback"


async def test_what_cannot_wait_is_not_measured() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout slow")
    house.later(3_600)
    run = await house.run("rollback", {"service": "checkout", "rollback": True, "reason": "nobody"}, ADA, "INC-1")
    assert (run.status, house.router.split, run.result["reasons"]) == (RunStatus.DONE, CLOSED, [])
    measured_first = next(entry for entry in house.entries(Kind.STEP_ENDED) if entry.facts["step"] == "measure")
    assert measured_first.facts["summary"] == "Not measured: it could not wait."


async def test_metrics_that_are_down_keep_nobody_from_rolling_back() -> None:
    house = watched_desk(failing=0.2)
    house.counters.ailment = "http://127.0.0.1:9901 gave no answer within 3 s"
    run = await measured(house)
    assert (run.status, house.router.split, run.result["safe"]) == (RunStatus.DONE, CLOSED, False)
    assert "Not verified: http://127.0.0.1:9901 gave no answer within 3 s." in run.result["summary"]


async def test_counters_that_say_that_nothing_flows_do_not_say_that_it_is_safe() -> None:
    house = watched_desk(failing=0.2)
    house.counters.stuck = True
    run = await measured(house)
    assert (run.result["safe"], run.result["judgement"]) == (False, "inconclusive")
    assert "Not verified: no request was seen." in run.result["summary"]


async def test_a_rollback_that_does_not_help_says_so() -> None:
    house = watched_desk(failing=0.2)
    house.counters.ailing = 0.12
    run = await measured(house)
    assert not run.result["safe"]
    assert "Not safe yet: errors 12 %" in run.result["summary"]


async def test_a_controller_that_undoes_it_is_noticed_once() -> None:
    class Undone(FakeRouter):
        reads = 0

        async def read(self, service: Service) -> Split | Missing:
            self.reads += bool(self.made)
            if self.reads > 1:
                self.split = OPEN_
            return await super().read(service)

    house = watched_desk(Undone(OPEN_))
    run = await measured(house)
    assert not run.result["safe"]
    said = (
        "Somebody else has changed the router of checkout. FirstFive set it to: canary gets 0 %, marked requests do "
        "not reach it. It is now: canary gets 10 %, marked requests reach it."
    )
    assert run.result["summary"].endswith(said)
    assert [tell(entry) for entry in house.entries(Kind.DRIFTED)] == [said]
    assert house.incident().rollout.drift == said  # type: ignore[union-attr]


async def test_a_service_must_be_known() -> None:
    house = desk()
    assert (await house.say("rollback")).reason.startswith("Which service? Write `/incident rollback checkout`.")
    assert {each.name for each in CATALOG.services} == {"checkout", "payment"}

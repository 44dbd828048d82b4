"""A canary is watched by one run at a time; that it is bad is told once, where people are, and so is a drift."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.canary import Judgement
from bot.domain.narrative import tell
from bot.domain.run import VIA_CLOCK, Run, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, HOUSE, Entry, Kind
from bot.domain.traffic import CLOSED, Split
from bot.engine.admission import Command
from bot.engine.tools import adapter_of
from bot.engine.tracks import Kept, watch_key
from tests.fakes import FakePoster, FakeRouter
from tests.unit.playbooks.desk import BEN
from tests.unit.playbooks.watched import SERVICE, SHARED, WatchedDesk, watched_desk


async def begin(house: WatchedDesk) -> str:
    """Begin the minute's watch, as the clock does."""
    command = Command("watch", {"service": "checkout"}, FIRSTFIVE, Source(via=VIA_CLOCK))
    return (await house.admission.admit(command)).run_id


async def minute(house: WatchedDesk) -> Run:
    """Watch until the minute is over or there was something to tell, and that is told."""
    run_id = await begin(house)
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    told = f"{run_id}.breach"
    await house.work(lambda: told not in house.state.runs or bool(house.state.runs[told].status.ended))
    run: Run = house.state.runs[run_id]
    assert run.status is RunStatus.DONE, run.reason
    return run


def breaches(house: WatchedDesk, chain: str = "INC-1") -> list[Entry]:
    return [entry for entry in house.entries(Kind.JUDGED, chain) if entry.facts["when"] == "breach"]


def kept(house: WatchedDesk) -> Kept:
    value: Kept = adapter_of(Kept).validate_json(house.state.marks[watch_key("checkout")])
    return value


async def test_a_bad_canary_opens_an_incident_that_says_why_and_offers_the_way_out() -> None:
    house = watched_desk(failing=0.2)
    began = house.ports.clock.now()
    assert (await minute(house)).result["told"] == "bad"
    incident = house.incident()
    assert (incident.title, incident.service, incident.reporter) == (
        "The canary of checkout is bad",
        "checkout",
        FIRSTFIVE,
    )
    [judged] = breaches(house)
    assert (judged.facts["when"], judged.facts["judgement"]) == ("breach", "rollback")
    assert judged.at < began + timedelta(seconds=15)
    assert began < incident.milestones["started"] < began + timedelta(seconds=5)
    assert incident.rollout is not None
    assert incident.rollout.proposed


async def test_it_is_told_where_people_are_already_and_only_once() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout slow")
    for _ in range(3):
        await minute(house)
    assert list(house.state.chains) == ["INC-1"]
    assert len(breaches(house)) == 1


async def test_what_turns_out_to_be_worse_is_told_within_the_same_minute() -> None:
    house = watched_desk(failing=0.3)
    house.counters.ailing = 0.3
    run_id = await begin(house)

    def ended() -> bool:
        if breaches(house):  # both tracks failed; from now on only the canary does
            house.counters.ailing = 0.0
        return bool(house.state.runs[run_id].status.ended)

    await house.work(ended)
    await house.work(
        lambda: all(house.state.runs[each].status.ended for each in (f"{run_id}.breach", f"{run_id}.breach1"))
    )
    assert [entry.facts["judgement"] for entry in breaches(house)] == ["hold", "rollback"]
    assert house.state.runs[run_id].result["told"] == "bad, bad"


async def test_after_half_an_hour_it_is_told_again() -> None:
    house = watched_desk(failing=0.2)
    await minute(house)
    house.later(1_860)
    await minute(house)
    assert len(breaches(house)) == 2


async def test_a_private_incident_is_not_told() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout private=yes slow")
    await minute(house)
    assert breaches(house) == []
    assert len(breaches(house, "INC-2")) == 1


async def test_a_healthy_canary_is_watched_for_its_minute_and_the_next_goes_on_from_there() -> None:
    house = watched_desk()
    run = await minute(house)
    assert (run.result["told"], house.chain()) == ("", [])
    assert house.ports.clock.now() - run.started_at >= timedelta(seconds=59)  # type: ignore[operator]
    await minute(house)
    assert kept(house).judged.judgement is Judgement.PROMOTE
    assert len(kept(house).sights) == 60


async def test_a_closed_canary_is_not_looked_at_and_what_was_told_is_over() -> None:
    house = watched_desk(FakeRouter(CLOSED))
    told = Kept(house.ports.clock.now(), decided="rollback", decided_at=house.ports.clock.now())
    house.state.marks[watch_key("checkout")] = adapter_of(Kept).dump_json(told).decode()
    await minute(house)
    assert (kept(house).decided, kept(house).sights) == ("", ())


async def test_after_it_was_emptied_nobody_looks_and_the_next_bad_canary_is_told_again() -> None:
    house = watched_desk(failing=0.2)
    await minute(house)
    await house.say("mitigate incident=INC-1")
    house.router.split = Split(0.0, dyed=True)
    house.later(60 - house.ports.clock.now().second)
    await minute(house)
    assert len(breaches(house)) == 1
    house.router.split = SHARED
    house.later(60 - house.ports.clock.now().second)
    await minute(house)
    assert len(breaches(house)) == 2


async def test_numbers_that_are_missing_tell_nobody_that_it_is_bad() -> None:
    house = watched_desk(failing=1.0)
    house.counters.ailment = "http://127.0.0.1:9901 gave no answer within 3 s"
    assert (await minute(house)).result == {
        "summary": "the numbers cannot be read: http://127.0.0.1:9901 gave no answer within 3 s",
        "told": "",
    }


async def test_a_router_that_does_not_answer_keeps_nobody_from_looking() -> None:
    house = watched_desk(failing=0.2)
    house.router.ailment = "no route to host"
    assert (await minute(house)).result["told"] == "bad"


async def test_who_undoes_a_rollback_is_told_once() -> None:
    house = watched_desk()
    await rolled_back(house)
    house.router.split = Split(30.0, dyed=False)
    assert (await minute(house)).result["told"] == "drift"
    [drifted] = house.entries(Kind.DRIFTED)
    assert tell(drifted) == (
        "Somebody else has changed the router of checkout. FirstFive set it to: canary gets 0 %, marked requests do "
        "not reach it. It is now: canary gets 30 %, marked requests do not reach it."
    )
    assert (await minute(house)).result["told"] == ""


async def test_without_an_incident_a_drift_is_announced() -> None:
    poster = FakePoster()
    house = watched_desk()
    house.ports = replace(house.ports, poster=poster, catalog=replace(house.ports.catalog, announcements="ops"))
    house.__post_init__()
    await rolled_back(house)
    await house.say("resolve incident=INC-1")
    house.router.split = SHARED
    await minute(house)
    [(channel, text)] = poster.posts.values()
    assert (channel, text[:47]) == ("ops", "Somebody else has changed the router of checkou")
    assert [entry.kind for entry in house.chain(HOUSE)] == ["drifted"]


async def test_what_a_rollback_is_about_to_do_is_no_drift() -> None:
    class Stubborn(FakeRouter):
        async def make(self, service: object, move: object) -> None:
            assert service
            assert move

    house = watched_desk(Stubborn(SHARED))
    await rolled_back(house, ends=RunStatus.FAILED)
    assert (await minute(house)).result["told"] == ""
    assert house.entries(Kind.DRIFTED) == []


async def test_two_watches_are_one() -> None:
    house = watched_desk()
    first, second = await begin(house), await begin(house)
    await house.work(lambda: all(house.state.runs[each].status.ended for each in (first, second)))
    assert house.state.runs[second].result["summary"] == "Another run watches it."


async def test_a_service_without_a_canary_is_not_watched() -> None:
    house = watched_desk(service=replace(SERVICE, canary=None))
    assert (await minute(house)).result["summary"] == "checkout has no canary and no router to be watched."


async def rolled_back(house: WatchedDesk, ends: RunStatus = RunStatus.DONE) -> None:
    await house.say("start sev3 checkout slow")
    run_id = (await house.admission.admit(Command("rollback", {"service": "checkout"}, BEN, Source()))).run_id
    await house.work(lambda: house.waits)
    await house.say("approve incident=INC-1")
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    assert house.state.runs[run_id].status is ends

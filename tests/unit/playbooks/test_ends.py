"""How an incident ends, or turns out to be none, or another's: close, reopen, cancel, merge; and who joins it."""

from datetime import timedelta

import pytest

from bot.domain.digest import count_incidents
from bot.domain.incident import Status
from bot.domain.measures import Milestone
from bot.domain.run import RunStatus, Source
from bot.domain.timeline import Kind
from bot.engine.admission import Command
from tests.fakes import FakeDirectory
from tests.unit.alerts import alert
from tests.unit.engine.test_intake import Floor
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk


async def opened(**parts: object) -> Desk:
    house = desk(directory=FakeDirectory({"<@U2>": BEN}), **parts)
    await house.say("start sev2 checkout 5xx after deploy")
    return house


async def ended(house: Desk) -> str:
    """Let the five minutes end; give what their last phase said."""
    await house.work(lambda: bool(house.state.runs["r1.sop"].status.ended))
    return house.incident().phases[-1].summary


def facts(house: Desk, kind: Kind, incident_id: str = "INC-1") -> list[dict[str, object]]:
    return [entry.facts for entry in house.chain(incident_id) if entry.kind == kind]


async def test_what_is_reopened_is_neither_mitigated_nor_resolved() -> None:
    house = await opened()
    await house.say("mitigate INC-1")
    await house.say("resolve INC-1")
    run = await house.say("reopen INC-1 it is back")
    assert run.result["choices"][0]["command"] == "sop incident=INC-1"
    incident = house.incident()
    assert incident.status is Status.OPEN
    assert {Milestone.MITIGATED, Milestone.RESOLVED}.isdisjoint(incident.milestones)
    assert await house.text("reopen INC-1") == "INC-1 is open already. Nothing was changed."


@pytest.mark.parametrize("first", [(), ("mitigate",)])
async def test_only_what_is_resolved_is_closed(first: tuple[str, ...]) -> None:
    house = await opened()
    for verb in first:
        await house.say(f"{verb} INC-1")
    status = house.incident().status
    assert "`/incident resolve` comes first" in await house.text("close INC-1")
    assert house.incident().status is status


async def test_closing_says_what_is_left_to_do_and_is_done_once() -> None:
    house = await opened()
    await house.say("action INC-1 write the runbook")
    await house.say("resolve INC-1")
    assert await house.text("close INC-1") == "INC-1 is closed. 1 action item stays open."
    assert house.incident().status is Status.CLOSED
    assert await house.text("close INC-1") == "INC-1 is closed already. Nothing was changed."
    assert len(facts(house, Kind.STATUS_SET)) == 2


async def test_what_is_called_off_is_over_pages_nobody_and_counts_nowhere() -> None:
    house = await opened()
    await house.reach("mitigate")
    await house.say("cancel INC-1 a load test", BEN)
    incident = house.incident()
    assert (incident.status, incident.cancelled) == (Status.CLOSED, "a load test")
    assert incident.measures == ()
    assert count_incidents([incident], house.ports.clock.now(), timedelta(days=1)) == ""
    assert "Called off: a load test" in await house.text("status INC-1")
    assert await house.text("cancel INC-1 again") == "INC-1 is closed already. Nothing was changed."
    assert await ended(house) == "it was called off"
    assert facts(house, Kind.ESCALATED) == []


async def test_reopened_it_counts_again() -> None:
    house = await opened()
    await house.say("cancel INC-1 a load test")
    await house.say("reopen INC-1 it was none")
    assert house.incident().counts
    assert len(house.incident().measures) == 5


async def test_start_offers_to_join_or_merge_and_the_buttons_do_it_twice_pressed() -> None:
    house = await opened()
    await house.say("role INC-1 commander", BEN)
    run = await house.say("start sev1 checkout everything is slow", BEN)
    merge, join = (choice["command"] for choice in run.result["choices"])
    assert (merge, join) == ("merge into=INC-1 incident=INC-2", "join incident=INC-1")
    assert "Ben takes part" not in await house.text(join, BEN)
    first, again = await house.say(merge, BEN), await house.say(merge, BEN)
    assert first.result["text"] == "INC-2 is part of INC-1 now, with its people and alerts."
    assert first.result["choices"] == [
        {"label": "Make INC-1 SEV1", "command": "severity SEV1 incident=INC-1", "again": "", "incident_id": ""}
    ]
    assert again.result["text"] == "INC-2 is part of INC-1 already. Nothing was changed."
    merged = house.incident("INC-2")
    assert (merged.status, merged.merged_into, merged.counts) == (Status.CLOSED, "INC-1", False)
    assert len(facts(house, Kind.TOOK_IN)) == 1
    assert len(facts(house, Kind.MERGED, "INC-2")) == 1


async def test_the_people_of_the_one_take_part_in_the_other() -> None:
    house = await opened()
    await house.say("start sev3 payment slow too", BEN)
    await house.say("merge INC-2 into INC-1", BEN)
    assert [(each["person"], each["how"]) for each in facts(house, Kind.JOINED)] == [(BEN.id, "from INC-2")]
    assert house.incident().people == (ADA, BEN)


async def test_without_a_name_it_asks_into_which() -> None:
    house = await opened()
    await house.say("start sev3 payment slow")
    run = await house.say("merge incident=INC-2")
    assert [choice["command"] for choice in run.result["choices"]] == ["merge into=INC-1 incident=INC-2"]
    await house.say("resolve INC-1")
    assert "No other incident is open" in await house.text("merge incident=INC-2")


@pytest.mark.parametrize(
    ("before", "words", "told"),
    [
        ((), "merge INC-1 incident=INC-1", "cannot become part of itself"),
        (("resolve INC-1",), "merge INC-1 incident=INC-2", "INC-1 is resolved. `/incident reopen INC-1` comes first."),
        (("cancel INC-2 none",), "merge INC-1 incident=INC-2", "INC-2 is closed already"),
        (("merge INC-1 into INC-3",), "merge INC-1 incident=INC-2", "INC-1 is part of INC-3 now"),
        ((), "merge INC-9 incident=INC-2", "There is no INC-9"),
        ((), "merge INC-4 incident=INC-2", "INC-4 is private and INC-2 is not"),
        ((), "merge INC-2 incident=INC-4", "INC-4 is private and INC-2 is not"),
    ],
)
async def test_what_does_not_merge_says_why_and_changes_nothing(before: tuple[str, ...], words: str, told: str) -> None:
    house = await opened()
    for text in ("start sev3 payment slow", "start sev3 payment slower", "start private=yes leak", *before):
        await house.say(text)
    status = house.incident("INC-2").status
    run = await house.say(words)
    assert run.status is RunStatus.FAILED
    assert told in run.reason
    assert (house.incident("INC-2").status, house.incident("INC-2").merged_into) == (status, "")


async def test_what_two_ask_for_at_once_makes_no_ring() -> None:
    house = await opened()
    await house.say("start sev3 payment slow")
    into = [("INC-1", "INC-2"), ("INC-2", "INC-1")]
    runs = [(await house.admission.admit(command("merge", {"into": other}, each))).run_id for each, other in into]
    await house.work(lambda: all(house.state.runs[run_id].status.ended for run_id in runs))
    assert sorted(house.state.runs[run_id].status.value for run_id in runs) == ["done", "failed"]
    assert sum(bool(house.incident(each).merged_into) for each, _ in into) == 1


def command(playbook: str, params: dict[str, str], incident_id: str) -> Command:
    return Command(playbook, params, ADA, Source(via="test"), incident_id=incident_id)


async def test_alerts_go_on_the_incident_that_took_theirs_in() -> None:
    floor = Floor()
    await floor.take(alert())
    await floor.desk.say("start sev3 payment slow")
    await floor.desk.say("merge INC-1 into INC-2")
    assert [told["firing"] for told in floor.told(Kind.ALERT_FIRED, "INC-2")] == [1]
    floor.later(timedelta(minutes=1))
    await floor.take(alert(status="resolved"))
    floor.later(timedelta(minutes=16))
    await floor.work()
    assert [told["firing"] for told in floor.told(Kind.ALERT_RESOLVED, "INC-2")] == [0]
    assert floor.told(Kind.ALERT_RESOLVED, "INC-1") == []
    assert floor.incidents == ["INC-1", "INC-2"]


async def test_whoever_joins_takes_part_once() -> None:
    house = await opened()
    assert await house.text("join INC-1", BEN) == "You take part in INC-1: 5xx after deploy."
    assert await house.text("join INC-1", BEN) == "You take part in INC-1 already."
    assert await house.text("join INC-1 <@U2>") == "Ben takes part in INC-1 already."
    assert len(facts(house, Kind.JOINED)) == 1


async def test_joining_what_was_merged_leads_to_the_other() -> None:
    house = await opened()
    await house.say("start sev3 payment slow")
    await house.say("merge INC-2 into INC-1")
    run = await house.say("join INC-2", BEN)
    assert run.result["choices"][0]["command"] == "join incident=INC-1"


async def test_the_impact_is_what_was_said_last() -> None:
    house = await opened()
    await house.say("impact INC-1 1 in 5 checkouts fails")
    assert house.incident().impact == "1 in 5 checkouts fails"
    assert "Impact: 1 in 5 checkouts fails" in await house.text("status INC-1")
    assert "Nothing was changed" in await house.text("impact INC-1 1 in 5 checkouts fails")
    await house.say("impact INC-1 none")
    assert facts(house, Kind.IMPACT_SET) == [{"text": "1 in 5 checkouts fails"}, {"text": ""}]


async def test_help_says_what_fits_the_moment() -> None:
    house = await opened()
    run = await house.say("help incident=INC-1")
    labels = [choice["label"] for choice in run.result["choices"]]
    assert labels == ["Ack", "Note", "Update", "Impact", "Mitigate"]
    await house.say("resolve INC-1")
    run = await house.say("help incident=INC-1")
    assert [choice["label"] for choice in run.result["choices"]] == ["Postmortem", "Action", "Note", "Close", "Reopen"]
    run = await house.say("help")
    assert [choice["label"] for choice in run.result["choices"]] == ["Start an incident", "List incidents"]
    assert "`/incident stalk" in await house.text("help all")


async def test_every_playbook_is_listed_with_what_it_does() -> None:
    told = await desk().text("playbooks")
    harmless, costly, changing = (told.index(word) for word in ("They look", "They cost", "They change"))
    assert harmless < told.index("`/incident note") < costly < told.index("`/incident snapshot") < changing
    assert changing < told.index("`/incident redact")

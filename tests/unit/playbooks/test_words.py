"""Verbs that write things down: what they record, what they answer, what they refuse."""

import asyncio

import pytest

from bot.domain.incident import Role, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.run import Run
from bot.domain.timeline import Kind, Person
from tests.fakes import NOON, FakeDirectory
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk


async def opened(**parts: object) -> Desk:
    house = desk(**parts)
    await house.say("start sev2 checkout 5xx after deploy")
    return house


async def test_start_opens_with_everything_it_understood() -> None:
    house = await opened()
    incident = house.incident()
    assert (incident.severity, incident.service, incident.title) == (Severity.SEV2, "checkout", "5xx after deploy")
    assert incident.reporter == ADA
    assert incident.milestones == {Milestone.DETECTED: NOON}


@pytest.mark.parametrize(
    ("words", "title", "warnings"),
    [
        ("", "Something is wrong", 0),
        ("checkout", "checkout incident", 0),
        ("sev9 slow", "slow", 1),
        ("service=nowhere slow", "slow", 1),
        ("started=25:99 slow", "slow", 1),
        ("started=2030-01-01T00:00:00Z slow", "slow", 1),
        ("a   b\n\tc", "a b c", 0),
    ],
)
async def test_start_refuses_nothing(words: str, title: str, warnings: int) -> None:
    house = desk()
    await house.say(f"start {words}")
    incident = house.incident()
    assert incident.title == title
    assert len(incident.warnings) == warnings


async def test_start_takes_the_time_it_began() -> None:
    house = desk()
    await house.say("start started=11:50 slow")
    assert house.incident().milestones[Milestone.STARTED].hour == 11


async def test_a_title_of_4000_characters_is_cut_and_kept() -> None:
    house = desk()
    await house.say(f"start {'x' * 4000}")
    assert len(house.incident().title) == 150
    assert house.chain()[0].facts["text"] == "x" * 4000


async def test_the_first_ack_takes_command_and_later_ones_change_nothing() -> None:
    house = await opened()
    assert "You command it" in await house.text("ack INC-1", BEN)
    house.later(60)
    said = await house.text("ack INC-1", ADA)
    assert "was acknowledged at 12:00:00" in said
    assert "Ben commands" in said
    assert house.incident().milestones[Milestone.ACKNOWLEDGED] == NOON


async def test_a_role_is_handed_over() -> None:
    house = await opened(directory=FakeDirectory({"<@U2|ben>": BEN}))
    await house.say("role commander INC-1")
    assert await house.text("role commander <@U2|ben> INC-1") == ("Ben is commander of INC-1 now, handed over by Ada.")
    assert house.incident().roles == {Role.COMMANDER: Person("U2", "Ben")}
    assert "already" in await house.text("role commander me INC-1", BEN)
    assert "Nobody in this workspace is `@zoe`" in await house.text("role scribe @zoe INC-1")


def choices(run: Run) -> list[tuple[str, str]]:
    return [(choice["label"], choice["command"]) for choice in run.result["choices"]]


async def test_of_two_presses_on_a_card_without_commander_the_second_is_asked() -> None:
    house = await opened()
    await house.say("role commander me was=- INC-1", BEN)
    asked = await house.say("role commander me was=- INC-1", ADA)
    assert "Ben became commander of INC-1 since this button was drawn" in asked.result["text"]
    assert house.incident().roles == {Role.COMMANDER: BEN}
    [(label, words)] = choices(asked)
    assert label == "Take over from Ben"
    assert "handed over by Ben" in await house.text(words, ADA)
    assert house.incident().roles == {Role.COMMANDER: ADA}


async def test_of_two_presses_at_the_same_moment_one_takes_command() -> None:
    house = await opened()
    command = {"role": Role.COMMANDER, "was": "-"}
    await asyncio.gather(*(house.run("role", command, by, "INC-1") for by in (ADA, BEN)))
    assert [entry.kind for entry in house.chain()].count(Kind.ROLE_SET) == 1


async def test_what_was_seen_and_is_still_so_is_done_at_once() -> None:
    house = await opened()
    await house.say("role commander me was=- INC-1", BEN)
    assert "handed over by Ben" in await house.text("role commander me was=U2 INC-1", ADA)


async def test_a_service_that_somebody_named_meanwhile_is_not_changed_without_asking() -> None:
    house = desk()
    await house.say("start slow")
    await house.say("service payment was=- INC-1", BEN)
    asked = await house.say("service checkout was=- INC-1", ADA)
    assert asked.result["text"].startswith("payment was named since")
    assert house.incident().service == "payment"
    assert choices(asked)[0][0] == "Change it to checkout"
    assert "is about checkout" in await house.text(choices(asked)[0][1], ADA)


async def test_what_was_opened_again_meanwhile_is_not_resolved_without_asking() -> None:
    house = await opened()
    await house.say("mitigate INC-1")
    await house.say("reopen INC-1", BEN)
    asked = await house.say("resolve saw=mitigated INC-1")
    assert "is open again" in asked.result["text"]
    assert house.incident().status is Status.OPEN
    await house.say(choices(asked)[0][1])
    assert house.incident().status is Status.RESOLVED


async def test_what_was_mitigated_meanwhile_is_resolved() -> None:
    house = await opened()
    await house.say("mitigate INC-1", BEN)
    assert "is resolved" in await house.text("resolve saw=open INC-1")


async def test_a_role_is_given_up_once() -> None:
    house = await opened()
    await house.say("role commander me incident=INC-1")
    assert await house.text("role commander none INC-1", BEN) == "nobody is commander of INC-1 now."
    assert house.incident().roles == {}
    assert await house.text("role commander none INC-1") == "nobody is commander of INC-1 already. Nothing was changed."
    assert "(no name)" not in await house.text("postmortem INC-1")


async def test_whoever_takes_a_role_over_is_told_where_things_stand() -> None:
    house = await opened()
    assert await house.text("role commander me incident=INC-1") == "Ada is commander of INC-1 now."
    await house.say("note INC-1 the cache is cold")
    said = await house.text("role commander me incident=INC-1", BEN)
    assert said.startswith(
        "Ben is commander of INC-1 now, handed over by Ada.\n• Status: SEV2, open, opened at 12:00 UTC."
    )
    assert said.endswith("• 12:00 Ada: the cache is cold")


async def test_a_severity_that_is_already_so_changes_nothing() -> None:
    house = await opened()
    assert "already" in await house.text("severity sev2 INC-1")
    assert Kind.SEVERITY_SET not in {entry.kind for entry in house.chain()}
    assert "nobody is paged" in await house.text("severity sev3 INC-1")
    assert house.incident().severity is Severity.SEV3


async def test_mitigated_then_resolved_and_neither_twice() -> None:
    house = await opened()
    house.later(120)
    await house.say("mitigate rolled back incident=INC-1")
    assert house.incident().status is Status.MITIGATED
    assert "is mitigated already since 12:02 UTC" in await house.text("mitigate INC-1")
    await house.say("resolve INC-1 cache warm")
    assert house.incident().status is Status.RESOLVED
    assert "Nothing was changed" in await house.text("resolve INC-1")
    assert "cannot become mitigated any more" in await house.text("mitigate INC-1")


async def test_a_milestone_is_corrected_but_not_into_a_contradiction() -> None:
    house = await opened()
    house.later(600)
    await house.say("mitigate INC-1")
    assert "mitigated at 2026-03-01 12:05:00" in await house.text("milestone mitigated at=12:05 INC-1")
    refused = await house.text("milestone started at=12:06 INC-1")
    assert "mitigated (12:05:00) would come before started (12:06:00)" in refused or "detected" in refused
    assert "has not come yet" in await house.text("milestone resolved at=2031-01-01T00:00:00Z INC-1")
    assert Milestone.STARTED not in house.incident().milestones


async def test_a_pasted_secret_is_not_stored() -> None:
    house = await opened()
    await house.say("note INC-1 the dsn is postgres://app:hunter2secret@db/prod")
    assert "hunter2secret" not in repr(house.chain())
    assert "hunter2secret" not in repr(house.state.runs)


async def test_outside_of_a_channel_a_verb_asks_which() -> None:
    house = await opened()
    run = await house.say("note hello")
    assert run.result["choices"][0]["again"] == run.id
    assert run.result["choices"][0]["incident_id"] == "INC-1"


async def test_the_postmortem_is_kept_as_an_artifact_and_is_the_same_again() -> None:
    house = await opened()
    first = (await house.say("postmortem INC-1")).result["artifact"]
    assert await house.ports.artifacts.get(first)
    assert [each.facts["artifact"] for each in house.chain() if each.kind == Kind.POSTMORTEM] == [first]


async def test_help_knows_one_verb_and_what_was_meant() -> None:
    house = desk()
    assert "/incident severity sev1|sev2|sev3|sev4" in await house.text("help severity")
    assert "Did you mean `severity`" in await house.text("help severty")
    assert "`/incident start" in await house.text("help")
    assert "of the one that begins;" in await house.text("help drill"), "its lines end where those of the source do"


async def test_what_is_over_is_not_acknowledged() -> None:
    house = await opened()
    await house.say("resolve INC-1")
    assert await house.text("ack INC-1", BEN) == "INC-1 is resolved; there is nothing left to acknowledge."
    assert Milestone.ACKNOWLEDGED not in house.incident().milestones


async def test_a_second_incident_on_a_service_says_so() -> None:
    house = await opened()
    await house.say("start sev1 payment refunds fail")
    assert house.incident("INC-2").warnings == ()
    await house.say("start sev2 checkout slow")
    assert house.incident("INC-3").warnings == ("INC-1 is open on checkout too. Is it the same?",)
    await house.say("resolve INC-1")
    await house.say("resolve INC-3")
    await house.say("start checkout slow again")
    assert house.incident("INC-4").warnings == ()

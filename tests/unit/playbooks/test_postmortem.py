"""A postmortem is written by the bot, edited, reviewed and published by people; nobody's text is lost."""

from dataclasses import replace

import pytest

from bot.adapters.documents import MarkdownDocuments
from bot.domain.experience import WHAT, is_experience, read
from bot.domain.incident import fold
from bot.domain.narrative import tell
from bot.domain.postmortem import without_postmortems
from bot.domain.publishing import Stage, standing
from bot.domain.sections import SectionId, sections, texts
from bot.domain.timeline import TOKEN, Entry, Kind, Person
from tests.fakes import FakeBundles
from tests.fakes.routers import FakeMetrics
from tests.unit.playbooks.desk import BEN, CATALOG, Desk, desk


async def resolved() -> Desk:
    house = desk()
    await house.say("start sev4 checkout it is slow")
    await house.say("resolve INC-1 it is fast")
    return house


def stage(house: Desk) -> Stage:
    return standing(house.chain()).stage


def told(house: Desk, kind: Kind) -> list[Entry]:
    return [entry for entry in house.chain() if entry.kind == kind]


async def test_a_text_goes_into_its_section_and_keeps_its_lines() -> None:
    house = await resolved()
    assert await house.text("postmortem INC-1 edit summary It was slow.\n\n- the pool") == (
        "Summary of the postmortem of INC-1: version 1 is written."
    )
    assert await house.text("postmortem INC-1 edit summary It was the pool.", by=BEN) == (
        "Summary of the postmortem of INC-1: version 2 is written. What Ada wrote before is in its history."
    )
    assert [each.text for each in texts(house.chain())] == ["It was slow.\n\n- the pool", "It was the pool."]
    assert next(each.text.by for each in sections(house.chain()) if each.text) == "Ben"


async def test_a_section_and_words_are_enough() -> None:
    house = await resolved()
    assert "version 1 is written" in await house.text("postmortem INC-1 luck nobody was awake")


async def test_what_is_not_said_is_asked_for() -> None:
    house = await resolved()
    assert "Which section?" in await house.text("postmortem INC-1 edit")
    assert "What is to stand there?" in await house.text("postmortem INC-1 edit summary")
    edit = {"do": "edit", "section": SectionId.SUMMARY.value, "text": "x" * 7_001}
    assert "a section holds 7,000" in (await house.run("postmortem", edit, incident_id="INC-1")).reason
    assert texts(house.chain()) == ()


async def test_somebody_elses_newer_text_is_not_written_over() -> None:
    house = await resolved()
    edit = {"do": "edit", "section": SectionId.SUMMARY.value}
    await house.run("postmortem", {**edit, "text": "first", "was": "0"}, incident_id="INC-1")
    late = await house.run("postmortem", {**edit, "text": "second", "was": "0"}, BEN, "INC-1")
    assert late.reason == (
        "Somebody has changed Summary since you saw it (Ada, version 1). Nothing was written: look at it first."
    )
    assert [each.text for each in texts(house.chain())] == ["first"]
    seen = str(texts(house.chain())[-1].seq)
    await house.run("postmortem", {**edit, "text": "", "was": seen}, BEN, "INC-1")
    assert [each.text for each in sections(house.chain())] == [None] * len(SectionId)


async def test_it_is_reviewed_before_it_is_published_and_published_as_it_was_then() -> None:
    house = await resolved()
    assert "is a draft" in await house.text("postmortem INC-1 publish")
    assert stage(house) is Stage.DRAFT
    assert "is reviewed" in await house.text("postmortem INC-1 review", by=BEN)
    assert stage(house) is Stage.REVIEWED
    assert "is reviewed already" in await house.text("postmortem INC-1 review")
    published = (await house.say("postmortem INC-1 publish")).result["artifact"]
    assert stage(house) is Stage.PUBLISHED
    assert await house.ports.artifacts.get(published)
    assert [each.facts["artifact"] for each in told(house, Kind.POSTMORTEM_PUBLISHED)] == [published]


async def test_whoever_wrote_last_is_told_who_else_could_review_it() -> None:
    house = await resolved()
    await house.say("role INC-1 scribe me", by=BEN)
    await house.say("postmortem INC-1 luck nobody was awake")
    refusal = await house.text("postmortem INC-1 review")
    assert refusal.startswith(
        "You wrote in the postmortem of INC-1 last, so somebody else reviews it: Ben, or whoever else has read it. "
    )
    script = await house.run("postmortem", {"do": "review"}, Person(f"{TOKEN}U1", "a script of Ada's"), "INC-1")
    assert (script.reason, stage(house)) == (refusal, Stage.DRAFT)
    assert "is reviewed. " in await house.text("postmortem INC-1 review", by=BEN)
    assert [each.facts for each in told(house, Kind.POSTMORTEM_REVIEWED)] == [{}]


async def test_of_a_private_incident_only_who_takes_part_is_named() -> None:
    house = desk()
    await house.say("start private=yes sev3 checkout payroll leaked")
    await house.say("resolve INC-1 it is gone")
    await house.say("postmortem INC-1 luck nobody was awake")
    assert "nobody else takes part. `/incident join INC-1 @somebody`" in await house.text("postmortem INC-1 review")


@pytest.mark.parametrize("reviewer", [Person("api:local", "API (this machine)"), Person("cli:root", "root")])
async def test_whoever_may_be_anybody_goes_on_and_it_is_recorded_so(reviewer: Person) -> None:
    house = await resolved()
    for words in ("postmortem INC-1 luck nobody was awake", "postmortem INC-1 review"):
        said = await house.text(words, by=reviewer)
    assert "is reviewed; nobody can tell whether that was a second person. " in said
    (entry,) = told(house, Kind.POSTMORTEM_REVIEWED)
    assert tell(entry) == "Reviewed the postmortem; nobody can tell whether that was a second person."
    assert "is published" in await house.text("postmortem INC-1 publish", by=reviewer)


async def test_what_is_published_is_pushed_with_its_bundle_where_bundles_are_pushed() -> None:
    house = desk(bundles=FakeBundles("git.example/postmortems"))
    for private in ("no", "yes"):
        number = 1 if private == "no" else 2
        await house.say(f"start private={private} sev4 checkout it is slow")
        await house.say(f"resolve INC-{number} it is fast")
        await house.say(f"postmortem INC-{number} review")
        said = await house.text(f"postmortem INC-{number} publish")
        begun = [run.plan.playbook for run in house.state.runs.values() if run.incident_id == f"INC-{number}"]
        assert ("With its bundle it is pushed to" in said, "bundle" in begun) == ((private == "no",) * 2)


async def test_what_is_written_afterwards_makes_a_draft_of_it_again() -> None:
    house = await resolved()
    for words in ("review", "publish", "edit cause it was DNS"):
        await house.say(f"postmortem INC-1 {words}")
    now = standing(house.chain())
    assert (now.stage, now.published is not None) == (Stage.DRAFT, True)
    assert "is a draft" in await house.text("postmortem INC-1 publish")


async def test_what_goes_on_has_nothing_to_review_yet() -> None:
    house = desk()
    await house.say("start sev4 checkout it is slow")
    assert await house.text("postmortem INC-1 review") == (
        "INC-1 is open; its postmortem is reviewed when it is resolved."
    )
    assert "when it is resolved" in await house.text("postmortem INC-1 publish")


async def monitored(*, is_over: bool = True) -> tuple[Desk, FakeMetrics]:
    catalog = replace(CATALOG, services=(replace(CATALOG.services[0], prometheus="http://127.0.0.1:9090"),))
    metrics = FakeMetrics({catalog.services[0].queries["errors"]: 0.4})
    house = desk(catalog=catalog, metrics=metrics)
    await house.say("start sev4 checkout it is slow")
    if is_over:
        await house.say("resolve INC-1 it is fast")
    return house, metrics


async def test_what_users_saw_is_kept_once_for_each_end() -> None:
    house, _ = await monitored()
    await house.say("postmortem INC-1")
    (kept,) = [entry for entry in house.chain() if is_experience(entry)]
    seen = read(await house.ports.artifacts.get(kept.facts["sha256"]) or b"")
    assert seen is not None
    assert seen.errors[-2:] == (0.2, 0.4)
    await house.say("postmortem INC-1")
    assert len([entry for entry in house.chain() if is_experience(entry)]) == 1
    chain = house.chain()
    assert [entry for entry in without_postmortems(chain) if is_experience(entry)] == [kept]
    assert WHAT in MarkdownDocuments().postmortem(fold(chain), chain)
    await house.say("reopen INC-1 again")
    await house.say("resolve INC-1")
    await house.say("postmortem INC-1")
    assert len([entry for entry in house.chain() if is_experience(entry)]) == 2


async def test_while_it_is_open_and_for_words_alone_nobody_is_asked() -> None:
    house, metrics = await monitored(is_over=False)
    await house.say("postmortem INC-1")
    await house.say("resolve INC-1")
    await house.say("postmortem INC-1 luck nobody was awake")
    assert not [entry for entry in house.chain() if is_experience(entry)]
    metrics.answers.clear()
    await house.say("postmortem INC-1")
    assert not [entry for entry in house.chain() if is_experience(entry)]
    assert told(house, Kind.POSTMORTEM)

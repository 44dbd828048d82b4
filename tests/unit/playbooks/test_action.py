"""Action items: written down, owned, due, done; and what is left of one whose words are blanked."""

import asyncio
from datetime import date

import pytest

from bot.domain.actions import ActionItem, overdue
from bot.domain.narrative import tell
from tests.fakes import FakeDirectory
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk

TOMORROW = date(2026, 3, 2)


async def opened() -> Desk:
    house = desk(directory=FakeDirectory({"@ben": BEN, "<@U2|ben>": BEN}))
    await house.say("start sev2 checkout 5xx after deploy")
    return house


def items(house: Desk) -> tuple[ActionItem, ...]:
    return house.incident().actions


async def test_an_item_has_words_an_owner_and_a_day() -> None:
    house = await opened()
    said = await house.text("action add a timeout to the price client owner=@ben due=2026-03-02 incident=INC-1")
    assert said == "Action item 1 of INC-1 is written down."
    assert items(house) == (ActionItem("INC-1", 1, "add a timeout to the price client", BEN, TOMORROW),)


async def test_what_was_not_said_can_be_said_later() -> None:
    house = await opened()
    said = await house.text("action incident=INC-1 3 replicas are too few")
    assert said.endswith("Still to be said: `/incident action item=1 owner=@somebody due=YYYY-MM-DD`.")
    assert await house.text("action item=1 owner=me due=1d incident=INC-1") == "Action item 1 of INC-1 is changed."
    assert items(house) == (ActionItem("INC-1", 1, "3 replicas are too few", ADA, TOMORROW),)


async def test_a_person_may_come_first_as_people_write_it() -> None:
    house = await opened()
    await house.say("action INC-1 <@U2|ben> write the runbook")
    assert (items(house)[0].owner, items(house)[0].text) == (BEN, "write the runbook")


async def test_an_item_is_done_once() -> None:
    house = await opened()
    await house.say("action INC-1 write the runbook")
    assert await house.text("action done=1 incident=INC-1", BEN) == "Action item 1 of INC-1 is done."
    before = items(house)
    assert "done 2026-03-01 already. Nothing was changed" in await house.text("action done=1 incident=INC-1")
    assert items(house) == before
    assert sum(entry.kind == "action" for entry in house.chain()) == 2
    assert await house.text("action INC-1") == (
        "Action items of INC-1:\n1. write the runbook (no owner, done 2026-03-01)"
    )


async def test_what_is_done_can_be_opened_again_and_is_told_so() -> None:
    house = await opened()
    await house.say("action INC-1 write the runbook due=2026-03-02")
    await house.say("action done=1 incident=INC-1")
    assert await house.text("action reopen=1 incident=INC-1", BEN) == "Action item 1 of INC-1 is open again."
    assert items(house) == (ActionItem("INC-1", 1, "write the runbook", None, TOMORROW),)
    assert [tell(entry) for entry in house.chain() if entry.kind == "action"][2:] == ["Action item 1, open again."]
    assert "Nothing was changed" in await house.text("action reopen=1 incident=INC-1")
    assert [each.text for each in overdue(house.chain(), date(2026, 3, 9))] == ["write the runbook"]


async def test_a_form_writes_only_what_it_changes_and_over_nothing_unseen() -> None:
    house = await opened()
    await house.say("action INC-1 <@U2|ben> write the runbook due=2026-03-02")
    seen = f"action item=1 was={items(house)[0].seq} incident=INC-1 write the runbook owner=<@U2|ben>"
    assert "is like this already" in await house.text(f"{seen} due=2026-03-02")
    assert await house.text(f"{seen} due=2026-03-05", BEN) == "Action item 1 of INC-1 is changed."
    assert [entry.facts for entry in house.chain() if entry.kind == "action"][1:] == [{"item": 1, "due": "2026-03-05"}]
    late = await house.text(f"{seen} due=2026-03-03")
    assert late == (
        "Somebody has changed it since you saw it. Nothing was written. It is now: "
        "1. write the runbook (Ben, due 2026-03-05)"
    )
    assert items(house)[0].due == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("action done=7 incident=INC-1", "INC-1 has no action item `7`"),
        ("action reopen=7 incident=INC-1", "INC-1 has no action item `7`"),
        ("action item=x due=1d incident=INC-1", "INC-1 has no action item `x`"),
        ("action due=1d incident=INC-1", "What is to be done?"),
        ("action x due=soon incident=INC-1", "'soon' is not a day. Write due=2026-03-08, or due=7d."),
        ("action x due=2026-02-30 incident=INC-1", "is not a day"),
        ("action x owner=@zoe incident=INC-1", "Nobody in this workspace is `@zoe`"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(words: str, refusal: str) -> None:
    house = await opened()
    assert refusal in await house.text(words)
    assert items(house) == ()


async def test_those_who_add_at_once_get_numbers_of_their_own() -> None:
    house = await opened()
    said = await asyncio.gather(*(house.text(f"action INC-1 do {n}") for n in range(5)))
    assert len(set(said)) == 5
    assert sorted(each.text for each in items(house)) == [f"do {n}" for n in range(5)]
    assert sorted(each.number for each in items(house)) == [1, 2, 3, 4, 5]


async def test_what_is_overdue_is_open_and_past_its_day_the_oldest_first() -> None:
    house = await opened()
    await house.say("action INC-1 late due=2026-03-02")
    await house.say("action INC-1 later due=2026-03-01")
    await house.say("action INC-1 done in time due=2026-03-01")
    await house.say("action INC-1 whenever")
    await house.say("action done=3 incident=INC-1")
    chain = house.chain()
    assert overdue(chain, date(2026, 3, 1)) == ()
    assert [each.text for each in overdue(chain, TOMORROW)] == ["later"]
    assert [each.text for each in overdue(chain, date(2026, 3, 9))] == ["later", "late"]


async def test_the_list_names_what_is_overdue_the_oldest_first() -> None:
    house = await opened()
    for number in range(12):
        await house.say(f"action INC-1 do {number} due=2026-03-{20 - number:02}")
    await house.say("resolve INC-1")
    assert await house.text("list") == "No incident is open."
    house.later(90 * 86_400)
    first, *_, last = (await house.text("list")).splitlines()
    assert first == "Overdue on INC-1: 12. do 11 (no owner, due 2026-03-09)"
    assert last == "… and 2 more overdue action items"

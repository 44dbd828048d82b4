"""Whoever wrote the culprit is brought in once and told why; where that cannot be, it is said in a sentence."""

from functools import partial
from typing import Any

import pytest

from bot.domain.timeline import Author, Draft, Entry, Kind, Person
from tests.bisecting.entries import COMMIT, MAIL, bisected
from tests.fakes import FakeDirectory
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk


async def bisected_desk(*told: dict[str, Any], people: dict[str, Person] | None = None) -> Desk:
    house = desk(directory=FakeDirectory({MAIL: BEN} if people is None else people))
    await house.say("start sev3 checkout slow")
    timeline, now = house.ports.timeline, house.ports.clock.now()
    for number, facts in enumerate(told):
        by = Author(ADA, f"bisect-{number}")
        add = partial(timeline.append, incident_id="INC-1", drafts=[Draft(Kind.BISECTED, facts)], author=by, now=now)
        await house.ports.store.write(add)
    return house


def joined(house: Desk) -> list[Entry]:
    return [entry for entry in house.chain() if entry.kind == Kind.JOINED]


async def test_the_author_takes_part_from_now_on_and_is_told_why() -> None:
    house = await bisected_desk(bisected())
    said = await house.text(f"author commit={COMMIT} incident=INC-1")
    assert said == "Ben is invited to INC-1 and told there why."
    [entry] = joined(house)
    assert entry.facts == {
        "person": BEN.id,
        "name": "Ben",
        "how": "author",
        "why": "wrote 3f2a91c0ab, which broke TestPay of ./payment, 99.6 % sure: Shorten the timeout.",
    }
    assert BEN in house.incident().people


async def test_pressed_twice_they_are_told_once() -> None:
    house = await bisected_desk(bisected())
    await house.say("author incident=INC-1")
    assert await house.text("author incident=INC-1") == "Ben, who wrote 3f2a91c0ab, takes part in INC-1 already."
    assert len(joined(house)) == 1


async def test_who_takes_part_already_is_not_called() -> None:
    house = await bisected_desk(bisected(), people={MAIL: ADA})
    assert await house.text("author incident=INC-1") == "Ada, who wrote 3f2a91c0ab, takes part in INC-1 already."
    assert joined(house) == []


@pytest.mark.parametrize(
    ("author", "email", "reason"),
    [
        ("Ben", "gone@example.com", "nobody in this workspace has the e-mail gone@example.com"),
        ("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com", "renovate[bot] is a bot"),
        ("Ben", "1234+ben@users.noreply.github.com", "Ben gives no e-mail address in it"),
        ("", "", "its author gives no e-mail address in it"),
    ],
)
async def test_where_nobody_can_be_called_the_other_way_is_named(author: str, email: str, reason: str) -> None:
    [made] = bisected()["made"]
    house = await bisected_desk(bisected(made=[{**made, "author": author, "email": email}]))
    said = await house.text("author incident=INC-1")
    assert said.startswith(f"Nobody is brought in for 3f2a91c0ab: {reason}. ")
    assert said.endswith("`/incident join @name` brings in whom you know it to be.")
    assert joined(house) == []


async def test_the_latest_culprit_is_meant_unless_one_is_named() -> None:
    [made] = bisected()["made"]
    house = await bisected_desk(bisected(), bisected(made=[{**made, "commit": "b" * 40}]), bisected("flaky"))
    assert "is invited to INC-1" in await house.text("author incident=INC-1")
    assert "wrote bbbbbbbbbb, which broke" in joined(house)[0].facts["why"]
    assert "who wrote 3f2a91c0ab" in await house.text("author commit=3f2a91c incident=INC-1")


async def test_without_a_culprit_nobody_is_called() -> None:
    house = await bisected_desk(bisected("suspects"))
    assert await house.text("author incident=INC-1") == "No bisect of INC-1 has named a culprit."
    assert await house.text("author commit=abc incident=INC-1") == "No bisect of INC-1 has named abc as the culprit."

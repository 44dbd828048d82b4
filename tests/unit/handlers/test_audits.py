"""The audit log shows who allowed and took away what, and nothing else."""

import re
from html import unescape

from bot.domain.audit_log import SUBJECTS
from bot.domain.timeline import BLANK, HOUSE, Kind
from tests.unit.handlers.test_incidents import browser
from tests.unit.web.story import ANA, BEN, Story, opened, whole


def house() -> Story:
    story = Story(HOUSE)
    story.tell(Kind.FROZEN, BEN, service="checkout", reason="the sale")
    story.later(60).tell(Kind.THAWED, ANA, service="checkout", reason="it is over")
    return story.later(60).tell(Kind.DIGEST, ANA, team="", slot="x", channel="", posted=True, reason="", lines=1)


async def get(path: str, *stories: Story) -> str:
    async with browser(*stories) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


def told(text: str) -> list[str]:
    return [unescape(what) for what in re.findall(r'<span class="what" dir="auto">(.*?)</span>', text)]


async def test_shows_the_latest_first_of_every_chain() -> None:
    story = opened().later(30).tell(Kind.ROLE_SET, ANA, role="commander", person=BEN.id, name=BEN.name)
    lines = told(await get("/audit", house(), story.tell(Kind.NOTE, ANA, text="nothing for an audit")))
    assert ["Thawed" in lines[0], "Ben Okafor" in lines[1], "the sale" in lines[2], len(lines)] == [True, True, True, 3]


async def test_filters_are_all_met() -> None:
    stories = house(), whole()
    assert len(told(await get("/audit?about=freezes", *stories))) == 2
    assert len(told(await get("/audit?about=freezes&who=ben+OKAFOR", *stories))) == 1
    assert len(told(await get(f"/audit?who={BEN.id}&about=freezes", *stories))) == 1
    assert "Nothing fits." in await get("/audit?incident=INC-99", *stories)
    assert 'href="/incidents/INC-7"' in await get("/audit?incident=inc-7", *stories)


async def test_a_decision_without_its_words_is_one_line() -> None:
    story = opened().tell(Kind.APPROVAL_DECIDED, BEN, playbook="redact", decision="refused", reason="Mrs Miller")
    decided = story.entries[-1]
    story.blank(decided.seq).tell(
        Kind.APPROVAL_DECIDED, BEN, playbook="redact", decision="refused", reason=BLANK, again=decided.seq
    )
    assert told(await get("/audit", story)) == ["Refused redact: (blanked)"]


async def test_pages_follow_each_other() -> None:
    story = opened()
    for number in range(150):
        story.later(0 if number % 2 else 1).tell(Kind.FROZEN, ANA, service=f"s{number}", reason="x")
    async with browser(story) as client:
        first = (await client.get("/audit")).text
        older = unescape(re.findall(r'<a href="([^"]+)" rel="next">', first)[0])
        second = (await client.get(older)).text
    lines = told(first) + told(second)
    assert [re.findall(r"\bs\d+\b", line)[0] for line in lines] == [f"s{number}" for number in range(149, -1, -1)]
    assert 'rel="next"' not in second


async def test_says_when_there_is_nothing() -> None:
    assert "Nothing yet" in await get("/audit")
    assert "Nothing fits." in await get("/audit?about=nonsense&before=1.x")


def test_no_kind_has_two_subjects() -> None:
    kinds = [kind for of in SUBJECTS.values() for kind in of]
    assert len(kinds) == len(set(kinds))


async def test_the_whole_of_it_is_live_and_a_part_is_not() -> None:
    story = house()
    stream = re.findall(r'data-stream="([^"]+)"', await get("/audit", story))[0]
    assert 'data-stream=""' in await get("/audit?about=freezes", story)
    assert "event: changed" not in await get(stream, story)
    assert "event: changed" in await get(stream, story.later(5).tell(Kind.FROZEN, BEN, service="search", reason="x"))

"""A long timeline is shown page by page; the address of a page shows the same for ever; a run has its part of it."""

from typing import Any

from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import HOUSE, Kind
from handlers.views import Look, view
from tests.fakes import FakeStore
from tests.unit.handlers.test_pages import REGISTRY, browser, get
from tests.unit.web.story import ANA, OPENED_AT, Story, opened, ports_with, whole


def noted(count: int) -> Story:
    story = opened()
    for number in range(count - len(story.entries)):
        story.later(1).tell(Kind.NOTE, ANA, text=f"note {number}")
    return story


def paged(story: Story, **look: Any) -> tuple[int, int, int, int, int]:
    """Give the page, how many there are, how many lines it has, the first line's number and the last one's."""
    it = view(story.incident, story.entries, story.now, REGISTRY, Look(**look))
    return it.page, it.pages, len(it.lines), it.lines[0].seq, it.lines[-1].seq


def test_a_long_timeline_has_pages_that_stay_as_they_are() -> None:
    for count in (330, 399):
        story = noted(count)
        assert paged(story, show="everything") == (3, 3, count - 200, count, 201)
        assert paged(story, show="everything", page=2) == (2, 3, 100, 200, 101)
        assert paged(story, show="everything", order="oldest") == (1, 3, 100, 1, 100)
        assert paged(story, show="everything", page=99) == (3, 3, count - 200, count, 201)
    assert paged(noted(199), show="everything") == (1, 1, 199, 199, 1)


def test_an_entry_is_found_on_its_page_whatever_is_shown() -> None:
    assert paged(noted(330), show="people", entry=150) == (2, 3, 100, 200, 101)
    assert paged(noted(330), entry=330)[:2] == (3, 3)
    assert paged(noted(330), entry=9_999)[:2] == (1, 3)


async def test_pages_of_a_timeline_lead_to_each_other() -> None:
    story = noted(330)
    first = await get("/incidents/INC-7?show=everything", story)
    assert 'href="?show=everything&amp;page=2#timeline" rel="next">Older' in first
    assert 'rel="prev"' not in first
    second = await get("/incidents/INC-7?show=everything&page=2", story)
    assert 'href="?show=everything#timeline" rel="prev">Newer' in second
    assert 'href="?show=everything&amp;page=1#timeline" rel="next">Older' in second
    oldest = await get("/incidents/INC-7?show=everything&order=oldest&page=2", story)
    assert 'href="?show=everything&amp;order=oldest&amp;page=3#timeline" rel="prev">Newer' in oldest
    assert 'href="?show=everything&amp;order=oldest#timeline" rel="next">Older' in oldest


async def test_a_run_that_belongs_to_no_incident_shows_what_it_put_on_the_house_s_timeline() -> None:
    house = Story(HOUSE)
    for run_id, service in (("r1", "search"), ("r2", "checkout"), ("r2.c", "payment")):
        with house.run(run_id):
            house.tell(Kind.THAWED, service=service, reason="")
    ports = ports_with(whole(), house)
    assert isinstance(ports.store, FakeStore)
    for run_id, parent in (("r2", ""), ("r2.c", "r2")):
        run = Run(run_id, Plan("thaw", {}, ()), ANA, Source(), OPENED_AT, run_id, "", parent)
        ports.store.now.runs[run_id] = run
    async with browser(ports) as client:
        text = (await client.get("/runs/r2")).text
    log = text[text.index('id="log"') :]
    assert ("checkout" in log, "payment" in log, "search" in log) == (True, True, False)
    assert "/incidents/?entry" not in log

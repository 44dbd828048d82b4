"""The postmortem's page: what was published stays, what people write is theirs, and nobody is written over unseen."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.domain.incident import Severity, Status
from bot.domain.postmortem import Postmortem, compose
from bot.domain.publishing import Stage, standing
from bot.domain.run import RunStatus
from bot.domain.sections import TITLES, texts
from bot.domain.timeline import Kind, Person
from handlers import errors, exports, pages, postmortem_forms
from handlers.forms import FormRefused
from handlers.postmortems import Lost, told
from handlers.reader import Reader
from tests.fakes.readers import Read, signed_in
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, Desk, desk
from tests.unit.playbooks.test_redact import redact, seq_of

CLEO, DORA = signed_in(Person("U3", "Cleo")), signed_in(Person("U4", "Dora"))
HOME = "/incidents/INC-1/postmortem"


WRITTEN = pytest.mark.parametrize("room", [{"documents": MarkdownDocuments()}], indirect=True, ids=["as written"])


class Plain:
    """Prints nothing: gives what it got."""

    async def pdf(self, html: str) -> bytes:
        return html.encode()


class Room:
    """A desk whose postmortem two people look at, each with a browser."""

    def __init__(self, house: Desk) -> None:
        self.house = house
        self.cleo, self.dora = (self._browser(each) for each in (CLEO, DORA))

    def _browser(self, reader: Reader) -> httpx.AsyncClient:
        app = FastAPI()
        app.add_middleware(Read, reader=reader)
        app.add_exception_handler(404, errors.not_found)
        app.add_exception_handler(FormRefused, errors.unbelieved)
        app.include_router(pages.router(self.house.ports, MarkdownDocuments(), REGISTRY))
        app.include_router(exports.router(self.house.ports, Plain()))
        app.include_router(postmortem_forms.router(self.house.admission, self.house.ports))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def send(self, who: httpx.AsyncClient, path: str, seal: str = "", **fields: str) -> httpx.Response:
        """Send a form, and let the bot work until it is answered."""
        reader = CLEO if who is self.cleo else DORA
        sent = asyncio.create_task(who.post(f"{HOME}/{path}", data={"seal": seal or reader.seal, **fields}))
        await self.house.work(sent.done)
        return await sent

    async def page(self, path: str = "") -> str:
        answer = await self.cleo.get(f"{HOME}{path}")
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
async def room(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    house = desk(**getattr(request, "param", {}))
    await house.say("start sev4 checkout it is slow")
    await house.say("resolve INC-1 it is fast")
    made = Room(house)
    async with made.cleo, made.dora:
        yield made


async def test_each_section_has_the_way_to_its_form(room: Room) -> None:
    page = await room.page()
    assert re.findall(r'<h2 id="\w+">([^<]*) <a class="edit" href="([^"]*)"', page) == [
        (title, f"{HOME}/edit/{section}") for section, title in TITLES.items()
    ]


async def test_what_is_written_on_the_page_is_on_it(room: Room) -> None:
    answer = await room.send(room.cleo, "edit/luck", text="It was day.\r\n\r\n- nobody slept", was="0")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HOME}?now=1#luck")
    page = await room.page()
    assert "<p>It was day.</p>\n<ul>\n<li>nobody slept</li>\n</ul>\n<p><em>Cleo, <time" in page
    assert "It was day.\n\n- nobody slept</textarea>" in await room.page("/edit/luck")


async def test_who_writes_beside_somebody_else_is_shown_both_and_writes_over_nobody(room: Room) -> None:
    await room.send(room.cleo, "edit/cause", text="the pool", was="0")
    late = await room.send(room.dora, "edit/cause", text="the <b>probe</b>", was="0")
    assert late.status_code == 409
    for words in ("Somebody has changed Cause since you saw it (Cleo, version 1)", ">the pool</pre>", "&lt;b&gt;probe"):
        assert words in late.text
    assert [each.text for each in texts(room.house.chain())] == ["the pool"]
    was = re.findall(r'name="was" value="(\d+)"', late.text)[0]
    await room.send(room.dora, "edit/cause", text="the pool, then the probe", was=was)
    assert [each.by for each in texts(room.house.chain())] == ["Cleo", "Dora"]


async def test_the_same_form_sent_twice_is_one_text(room: Room) -> None:
    for _ in range(2):
        answer = await room.send(room.cleo, "edit/cause", text="the pool", was="0")
        assert answer.status_code == 303
    assert len(texts(room.house.chain())) == 1


async def test_every_version_is_shown_and_can_be_used_again(room: Room) -> None:
    await room.send(room.cleo, "edit/cause", text="first", was="0")
    first = texts(room.house.chain())[0].seq
    await room.send(room.dora, "edit/cause", text="second", was=str(first))
    shown = await room.page("/history")
    assert shown.index("Cause, version 2") < shown.index("Cause, version 1")
    again = await room.page(f"/edit/cause?version={first}")
    assert "first</textarea>" in again
    assert f'name="was" value="{texts(room.house.chain())[1].seq}"' in again


async def test_what_was_published_stays_on_the_page(room: Room) -> None:
    assert "Nobody has reviewed it." in await room.page()
    await room.send(room.dora, "review")
    assert "Reviewed by <bdi>Dora</bdi>" in await room.page()
    answer = await room.send(room.cleo, "publish")
    assert (answer.status_code, answer.headers["Location"]) == (303, HOME)
    assert standing(room.house.chain()).stage is Stage.PUBLISHED
    before, markdown = await room.page(), await room.page(".md")
    await room.house.say("note INC-1 one more thing")
    await room.send(room.cleo, "edit/cause", text="the pool", was="0")
    assert await room.page(".md") == markdown
    article = r"<article.*</article>"
    assert re.findall(article, await room.page(), re.DOTALL) == re.findall(article, before, re.DOTALL)
    now = await room.page("?now=1")
    assert "one more thing" in now
    assert "the pool" in now


@WRITTEN
async def test_what_is_taken_along_is_what_the_page_shows(room: Room) -> None:
    for who, path in ((room.dora, "review"), (room.cleo, "publish")):
        assert (await room.send(who, path)).status_code == 303
    await room.send(room.cleo, "edit/cause", text="the pool, says a draft", was="0")
    for query in ("", "?now=1"):
        page = await room.page(query)
        links = re.findall(rf'href="({HOME}\.(?:md|html|pdf|json)[^"]*)"', page)
        assert links == [f"{HOME}.{kind}{query}" for kind in ("md", "html", "pdf", "json")]
        shown = [page, *[(await room.cleo.get(link)).text for link in links]]
        assert ["the pool, says a draft" in each for each in shown] == [bool(query)] * 5


@WRITTEN
async def test_a_file_of_what_was_published_is_made_of_its_bytes(room: Room) -> None:
    for who, path in ((room.dora, "review"), (room.cleo, "publish")):
        assert (await room.send(who, path)).status_code == 303
    kept, published = room.house.ports.artifacts.kept, standing(room.house.chain()).published  # type: ignore[attr-defined]
    assert published
    kept[published.artifact] = b"# As an earlier template had it"
    assert [("As an earlier template" in await room.page(path)) for path in ("", ".md", ".html", ".pdf")] == [True] * 4


@WRITTEN
async def test_the_page_calls_only_that_published_which_was(room: Room) -> None:
    await room.house.say("note INC-1 Mrs Miller called")
    note = seq_of(room.house, Kind.NOTE)
    for who, path in ((room.dora, "review"), (room.cleo, "publish")):
        assert (await room.send(who, path)).status_code == 303
    assert "This is what was published" in await room.page()
    kept, published = room.house.ports.artifacts.kept, standing(room.house.chain()).published  # type: ignore[attr-defined]
    assert published
    content = kept.pop(published.artifact)
    said = "What was published is gone: this is the timeline of then, as it is written now"
    assert (said in await room.page(), "This is what" in await room.page()) == (True, False)
    kept[published.artifact] = content
    await redact(room.house, note)
    said = "Words were taken back since it was published: this is the timeline of then, without them"
    assert (said in await room.page(), "This is what" in await room.page()) == (True, False)


@WRITTEN
async def test_words_that_are_taken_back_are_gone_from_what_was_published_too(room: Room) -> None:
    await room.house.say("note INC-1 Mrs Miller called")
    note = seq_of(room.house, Kind.NOTE)
    for who, path in ((room.dora, "review"), (room.cleo, "publish")):
        assert (await room.send(who, path)).status_code == 303
    await room.house.say("note INC-1 one more thing")
    assert "Mrs Miller" in await room.page()
    await redact(room.house, note)
    for path in ("", ".md"):
        shown = await room.page(path)
        assert "Mrs Miller" not in shown
        assert "one more thing" not in shown


async def published(house: Desk) -> None:
    for words, by in (("review", BEN), ("publish", ADA)):
        assert (await house.say(f"postmortem incident=INC-1 do={words}", by)).status is RunStatus.DONE


async def as_published(house: Desk) -> Postmortem:
    """Give what every form of the published postmortem is written of."""
    shown = await told(house.ports, house.incident(), house.chain(), anew=False)
    assert (shown.published is not None, shown.lost) == (True, Lost.WORDS)
    return compose(shown.incident, shown.entries)


@pytest.mark.parametrize("since", ["", "close INC-1", "severity sev4 incident=INC-1", "service payment incident=INC-1"])
@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.STATUS_SET])
async def test_the_state_of_a_published_one_outlives_the_words_that_told_it(kind: Kind, since: str) -> None:
    house = desk()
    await house.say("start sev1 checkout Mrs Miller cannot pay")
    await house.say("resolve INC-1 Mrs Miller can pay")
    await published(house)
    words = min(entry.seq for entry in house.chain() if entry.kind == kind)
    if since:
        await house.say(since)
    await redact(house, words)
    then = await as_published(house)
    assert (then.severity, then.service, then.status) == (Severity.SEV1, "checkout", Status.RESOLVED)


async def test_a_published_one_that_was_none_stays_none_without_why() -> None:
    house = desk()
    await house.say("start sev3 checkout slow")
    await house.say("cancel INC-1 Mrs Miller has called by mistake")
    await published(house)
    await redact(house, seq_of(house, Kind.CANCELLED))
    then = await as_published(house)
    assert (then.counted, then.measures) == (False, ())


async def test_a_form_of_another_page_does_nothing(room: Room) -> None:
    for path in ("edit/cause", "review", "publish"):
        assert (await room.send(room.cleo, path, seal="somebody's", text="x")).status_code == 403
    assert texts(room.house.chain()) == ()


async def test_of_a_private_incident_nobody_else_takes_a_form(room: Room) -> None:
    await room.house.say("start private=yes sev3 payment payroll leaked")
    for path in ("edit/cause", "review", "publish"):
        answer = await room.dora.post(f"/incidents/INC-2/postmortem/{path}", data={"seal": DORA.seal, "text": "x"})
        assert answer.status_code == 404
    assert {entry.actor for entry in room.house.chain("INC-2")} == {"U1"}


async def test_what_cannot_be_done_leads_to_why(room: Room) -> None:
    answer = await room.send(room.cleo, "publish")
    assert answer.headers["Location"].startswith("/runs/")
    for path in ("/incidents/INC-9/postmortem/history", f"{HOME}/edit/nothing"):
        assert (await room.cleo.get(path)).status_code == 404

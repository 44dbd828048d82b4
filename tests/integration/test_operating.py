"""What people do on the pages: the real product without any Slack, asked as browsers ask; the looks are elsewhere."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from bot.main import build, routes
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.page_house import COOKIE, for_people, running_pages, settings_in

CONFIG = [
    *("[[services]]", 'name = "checkout"', "[services.people]", f'approve = ["{ADA}"]'),
    *("[[services]]", 'name = "search"'),
]
pytestmark = pytest.mark.asyncio(loop_scope="module")
_INCIDENT = re.compile(r">Back to (INC-\d+)<")
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Browser:
    """Somebody's browser, as far as forms go."""

    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    async def form(self, path: str) -> dict[str, str]:
        """Load a page, and give the hidden fields of its form."""
        return dict(_HIDDEN.findall(await self.get(path)))

    async def send(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        return await self.client.post(path, data=dict(fields))

    async def do(self, path: str, page: str = "", **fields: str) -> str:
        """Fill a form in and send it; give the address that it leads to."""
        answer = await self.send(path, {**await self.form(page or path), **fields})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def declare(self, title: str, **fields: str) -> str:
        """Open an incident; give its id, which its run names where that takes long."""
        came_to = await self.do("/declare", title=title, **fields)
        if came_to.startswith("/runs/"):
            came_to = _INCIDENT.findall(await self.answer(came_to, "Back to INC-"))[0]
        return came_to.rpartition("/")[2]

    async def answer(self, run: str, said: str) -> str:
        """Give a run's page once it says something."""

        async def page() -> str:
            text = await self.get(run)
            return text if said in text else ""

        return await eventually(page)

    async def entries(self, incident_id: str, kind: str) -> list[dict[str, object]]:
        found = (await self.client.get(f"/api/v1/incidents/{incident_id}/entries?limit=100")).json()["items"]
        return [each for each in found if each["kind"] == kind]


@asynccontextmanager
async def people(url: str) -> AsyncIterator[dict[str, Browser]]:
    made = {name: httpx.AsyncClient(base_url=url, cookies={COOKIE: name}) for name in ("ada", "ben", "nobody")}
    try:
        yield {name: Browser(client) for name, client in made.items()}
    finally:
        for client in made.values():
            await client.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Browser]]:
    """Give everybody's browser; each test has an incident of its own."""
    async with running_pages(settings_in(tmp_path_factory.mktemp("pages"), CONFIG)) as url, people(url) as browsers:
        yield browsers


async def test_a_form_sent_twice_is_one_run(by: dict[str, Browser]) -> None:
    ada = by["ada"]
    incident = await ada.declare("it is slow")
    path = f"/incidents/{incident}/do/note"
    form = {**await ada.form(path), "text": "it is the cache"}
    twice = await asyncio.gather(*(ada.send(path, form) for _ in range(4)))
    assert {(each.status_code, each.headers["location"]) for each in twice} == {(303, twice[0].headers["location"])}
    other = await ada.send(path, {**form, "text": "it is not the cache"})
    assert other.headers["location"] != twice[0].headers["location"]
    for each in (other, twice[0]):
        await ada.answer(each.headers["location"], f"Noted on {incident}")
    assert len(await ada.entries(incident, "note")) == 2


async def test_a_button_does_at_once_what_needs_no_words(by: dict[str, Browser]) -> None:
    ada = by["ada"]
    incident = await ada.declare("it is slow")
    page = await ada.get(f"/incidents/{incident}")
    assert f'form="press" formaction="/incidents/{incident}/do/ack"' in page
    run = await ada.do(f"/incidents/{incident}/do/ack", page=f"/incidents/{incident}")
    assert f"You acknowledged {incident}." in await ada.answer(run, "acknowledged")
    page = await ada.get(f"/incidents/{incident}")
    assert "/do/ack" not in page


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_done(by: dict[str, Browser]) -> None:
    ada = by["ada"]
    incident = await ada.declare("it is slow")
    for verb, fields, said in (
        ("milestone", {"milestone": "mitigated", "at": "25:99"}, "'25:99' is not a time."),
        ("milestone", {"milestone": "eaten"}, "eaten is not"),
        ("note", {}, "Note is missing."),
        ("snapshot", {"service": "chekout"}, "Did you mean checkout?"),
        ("redact", {"entry": "one", "reason": "a name"}, "entry"),
    ):
        path = f"/incidents/{incident}/do/{verb}"
        answer = await ada.send(path, {**await ada.form(path), **fields})
        assert (answer.status_code, "Nothing was done yet." in answer.text) == (422, True), answer.text
        assert said in unescape(answer.text)
        assert 'aria-invalid="true"' in answer.text
    again = {**await ada.form(f"/incidents/{incident}/do/milestone"), "milestone": "mitigated", "at": "25:99"}
    assert 'value="25:99"' in (await ada.send(f"/incidents/{incident}/do/milestone", again)).text
    assert await ada.entries(incident, "note") == []


async def test_what_is_too_late_is_said_before_and_after_it_is_sent(by: dict[str, Browser]) -> None:
    ada = by["ada"]
    incident = await ada.declare("it is slow")
    page = f"/incidents/{incident}"
    await ada.answer(await ada.do(f"{page}/do/resolve?saw=open"), "is resolved.")
    late = await ada.get(f"{page}/do/resolve")
    assert (f"{incident} is resolved already" in late, "card ask" in late) == (True, False)
    await ada.answer(await ada.do(f"{page}/do/resolve", page=page), f"{incident} is resolved already")
    assert len(await ada.entries(incident, "status set")) == 1


async def test_a_form_of_somebody_else_is_refused(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("it is slow")
    path = f"/incidents/{incident}/do/note"
    answer = await ben.send(path, {**await ada.form(path), "text": "not mine"})
    assert (answer.status_code, "not from the page as you have it" in answer.text) == (403, True)
    assert await ada.entries(incident, "note") == []


async def test_nobody_known_declares_and_operates_but_changes_and_approves_nothing(by: dict[str, Browser]) -> None:
    ada, nobody = by["ada"], by["nobody"]
    assert "private" not in await nobody.get("/declare")
    incident = await nobody.declare("it is slow", service="checkout")
    await nobody.answer(await nobody.do(f"/incidents/{incident}/do/note", text="here"), f"Noted on {incident}")
    told = await nobody.get(f"/incidents/{incident}/do/rollback")
    assert ("Who asks for a change must be known" in told, "card ask" in told) == (True, False)
    run = await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a name")
    await ada.answer(run, "A second person must agree first.")
    waits = await nobody.get(run.replace("/runs/", "/approvals/"))
    assert "Who approves must be known" in waits
    assert ('value="approve"' in waits, 'value="refuse"' in waits) == (False, True)
    pressed = await nobody.do(run.replace("/runs/", "/approvals/"), verb="approve")
    await nobody.answer(pressed, "Who approves must be known")
    await nobody.answer(
        await nobody.do(run.replace("/runs/", "/approvals/"), verb="refuse", reason="why?"), "You refused"
    )
    await ada.answer(run, "API (this machine) refused")


async def test_a_second_person_agrees_to_exactly_what_was_seen_and_once(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("<b>Mrs Miller</b> cannot pay")
    run = await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a customer's name")
    await ada.answer(run, "A second person must agree first.")
    waits = run.replace("/runs/", "/approvals/")
    assert "You asked for redact" in await ada.get(waits)
    assert "Look and decide" in await ben.get("/approvals")
    assert "Look and decide" not in await ada.get("/approvals")
    await ada.answer(await ada.do(waits, verb="approve"), "it takes a second person to approve it")
    seen = await ben.get(waits)
    for words in ("a customer's name", "<code>redact entry=1", 'value="approve"'):
        assert words in seen
    form = {**await ben.form(waits), "verb": "approve"}
    stale = await ben.send(waits, {**form, "plan": "0" * 64})
    await ben.answer(stale.headers["location"], "is not the one you saw")
    twice = await asyncio.gather(*(ben.send(waits, form) for _ in range(2)))
    assert len({each.headers["location"] for each in twice}) == 1
    await ben.answer(twice[0].headers["location"], "You approved redact entry=1")
    await ada.answer(run, "done")
    again = await ben.send(waits, {**form, "once": "another"})
    await ben.answer(again.headers["location"], "was approved by ben already")
    assert "Approved by <bdi>ben" in await ben.get(waits)
    assert "Mrs Miller" not in await ada.get(f"/incidents/{incident}")


async def test_what_is_private_is_not_there_for_anybody_else(by: dict[str, Browser]) -> None:
    ada, ben, nobody = by["ada"], by["ben"], by["nobody"]
    incident = await ada.declare("an account was taken over", private="yes")
    run = await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a name")
    await ada.answer(run, "A second person must agree first.")
    for other in (ben, nobody):
        for path in (f"/incidents/{incident}/do/note", run, f"{run}/live", run.replace("/runs/", "/approvals/")):
            await other.get(path, 404)
        answer = await other.send(f"/incidents/{incident}/do/note", {**await other.form("/declare"), "text": "seen"})
        assert answer.status_code == 404
        assert "taken over" not in await other.get("/approvals")
    assert "taken over" in await ada.get("/approvals")


async def test_a_run_is_followed_while_it_goes_on(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("it is slow")
    run = await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a name")
    page = await ada.answer(run, "A second person must agree first.")
    for words in ("Blank", "waiting", "data-live"):
        assert words in page
    async with ada.client.stream("GET", re.findall(r'data-stream="([^"]*)"', page)[0]) as stream:
        await ben.do(run.replace("/runs/", "/approvals/"), verb="refuse", reason="it is not one")
        async for line in stream.aiter_lines():
            if line == "event: changed":
                break
    page = await ada.answer(run, "ben refused redact")
    assert "it is not one" in page


async def test_what_waits_is_followed(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("it is slow")
    page = await ben.get("/approvals")
    async with ben.client.stream("GET", re.findall(r'data-stream="([^"]*)"', page)[0]) as stream:
        await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a name")
        async for line in stream.aiter_lines():
            if line == "event: changed":
                break
    assert (await ben.get("/approvals")).count("<article") == page.count("<article") + 1


async def test_one_request_is_followed_until_it_is_decided(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("it is slow")
    waits = (await ada.do(f"/incidents/{incident}/do/redact", entry="1", reason="a name")).replace(
        "/runs/", "/approvals/"
    )
    page = await ada.answer(waits, "Waits for a second person until")
    async with ada.client.stream("GET", re.findall(r'data-stream="([^"]*)"', page)[0]) as stream:
        await ben.do(waits, verb="refuse", reason="it is not one")
        async for line in stream.aiter_lines():
            if line == "event: changed":
                break
    page = await ada.get(waits)
    assert ("Refused by" in page, "it is not one" in page, 'name="verb"' in page) == (True, True, False)
    assert 'id="word" data-live' in page  # what was to be pressed goes from a page that is open


async def test_what_is_hostile_is_shown_as_text(by: dict[str, Browser]) -> None:
    ada = by["ada"]
    evil = '"><script>alert(1)</script>{{ 7 * 7 }}'
    answer = await ada.client.get("/declare", params={"title": evil})
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in answer.text
    incident = await ada.declare(evil)
    for path in (f"/incidents/{incident}", f"/incidents/{incident}/do/note"):
        assert "<script>alert" not in (await ada.client.get(path)).text


async def test_what_was_taken_before_it_was_killed_is_done_once_by_whoever_comes_next(tmp_path: Path) -> None:
    """The first process takes the form and never gets to it; its browser sends the form again to the second."""
    settings = settings_in(tmp_path, CONFIG)
    house = build(settings)
    app = for_people(routes(house, FastAPI()))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies={COOKIE: "ada"}) as client:
        form = {**await Browser(client).form("/declare"), "title": "it is slow"}
        first = (await client.post("/declare", data=form)).headers["location"]
    await house.stop(None)
    assert first.startswith("/runs/")
    async with running_pages(settings) as url, people(url) as by:
        assert await by["ada"].answer(first, "is open") != ""
        assert (await by["ada"].send("/declare", form)).headers["location"] == "/incidents/INC-1"
        assert "INC-2" not in await by["ada"].get("/")


async def test_a_role_is_given_to_one_of_those_who_are_offered(by: dict[str, Browser]) -> None:
    ada, ben = by["ada"], by["ben"]
    incident = await ada.declare("it is slow")
    await ada.answer(await ben.do(f"/incidents/{incident}/do/ack", page=f"/incidents/{incident}"), "You acknowledged")
    path = f"/incidents/{incident}/do/role"
    [offered] = re.findall(r'<option value="(<@[^"]*)">ben</option>', await ada.get(path))
    await ada.answer(await ada.do(path, role="scribe", person=offered), f"ben is scribe of {incident} now.")
    assert (await ada.entries(incident, "role set"))[-1]["body"]["person"] == BEN  # type: ignore[index]

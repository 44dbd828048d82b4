import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.errors import ChatFailed, StoreUnusable
from bot.ports import Installation
from handlers.loopback import LoopbackOnly
from handlers.slack_install import BACK, INSTALL, Hall, router
from tests.fakes import NOON, FakeClock, FakeJournal, FakeStore

URL = "https://firstfive.example.com"
HERE = "http://127.0.0.1:8000"
GIVEN = Installation("T1", "acme <b>", "UBOT", "BBOT", "xoxb-secret", ("commands",), "U1", NOON)


@dataclass
class Scene:
    """A bot behind a proxy: `at_home` is a browser on its machine, `outside` one that comes by its public address."""

    page_url: str = URL
    failure: str = ""
    store_failure: str = ""
    kept: list[Installation] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        kept: Any = {"store": FakeStore(), "journal": FakeJournal(self.clock), "clock": self.clock}
        app = FastAPI()
        app.add_middleware(LoopbackOnly)
        app.include_router(router(Hall(self, self.keep, **kept, page_url=self.page_url, client_secret="secret")))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4))
        self.at_home = httpx.AsyncClient(transport=transport, base_url=HERE)
        forwarded = {"X-Forwarded-For": "198.51.100.7"}
        self.outside = httpx.AsyncClient(transport=transport, base_url=self.page_url, headers=forwarded)

    def address(self, state: str) -> str:
        return f"https://slack.test/authorize?state={state}"

    async def exchange(self, code: str) -> Installation:
        self.codes.append(code)
        if self.failure:
            raise ChatFailed(self.failure)
        return GIVEN

    async def keep(self, given: Installation) -> None:
        if self.store_failure:
            raise StoreUnusable(self.store_failure)
        self.kept.append(given)

    async def begin(self) -> str:
        """Go to Slack by a link that was made at home; give the state."""
        link = (await self.at_home.get(INSTALL)).headers["location"]
        assert link.startswith(f"{URL}{INSTALL}?link=")
        return state_of(await self.outside.get(link))

    async def back(self, state: str, **answer: str) -> httpx.Response:
        return await self.outside.get(BACK, params={"state": state, **answer})


def state_of(sent: httpx.Response) -> str:
    assert sent.status_code == 303
    return parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    async with made.at_home, made.outside:
        yield made


async def test_a_link_made_at_home_leads_from_outside_to_slack_and_back(scene: Scene) -> None:
    state = await scene.begin()
    page = await scene.back(state, code="c1")
    assert (page.status_code, scene.codes, scene.kept) == (200, ["c1"], [GIVEN])
    assert "FirstFive is in acme &lt;b&gt;" in page.text
    assert "xoxb" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", page.headers["content-security-policy"])


async def test_the_cookie_is_for_our_own_pages_and_no_script(scene: Scene) -> None:
    link = (await scene.at_home.get(INSTALL)).headers["location"]
    cookie = (await scene.outside.get(link)).headers["set-cookie"].lower()
    assert {"secure", "httponly", "samesite=lax", "path=/slack/", "max-age=600"} <= set(cookie.split("; "))


async def test_on_an_address_of_this_machine_no_link_is_needed() -> None:
    scene = Scene(HERE)
    sent = await scene.at_home.get(INSTALL)
    assert "secure" not in sent.headers["set-cookie"].lower()
    assert (await scene.at_home.get(BACK, params={"state": state_of(sent), "code": "c1"})).status_code == 200


async def test_nobody_begins_from_outside_without_a_link(scene: Scene) -> None:
    page = await scene.outside.get(INSTALL)
    assert (page.status_code, "Only whoever runs FirstFive can begin here" in page.text) == (403, True)
    for link in ("made-up", "ünicode", await scene.begin()):
        page = await scene.outside.get(INSTALL, params={"link": link})
        assert (page.status_code, "This link is too old" in page.text) == (403, True)


async def test_a_link_holds_for_an_hour(scene: Scene) -> None:
    link = (await scene.at_home.get(INSTALL)).headers["location"]
    await scene.clock.sleep_until(NOON.replace(hour=12, minute=59))
    assert state_of(await scene.outside.get(link))
    await scene.clock.sleep_until(NOON.replace(hour=13, minute=1))
    assert (await scene.outside.get(link)).status_code == 403


async def test_a_state_holds_for_ten_minutes(scene: Scene) -> None:
    state = await scene.begin()
    await scene.clock.sleep_until(NOON.replace(minute=11))
    page = await scene.back(state, code="c1")
    assert (page.status_code, "no answer that FirstFive waits for" in page.text) == (400, True)
    assert scene.codes == []


async def test_a_state_is_taken_once(scene: Scene) -> None:
    state = await scene.begin()
    cookies = dict(scene.outside.cookies)
    await scene.back(state, code="c1")
    scene.outside.cookies.update(cookies)
    page = await scene.back(state, code="c2")
    assert (page.status_code, "taken already" in page.text, scene.codes) == (400, True, ["c1"])


async def test_an_answer_to_another_browser_is_not_taken(scene: Scene) -> None:
    state = await scene.begin()
    scene.outside.cookies.clear()
    page = await scene.back(state, code="c1")
    assert (page.status_code, "another browser" in page.text, scene.codes) == (400, True, [])


async def test_an_answer_to_an_earlier_try_is_not_taken(scene: Scene) -> None:
    state = await scene.begin()
    await scene.begin()
    page = await scene.back(state, code="c1")
    assert (page.status_code, "another browser" in page.text, scene.codes) == (400, True, [])


@pytest.mark.parametrize("state", ["", "made-up", "ünicode"])
async def test_a_state_that_is_none_of_ours_is_not_taken(scene: Scene, state: str) -> None:
    page = await scene.back(state, code="c1")
    assert (page.status_code, "no answer that FirstFive waits for" in page.text, scene.codes) == (400, True, [])


async def test_who_cancels_is_told_that_nothing_was_installed(scene: Scene) -> None:
    page = await scene.back(await scene.begin(), error="access_denied")
    assert (page.status_code, "You have not let FirstFive in" in page.text, scene.codes) == (200, True, [])


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        ("invalid_code", 400, "Slack does not know this consent any more"),
        ("bad_client_secret", 400, "SLACK_CLIENT_SECRET is not right"),
        ("bad_redirect_uri", 400, "Redirect URLs"),
        ("org_install", 400, "choose one"),
        ("unreachable", 502, "Slack did not answer"),
        ("team_not_found", 400, "Slack says team_not_found"),
        ("<b>", 400, "Slack says something unknown"),
    ],
)
async def test_a_refusal_of_slack_is_told_in_words(scene: Scene, failure: str, status: int, said: str) -> None:
    scene.failure = failure
    page = await scene.back(await scene.begin(), code="c1")
    assert (page.status_code, said in page.text, scene.kept) == (status, True, [])
    refused = await scene.back(await scene.begin(), error=failure)
    assert (refused.status_code, said in refused.text) == (status, True)


async def test_a_database_that_does_not_answer_is_named(scene: Scene) -> None:
    scene.store_failure = "the disk is full"
    page = await scene.back(await scene.begin(), code="c1")
    assert (page.status_code, "the disk is full" in page.text) == (503, True)

"""The contract of Rota: who is on call, whatever the source does, for the fake and every adapter alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.paging.rota import ConfigRota, KeptRota, Names, Source
from bot.adapters.paging.schedules import OpsgenieSchedules, PagerDutySchedules
from bot.adapters.slack.chat import Chat
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.adapters.slack.limits import Limits
from bot.adapters.slack.projection import is_user
from bot.adapters.slack.usergroups import Usergroups
from bot.domain.timeline import Person
from bot.ports import Rota
from tests.fakes import NOON, FakeClock, FakeMarks, FakeRota, FakeStore

IDS = {"ben": "U0BEN0002", "chen": "U0CHEN003"}
SLOW, UNKNOWN, EMPTY = "slow", "unknown", "empty"
FAILURES = ("401", "429", "500", SLOW, UNKNOWN)
OUTSIDE = ("usergroup", "pagerduty", "opsgenie")
KINDS = ("fake", "config", *OUTSIDE)


@dataclass
class Services:
    """Slack, PagerDuty and Opsgenie as their documentation has them. `mode` is how they fail."""

    on_call: list[str] = field(default_factory=list)
    mode: str = ""
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        path = request.path.removeprefix("/api/")
        self.asked.append(path)
        if path in {"users.info", "users.lookupByEmail"}:
            return self._user(str(form.get("user") or form.get("email")))
        if self.mode == SLOW:
            await asyncio.sleep(30)
        if self.mode in {"429", "500"}:
            return web.json_response({"message": "busy"}, status=int(self.mode), headers={"Retry-After": "0"})
        return self._slack(path, form.get("usergroup")) if "usergroups" in path else self._schedule(request)

    def _slack(self, path: str, group: object) -> web.Response:
        if self.mode == "401":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if path == "usergroups.list":
            handle = "renamed" if self.mode == UNKNOWN else "oncall"
            return web.json_response({"ok": True, "usergroups": [{"id": "S1", "handle": handle}]})
        assert group == "S1"
        return web.json_response({"ok": True, "users": [IDS[name] for name in self.on_call]})

    def _schedule(self, request: web.Request) -> web.Response:
        if self.mode in {"401", UNKNOWN}:
            return web.json_response({"message": "no"}, status=404 if self.mode == UNKNOWN else 401)
        if self.mode == EMPTY:
            return web.json_response({})
        if request.path == "/schedules/oncall/users":
            assert request.headers["Authorization"] == "Token token=T0"
            assert request.query["since"] < request.query["until"]
            users = [{"id": f"P{name}", "name": name, "email": f"{name}@example.com"} for name in self.on_call]
            return web.json_response({"users": users})
        assert request.path == "/v2/schedules/oncall/on-calls"
        assert request.headers["Authorization"] == "GenieKey K0"
        assert dict(request.query) == {"scheduleIdentifierType": "name", "flat": "true"}
        return web.json_response({"data": {"onCallRecipients": [f"{name}@example.com" for name in self.on_call]}})

    def _user(self, wanted: str) -> web.Response:
        known = next((name for name, user in IDS.items() if wanted in {user, f"{name}@example.com"}), "")
        if not known:
            return web.json_response({"ok": False, "error": "users_not_found"})
        return web.json_response({"ok": True, "user": {"id": IDS[known], "name": known}})


@dataclass
class Ground:
    """One implementation, and what it asks. `begin` gives it as a process that starts now finds it."""

    kind: str
    services: Services
    chat: Chat
    clock: FakeClock
    store: FakeStore = field(default_factory=FakeStore)
    fake: FakeRota = field(default_factory=FakeRota)

    def begin(self, limit_s: float = 30) -> Rota:
        directory = SlackDirectory(self.chat, self.clock)
        if self.kind == "fake":
            return self.fake
        if self.kind == "config":
            mentions = [f"<@{IDS[name]}>" if name in IDS else name for name in self.services.on_call]
            return ConfigRota(mentions, directory.find, self.clock)
        url = self.services.url
        made: dict[str, Callable[[], Source]] = {
            "usergroup": lambda: Usergroups(self.chat, directory),
            "pagerduty": lambda: PagerDutySchedules("T0", url, directory.find, self.clock),
            "opsgenie": lambda: OpsgenieSchedules("K0", url, directory.find),
        }
        names = Names("", {"checkout": "oncall"})
        return KeptRota(made[self.kind](), names, self.store, FakeMarks(), self.clock, limit_s=limit_s)

    def on_call(self, *names: str) -> None:
        self.services.on_call = list(names)
        self.fake.people = tuple(Person(IDS.get(name, f"fake:{name}"), name) for name in names)

    def fail(self, mode: str) -> None:
        self.services.mode = self.fake.failure = mode

    def later(self) -> None:
        """Let so much time pass that nothing is fresh any more."""
        self.clock.at += timedelta(minutes=2)


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    made = Services()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    server = TestServer(app, shutdown_timeout=0)
    await server.start_server()
    made.url = str(server.make_url("")).rstrip("/")
    yield made
    await server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def chat(services: Services, clock: FakeClock) -> AsyncIterator[Chat]:
    limits = Limits(lambda: clock.now().timestamp())
    made = Chat(SlackConfig("xoxb-test", "secret", api_url=f"{services.url}/api/"), clock, limits)
    yield made
    await made.close()


@pytest.fixture(params=KINDS)
def ground(request: pytest.FixtureRequest, services: Services, chat: Chat, clock: FakeClock) -> Ground:
    return Ground(request.param, services, chat, clock)


async def test_nobody_on_call_is_an_answer(ground: Ground) -> None:
    found = await ground.begin().on_call("checkout")
    assert (found.people, found.note, found.as_of) == ((), "", NOON)
    assert found.source


async def test_of_two_layers_both_are_on_call_by_the_names_of_the_chat(ground: Ground) -> None:
    ground.on_call("ben", "chen")
    found = await ground.begin().on_call("checkout")
    assert found.people == (Person(IDS["ben"], "ben"), Person(IDS["chen"], "chen"))
    assert found.note == ""


async def test_whoever_is_not_in_the_chat_is_named_all_the_same(ground: Ground) -> None:
    if ground.kind == "usergroup":
        return  # whoever is in a user group is in the chat
    ground.on_call("eve", "ben")
    eve, ben = (await ground.begin().on_call("checkout")).people
    assert "eve" in eve.name
    assert not is_user(eve.id)
    assert ben == Person(IDS["ben"], "ben")


@pytest.mark.parametrize("mode", FAILURES)
async def test_a_source_that_fails_is_told_of_and_the_last_answer_is_given(ground: Ground, mode: str) -> None:
    if ground.kind == "config":
        return  # asks nobody
    ground.on_call("ben")
    running = ground.begin()
    before = await running.on_call("checkout")
    ground.fail(mode)
    ground.on_call("chen")
    ground.later()
    for rota in (ground.begin(limit_s=0.2 if mode == SLOW else 30), *([] if mode == SLOW else [running])):
        found = await rota.on_call("checkout")
        assert (found.people, found.source, found.as_of) == (before.people, before.source, NOON)
        assert found.note
    ground.fail("")
    ground.later()
    assert (await running.on_call("checkout")).people == (Person(IDS["chen"], "chen"),)


@pytest.mark.parametrize("mode", FAILURES)
async def test_a_source_that_never_answered_names_nobody_and_says_why(ground: Ground, mode: str) -> None:
    if ground.kind == "config":
        return  # asks nobody
    ground.on_call("ben")
    ground.fail(mode)
    found = await ground.begin(limit_s=0.2 if mode == SLOW else 30).on_call("checkout")
    assert (found.people, found.as_of if ground.kind != "fake" else None) == ((), None)
    assert found.note


@pytest.mark.parametrize("ground", OUTSIDE, indirect=True)
async def test_a_storm_asks_once_and_a_minute_later_again(ground: Ground) -> None:
    ground.on_call("ben")
    rota = ground.begin()
    first = await rota.on_call("checkout")
    ground.on_call("chen")
    asked = len(ground.services.asked)
    assert await rota.on_call("checkout") == first
    assert len(ground.services.asked) == asked
    ground.later()
    assert (await rota.on_call("checkout")).people == (Person(IDS["chen"], "chen"),)


@pytest.mark.parametrize("ground", OUTSIDE, indirect=True)
async def test_a_service_without_a_rota_is_not_asked_about(ground: Ground) -> None:
    found = await ground.begin().on_call("payment")
    assert (found.people, found.note) == ((), "no rota is configured for payment")
    assert ground.services.asked == []


@pytest.mark.parametrize("ground", ["pagerduty", "opsgenie"], indirect=True)
async def test_an_answer_that_says_nothing_is_not_taken_for_nobody(ground: Ground) -> None:
    ground.fail(EMPTY)
    assert "answered without" in (await ground.begin().on_call("checkout")).note


@pytest.mark.parametrize("ground", OUTSIDE, indirect=True)
async def test_what_is_kept_is_as_of_when_it_was_last_told(ground: Ground) -> None:
    ground.on_call("ben")
    rota = ground.begin()
    await rota.on_call("checkout")
    ground.later()
    told = await rota.on_call("checkout")
    ground.later()
    ground.fail("500")
    found = await ground.begin().on_call("checkout")
    assert (found.people, found.as_of) == (told.people, NOON + timedelta(minutes=2))
    assert found.note.startswith("as of 12:02 UTC on 2026-03-01; ")

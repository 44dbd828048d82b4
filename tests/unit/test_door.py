"""Who belongs here: by Slack, and by another provider where there is Slack too."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bot.adapters.slack.directory import SlackDirectory
from bot.domain.run import Missing
from bot.domain.sign_in import LIFE, Known, Scope, Session, Token
from bot.domain.timeline import Person
from bot.door import Crowd
from bot.settings import Settings
from bot.settings.sign_in import SignInTable
from handlers.cookies import Cookies, digest_of
from handlers.reader import Reader
from handlers.readers import PREFIX, Denied, Readers
from tests.fakes import FakeClock, FakeStore, fake_ports
from tests.unit.slack.fake_slack import HandClock
from tests.unit.slack.test_directory import ADA, People

TEAM = "T0HOME001"
URL = "https://firstfive.example.com"
BY_SLACK = Settings(url=URL, sign_in=SignInTable(by="slack"), slack_client_id="1.1", slack_client_secret="s")
OTHER = SignInTable(by="https://login.example.com", client_id="c", domains=("example.com",))
BY_OTHER = Settings(url=URL, sign_in=OTHER, sign_in_client_secret="s")


@dataclass
class Town:
    """A workspace with people, which may be asked in vain."""

    people: People
    team: str = TEAM

    @property
    def directory(self) -> SlackDirectory:
        return SlackDirectory(self.people, HandClock())

    @property
    def default(self) -> "Town":
        return self

    def ours(self, team: str) -> "Town | None":
        return self if team == self.team else None


@pytest.fixture
def town() -> Town:
    return Town(People(HandClock()))


def slack(user: object, team: object = TEAM) -> dict[str, object]:
    return {"sub": user, "https://slack.com/user_id": user, "https://slack.com/team_id": team, "name": "Ada\n O."}


def other(mail: str, sub: str = "ada-1") -> dict[str, object]:
    return {"sub": sub, "email": mail, "email_verified": True, "name": "A. Okafor"}


async def test_members_of_our_workspace_come_in_as_who_they_are_there(town: Town) -> None:
    crowd = Crowd(BY_SLACK, fake_ports(), town)
    assert await crowd.identify(slack(ADA.id)) == Known(ADA, TEAM)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (slack(ADA.id, "T0OTHER01"), "another workspace"),
        (slack(ADA.id, ""), "did not say who you are"),
        (slack(ADA.id, None), "did not say who you are"),
        (slack("oidc:ada"), "did not say who you are"),
        (slack(["U0ADA0001"]), "did not say who you are"),
        (slack("U0GONE003"), "deactivated"),
        (slack("U0GUEST05"), "guest"),
        (slack("U0NOBODY9"), "does not know you"),
        ({"sub": ADA.id}, "did not say who you are"),
    ],
)
async def test_nobody_else_does(town: Town, claims: dict[str, object], reason: str) -> None:
    found = await Crowd(BY_SLACK, fake_ports(), town).identify(claims)
    assert isinstance(found, Missing)
    assert reason in found.reason


async def test_while_slack_does_not_tell_nobody_comes_in_and_nobody_is_put_out(town: Town) -> None:
    town.people.down = True
    crowd = Crowd(BY_SLACK, fake_ports(), town)
    found = await crowd.identify(slack(ADA.id))
    assert isinstance(found, Missing)
    assert "Try again" in found.reason
    assert await crowd.belongs(TEAM, ADA) is None
    assert await crowd.belongs("", ADA) is None
    assert isinstance(await Crowd(BY_SLACK, fake_ports(), None).identify(slack(ADA.id)), Missing)


async def test_another_provider_speaks_of_people_of_slack_so_that_nobody_is_two(town: Town) -> None:
    crowd = Crowd(BY_OTHER, fake_ports(), town)
    assert await crowd.identify(other("Ada@Example.com")) == Known(ADA, TEAM)
    for mail, reason in (("gone@example.com", "deactivated"), ("eve@example.com", "nobody"), ("ci@example.com", "bot")):
        found = await crowd.identify(other(mail, sub=mail))
        assert isinstance(found, Missing)
        assert reason in found.reason


async def test_who_was_found_once_is_remembered_while_slack_is_away_and_no_longer(town: Town) -> None:
    crowd = Crowd(BY_OTHER, fake_ports(), town)
    assert await crowd.identify(other("ada@example.com")) == Known(ADA, TEAM)
    town.people.down = True
    assert await crowd.identify(other("ada@example.com")) == Known(ADA, TEAM)
    assert isinstance(await crowd.identify(other("ada@example.com", sub="another")), Missing)
    town.people.down = False
    assert isinstance(await crowd.identify(other("renamed@example.com")), Missing)


async def test_without_slack_people_are_what_the_provider_calls_them() -> None:
    found = await Crowd(BY_OTHER, fake_ports(), None).identify(other("ada@example.com"))
    assert found == Known(Person("oidc:ada-1", "A. Okafor"), mail="ada@example.com")


COOKIES = Cookies(URL, "secret")


def with_session(name: str) -> HTTPConnection:
    """Ask as a browser does that was given this session."""
    answer = Response()
    COOKIES.keep(answer, name, 60)
    cookie = answer.headers["set-cookie"].partition(";")[0].encode()
    return HTTPConnection({"type": "http", "headers": [(b"cookie", cookie)], "client": ("127.0.0.1", 1)})


async def test_who_has_left_the_workspace_is_out_within_minutes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = fake_ports()
    clock, store = ports.clock, ports.store
    assert isinstance(clock, FakeClock)
    assert isinstance(store, FakeStore)
    crowd = Crowd(BY_SLACK, ports, town)
    readers = Readers(store, ports.sessions, ports.tokens, clock, COOKIES, crowd.belongs)
    session = Session(digest_of("x"), ADA, TEAM, clock.at, clock.at + LIFE)
    await store.write(lambda tx: ports.sessions.keep(tx, session))
    request = with_session("x")

    async def shown() -> bool:
        found = await readers.of(request)
        await asyncio.gather(*readers._looks.values())
        return isinstance(found, Reader)

    assert await shown()
    monkeypatch.setitem(town.people.users, ADA.id, {**town.people.users[ADA.id], "deleted": True})
    assert await shown()
    clock.at += timedelta(minutes=5)
    assert await shown()  # it is looked at behind their back
    assert not await shown()
    assert store.now.sessions == {}
    found = await readers.of(request)
    assert isinstance(found, Denied)
    assert replace(found, reason="") == Denied("")


async def test_who_signs_in_again_while_it_is_asked_about_them_stays() -> None:
    ports = fake_ports()
    clock, store = ports.clock, ports.store
    assert isinstance(clock, FakeClock)
    assert isinstance(store, FakeStore)
    before = Session(digest_of("x"), ADA, TEAM, clock.at, clock.at + LIFE)
    since = replace(before, digest=digest_of("y"), made_at=clock.at + timedelta(seconds=1))

    async def belongs(_team: str, _person: Person) -> Missing:
        clock.at += timedelta(seconds=2)
        await store.write(lambda tx: ports.sessions.keep(tx, since))
        return Missing("they have left")

    await store.write(lambda tx: ports.sessions.keep(tx, before))
    readers = Readers(store, ports.sessions, ports.tokens, clock, COOKIES, belongs)
    assert isinstance(await readers.of(with_session("x")), Denied)
    assert isinstance(await readers.of(with_session("y")), Reader)
    assert list(store.now.sessions) == [since.digest]


async def test_a_token_of_who_has_left_does_not_count_after_a_restart(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = fake_ports()
    now = ports.clock.now()
    token = Token("t", digest_of(f"{PREFIX}x"), "ci", Scope.COMMAND, ADA, TEAM, now, now + LIFE)
    await ports.store.write(lambda tx: ports.tokens.keep(tx, token))
    monkeypatch.setitem(town.people.users, ADA.id, {**town.people.users[ADA.id], "deleted": True})
    belongs = Crowd(BY_SLACK, ports, town).belongs
    readers = Readers(ports.store, ports.sessions, ports.tokens, ports.clock, Cookies(URL, "secret"), belongs)
    shown = [(b"authorization", f"Bearer {PREFIX}x".encode())]
    request = HTTPConnection({"type": "http", "headers": shown, "client": ("127.0.0.1", 1)})
    assert isinstance(await readers.of(request), Denied)

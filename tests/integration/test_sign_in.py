"""Signing in by a provider of OpenID Connect, out again, and everything that must not let anybody in."""

import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from structlog.testing import capture_logs

from bot.doctor import Doctor
from bot.domain.checks import State
from bot.domain.narrative import tell
from bot.domain.timeline import HOUSE
from bot.settings.sign_in import SignInTable
from handlers.guard import BACK, BEGIN, SIGN_IN, SIGN_OUT
from tests.console import URL, Console, running_console, sign_in
from tests.identities import ADA, CLIENT_SECRET, OTHER_KEY

SEAL = re.compile(r'name="seal" value="([^"]+)"')
SESSION = "__Host-firstfive"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    async with running_console(tmp_path_factory.mktemp("console")) as console:
        yield console


@pytest.fixture
def console(one: Console) -> Console:
    """Give the one house, whose provider tells the truth again, an hour later: what it has said is asked for anew."""
    one.clock.at += timedelta(hours=1)
    one.identities.reset()
    one.identities.now = lambda: int(one.clock.at.timestamp())
    return one


async def told(console: Console) -> list[str]:
    """Give what the house chain says of the last minutes."""
    ports, since = console.house.ports, console.clock.at - timedelta(minutes=30)
    entries = await ports.store.read(lambda tx: ports.timeline.entries(tx, HOUSE))
    return [f"{entry.actor}: {tell(entry)}" for entry in entries if entry.at > since]


async def test_whoever_is_not_signed_in_is_sent_to_the_page_and_on_from_there(console: Console) -> None:
    async with console.browser() as browser:
        sent = await browser.get("/incidents/INC-7?show=all&order=desc")
        page = await browser.get(sent.headers["location"])
        answer = await sign_in(browser, console.identities, "/incidents/INC-7?show=all&order=desc")
    assert sent.status_code == 303
    assert sent.headers["location"] == f"{SIGN_IN}?next=/incidents/INC-7%3Fshow%3Dall%26order%3Ddesc"
    assert f'href="{BEGIN}?next=%2Fincidents%2FINC-7%3Fshow%3Dall%26order%3Ddesc"' in page.text
    assert 'href="/drills"' not in page.text
    assert answer.headers["location"] == "/incidents/INC-7?show=all&order=desc"


async def test_who_has_signed_in_is_known_until_the_session_is_over(console: Console) -> None:
    async with console.signed_in() as browser:
        page, said = await browser.get("/"), await told(console)
        console.clock.at += timedelta(hours=12)
        over = await browser.get("/")
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    assert over.headers["location"] == f"{SIGN_IN}?next=/"
    assert said == [f"oidc:ada-1: Signed in by {console.identities.issuer.partition('://')[2]}."]


async def test_an_issuer_that_ends_in_a_slash_is_the_same_one(console: Console) -> None:
    own = f"{console.identities.issuer}/"
    console.identities.described = {"issuer": own}
    async with console.signed_in(iss=own) as browser:
        assert "Ada Lovelace" in (await browser.get("/")).text


@pytest.mark.parametrize(("sub", "comes_in"), [("ada-1", True), ("eve-1", False)])
async def test_an_address_that_only_userinfo_tells_is_asked_for_there(
    console: Console, sub: str, *, comes_in: bool
) -> None:
    identities = console.identities
    identities.described = {"userinfo_endpoint": f"{identities.issuer}/userinfo"}
    identities.claims, identities.told = {"sub": "ada-1", "name": "Ada Lovelace"}, {**ADA, "sub": sub}
    async with console.browser() as browser:
        answer = await sign_in(browser, identities)
    assert (answer.status_code == 303) == comes_in


async def test_the_session_is_the_hosts_alone_and_no_script_reads_it(console: Console) -> None:
    async with console.browser() as browser:
        answer = await sign_in(browser, console.identities)
    set_, gone = answer.headers.get_list("set-cookie")
    assert set_.startswith(f"{SESSION}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure", "Max-Age=43200"} <= set(set_.split("; "))
    assert "Domain" not in set_
    assert gone.startswith('__Host-firstfive_sign_in="";')


async def test_a_browser_that_comes_without_a_page_of_ours_is_told_where_to_sign_in(console: Console) -> None:
    async with console.browser(Accept="*/*") as script:
        api, stream = await script.get("/api/v1/incidents"), await script.get("/incidents/INC-7/live")
    assert (api.status_code, api.headers["content-type"]) == (401, "application/problem+json")
    assert api.headers["www-authenticate"].startswith("Bearer")
    assert stream.status_code == 401


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"claims": {"nonce": "another"}}, "could not be verified"),
        ({"claims": {"nonce": None}}, "could not be verified"),
        ({"claims": {"aud": "another-client"}}, "could not be verified"),
        ({"claims": {"aud": ["firstfive-client", "another"]}}, "could not be verified"),
        ({"claims": {"aud": ["firstfive-client", "x"], "azp": "x"}}, "could not be verified"),
        ({"claims": {"iss": "https://evil.example.com"}}, "could not be verified"),
        ({"claims": {"at_hash": "wrong"}}, "could not be verified"),
        ({"claims": {"sub": None}}, "could not be verified"),
        ({"claims": {"sub": 7}}, "could not be verified"),
        ({"claims": {"exp": None}}, "could not be verified"),
        ({"claims": {"exp": "tomorrow"}}, "could not be verified"),
        ({"alg": "none"}, "could not be verified"),
        ({"alg": "HS256"}, "could not be verified"),
        ({"key": OTHER_KEY}, "could not be verified"),
        ({"claims": {"sub": "a b"}}, "did not say who you are"),
        ({"claims": {"email_verified": False}}, "has checked your e-mail"),
        ({"claims": {"email_verified": "true"}}, "has checked your e-mail"),
        ({"claims": {"email_verified": None}}, "has checked your e-mail"),
        ({"claims": {"email": "eve@evil.example"}}, "none of the domains"),
        ({"claims": {"email": "eve@sub.example.com"}}, "none of the domains"),
        ({"claims": {"email": "eve@evil.example@example.com"}}, "has checked your e-mail"),
        ({"claims": {"email": "eve@example.com.evil.example"}}, "none of the domains"),
    ],
)
async def test_nobody_is_let_in_whom_the_provider_does_not_vouch_for(
    console: Console, lie: dict[str, Any], said: str
) -> None:
    for name, value in lie.items():
        own = console.identities.claims if name == "claims" else {}
        setattr(console.identities, name, {**own, **value} if name == "claims" else value)
    async with console.browser() as browser:
        answer = await sign_in(browser, console.identities)
        page = await browser.get("/")
    assert answer.status_code in {400, 403}
    assert said in answer.text
    assert SESSION not in browser.cookies
    assert page.status_code == 303
    assert await told(console) == []


@pytest.mark.parametrize(("seconds", "lets_in"), [(-400, True), (-430, False), (110, True), (130, False)])
async def test_clocks_may_differ_by_two_minutes(console: Console, seconds: int, *, lets_in: bool) -> None:
    console.identities.now = lambda: int(console.clock.at.timestamp()) + seconds
    async with console.browser() as browser:
        answer = await sign_in(browser, console.identities)
    assert (answer.status_code == 303) is lets_in


async def test_new_keys_of_the_provider_are_looked_up_and_not_at_every_try(console: Console) -> None:
    async with console.signed_in():
        before = console.identities.looks_at_keys
    renewed = OTHER_KEY.as_dict(private=True) | {"kid": "two"}
    console.identities.key = console.identities.published = type(OTHER_KEY).import_key(renewed)
    console.clock.at += timedelta(seconds=90)
    async with console.signed_in():
        pass
    assert console.identities.looks_at_keys == before + 1
    console.identities.key = type(OTHER_KEY).import_key(renewed | {"kid": "three"})
    for _ in range(3):
        async with console.browser() as browser:
            assert (await sign_in(browser, console.identities)).status_code == 400
    assert console.identities.looks_at_keys == before + 1


async def test_an_answer_counts_once_and_in_the_browser_that_asked(console: Console) -> None:
    async with console.browser() as ada, console.browser() as eve:
        begun = await ada.get(BEGIN)
        back = console.identities.consent(begun.headers["location"])
        cookie = ada.cookies["__Host-firstfive_sign_in"]
        stolen = await eve.get(BACK, params=back)
        wrong = await ada.get(BACK, params={**back, "state": "another"})
        ada.cookies["__Host-firstfive_sign_in"] = cookie
        first = await ada.get(BACK, params=back)
        ada.cookies["__Host-firstfive_sign_in"] = cookie
        again = await ada.get(BACK, params=back)
    assert [stolen.status_code, wrong.status_code, first.status_code, again.status_code] == [400, 400, 303, 400]
    assert "taken already" in again.text


async def test_an_answer_of_another_sign_in_is_not_taken(console: Console) -> None:
    """Sign-in forgery: Eve has Ada's browser come back with an answer that is about Eve."""
    async with console.browser() as ada, console.browser() as eve:
        of_eve = console.identities.consent((await eve.get(BEGIN)).headers["location"])
        await ada.get(BEGIN)
        answer = await ada.get(BACK, params=of_eve)
    assert answer.status_code == 400
    assert SESSION not in ada.cookies


async def test_an_old_answer_is_not_taken(console: Console) -> None:
    async with console.browser() as browser:
        back = console.identities.consent((await browser.get(BEGIN)).headers["location"])
        console.clock.at += timedelta(minutes=11)
        answer = await browser.get(BACK, params=back)
    assert (answer.status_code, SESSION in browser.cookies) == (400, False)


async def test_whoever_does_not_agree_is_not_complained_at(console: Console) -> None:
    async with console.browser() as browser:
        back = console.identities.consent((await browser.get(BEGIN)).headers["location"])
        answer = await browser.get(BACK, params={"state": back["state"], "error": "access_denied"})
    assert answer.status_code == 200
    assert "You have not let FirstFive know who you are." in answer.text


@pytest.mark.parametrize(
    ("described", "broken", "said"),
    [
        ({"issuer": "https://evil.example.com"}, None, "is somebody else"),
        ({"token_endpoint": "http://evil.example.com/token"}, None, "not_safe"),
        ({"authorization_endpoint": None}, None, "not_safe"),
        ({}, lambda: web.Response(status=502, text="<html>"), "did not answer"),
        ({}, lambda: web.Response(text="[" * 100_000), "did not answer"),
        ({}, lambda: web.Response(text='"' + "x" * 600_000 + '"'), "too_long"),
    ],
)
async def test_a_provider_that_cannot_be_used_is_said_to_be_so(
    console: Console, described: dict[str, Any], broken: Callable[[], web.Response] | None, said: str
) -> None:
    console.identities.described, console.identities.broken = described, broken
    async with console.browser() as browser:
        answer = await browser.get(BEGIN)
    assert answer.status_code in {400, 502}
    assert said in answer.text


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "/\t/evil.example.com",
        "/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "evil.example.com",
        "/sign-out",
        "/" + "a" * 2_000,
        "",
    ],
)
async def test_nobody_is_led_elsewhere(console: Console, onward: str) -> None:
    async with console.browser() as browser:
        answer = await sign_in(browser, console.identities, onward)
    assert answer.headers["location"] == "/"


async def test_a_session_that_was_there_before_is_not_taken_over(console: Console) -> None:
    async with console.signed_in() as browser:
        before = browser.cookies[SESSION]
        await sign_in(browser, console.identities)
        after = browser.cookies[SESSION]
        browser.cookies[SESSION] = before
        old = await browser.get("/")
        for forged in ("x", "x.y", f"{before}x", after.partition(".")[0], f"{'é' * 10}.{after.partition('.')[2]}"):
            browser.cookies.clear()
            page = await browser.get("/", headers={b"Cookie": f"{SESSION}={forged}".encode()})
            assert page.status_code == 303
    assert before != after
    assert old.status_code == 303


async def test_who_signs_out_is_out(console: Console) -> None:
    async with console.signed_in() as browser:
        cookie = browser.cookies[SESSION]
        seal = SEAL.search((await browser.get("/")).text)
        assert seal
        without = await browser.post(SIGN_OUT, data={})
        still = await browser.get("/")
        out = await browser.post(SIGN_OUT, data={"seal": seal[1]})
        page = await browser.get(out.headers["location"])
        gone = SESSION not in browser.cookies
        browser.cookies[SESSION] = cookie
        again = await browser.get("/")
    assert (without.status_code, still.status_code) == (403, 200)
    assert out.status_code == 303
    assert "You have signed out" in page.text
    assert gone
    assert again.status_code == 303
    assert (await told(console))[-1] == "oidc:ada-1: Signed out."


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Host": "firstfive.example.com:444"}, 421),
        ({"Host": "ada@firstfive.example.com"}, 421),
        ({"Host": "127.0.0.1:8000"}, 421),
        ({"Host": "FIRSTFIVE.example.com:443"}, 200),
        ({"X-Forwarded-Host": "evil.example.com", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}, 200),
    ],
)
async def test_only_our_own_host_is_answered(console: Console, headers: dict[str, str], status: int) -> None:
    async with console.signed_in() as browser:
        assert (await browser.get("/", headers=headers)).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "http://firstfive.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", [SIGN_OUT, "/api/v1/commands", "/settings/tokens"])
async def test_no_page_of_another_origin_changes_anything(console: Console, headers: dict[str, str], path: str) -> None:
    async with console.signed_in() as browser:
        answer = await browser.post(path, headers=headers)
    assert answer.status_code == 403
    assert "another origin" in answer.text


async def test_a_form_of_who_is_out_by_now_comes_back_to_its_page(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.post("/settings/tokens", headers={"Referer": f"{URL}/incidents/INC-7?show=all"})
        page = await browser.get(answer.headers["location"])
    assert answer.headers["location"] == f"{SIGN_IN}?next=/incidents/INC-7%3Fshow%3Dall&lost=1"
    assert "What you sent was not done" in page.text


async def test_another_page_begins_nothing(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.get(BEGIN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert not browser.cookies


async def test_no_secret_is_in_the_logs_or_in_the_database(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    # A logger keeps how it was set up when it was used first: another test's bot may log warnings only.
    structlog.reset_defaults()
    monkeypatch.setattr("handlers.sign_in.log", structlog.get_logger())
    with capture_logs() as lines:
        async with console.signed_in() as browser:
            session = browser.cookies[SESSION].partition(".")[0]
            console.identities.claims["nonce"] = "another"
            answer = await sign_in(browser, console.identities)
    file = Path(console.house.settings.database_url.removeprefix("sqlite:///"))
    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    code, asked = list(console.identities.asked.items())[-1]
    for secret in (CLIENT_SECRET, session, code, asked["nonce"], asked["state"]):
        assert secret not in f"{lines}{answer.text}"
        assert secret.encode() not in kept
    assert [line["event"] for line in lines] == ["signed in", "not signed in"]


async def test_pages_say_why_while_the_database_is_away(tmp_path: Path) -> None:
    async with running_console(tmp_path) as console, console.signed_in() as browser:
        file = console.house.settings.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as database:
            database.execute("DROP TABLE session")
        answer, api = await browser.get("/"), await browser.get("/api/v1/incidents")
    assert (answer.status_code, api.status_code) == (503, 503)
    assert api.headers["content-type"] == "application/problem+json"


async def test_doctor_looks_whether_people_can_sign_in(console: Console) -> None:
    settings = console.house.settings
    [well] = await Doctor(settings)._sign_in()
    console.identities.described = {"issuer": "https://evil.example.com"}
    [ill] = await Doctor(settings)._sign_in()
    [nobody] = await Doctor(settings.model_copy(update={"sign_in": SignInTable()}))._sign_in()
    assert (well.state, well.said.endswith(f"must send people back to {URL}{BACK}")) == (State.OK, True)
    assert (ill.state, "it calls itself 'https://evil.example.com'" in ill.said) == (State.FAIL, True)
    assert (nobody.state, nobody.said) == (State.WARN, "nobody signs in: pages and API answer to this machine only")

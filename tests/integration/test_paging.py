"""Paging services as their documentation has them, on loopback: what they are sent, and what they may answer."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.nochat import NoPager
from bot.adapters.paging.calls import Calls, PageFailed
from bot.adapters.paging.opsgenie import Opsgenie
from bot.adapters.paging.pager import ON_CALL, Accounts, ServicesPager, services
from bot.adapters.paging.pagerduty import PagerDuty
from bot.adapters.paging.webhook import Webhook
from bot.domain.timeline import Person
from bot.ports import PageState
from tests.fakes import FakePager

TEXT = "INC-1 SEV2 checkout slow: not mitigated after five minutes. You are needed."
KEY = "firstfive:r1.sop:paging:on-call"


@dataclass
class Outside:
    """Every service in one: keeps what it was sent; answers what it is told to, then as documented."""

    url: str = ""
    asked: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    acknowledged: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        self.asked.append((request.method, request.path_qs, body, dict(request.headers)))
        if self.answers:
            return self.answers.pop(0)
        by_path = {"/v2/enqueue": self._event, "/incidents": self._incidents}
        act = by_path.get(request.path, self._alert)
        return act(body) if request.method == "POST" or request.path == "/incidents" else self._get()

    def _event(self, body: dict[str, Any]) -> web.Response:
        assert set(body) >= {"routing_key", "event_action", "dedup_key"}
        assert body["event_action"] in {"trigger", "acknowledge", "resolve"}
        if body["event_action"] == "trigger":
            assert set(body["payload"]) >= {"summary", "source", "severity"}
            assert body["payload"]["severity"] in {"critical", "error", "warning", "info"}
        answer = {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}
        return web.json_response(answer, status=202)

    def _incidents(self, _: dict[str, Any]) -> web.Response:
        ada = {"at": "2026-03-01T12:06:00Z", "acknowledger": {"id": "P1", "type": "user_reference", "summary": "Ada"}}
        return web.json_response({"incidents": [{"id": "Q1", "acknowledgements": [ada] if self.acknowledged else []}]})

    def _alert(self, body: dict[str, Any]) -> web.Response:
        assert "alias" not in body or (body["message"] and body["priority"] in {"P1", "P2", "P3", "P4", "P5"})
        return web.json_response({"result": "Request will be processed", "requestId": "1"}, status=202)

    def _get(self) -> web.Response:
        report = {"ackTime": 15_702, "acknowledgedBy": "ada@example.com"}
        data = {"status": "open", "acknowledged": self.acknowledged, "report": report if self.acknowledged else {}}
        return web.json_response({"data": data})

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.asked]


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    made = Outside()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("")).rstrip("/")
    yield made
    await server.close()


def pagerduty(outside: Outside, token: str = "") -> PagerDuty:
    return PagerDuty("R0", outside.url, api_token=token, api_url=outside.url, page_url="http://bot.test")


async def test_pagerduty_is_triggered_acknowledged_and_resolved(outside: Outside) -> None:
    service = pagerduty(outside)
    await service.trigger(TEXT, KEY)
    await service.follow(KEY, PageState.ACKNOWLEDGED)
    await service.follow(KEY, PageState.RESOLVED)
    bodies = [body for _, _, body, _ in outside.asked]
    assert [body["event_action"] for body in bodies] == ["trigger", "acknowledge", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {KEY}
    assert {body["routing_key"] for body in bodies} == {"R0"}
    assert bodies[0]["payload"]["summary"] == TEXT
    assert bodies[0]["client_url"] == "http://bot.test"


async def test_pagerduty_tells_who_answered_if_there_is_a_token(outside: Outside) -> None:
    assert await pagerduty(outside).answered(KEY) is None
    assert outside.asked == []
    service = pagerduty(outside, "T0")
    assert await service.answered(KEY) is None
    outside.acknowledged = True
    assert await service.answered(KEY) == Person("pagerduty:P1", "Ada")
    _, path, _, headers = outside.asked[-1]
    assert path.startswith("/incidents?incident_key=firstfive")
    assert headers["Authorization"] == "Token token=T0"
    assert headers["Accept"] == "application/vnd.pagerduty+json;version=2"


async def test_opsgenie_is_told_by_alias_and_tells_who_answered(outside: Outside) -> None:
    service = Opsgenie("K0", outside.url)
    await service.trigger(TEXT * 3, KEY)
    assert await service.answered(KEY) is None
    outside.acknowledged = True
    assert await service.answered(KEY) == Person("opsgenie:ada@example.com", "ada@example.com")
    await service.follow(KEY, PageState.ACKNOWLEDGED)
    await service.follow(KEY, PageState.RESOLVED)
    alias = "/v2/alerts/firstfive%3Ar1.sop%3Apaging%3Aon-call"
    assert outside.paths() == [
        "POST /v2/alerts",
        f"GET {alias}?identifierType=alias",
        f"GET {alias}?identifierType=alias",
        f"POST {alias}/acknowledge?identifierType=alias",
        f"POST {alias}/close?identifierType=alias",
    ]
    _, _, body, headers = outside.asked[0]
    assert headers["Authorization"] == "GenieKey K0"
    assert (body["alias"], len(body["message"])) == (KEY, 130)


async def test_a_webhook_of_ones_own_is_told_every_event(outside: Outside) -> None:
    service = Webhook(f"{outside.url}/page", "W0", "http://bot.test")
    await service.trigger(TEXT, KEY)
    await service.follow(KEY, PageState.RESOLVED)
    assert await service.answered(KEY) is None
    (_, _, first, headers), (_, _, last, _) = outside.asked
    assert first == {"event": "triggered", "key": KEY, "text": TEXT, "source": "FirstFive", "url": "http://bot.test"}
    assert (last["event"], headers["Authorization"]) == ("resolved", "Bearer W0")


def calls(url: str) -> Calls:
    return Calls(url, {}, pause_s=0.001)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_service_that_is_busy_is_tried_again(outside: Outside, status: int) -> None:
    outside.answers = [web.Response(status=status, headers={"Retry-After": "0"}) for _ in range(2)]
    assert (await calls(outside.url).send("POST", "/v2/enqueue", EVENT))["status"] == "success"
    assert len(outside.asked) == 3


EVENT = {"routing_key": "R0", "event_action": "resolve", "dedup_key": KEY}


async def test_what_is_refused_is_not_tried_again(outside: Outside) -> None:
    refusal = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key' is missing"]}
    outside.answers = [web.json_response(refusal, status=400)]
    with pytest.raises(PageFailed, match=r"answered 400: Event object is invalid; 'routing_key' is missing"):
        await calls(outside.url).send("POST", "/v2/enqueue", EVENT)
    assert len(outside.asked) == 1


async def test_a_service_that_stays_away_is_given_up(outside: Outside) -> None:
    outside.answers = [web.Response(status=502, text="<html>") for _ in range(9)]
    with pytest.raises(PageFailed, match="answered 502"):
        await calls(outside.url).send("POST", "/v2/enqueue", EVENT)
    assert len(outside.asked) == 4
    with pytest.raises(PageFailed, match="not reached: ConnectError"):
        await calls("http://127.0.0.1:9").send("POST", "/")


class Broken:
    """A service that takes nothing."""

    name = "Broken"

    async def trigger(self, text: str, key: str) -> None:
        raise PageFailed(f"answered 403: {len(text) > 0} {len(key) > 0}")

    async def answered(self, key: str) -> Person | None:
        raise PageFailed(key)

    async def follow(self, key: str, to: PageState) -> None:
        raise PageFailed(f"{key} {to}")


async def test_the_next_service_is_tried_when_one_does_not_take_it(outside: Outside) -> None:
    pager = ServicesPager([Broken(), pagerduty(outside, "T0")], NoPager())
    assert pager.on_call == (ON_CALL,)
    reached = await pager.page(ON_CALL, TEXT, KEY)
    assert (reached.ok, reached.paged, reached.how) == (True, True, "PagerDuty; Broken answered 403: True True")
    outside.acknowledged = True
    assert await pager.answered(KEY) == Person("pagerduty:P1", "Ada")
    assert await pager.follow(KEY, PageState.RESOLVED) is False


async def test_when_none_takes_it_the_reasons_are_told() -> None:
    reached = await ServicesPager([Broken()], NoPager()).page(ON_CALL, TEXT, KEY)
    assert (reached.ok, reached.reason) == (False, "Broken answered 403: True True")


async def test_named_people_are_reached_directly_and_services_page_whoever_is_on_call(outside: Outside) -> None:
    direct = FakePager(paged=False)
    pager = ServicesPager([pagerduty(outside)], direct)
    named, on_call = await asyncio.gather(pager.page(Person("U2", "Ben"), TEXT, "k2"), pager.page(ON_CALL, TEXT, KEY))
    assert (named.paged, on_call.paged) == (False, True)
    assert list(direct.paged) == ["k2"]
    assert ServicesPager([], direct).on_call == ()


def test_only_what_has_a_key_or_an_address_is_used_in_this_order() -> None:
    everything = Accounts(
        "http://bot.test", "R0", "T0", "K0", "W0", "http://w.test", "http://e", "http://a", "http://o"
    )
    assert [service.name for service in services(everything)] == ["PagerDuty", "Opsgenie", "paging webhook"]
    nothing = replace(everything, pagerduty_routing_key="", opsgenie_api_key="", webhook=None)
    assert services(nothing) == []


LIVE = "FirstFive's own tests try this page; it is resolved at once."


@pytest.mark.live
@pytest.mark.parametrize("variable", ["PAGERDUTY_ROUTING_KEY", "OPSGENIE_API_KEY"])
async def test_the_real_service_takes_a_page_and_its_end(variable: str) -> None:
    key = os.environ.get(variable, "")
    if not key:
        pytest.skip(f"{variable} is not set")
    real = {"PAGERDUTY_ROUTING_KEY": PagerDuty(key, "https://events.pagerduty.com")}
    service = real.get(variable) or Opsgenie(key, "https://api.opsgenie.com")
    for act in (
        service.trigger(LIVE, "firstfive-live-test"),
        service.follow("firstfive-live-test", PageState.RESOLVED),
    ):
        await act

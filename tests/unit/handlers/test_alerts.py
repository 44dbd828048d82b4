"""Deliveries of alerts over HTTP: who may send them, and what is answered to anything else."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import StoreUnusable
from bot.engine import spans
from bot.engine.intake import AlertPolicy, Intake
from handlers import alerts
from handlers.loopback import LoopbackOnly
from handlers.traced import Traced
from tests.fakes import FakeStore, fake_ports
from tests.unit.alerts import alert, delivery
from tests.unit.playbooks.desk import CATALOG, REGISTRY

HERE, ELSEWHERE = ("127.0.0.1", 40_000), ("203.0.113.9", 40_000)
TOKEN = "alerts-secret"


class Door:
    """The routes as the composition root wires them, asked from somewhere."""

    def __init__(self, token: str = "", client: tuple[str, int] = HERE) -> None:
        self.ports = fake_ports(CATALOG)
        app = FastAPI()
        app.add_middleware(LoopbackOnly, also_public=(alerts.PREFIX,) if token else ())
        app.add_middleware(Traced)
        app.include_router(alerts.router(Intake(REGISTRY, self.ports, AlertPolicy()), token))
        transport = httpx.ASGITransport(app, client=client)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def post(
        self, content: bytes | None = None, path: str = "alertmanager", token: str = "", **headers: str
    ) -> httpx.Response:
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        body = json.dumps(delivery(alert())).encode() if content is None else content
        return await self.client.post(f"/alerts/{path}", content=body, headers=headers)

    @property
    def runs(self) -> list[Any]:
        assert isinstance(self.ports.store, FakeStore)
        return list(self.ports.store.now.runs.values())


@pytest.mark.parametrize("path", ["alertmanager", "grafana"])
async def test_a_delivery_is_counted_and_becomes_a_run(path: str) -> None:
    door = Door()
    answer = await door.post(path=path)
    (run,) = door.runs
    assert answer.status_code == 202
    assert answer.json() == {"alerts": 1, "news": 1, "known": 0, "ignored": 0, "runs": [f"/api/v1/runs/{run.id}"]}
    assert (run.plan.playbook, run.source.via) == ("alert", path)
    assert (await door.post(path=path)).json()["known"] == 1
    assert len(door.runs) == 1


async def test_a_run_goes_on_with_the_trace_that_a_delivery_came_with() -> None:
    door, parent = Door(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await door.post(traceparent=parent, baggage="tenant-id=prod")
    (run,) = door.runs
    assert (run.source.traceparent, run.source.baggage) == (parent, "tenant-id=prod")
    with spans.of_run(run) as watched:
        assert f"{watched.span.get_span_context().trace_id:032x}" in parent


@pytest.mark.parametrize(
    ("configured", "sent", "client", "status"),
    [
        ("", "", HERE, 202),
        ("", "anything", HERE, 202),
        ("", "", ELSEWHERE, 403),
        (TOKEN, TOKEN, ELSEWHERE, 202),
        (TOKEN, TOKEN, HERE, 202),
        (TOKEN, "", HERE, 401),
        (TOKEN, "wrong", ELSEWHERE, 401),
        (TOKEN, TOKEN[:-1], ELSEWHERE, 401),
        (TOKEN, TOKEN + "x", ELSEWHERE, 401),
    ],
)
async def test_the_token_lets_in_and_without_one_this_machine_alone(
    configured: str, sent: str, client: tuple[str, int], status: int
) -> None:
    door = Door(configured, client)
    answer = await door.post(token=sent)
    assert answer.status_code == status
    assert len(door.runs) == (status == 202)
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 422, "JSON is wanted"),
        (b"{", 422, "JSON is wanted"),
        (b"\xff\xfe", 422, "JSON is wanted"),
        (b"[]", 422, "an object is wanted"),
        (b'{"alerts":7}', 422, "alerts: a list is wanted"),
        (b'{"alerts":[{}]}', 422, "alerts[0]"),
        (b"[" * 100_000, 422, "JSON is wanted"),
        (b"[" * 40 + b"]" * 40, 422, "nested more than 32 deep"),
        (b'{"a":NaN}', 422, "JSON is wanted"),
        (b'{"alerts":[' + b" " * 8_000_001, 413, "max_alerts"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_what_to_change(content: bytes, status: int, says: str) -> None:
    answer = await Door().post(content)
    assert answer.status_code == status
    assert says in answer.json()["error"]


GARBAGE = Door()


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
async def test_garbage_is_refused_and_never_an_error_of_ours(content: bytes) -> None:
    assert 400 <= (await GARBAGE.post(content)).status_code < 500


async def test_a_database_that_is_away_makes_the_sender_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any) -> Any:
        raise StoreUnusable("The disk is full.")

    door = Door()
    monkeypatch.setattr(door.ports.store, "write", away)
    answer = await door.post()
    assert (answer.status_code, answer.json()["error"]) == (503, "Not recorded: The disk is full. Send it again.")


async def test_a_get_is_no_delivery() -> None:
    assert (await Door().client.get("/alerts/alertmanager")).status_code == 405

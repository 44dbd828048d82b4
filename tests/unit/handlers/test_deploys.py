"""Deploys over HTTP: who may tell of them, and what is answered to anything else."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.engine.admission import Admission
from handlers import deploys
from handlers.loopback import LoopbackOnly
from tests.fakes import FakeStore, fake_ports
from tests.unit.playbooks.desk import CATALOG, REGISTRY

HERE, ELSEWHERE = ("127.0.0.1", 40_000), ("203.0.113.9", 40_000)
TOKEN = "deploys-secret"
BODY = {"service": "checkout", "release": "v1.12.3", "commit": "abc1234", "by": "Ada"}


class Door:
    """The route as the composition root wires it, asked from somewhere."""

    def __init__(self, token: str = "", client: tuple[str, int] = HERE) -> None:
        self.ports = fake_ports(CATALOG)
        app = FastAPI()
        app.add_middleware(LoopbackOnly, also_public=(deploys.PATH,) if token else ())
        app.include_router(deploys.router(Admission(REGISTRY, self.ports), self.ports, token))
        transport = httpx.ASGITransport(app, client=client)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def post(self, body: Any = None, token: str = "", kind: str = "application/json") -> httpx.Response:
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        content = body if isinstance(body, bytes) else json.dumps(BODY if body is None else body).encode()
        return await self.client.post(deploys.PATH, content=content, headers=headers)

    @property
    def runs(self) -> list[Any]:
        assert isinstance(self.ports.store, FakeStore)
        return list(self.ports.store.now.runs.values())


async def test_a_deploy_becomes_a_run() -> None:
    door = Door()
    answer = await door.post()
    (run,) = door.runs

    assert answer.status_code == 202
    assert answer.json() == {"run": run.id, "fresh": True, "url": f"/api/v1/runs/{run.id}"}
    assert (run.plan.playbook, run.actor.name) == ("deploy", "Deploy webhook")
    assert run.plan.params == {**BODY, "at": "", "go": "", "build": ""}


@pytest.mark.parametrize("key", [{"at": "2026-03-01T11:00:00+01:00"}, {"id": "pipeline-7"}])
async def test_the_same_delivery_again_is_the_same_run(key: dict[str, str]) -> None:
    door = Door()
    first = await door.post({**BODY, **key})
    again = await door.post({**BODY, **key})

    assert first.json()["run"] == again.json()["run"]
    assert (first.json()["fresh"], again.json()["fresh"]) == (True, False)


@pytest.mark.parametrize(
    ("configured", "sent", "client", "status"),
    [
        ("", "", HERE, 202),
        ("", "", ELSEWHERE, 403),
        (TOKEN, TOKEN, ELSEWHERE, 202),
        (TOKEN, "", HERE, 401),
        (TOKEN, "wrong", ELSEWHERE, 401),
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
    ("body", "status", "reason"),
    [
        (b"not json", 422, "the body: Invalid JSON"),
        (b"[1]", 422, "the body: "),
        (b"x" * 70_000, 413, "longer than 64000 bytes"),
        ({"service": "checkout"}, 422, "release: Field required"),
        ({**BODY, "comit": "abc"}, 422, "comit: "),
        ({**BODY, "service": "shop"}, 422, "there is no 'shop'. Configured: checkout, payment"),
        ({**BODY, "release": "-rf"}, 422, "one word such as v1.12.3"),
        ({**BODY, "commit": "latest"}, 422, "hexadecimal"),
        ({**BODY, "at": "yesterday"}, 422, "at: "),
        ({**BODY, "at": "2026-03-01T11:00:00"}, 422, "give its offset"),
        ({**BODY, "at": "2999-01-01T00:00:00Z"}, 422, "still to come"),
        ({**BODY, "by": "x" * 101}, 422, "by: "),
    ],
)
async def test_what_cannot_be_read_is_refused_with_where_and_why(body: Any, status: int, reason: str) -> None:
    door = Door()
    answer = await door.post(body)

    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert door.runs == []


async def test_what_a_page_in_a_browser_could_send_unasked_is_not_taken() -> None:
    door = Door()
    answer = await door.post(kind="text/plain")
    assert (answer.status_code, door.runs) == (415, [])
    assert answer.json() == {"error": "Send it as application/json."}

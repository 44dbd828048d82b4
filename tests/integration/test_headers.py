"""Every answer there is, by whichever way, has the headers that keep a browser from doing what nobody asked for."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.timeline import Person
from bot.main import create_app
from bot.ports import Tx
from bot.settings import Settings
from tests.console import ELSEWHERE, URL, running_console
from tests.fakes import FakeStore
from tests.unit.playbooks.desk import desk
from tests.ways import ways

T = TypeVar("T")
App = AbstractAsyncContextManager[tuple[FastAPI, list[httpx.AsyncClient]]]
SECRET = "hunter2-0a1b2c3d4e5f"
SLACK = {"slack_signing_secret": SECRET, "slack_client_id": "1.1", "slack_client_secret": SECRET}
TOLD = {"firstfive_alerts_token": SECRET, "firstfive_deploys_token": SECRET}
FILLED = {"incident_id": "INC-1", "run_id": "r1", "sha256": "0" * 64, "target": "t", "view": "cpu", "name": "live.js"}
STRANGE = [
    ("GET", "/nothing"), ("GET", "/api/nothing"), ("GET", "/api/v1/nothing"), ("GET", "/slack/nothing"), ("PUT", "/"),
    ("TRACE", "/metrics"), ("OPTIONS", "/api/v1/incidents"), ("GET", f"/incidents/INC-1/live?after={SECRET}"),
    ("GET", f"/artifacts/x?inline={SECRET}"), ("GET", f"/api/v1/incidents?limit={SECRET}"),
]  # fmt: skip


class Broken(FakeStore):
    """Fails, and tells secrets with it."""

    async def read(self, act: Callable[[Tx], T]) -> T:
        raise RuntimeError(f"{act}: password={SECRET}")

    async def write(self, act: Callable[[Tx], T]) -> T:
        return await self.read(act)


@asynccontextmanager
async def here(store: FakeStore | None, _: Path) -> AsyncIterator[tuple[FastAPI, list[httpx.AsyncClient]]]:
    """Give the application without a sign-in, this machine, and another one."""
    house = desk(store=store) if store else desk()
    app = create_app(Settings(**TOLD), tools=house.ports)
    async with AsyncExitStack() as stack:
        peers = [httpx.ASGITransport(app, raise_app_exceptions=False, client=peer) for peer in (("::1", 1), ELSEWHERE)]
        clients = [httpx.AsyncClient(transport=peer, base_url="http://localhost") for peer in peers]
        yield app, [await stack.enter_async_context(client) for client in clients]


@asynccontextmanager
async def elsewhere(store: FakeStore | None, folder: Path) -> AsyncIterator[tuple[FastAPI, list[httpx.AsyncClient]]]:
    """Give the application with one, who has signed in, and who has not."""
    async with running_console(folder, **SLACK, **TOLD) as console, AsyncExitStack() as stack:
        console.house.stopping.set()
        known = await console.known(Person("oidc:ann", "Ann"))
        if store:
            console.house.ports.store.read, console.house.ports.store.write = store.read, store.write  # type: ignore[method-assign]
        peer = httpx.ASGITransport(console.app, raise_app_exceptions=False, client=ELSEWHERE)
        given: list[dict[str, str]] = [dict(known.headers), {}]
        clients = [httpx.AsyncClient(transport=peer, base_url=URL, headers=each) for each in given]
        yield console.app, [await stack.enter_async_context(client) for client in clients]


def filled(part: re.Match[str]) -> str:
    return FILLED.get(part[1], "x")


def flaws(answer: httpx.Response) -> list[str]:
    """Name what an answer lacks, or has too much."""
    headers = answer.headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers.get("content-security-policy", "").split(";"))
    scripts = policy.get("script-src", policy.get("default-src", "*"))
    wrong = {
        "scripts": scripts not in {"'self'", "'none'"},
        "frames": policy.get("frame-ancestors", "*") != "'none'" or headers.get("x-frame-options") != "DENY",
        "nosniff": headers.get("x-content-type-options") != "nosniff",
        "referrer": headers.get("referrer-policy") not in {"same-origin", "no-referrer"},
        "CORS": any(name.startswith("access-control-") for name in headers),
        "secret": SECRET in answer.text or SECRET in str(headers),
        "cause": "Traceback" in answer.text or "RuntimeError" in answer.text,
    }
    return [name for name, is_so in wrong.items() if is_so]


@pytest.mark.parametrize("broken", [False, True], ids=["well", "broken"])
@pytest.mark.parametrize("way", [here, elsewhere])
async def test_every_answer_has_the_headers_and_an_error_says_nothing_of_its_cause(
    way: Callable[[FakeStore | None, Path], App], *, broken: bool, tmp_path: Path
) -> None:
    statuses, wrong = set[int](), []
    async with way(Broken() if broken else None, tmp_path) as (app, clients):
        asked = [
            (method, re.sub(r"\{(\w+)\}", filled, path)) for method, path in ways(app) if not path.endswith("/live")
        ]
        for client in clients:
            sent = {"Origin": "null", "Cookie": f"{client.headers.get('cookie', 'a=b')}; c={SECRET}"}
            for method, path in asked + STRANGE:
                answer = await client.request(method, path, headers=sent)
                statuses.add(answer.status_code)
                wrong += [(method, path, answer.status_code, found) for found in [flaws(answer)] if found]
    assert wrong == []
    assert statuses >= ({500} if broken else {200, 404, 405, 422})

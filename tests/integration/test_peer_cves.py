"""What was done to the peers, each by its CVE, is tried here, and comes to nothing."""

import ast
import asyncio
import json
import logging
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import structlog
from aiohttp import web
from fastapi import FastAPI

from bot.adapters import logs
from bot.domain.authority import People, Right
from bot.domain.run import RunStatus
from bot.engine.authority import may
from bot.main import create_app
from bot.ports import Tx
from bot.settings import SECRETS, Settings
from handlers.reader import LOCAL
from tests.databases import fresh_sqlite
from tests.fakes import FakeDirectory, FakeStore
from tests.house.tree import ROOT
from tests.replicas import serving
from tests.unit.handlers.test_loopback import PUBLIC
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, Desk, desk
from tests.unit.web.hostile import dangers
from tests.ways import ways

T = TypeVar("T")

PLANTED = {name: f"hunter2-{name}-0a1b2c3d" for name in SECRETS}
ELSEWHERE = ("203.0.113.9", 1)
HERE = ("127.0.0.1", 50_000)
FILLED = {
    "incident_id": "INC-1",
    "run_id": "r1",
    "sha256": "0" * 64,
    "name": "checkout",
    "target": "checkout-1",
    "view": "cpu",
}
WITH_TOKENS = ("/alerts/", "/api/deploys", "/gate")
SAFE = {"GET", "HEAD", "OPTIONS"}


def app_of(house: Desk) -> FastAPI:
    """Give the whole application; every secret there is has been planted."""
    return create_app(Settings(**PLANTED), tools=house.ports)


@asynccontextmanager
async def asking(app: FastAPI, peer: tuple[str, int] = HERE) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=peer)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """Give each method and address but those of streams, which do not end, and of PDF, which takes a process."""
    found = {(method, path.format_map(defaultdict(lambda: "x", FILLED))) for method, path in ways(app)}
    return sorted((method, path) for method, path in found if not path.endswith(("/live", ".pdf")) or path in PUBLIC)


async def opened(*words: str, **parts: Any) -> Desk:
    house = desk(**parts)
    await house.say(f"start sev3 checkout {words[0] if words else 'slow'}")
    for each in words[1:]:
        await house.say(each)
    return house


async def shown(app: FastAPI) -> AsyncIterator[tuple[str, str]]:
    """Give all that is shown of an incident, and where."""
    async with asking(app) as client:
        for method, path in every_route(app):
            if method == "GET" and not path.startswith("/artifacts"):
                yield (
                    path,
                    (await client.get(path, params={"show": "everything"} if path == "/incidents/INC-1" else {})).text,
                )


@pytest.mark.parametrize(
    "payload",
    ["{{ 'pw' ~ 'ned' }}", "{% set x = 'pw' ~ 'ned' %}{{ x }}", "{{ self.__init__.__globals__.__builtins__ }}"],
)
async def test_dispatch_cve_2024_7093_what_people_write_is_no_template(payload: str) -> None:
    house = await opened(
        payload, *(f"{verb} incident=INC-1 {payload}" for verb in ("note", "update", "impact", "action"))
    )
    seen = {path: text async for path, text in shown(app_of(house))}
    assert any("'pw'" in text or "&#39;pw&#39;" in text or "__globals__" in text for text in seen.values())
    for path, text in seen.items():
        assert "pwned" not in text, path
        assert "__import__" not in text, path


class Broken(FakeStore):
    """Fails with words that hold every secret."""

    async def read(self, act: Callable[[Tx], T]) -> T:
        del act
        raise RuntimeError("; ".join(f"{name}={value}" for name, value in PLANTED.items()))

    async def write(self, act: Callable[[Tx], T]) -> T:
        return await self.read(act)


async def test_dispatch_cve_2023_40171_no_error_tells_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    app = app_of(desk(store=Broken()))
    failed = set()
    async with asking(app) as client:
        for method, path in every_route(app):
            sent = {"text": "note incident=INC-1 x"} if path.endswith("/commands") else {}
            answer = await client.request(method, path, json=sent)
            failed |= {path} if answer.status_code >= 500 else set()
            assert "hunter2" not in answer.text + str(answer.headers), path
    assert {"/", "/api/v1/incidents", "/incidents/INC-1", "/runs/r1", "/api/v1/commands"} <= failed
    with logged():
        try:
            await Broken().read(lambda _: None)
        except RuntimeError:
            logging.getLogger("a.server").exception("Exception in ASGI application")
    told = capsys.readouterr().err
    assert "RuntimeError" in told
    assert "hunter2" not in told


@contextmanager
def logged() -> Iterator[None]:
    """Log as the bot does, and put back how it was."""
    root = logging.getLogger()
    handlers, level, log = root.handlers[:], root.level, logs.log
    logs.configure("INFO")
    logs.log = structlog.get_logger()  # a logger keeps how it was set up when it was used first
    try:
        yield
    finally:
        root.handlers[:], logs.log = handlers, log
        root.setLevel(level)


@pytest.mark.parametrize("word", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)"])
async def test_dispatch_cve_2020_9299_a_name_does_nothing_on_a_page(word: str) -> None:
    found = []
    for each in (word, "calm"):
        async with asking(app_of(await opened(each, f"note incident=INC-1 {each}"))) as client:
            answers = [await client.get(path) for path in ("/", "/incidents/INC-1", "/incidents/INC-1/postmortem")]
        found.append([dangers(answer.text) for answer in answers])
        assert all("default-src 'self'" in answer.headers["content-security-policy"] for answer in answers)
        assert not any("script-src" in answer.headers["content-security-policy"] for answer in answers)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "words", ["join INC-1", "role commander <@U2> incident=INC-1", "status incident=INC-1", "ack incident=INC-1"]
)
async def test_dispatch_cve_2020_9300_nobody_lets_themselves_into_a_private_incident(words: str) -> None:
    house = desk(directory=FakeDirectory({"<@U2>": BEN}))
    await house.say("start private=yes sev2 checkout payroll")
    assert (await house.say(words, BEN)).status is RunStatus.FAILED
    assert BEN not in house.incident().people
    seen = {path: text async for path, text in shown(app_of(house))}
    assert [path for path, text in seen.items() if "payroll" in text] == []


async def test_grafana_oncall_cve_2024_5526_nothing_that_is_sent_is_fetched() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response()

    async with serving(answer) as inside:
        house = desk()
        alert = {"status": "firing", "labels": {"alertname": "Slow", "service": "checkout"}, "generatorURL": inside}
        alert |= {"annotations": {"runbook_url": inside, "dashboard": inside}, "startsAt": "2026-03-01T11:59:00Z"}
        sent = {"version": "4", "status": "firing", "externalURL": inside, "groupKey": "x", "alerts": [alert]}
        headers = {"Authorization": f"Bearer {PLANTED['firstfive_alerts_token']}"}
        async with asking(app_of(house)) as client:
            taken = await client.post("/alerts/alertmanager", json=sent, headers=headers)
            assert taken.status_code == 202, taken.text
            for words in (f"snapshot {inside}", f"audit probes {inside}", f"diagnose service={inside}"):
                refused = await client.post("/api/v1/commands", json={"text": words})
                assert refused.json()["type"] == "urn:firstfive:problem:command-refused", words
        await house.work(lambda: all(run.status.ended for run in house.state.runs.values()))
    assert asked == []


async def test_grafana_oncall_cve_2026_63087_no_route_answers_whoever_is_not_known() -> None:
    app = app_of(await opened())
    async with asking(app, ELSEWHERE) as client:
        for method, path in every_route(app):
            answer = await client.request(method, path, json={})
            if path not in {*PUBLIC, "/health/build", "/healthz"}:  # what probes and guards are told, without a secret
                assert answer.status_code in {401, 403}, (method, path)


async def test_stackstorm_cve_2019_9580_no_origin_is_let_in_null_neither() -> None:
    app = app_of(await opened())
    async with asking(app) as client:
        for origin in ("null", "https://evil.example"):
            for method, path in every_route(app):
                headers = {"Origin": origin}
                answers = [await client.request(method, path, headers=headers, json={})]
                answers += [await client.options(path, headers={**headers, "Access-Control-Request-Method": method})]
                assert not any(name.startswith("access-control-") for each in answers for name in each.headers), path
                if method not in SAFE and not path.startswith(WITH_TOKENS):
                    assert answers[0].status_code == 403, (method, path)


@pytest.mark.parametrize(
    "query", ["user=U1", "person=U1", "as=U1", "actor=U1", "private=true", "scope=all", "decrypt=true"]
)
async def test_stackstorm_cve_2018_20345_a_query_makes_nobody_somebody_else(query: str) -> None:
    house = desk()
    await house.say("start private=yes sev2 checkout payroll")
    app = app_of(house)
    async with asking(app) as client:
        for method, path in every_route(app):
            if method == "GET":
                assert "payroll" not in (await client.get(f"{path}?{query}")).text, path
        for listing in ("/api/v1/incidents", "/api/v1/incidents/INC-1/entries"):
            assert (await client.get(f"{listing}?{query}")).status_code in {404, 422}


async def test_stackstorm_cve_2021_28667_no_character_ends_or_repeats_a_log(tmp_path: Path) -> None:
    words = b"title=\xed\xa0\x80 \xff \xe2\x80\xae z\xcc\xb6\xcc\xa8 \xd7\xa9 \xf0\x9f\x9a\x92 \x1b[2J"
    kept = {"DATABASE_URL": fresh_sqlite(tmp_path, "firstfive.db"), "ARTIFACTS_URL": str(tmp_path / "artifacts")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "run", "start", words, "severity=SEV3",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **kept, "LC_ALL": "C", "PYTHONUTF8": "0", "FIRSTFIVE_CONFIG": ""},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err
    assert b"INC-1" in out
    assert b"Traceback" not in err
    assert len(err.splitlines()) < 60
    assert all(json.loads(line) for line in err.splitlines() if line.startswith(b"{"))


async def test_stackstorm_cve_2026_85513_nobody_has_a_right_that_was_not_given_to_them() -> None:
    house = desk()
    for person in (LOCAL, BEN, ADA):
        for right in Right:
            assert not (await may(house.ports, person, right, "payment")).granted
            assert not (await may(house.ports, person, right, "no such service")).granted
    for right in Right:
        assert not (await may(house.ports, LOCAL, right, "checkout")).granted
    assert People().having(Right.APPROVE) == ()


async def test_stackstorm_6380_the_api_is_no_second_person() -> None:
    house = await opened("slow", "note incident=INC-1 a name")
    run_id = await house.begin("redact", {"entry": 1, "reason": "a name"}, ADA, "INC-1")
    await house.work(lambda: bool(house.incident().waiting))
    async with asking(app_of(house)) as client:
        taken = await client.post("/api/v1/commands", json={"text": f"approve run={run_id}", "incident": "INC-1"})
    assert taken.status_code == 202, taken.text
    approving = taken.json()["run"]
    await house.work(lambda: bool(house.state.runs[approving].status.ended))
    assert house.chain()[0].body is not None
    assert house.incident().waiting
    assert not house.state.runs[run_id].status.ended


FORBIDDEN = {"yaml", "pickle", "marshal", "shelve", "dill", "jsonpickle"}


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        names: Sequence[str] = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        yield from (name.partition(".")[0] for name in names)
        yield from {called} & {"eval", "exec"}


async def test_rundeck_cve_2021_39132_nothing_that_is_read_can_make_objects() -> None:
    sources = [path for name in ("bot", "handlers", "playbooks", "migrations") for path in (ROOT / name).rglob("*.py")]
    assert len(sources) > 500
    assert [source for source in sources if set(imported(source)) & (FORBIDDEN | {"eval", "exec"})] == []
    bomb = b"a: &a [x]\nb: &b [*a, *a]\nc: !!python/object/apply:os.system ['true']\n"
    headers = {"Authorization": f"Bearer {PLANTED['firstfive_alerts_token']}", "Content-Type": "application/json"}
    async with asking(app_of(desk())) as client:
        for path in ("/alerts/alertmanager", "/alerts/grafana", "/api/v1/commands"):
            assert (await client.post(path, content=bomb, headers=headers)).status_code == 422


async def test_rundeck_cve_2021_41111_no_page_and_no_answer_tells_a_token() -> None:
    house = await opened()
    async for path, text in shown(app_of(house)):
        assert "hunter2" not in text, path
    assert "hunter2" not in f"{Settings(**PLANTED)!r} {Settings(**PLANTED)}"
    assert "hunter2" not in await house.text("doctor")


@pytest.mark.parametrize("more", ["people", "approvals", "executor", "targets", "standing"])
async def test_rundeck_cve_2026_92763_nothing_that_is_sent_changes_who_decides_and_what_is_run(more: str) -> None:
    house = desk()
    before, needed = house.ports.catalog, {name: each.approvals for name, each in REGISTRY.items()}
    told = {"service": "checkout", "release": "v1", more: {"approve": ["U666"]}}
    headers = {"Authorization": f"Bearer {PLANTED['firstfive_deploys_token']}"}
    async with asking(app_of(house)) as client:
        refused = await client.post("/api/deploys", json=told, headers=headers)
        assert (refused.status_code, more in refused.json()["error"]) == (422, True)
    assert house.ports.catalog == before
    assert {name: each.approvals for name, each in REGISTRY.items()} == needed
    with pytest.raises(FrozenInstanceError):
        house.ports.catalog.services[0].people = People(approve=("U666",))  # type: ignore[misc]

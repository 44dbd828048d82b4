"""Strict health is for who promotes: what was never looked at is not consistent, and reasons are all that is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.deploys import Deploy, deploys_key
from bot.domain.facts import Build
from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.service import Catalog, Service, Target
from bot.domain.violations import Guarded, Untold, Violation, guard_key
from bot.engine.deploys import Deploys
from bot.engine.ports import Ports
from bot.engine.tools import adapter_of
from handlers.strict import strict
from tests.fakes import FakeReplica, fake_ports

AT = datetime(2026, 3, 1, 11, 50, tzinfo=UTC)
DIRTY = Violation("checkout-2", Reason.DIRTY_TREE, "It was built from aaaaaaa and changes.", "Commit them.", AT)
SHOP = Guarded(AT, ("checkout-1", "checkout-2"), (DIRTY, replace(DIRTY, reason=Reason.ENVIRONMENT_MISMATCH)))
CATALOG = Catalog((Service("checkout", (), guard=GuardPlan()), Service("payment", ()), Service("firstfive", ())))


async def kept(ports: Ports, key: str, of: Any, value: Any) -> None:
    text = adapter_of(of).dump_json(value).decode()
    await ports.store.write(lambda tx: ports.marks.put(tx, key, text))


async def get(path: str, ports: Ports) -> httpx.Response:
    app = FastAPI()
    app.include_router(strict(ports))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("query", "status", "word", "reasons"),
    [
        ("target=checkout-1", 200, "consistent", []),
        ("target=checkout-2", 503, "inconsistent", ["dirty_tree", "environment_mismatch"]),
        ("service=checkout", 503, "inconsistent", ["dirty_tree", "environment_mismatch"]),
        ("service=checkout&target=checkout-1", 200, "consistent", []),
        ("target=checkout-9", 503, "unknown", []),
        ("service=payment", 503, "unknown", []),
        ("service=nowhere&target=checkout-1", 503, "unknown", []),
    ],
)
async def test_a_target_s_question_is_answered_by_the_last_look(
    query: str, status: int, word: str, reasons: list[str]
) -> None:
    ports = fake_ports(CATALOG)
    await kept(ports, guard_key("checkout"), Guarded, SHOP)
    answer = await get(f"/healthz?strict=1&{query}", ports)
    assert answer.status_code == status
    as_of = None if word == "unknown" else "2026-03-01T11:50:00+00:00"
    assert answer.json() == {"status": word, "reasons": reasons, "as_of": as_of}


FINE = Guarded(AT, ("checkout-1", "checkout-2"))
TARGETS = tuple(Target(f"checkout-{n}", "checkout", f"http://127.0.0.1:606{n}") for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("query", "deploy", "targets", "later", "said"),
    [
        ("service=checkout", None, 2, timedelta(minutes=9), ["consistent"]),
        ("service=checkout", None, 2, timedelta(minutes=10), ["unknown", "stale"]),
        ("target=checkout-1", None, 2, timedelta(days=7), ["unknown", "stale"]),
        ("service=checkout", AT - timedelta(hours=1), 2, timedelta(0), ["consistent"]),
        ("target=checkout-1", AT + timedelta(minutes=9), 2, timedelta(0), ["unknown", "stale"]),
        ("service=checkout", None, 3, timedelta(0), ["unknown", "stale"]),
        ("target=checkout-1", None, 3, timedelta(0), ["consistent"]),
    ],
)
async def test_a_look_that_something_has_happened_since_says_nothing_of_now(
    query: str, deploy: datetime | None, targets: int, later: timedelta, said: list[str]
) -> None:
    ports = fake_ports(Catalog((Service("checkout", TARGETS[:targets], guard=GuardPlan()),)))
    await kept(ports, guard_key("checkout"), Guarded, FINE)
    if deploy is not None:
        await kept(ports, deploys_key("checkout"), Deploys, (Deploy("checkout", "v2", deploy, source="webhook"),))
    ports.clock.at += later  # type: ignore[attr-defined]
    answer = await get(f"/healthz?strict=1&{query}", ports)
    assert answer.status_code == (200 if said == ["consistent"] else 503)
    assert [answer.json()["status"], *answer.json()["reasons"]] == said


PLACES = ("service=checkout", "target=checkout-1")


async def test_while_a_release_is_rolled_out_or_targets_are_lost_not_all_is_called_consistent() -> None:
    ports = fake_ports(CATALOG)
    ports.clock.at = AT + timedelta(minutes=1)  # type: ignore[attr-defined]
    await kept(ports, guard_key("checkout"), Guarded, replace(FINE, unsettled=("checkout-2",)))
    await kept(ports, deploys_key("checkout"), Deploys, (Deploy("checkout", "v2", AT, source="webhook"),))
    told = [(await get(f"/healthz?strict=1&target=checkout-{n}", ports)).json()["reasons"] for n in (1, 2)]
    assert told == [[], ["rolling_out"]]
    assert (await get("/healthz?strict=1&service=checkout", ports)).json()["status"] == "unknown"
    await kept(ports, guard_key("checkout"), Guarded, replace(FINE, losses=("checkout: two.test does not resolve",)))
    told = [(await get(f"/healthz?strict=1&{of}", ports)).json()["reasons"] for of in PLACES]
    assert told == [["incomplete"], []]
    silent = Untold("checkout-1", "checkout-1: /version answered 503", (Reason.STAMP_MISSING,))
    await kept(ports, guard_key("checkout"), Guarded, replace(FINE, untold=(silent,)))
    told = [(await get(f"/healthz?strict=1&{of}", ports)).json()["reasons"] for of in (*PLACES, "target=checkout-2")]
    assert told == [["incomplete"], ["incomplete"], []]
    await kept(ports, guard_key("checkout"), Guarded, FINE)
    assert (await get("/healthz?strict=1&service=checkout", ports)).status_code == 200


async def test_without_strict_it_is_alive_whatever_it_runs() -> None:
    ports = replace(fake_ports(CATALOG), replica=FakeReplica())
    answer = await get("/healthz", ports)
    assert (answer.status_code, answer.text) == (200, "live\n")


@pytest.mark.parametrize(
    ("runs", "deployed", "reasons"),
    [
        (Build(release="1.2.3"), "1.2.3", []),
        (Build(release="1.2.3"), "", []),
        (Build(release="1.2.3"), "1.3.0", ["commit_mismatch"]),
        (Build(release="1.2.3", revision="a" * 40, modified=True), "", ["dirty_tree"]),
    ],
)
async def test_the_bot_answers_for_itself(runs: Build, deployed: str, reasons: list[str]) -> None:
    replica = FakeReplica()
    replica.runs = runs
    ports = replace(fake_ports(CATALOG), replica=replica)
    if deployed:
        await kept(ports, deploys_key("firstfive"), Deploys, (Deploy("firstfive", deployed, AT, source="typed"),))
        ports.clock.at = AT.replace(hour=13)  # type: ignore[attr-defined]
    answer = await get("/healthz?strict=1", ports)
    assert (answer.status_code, answer.json()["reasons"]) == (503 if reasons else 200, reasons)
    assert (await get("/health/build", ports)).json() == {
        "release": "1.2.3", "revision": runs.revision, "modified": runs.modified,
    }  # fmt: skip

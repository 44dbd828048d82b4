"""Readiness is about our own parts and nothing else."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.errors import StoreUnusable
from handlers import probes
from handlers.probes import Check, Glance


async def fine() -> str | None:
    return None


async def locked() -> str | None:
    return "another process holds the lock"


async def broken() -> str | None:
    raise StoreUnusable("The database is read-only.")


async def refused() -> str | None:
    raise ConnectionRefusedError("postgresql://user:secret@db/firstfive")


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def exposition(accept: str, usable: Mapping[str, bool], degraded: Mapping[str, bool]) -> tuple[bytes, str]:
    return f"{dict(usable)} {dict(degraded)}\n".encode(), accept


async def get(
    path: str,
    checks: Mapping[str, Check] | None = None,
    degraded: Mapping[str, Glance] | None = None,
    accept: str = "*/*",
) -> httpx.Response:
    app = FastAPI()
    app.include_router(probes.router(checks or {}, degraded or {}, exposition))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        return await client.get(path, headers={"Accept": accept})


async def test_a_process_that_runs_is_live() -> None:
    answer = await get("/health/live", {"database": broken})
    assert (answer.status_code, answer.text) == (200, "live\n")


async def test_it_is_ready_when_its_own_parts_are_usable() -> None:
    answer = await get("/health/ready", {"database": fine, "engine": fine})
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "text": "ready",
        "checks": {"database": "ok", "engine": "ok"},
        "degraded": {},
    }


async def test_an_outage_elsewhere_is_shown_and_changes_nothing() -> None:
    answer = await get(
        "/health/ready", {"database": fine}, {"slack": lambda: "ratelimited", "prometheus": lambda: None}
    )
    assert answer.status_code == 200
    assert answer.json()["degraded"] == {"slack": "ratelimited"}
    assert answer.json()["text"] == "ready; degraded slack: ratelimited"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (locked, "another process holds the lock"),
        (broken, "The database is read-only."),
        (refused, "ConnectionRefusedError"),
    ],
)
async def test_an_unusable_part_of_its_own_makes_it_unready_and_says_why(check: Check, reason: str) -> None:
    answer = await get("/health/ready", {"engine": fine, "database": check})
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"engine": "ok", "database": reason}


async def test_a_check_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_PATIENCE_S", 0.01)
    answer = await get("/health/ready", {"database": hanging})
    assert answer.status_code == 503
    assert "gave no answer" in answer.text


async def test_who_asks_for_text_gets_a_line() -> None:
    answer = await get("/health/ready", {"database": locked}, accept="text/plain")
    assert (answer.status_code, answer.text) == (503, "unusable; database: another process holds the lock\n")


async def test_metrics_are_given_ready_or_not_and_as_they_are_accepted() -> None:
    checks, degraded = {"database": broken, "engine": fine}, {"slack": lambda: "ratelimited", "schedule": lambda: None}
    answer = await get("/metrics", checks, degraded, accept="text/x-metrics")
    assert answer.status_code == 200
    assert answer.text == "{'database': False, 'engine': True} {'slack': True, 'schedule': False}\n"
    assert answer.headers["content-type"].startswith("text/x-metrics")

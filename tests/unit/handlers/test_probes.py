"""Readiness is about our own parts and nothing else."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.metrics import Metrics
from bot.domain.errors import StoreUnusable
from bot.domain.incident import Severity, Status
from bot.ports import Listed
from handlers import probes
from handlers.probes import Check, Glance
from tests.unit.web.story import OPENED_AT


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


async def exposition() -> bytes:
    return b"firstfive_up 1\n"


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


async def test_metrics_are_prometheus_text() -> None:
    answer = await get("/metrics")
    assert answer.text == "firstfive_up 1\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def metrics(*open_: Listed) -> Metrics:
    async def listed() -> list[Listed]:
        return list(open_)

    return Metrics(["start", "snapshot"], listed, version="1.2.3", commit="91ad02f")


async def test_what_was_counted_is_exposed_under_its_name() -> None:
    counted = metrics(Listed("INC-7", "x", Severity.SEV2, Status.OPEN, "", "", OPENED_AT))
    counted.command("start", "slack")
    counted.run_ended("snapshot", "done", 2.4)
    counted.acknowledged(0.004)
    counted.slack_call("chat.postMessage", "ratelimited")
    text = (await counted.exposition()).decode()
    for line in (
        'firstfive_commands_total{verb="start",via="slack"} 1.0',
        'firstfive_runs_total{playbook="snapshot",status="done"} 1.0',
        'firstfive_run_seconds_bucket{le="2.5",playbook="snapshot"} 1.0',
        'firstfive_run_seconds_bucket{le="1.0",playbook="snapshot"} 0.0',
        'firstfive_ack_seconds_bucket{le="0.005"} 1.0',
        'firstfive_slack_calls_total{method="chat.postMessage",outcome="ratelimited"} 1.0',
        'firstfive_open_incidents{severity="SEV2"} 1.0',
        'firstfive_open_incidents{severity="SEV1"} 0.0',
    ):
        assert line in text.splitlines()
    assert 'commit="91ad02f"' in text
    assert 'version="1.2.3"' in text
    assert "process_resident_memory_bytes" in text


async def test_words_that_anybody_typed_do_not_become_labels() -> None:
    counted = metrics()
    for word in ("strat", "snapshoot", "a" * 5_000):
        counted.command(word, "slack")
    assert 'firstfive_commands_total{verb="other",via="slack"} 3.0' in (await counted.exposition()).decode()


async def test_two_bots_in_one_process_do_not_share_counters() -> None:
    first, second = metrics(), metrics()
    first.command("start", "cli")
    assert b'verb="start"' not in await second.exposition()

"""`firstfive run` on a Postgres: by whoever serves it, or here when nobody does."""

import asyncio
from pathlib import Path

import pytest

from bot import headless
from bot.domain.run import RunStatus
from bot.main import build
from bot.settings import Settings
from tests.databases import fresh_postgres

pytestmark = pytest.mark.postgres


def settings(url: str, folder: Path) -> Settings:
    return Settings(database_url=url, artifacts_url=str(folder / "artifacts"))


async def test_nobody_serves_so_it_is_executed_here(tmp_path: Path) -> None:
    with fresh_postgres() as url:
        report = await headless.run(settings(url, tmp_path), "start", {"title": "slow", "severity": "SEV4"})
        assert (report.run.status, report.run.incident_id) == (RunStatus.DONE, "INC-1")
        report = await headless.run(settings(url, tmp_path), "note", {"text": "hello", "incident": "INC-1"})
        assert report.run.status is RunStatus.DONE


async def test_whoever_serves_executes_it(tmp_path: Path) -> None:
    with fresh_postgres() as url:
        house = build(settings(url, tmp_path))
        await house.start()
        try:
            report = await headless.run(settings(url, tmp_path), "start", {"title": "slow", "severity": "SEV4"})
            assert report.run.status is RunStatus.DONE
            async with asyncio.timeout(5):
                while house.worker.counts.executed == 0:  # noqa: ASYNC110 - it offers no event
                    await asyncio.sleep(0.01)
        finally:
            await house.stop()

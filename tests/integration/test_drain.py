"""The bot is lost in mid-run for real: alone it comes back in its own place, beside others one of them takes over."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.databases import fresh_postgres
from tests.integration.emulator_process import eventually
from tests.replicas import running_replicas
from tests.samples import BOTS
from tests.stack import running_stack

pytestmark = BOTS

LAB = ("[[services]]", 'name = "lab"', "lab = true")
TYPED = "/incident drill drain"
ENDED = "SELECT status, result FROM run WHERE status IN ('done', 'failed', 'refused')"
DRILLED = f"{ENDED} AND playbook = 'drill'"


async def test_alone_it_comes_back_in_its_own_place_and_goes_on(tmp_path: Path) -> None:
    async with running_stack(tmp_path, config=LAB) as stack:
        process = stack.bot.process
        await stack.type(TYPED)
        ((status, result),) = await eventually(lambda: ended(tmp_path / "firstfive.db"), 60)
        await eventually(stack.bot.is_ready, 60)

        assert status == "done", result
        assert "came back and took over by itself after" in result
        assert "Nothing is lost." in result
        assert process is not None
        assert process.returncode is None
        assert stack.bot.log.count('"event": "ready"') == 2


async def ended(database: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(DRILLED).fetchall()


@pytest.mark.postgres
@pytest.mark.matrix(sample=0)
async def test_beside_others_one_of_them_takes_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with fresh_postgres() as url:
        async with running_replicas(tmp_path, url, count=2, more="\n".join(LAB)) as replicas:
            await replicas.start(0, 1)
            await replicas.type("/incident deploy lab release=v1.5.0")
            await eventually(lambda: replicas.ask(ENDED))
            await replicas.type(TYPED)
            ((status, result),) = await eventually(lambda: replicas.ask(DRILLED), 60)
            text = json.loads(result)["text"] if isinstance(result, str) else result["text"]
            with capsys.disabled():
                print(f"\n{text}")  # noqa: T201 - a figure to keep
            for bot in replicas.bots:
                await eventually(bot.is_ready, 60)

            assert status == "done"
            assert "took over" in text
            assert "of 1 timeline not an entry is missing or changed. Nothing is lost." in text

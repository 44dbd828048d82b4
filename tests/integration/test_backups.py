"""Back up while it is used, and restore: with the commands that the docs show, to a bot that goes on."""

import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bot import headless, verification
from bot.domain.run import RunStatus
from bot.settings import Settings
from tests.databases import empty_postgres, fresh_postgres, postgres_tool
from tests.house.tree import ROOT
from tests.integration.contracts.engines import engines_on
from tests.integration.emulator_process import eventually
from tests.samples import BOTS
from tests.stack import Stack, running_stack

pytestmark = BOTS


def shown(tool: str, **instead: str) -> list[str]:
    """Give the command of the docs that uses a tool, with other words in the places of some."""
    docs = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^ *```sh\n(.*?)^ *```", docs, re.MULTILINE | re.DOTALL))
    (line,) = (line.strip() for line in blocks.splitlines() if line.split()[:1] == [tool])
    for word, other in instead.items():
        assert word in line
        line = line.replace(word, other)
    return shlex.split(line, comments=True)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_a_file_is_backed_up_in_use_and_restored(tmp_path: Path) -> None:
    database, backup = tmp_path / "firstfive.db", tmp_path / "backup.db"
    settings = Settings(database_url=f"sqlite:///{database}", artifacts_url=str(tmp_path / "artifacts"))
    async with running_stack(tmp_path) as stack:
        await stack.type("/incident start sev3 checkout slow")
        await eventually(lambda: phase(stack, "running"), 30)
        await stack.type("/incident note incident=INC-1 before")
        await eventually(lambda: notes(stack, "before"))
        run(sys.executable, *shown("python3", **{"data/firstfive.db": str(database), "backup.db": str(backup)})[1:])
        await stack.type("/incident note incident=INC-1 after")
        await eventually(lambda: notes(stack, "before", "after"))
        await headless.run(settings, "anchor", {})
        assert await stack.bot.end() == 0
        for leftover in ("-wal", "-shm"):
            database.with_name(f"{database.name}{leftover}").unlink(missing_ok=True)
        backup.replace(database)
        audits, anchored = await verification.verify_chains(settings)
        assert anchored.flaws == []
        assert {len(each.breaks) for each in audits} == {1}
        assert "the tail is gone" in str(audits[-1].breaks)
        await stack.bot.start()
        assert await notes(stack, "before")
        await stack.type("/incident mitigate INC-1 rolled back")
        await eventually(lambda: phase(stack, "done"), 15)


async def notes(stack: Stack, *texts: str) -> bool:
    entries = await stack.listed("/api/v1/incidents/INC-1/entries")
    return [entry["body"]["text"] for entry in entries if entry["kind"] == "note"] == list(texts)


async def phase(stack: Stack, state: str) -> bool:
    phases = (await stack.incident()).get("phases", ())
    return any(phase["name"] == "mitigate" and phase["state"] == state for phase in phases)


@pytest.mark.postgres
async def test_a_postgres_is_dumped_in_use_and_restored(tmp_path: Path) -> None:
    dump = tmp_path / "backup.dump"
    with fresh_postgres() as url, empty_postgres() as restored:
        async with engines_on("distributed", url, tmp_path) as engines:
            engine = engines.engine()
            await engine.start()
            await engines.admit("waits", "wait")
            await engines.admit("done")
            await engines.until("done")
            await engines.until_traced("waits middle")
            _, *words = shown("pg_dump", **{"$DATABASE_URL": url, "backup.dump": str(dump)})
            run(postgres_tool("pg_dump"), *words)
            await engine.stop(0)
        _, *words = shown("pg_restore", **{"$DATABASE_URL": restored, "backup.dump": str(dump)})
        run(postgres_tool("pg_restore"), *words)
        audits, _ = await verification.verify_chains(Settings(database_url=restored, artifacts_url=str(tmp_path)))
        assert [each.breaks for each in audits] == [()]
        async with engines_on("distributed", restored, tmp_path) as engines:
            engine = engines.engine()
            await engine.start()
            await engines.signal("waits")
            await engines.until("waits")
            assert (await engines.get("done")).status is RunStatus.DONE
            await engine.stop(0)
            times = Counter(engines.traced)
            assert {what for what, count in times.items() if count > 1} == {"waits middle"}
            assert {"waits last", "done last"} <= set(times)

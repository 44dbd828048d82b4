"""The main database is away and the service is sick: the glass is broken as the docs say, and nothing of it is lost."""

import asyncio
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from typer.testing import Result

from tests.cli import firstfive
from tests.house.tree import ROOT
from tests.lab import running_lab
from tests.samples import BOTS
from tests.stack import Bot, free_ports, services

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]


def shown() -> list[str]:
    """Give the commands of the docs, in their order."""
    docs = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = docs.partition("### Break the glass")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if re.match(r"(DATABASE_URL=\S+ )?firstfive ", line)]


async def run(line: str, environment: Mapping[str, str]) -> Result:
    """Run a line of the docs as a shell would."""
    words = shlex.split(line)
    place = words.index("firstfive")
    given = dict(word.split("=", 1) for word in words[:place])
    return await asyncio.to_thread(firstfive, *words[place + 1 :], **{**environment, **given})


async def test_the_glass_is_broken_and_what_was_seen_is_attached_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    *broken, attach = shown()
    assert len(broken) == 3
    with running_lab() as lab:
        (tmp_path / "firstfive.toml").write_text("\n".join(services(lab)))
        main = {
            "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
            "ARTIFACTS_URL": str(tmp_path / "artifacts"),
            "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_ports(0)}/firstfive",
        }
        refused = await run("firstfive run snapshot service=checkout", main)
        assert refused.exit_code == 1
        assert "DATABASE_URL=sqlite:///break-glass.db firstfive run snapshot" in refused.stderr
        told = [await run(line, main) for line in broken]
        assert [done.exit_code for done in told] == [0, 0, 0], [done.stderr for done in told]
        assert "checkout" in told[1].stdout
        assert (await run("DATABASE_URL=sqlite:///break-glass.db firstfive verify", main)).exit_code == 0
    kept = re.search(r"(incident-\S+\.tar\.gz)  \d+ bytes  sha256 (?P<sha256>[0-9a-f]{64})", told[2].stdout)
    assert kept is not None
    main["DATABASE_URL"] = f"sqlite:///{tmp_path}/main.db"
    assert (await run("firstfive run start title=slow severity=SEV2", main)).exit_code == 0
    attach = attach.replace("INC-7", "INC-1").replace("SHA256", kept["sha256"])
    assert (await run(attach, main)).exit_code == 0
    bot = Bot(free_ports(0), tmp_path, main)
    await bot.start()
    try:
        async with aiohttp.ClientSession(bot.url) as session:
            async with session.get(f"/artifacts/{kept['sha256']}") as answer:
                assert answer.status == 200
                assert (await answer.read()).startswith(b"\x1f\x8b")
            async with session.get("/api/v1/incidents/INC-1/entries") as answer:
                assert kept["sha256"] in await answer.text()
    finally:
        await bot.end()

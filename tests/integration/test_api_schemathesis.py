"""schemathesis tries the API of a real bot by its description, and finds nothing."""

import asyncio
import re
import sys
from pathlib import Path

import aiohttp

from tests.databases import fresh_sqlite
from tests.house.tree import ROOT
from tests.stack import Bot, free_port

SERVICE = '[[services]]\nname = "checkout"\n[[services.targets]]\nname = "checkout-1"\npprof = "http://127.0.0.1:9"\n'


async def test_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "firstfive.toml").write_text(SERVICE)
    settings = {
        "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(tmp_path, "firstfive.db"),
        "ARTIFACTS_URL": str(tmp_path / "artifacts"),
        **dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"), ""),
    }
    bot = Bot(free_port(), tmp_path, settings)
    await bot.start()
    try:
        async with aiohttp.ClientSession() as session:
            declared = {"text": "start sev3 checkout slow"}
            async with session.post(f"{bot.url}/api/v1/commands", json=declared) as answer:
                assert answer.status == 202
        code, found = await tried(f"{bot.url}/api/v1/openapi.json", tmp_path)
    finally:
        await bot.end()
    assert code == 0, found
    # It may warn that most of the words it makes up are no commands; what it checks must hold for every answer.
    assert re.search(r"(\d{3,}) generated, \1 passed", found), found


async def tried(url: str, folder: Path) -> tuple[int, str]:
    """Let schemathesis try what is described there, a few requests of each sort; give its code and its words."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "st", "--config-file", ROOT / "tests" / "schemathesis.toml", "run", url,
        "--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "1", "--no-color",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()

"""The page of the settings: what was read, where from, what the doctor says; and no secret, wherever it was put."""

import asyncio
import tomllib
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.checks import Check, fail, ok, warn
from bot.domain.configured import Configuration
from bot.settings import Settings
from bot.settings.configured import configuration
from handlers import configurations
from tests.fakes import FakeCheckup, fake_ports
from tests.fakes.readers import Read

PLANTED = "kangaroo-and-pelican"
FILE = f"""
url = "https://ops.test"
announcements = "incidents {PLANTED}"
[rota]
source = "config"
[[services]]
name = "checkout"
repository = "https://{PLANTED}@git.test/checkout.git"
prometheus = "https://reader:{PLANTED}@prometheus.test"
[[services.links]]
title = "Dashboard"
url = "https://grafana.test/d?token={PLANTED}"
[[services.targets]]
name = "checkout-1"
pprof = "http://127.0.0.1:6060"
headers = {{ Authorization = "env:CHECKOUT_TOKEN" }}
"""
ENVIRONMENT = {
    "FIRSTFIVE_CONFIG": "/etc/firstfive.toml",
    "SLACK_BOT_TOKEN": "xoxb-" + PLANTED,
    "CHECKOUT_TOKEN": PLANTED,
    "DATABASE_URL": f"postgresql://ada:{PLANTED}@db.test/firstfive",
}


def read(file: str = FILE) -> Configuration:
    given: dict[str, Any] = tomllib.loads(file)
    secrets = {"slack_bot_token": ENVIRONMENT["SLACK_BOT_TOKEN"], "database_url": ENVIRONMENT["DATABASE_URL"]}
    return configuration(Settings(**given, **secrets), ENVIRONMENT)


def test_everything_is_told_with_where_it_came_from() -> None:
    told = {row.key: (row.value, row.whence.value) for row in read().values}
    assert told["url"] == ("https://ops.test", "file")
    assert told["host"] == ("127.0.0.1", "default")
    assert told["rota.source"] == ("config", "file")
    assert told["rota.name"] == ("", "default")
    assert told["database_url"] == ("postgresql://[user]@db.test/firstfive", "environment")
    assert told["services.checkout.targets.checkout-1.pprof"] == ("http://127.0.0.1:6060", "file")
    assert told["services.checkout.targets.checkout-1.headers"] == ("Authorization = CHECKOUT_TOKEN", "file")


def test_of_secrets_is_told_whether_they_are_set_and_nothing_else() -> None:
    it = read()
    assert dict(it.secrets) | {"SLACK_BOT_TOKEN": True, "CHECKOUT_TOKEN": True, "SLACK_APP_TOKEN": False} == dict(
        it.secrets
    )
    assert PLANTED not in str(it)
    assert not any("token" in row.key and row.key.startswith("slack") for row in it.values)


async def page(checkup: FakeCheckup) -> str:
    app = FastAPI()
    app.add_middleware(Read)
    app.include_router(configurations.router(replace(fake_ports(), checkup=checkup), read()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return (await client.get("/settings")).text


async def test_what_the_doctor_finds_comes_first_the_worst_of_it_first() -> None:
    said = await page(
        FakeCheckup(ok("database", "sqlite"), warn("discovery", "slow", "wait"), fail("slack", "no", "token"))
    )
    assert said.index("slack") < said.index("discovery") < said.index("sqlite")
    for words in ("To mend it: token", "SLACK_APP_TOKEN</code></dt><dd>not set", "SLACK_BOT_TOKEN</code></dt><dd>set"):
        assert words in said, words
    assert PLANTED not in said


class Slow(FakeCheckup):
    """Never ends."""

    async def checks(self) -> tuple[Check, ...]:
        await asyncio.Event().wait()
        return ()


async def test_nobody_waits_for_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.lookout.PATIENCE_S", 0.01)
    assert "The doctor is looking at everything" in await page(Slow())

"""`firstfive doctor` on a whole installation that is well, then on the same with one thing broken."""

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.installed import oauth
from bot.adapters.slack.validation import validate
from bot.adapters.sql.installations import SqlInstallations
from bot.adapters.sql.store import SqlStore
from bot.demo import app_options
from bot.doctor import Doctor
from bot.domain.checks import Check, State
from bot.ports import Installation
from bot.settings import Settings
from tests import cli
from tests.databases import fresh_sqlite
from tests.fakes import NOON, FakeClock
from tests.integration.emulator_process import ADA, APP_TOKEN, BOT_TOKEN, Emulator, running_emulator
from tests.unit.adapters.hostile import serving, whole
from tests.unit.domain.captures import IDLE, goroutines

SECRET = "0123456789abcdef" * 2
CONFIG_TOKEN = "xoxe.xoxp-emulator-1"
OPTIONS = ("--socket-mode", "--signing-secret", SECRET, "--config-token", CONFIG_TOKEN)
SLACK_LINES = ["slack token", "slack scopes", "clock", "signing secret", "socket mode", "slack manifest"]
SPLIT = {"kind": "command", "read": ["/bin/echo", '{"weight": 10, "dyed": true}'], "set": ["/bin/false"]}


@dataclass
class House:
    """An installation: what it is configured with, as values for Settings."""

    given: dict[str, Any]
    folder: Path

    async def examined(self, *, clock: Any = None, live: bool = False, **changed: Any) -> dict[str, Check]:
        doctor = Doctor(Settings(**{**self.given, **changed}), clock)
        return {check.name: check for check in await doctor.checks(live=live)}

    def services(self, **changed: Any) -> list[dict[str, Any]]:
        """Give the one service; what is changed is its target's."""
        (service,) = self.given["services"]
        return [{**service, "targets": [{**service["targets"][0], **changed}]}]

    def stamped(self, revision: str) -> dict[str, Any]:
        """Say that the schema is at a revision; nothing of the configuration changes."""
        with closing(sqlite3.connect(self.folder / "firstfive.db")) as database, database:
            database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        return {}


def program(folder: Path, name: str, script: str) -> dict[str, Any]:
    """Put a program there; nothing of the configuration changes."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return {}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a go and a bwrap on PATH, which need not be on this machine, before what is."""
    folder = tmp_path / "bin"
    program(folder, "go", "echo go version go1.26 linux/amd64")
    program(folder, "bwrap", "exit 0")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@asynccontextmanager
async def house(tmp_path: Path, **given: Any) -> AsyncIterator[House]:
    url = fresh_sqlite(tmp_path, "firstfive.db")
    repository = tmp_path / "checkout.git"
    init = ["git", "init", "--quiet", "--bare", str(repository)]
    await asyncio.to_thread(subprocess.run, init, check=True)
    async with serving({"/debug/pprof/goroutine": whole(goroutines(*IDLE)), "/": whole(b"fine")}) as target:
        targets = [{"name": "checkout-1", "pprof": target, "url": f"{target}/"}]
        services = [{"name": "checkout", "repository": str(repository), "targets": targets, "router": SPLIT}]
        values = {"database_url": url, "artifacts_url": str(tmp_path / "artifacts"), "services": services, **given}
        yield House(values, tmp_path)


def slack(emulator: Emulator) -> dict[str, Any]:
    return {
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SECRET,
        "slack_app_token": APP_TOKEN,
        "slack_config_token": CONFIG_TOKEN,
        "slack_api_url": emulator.api_url,
        "announcements": "#announcements",
        "on_call": ("@ben",),
    }


def those(checks: Iterable[Check], state: State) -> list[str]:
    return [check.name for check in checks if check.state is state]


def assert_only(found: dict[str, Check], name: str, said: str, mend: str) -> None:
    """See that one line fails, says what is wrong and what mends it, and that no line gives a secret away."""
    assert those(found.values(), State.FAIL) == [name], found
    assert said in found[name].said
    assert mend in found[name].mend
    told = "\n".join(check.as_text() for check in found.values())
    assert not [secret for secret in (BOT_TOKEN, APP_TOKEN, SECRET, CONFIG_TOKEN) if secret in told]


@pytest.mark.usefixtures("programs")
async def test_everything_is_ok_and_then_one_thing_of_slack_is_not(tmp_path: Path) -> None:
    async with (
        running_emulator("http://127.0.0.1:9/slack/events", *app_options(), *OPTIONS) as emulator,
        house(tmp_path, **slack(emulator)) as well,
    ):
        found = await well.examined()
        assert [check for check in found.values() if check.state is not State.OK] == []
        assert list(found) == [
            "configuration", *SLACK_LINES, "channel #announcements", "sign-in", "on call", "database", "migrations",
            "artifacts", "target checkout-1", "router checkout", "repository checkout", "git", "go", "sandbox",
        ]  # fmt: skip
        assert found["router checkout"].said == "canary gets 10 %, marked requests reach it"

        wrong = await well.examined(slack_bot_token="xoxb-emulator-wrong")
        assert_only(wrong, "slack token", "invalid_auth", "set SLACK_BOT_TOKEN")
        nowhere = await well.examined(slack_api_url="http://127.0.0.1:9/api")
        assert_only(nowhere, "slack token", "unreachable", "SLACK_API_URL")
        await emulator.act("faults", method="auth.test", mode="http500")  # a page, and not the API's JSON
        assert_only(await well.examined(), "slack token", "status 500", "")
        deaf = await well.examined(slack_app_token="xapp-emulator-wrong")
        assert_only(deaf, "socket mode", "invalid_auth", "connections:write")
        forged = await well.examined(slack_signing_secret="", slack_app_token="")
        assert_only(forged, "signing secret", "every delivery is refused", "SLACK_SIGNING_SECRET")
        unknown = await well.examined(slack_config_token="xoxe.xoxp-emulator-2")
        assert those(unknown.values(), State.WARN) == ["slack manifest"]
        late = FakeClock(SystemClock().now() + timedelta(minutes=10))
        assert_only(await well.examined(clock=late), "clock", "ahead of Slack's", "timedatectl")

        shown = await well.examined(live=True)
        assert shown["slack takes"].state is State.OK
        assert int(shown["slack takes"].said.split()[1]) > 100

        gone = await well.examined(announcements="#nowhere")
        assert_only(gone, "channel #nowhere", "is not there", "correct `announcements`")
        await emulator.act("archive", user=ADA, channel=await emulator.id_of("announcements"))
        assert_only(await well.examined(), "channel #announcements", "is archived", "unarchive it")


async def test_it_counts_the_connections_of_the_bots_that_run(tmp_path: Path) -> None:
    async with (
        running_emulator("http://127.0.0.1:9/slack/events", *app_options(), *OPTIONS) as emulator,
        house(tmp_path, **slack(emulator)) as well,
        AsyncExitStack() as bot,
    ):
        told = []
        for _ in range(3):
            found = (await well.examined())["socket mode"]
            told.append((found.state, found.said))
            headers = {"Authorization": f"Bearer {APP_TOKEN}"}
            async with emulator.session.post(f"{emulator.api_url}apps.connections.open", headers=headers) as answer:
                url = (await answer.json())["url"]
            await bot.enter_async_context(emulator.session.ws_connect(url))
        assert told == [
            (State.OK, "connects; no bot holds a connection now"),
            (State.WARN, "connects; the bots that run hold 1 connection, and each wants 2"),
            (State.OK, "connects; the bots that run hold 2 connections"),
        ]


async def test_a_sample_that_slack_refuses_is_named_with_the_reason() -> None:
    async with running_emulator("http://127.0.0.1:9/slack/events") as emulator:
        config = SlackConfig(BOT_TOKEN, SECRET, api_url=emulator.api_url)
        header = {"type": "header", "text": {"type": "mrkdwn", "text": "hi"}}
        good = {"message": {"text": "hi", "blocks": [{"type": "divider"}]}}
        bad = {"good": good, "bad": {"message": {"text": "hi", "blocks": [header]}}}
        (found,) = await validate(config, bad)
        assert (found.name, found.state) == ("slack takes bad", State.FAIL)
        assert found.said.startswith("invalid_blocks: /0/text/type")
        (unasked,) = await validate(SlackConfig("xoxb-emulator-wrong", "", api_url=emulator.api_url), bad)
        assert (unasked.state, unasked.said) == (State.WARN, "not checked: blocks.validate: invalid_auth")


@pytest.mark.usefixtures("programs")
async def test_an_app_that_is_less_than_the_manifest_says(tmp_path: Path) -> None:
    options = app_options()
    at = options.index("--scopes") + 1
    options[at] = options[at].replace("pins:write,", "")
    async with (
        running_emulator("http://127.0.0.1:9/slack/events", *options, *OPTIONS) as emulator,
        house(tmp_path, **slack(emulator)) as less,
    ):
        found = await less.examined(slack_config_token="")
        assert_only(found, "slack scopes", "lacks pins:write (pin the card)", "reinstall the app")
        assert those(found.values(), State.WARN) == ["slack manifest"]
        drifted = await less.examined()
        assert drifted["slack manifest"].said == "the app lacks scope pins:write"


BROKEN: list[tuple[Callable[[House], dict[str, Any]], str, str, str]] = [
    (lambda _: {"database_url": "sqlite:////dev/null/x.db"}, "database", "cannot be made", "DATABASE_URL"),
    (lambda _: {"database_url": "postgresql://127.0.0.1:9/x"}, "database", "cannot be used", "DATABASE_URL"),
    (lambda house: house.stamped("0001"), "migrations", "at 0001, this release needs", "firstfive migrate"),
    (lambda house: house.stamped("9999"), "migrations", "of a later release", "--down-to"),
    (lambda _: {"artifacts_url": "/dev/null/x"}, "artifacts", "cannot be made", "ARTIFACTS_URL"),
    (
        lambda house: {"services": house.services(pprof="http://127.0.0.1:9")},
        "target checkout-1",
        "127.0.0.1:9",
        "start it",
    ),
    (
        lambda house: {"services": house.services(allow=["10.0.0.0/8"])},
        "target checkout-1",
        "127.0.0.1",
        "`allow`",
    ),
    (
        lambda house: {"services": house.services(url="http://127.0.0.1:9")},
        "target checkout-1",
        "127.0.0.1:9",
        "`url`",
    ),
    (
        lambda house: {"services": house.services(https="https://127.0.0.1:9")},
        "target checkout-1",
        "https://127.0.0.1:9: no TLS handshake",
        "`https`",
    ),
    (
        lambda house: {"services": [{**house.services()[0], "repository": f"{house.folder}/none.git"}]},
        "repository checkout",
        "git ls-remote",
        "path or address",
    ),
    (
        lambda house: {"services": [{**house.services()[0], "router": {**SPLIT, "read": ["/nowhere/split"]}}]},
        "router checkout",
        "split cannot be run",
        "docs/routers.md",
    ),
    (
        lambda house: program(house.folder / "bin", "git", "echo git version 2.17.1"),
        "git",
        "older than 2.30",
        "newer git",
    ),
]


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(("spoil", "name", "said", "mend"), BROKEN, ids=[f"{row[1]}: {row[2]}" for row in BROKEN])
async def test_without_slack_one_broken_thing_fails_alone(
    tmp_path: Path, spoil: Callable[[House], dict[str, Any]], name: str, said: str, mend: str
) -> None:
    async with house(tmp_path) as broken:
        found = await broken.examined(**spoil(broken))
    assert_only(found, name, said, mend)
    assert those(found.values(), State.WARN)[:1] == ["slack"]


class BrokenClock(SystemClock):
    def now(self) -> datetime:
        raise OverflowError("there is no such time")


@pytest.mark.usefixtures("programs")
async def test_a_check_that_breaks_is_the_only_line_that_is_lost(tmp_path: Path) -> None:
    async with house(tmp_path) as broken:
        found = await broken.examined(clock=BrokenClock())
    assert_only(found, "slack", "OverflowError: there is no such time", "fault of FirstFive itself")
    assert found["target checkout-1"].state is State.OK


async def test_what_only_some_need_is_a_warning(tmp_path: Path, programs: Path) -> None:
    program(programs, "go", "echo no such thing >&2; exit 3")
    program(programs, "bwrap", "echo bwrap: setting up uid map: Permission denied >&2; exit 1")
    async with house(tmp_path) as plain:
        found = await plain.examined(services=[])
    assert those(found.values(), State.FAIL) == []
    assert those(found.values(), State.WARN) == ["configuration", "slack", "on call", "go", "sandbox"]
    assert found["sandbox"].said == "bwrap: bwrap: setting up uid map: Permission denied"


@pytest.mark.usefixtures("programs")
def test_the_command_prints_a_line_each_and_fails_when_something_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DATABASE_URL", "ARTIFACTS_URL"):
        monkeypatch.delenv(name, raising=False)
    fresh = cli.firstfive("doctor")
    assert fresh.exit_code == 0, fresh.output
    assert [line.split()[:2] for line in fresh.stdout.splitlines()] == [
        ["warn", "configuration"],
        ["warn", "slack"],
        ["ok", "sign-in"],
        ["warn", "on"],
        ["ok", "database"],
        ["warn", "migrations"],
        ["ok", "artifacts"],
        *(["ok", name] for name in ("git", "go", "sandbox")),
    ]
    assert "there are no tables yet -> firstfive migrate" in fresh.stdout

    failed = cli.firstfive("doctor", "--json", ARTIFACTS_URL="/dev/null/x")
    assert failed.exit_code == 1
    told = json.loads(failed.stdout)
    assert (told["ok"], {row["name"] for row in told["checks"] if row["state"] == "fail"}) == (False, {"artifacts"})

    (tmp_path / "firstfive.toml").write_text("anouncements = '#x'\n")
    refused = cli.firstfive("doctor")
    assert refused.exit_code == 1
    assert "Did you mean 'announcements'" in refused.stdout
    assert refused.stdout.startswith("fail  configuration  ")


@pytest.mark.usefixtures("programs")
async def test_who_is_on_call_is_told_or_why_it_cannot_be(tmp_path: Path) -> None:
    async with (
        running_emulator("http://127.0.0.1:9/slack/events", *app_options(), *OPTIONS) as emulator,
        house(tmp_path, **slack(emulator)) as well,
    ):
        found = await well.examined()
        assert found["on call"].said == "Ben Lindqvist, by the configuration"
        found = await well.examined(on_call=("@ben", "@nobody"))
        assert_only(found, "on call", "nobody in Slack is @nobody", "correct `on_call`")
        found = await well.examined(on_call=())
        assert those(found.values(), State.WARN) == ["on call"]
        by_group = {"source": "usergroup", "name": "oncall"}
        found = await well.examined(rota=by_group)
        assert (found["on call oncall"].state, "by Slack user group" in found["on call oncall"].said) == (
            State.OK,
            True,
        )
        found = await well.examined(rota={**by_group, "name": "nope"})
        assert_only(found, "on call nope", "no user group has the handle @nope", "the user group's handle")
        found = await well.examined(rota={"source": "usergroup"})
        assert_only(found, "on call", "for no rota", "`rota.name`")
        found = await well.examined(rota={"source": "pagerduty", "name": "PI7DH85"})
        assert_only(found, "on call", "PAGERDUTY_API_TOKEN is not set", "set PAGERDUTY_API_TOKEN")
        key: dict[str, Any] = {"opsgenie_api_key": "K0", "paging": {"opsgenie_url": "http://127.0.0.1:9"}}
        found = await well.examined(rota={"source": "opsgenie", "name": "web"}, **key)
        assert_only(found, "on call web", "Opsgenie", "OPSGENIE_API_KEY")
        found = await well.examined(rota=by_group, slack_bot_token="")
        assert "there is no Slack to ask" in found["on call"].said


@pytest.mark.usefixtures("programs")
async def test_every_workspace_that_has_installed_the_app_is_looked_at(tmp_path: Path) -> None:
    client = {
        "slack_client_id": "1.2",
        "slack_client_secret": "emulator-secret",
        "url": "https://firstfive.example.com",
    }
    async with (
        running_emulator("http://127.0.0.1:9/slack/events", *app_options(), *OPTIONS) as emulator,
        house(tmp_path, **slack(emulator), **client) as well,
    ):
        found = await well.examined(slack_bot_token="")
        assert found["slack workspaces"].said == "none has installed the app yet"
        assert found["slack oauth"].state is State.OK
        await keep(well, "T0BOX0001", BOT_TOKEN)
        found = await well.examined(slack_bot_token="")
        assert those(found.values(), State.WARN) == those(found.values(), State.FAIL) == []
        assert [name for name in found if name.startswith("slack ")] == [
            "slack token", "slack scopes", "slack manifest", "slack oauth", "slack workspace of T0BOX0001",
        ]  # fmt: skip
        await keep(well, "T0BOX0002", "xoxb-emulator-wrong")
        found = await well.examined(slack_bot_token="")
        assert_only(found, "slack workspace of T0BOX0002", "invalid_auth", "/slack/install")
        await keep(well, "T0BOX0002", "", revoked_at=NOON)
        found = await well.examined(slack_bot_token="")
        assert found["slack workspace of T0BOX0002"].state is State.WARN
        assert "has removed FirstFive at 2026-03-01" in found["slack workspace of T0BOX0002"].said
        found = await well.examined(slack_client_id="")
        assert_only(found, "slack oauth", "SLACK_CLIENT_ID is not set", "set both")


def test_slack_sends_people_back_to_https_only() -> None:
    said = oauth("1.2", "secret", "http://127.0.0.1:8000/slack/oauth_redirect", "https://slack.com/api")
    assert (said.state, "public https address" in said.mend) == (State.FAIL, True)


async def keep(well: House, team: str, token: str, **more: Any) -> None:
    """Have a workspace install the app."""
    given = Installation(team, f"of {team}", "U1", "B1", token, ("commands",), "U2", NOON, **more)
    store = SqlStore(well.given["database_url"])
    await store.write(lambda tx: SqlInstallations(well.given["slack_client_secret"]).keep(tx, given))
    await store.close()

"""Without a chat: a canary is judged, and rolled back by one person who breaks the glass on the bot's machine."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.routers.envoy import EnvoyDriver
from bot.domain.traffic import CLOSED
from tests.integration.test_headless import firstfive, report
from tests.routers.envoy import running_envoy
from tests.routers.tracks import Tracks
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]


def test_a_judgement_and_a_rollback_are_one_json_object_each(tmp_path: Path) -> None:
    with running_envoy(Tracks("127.0.0.1:9", "127.0.0.1:9"), tmp_path) as router:
        canary = f'[services.canary]\nexposition = "{router.settings["admin"]}/stats/prometheus?filter=upstream_rq"\n'
        people = '[services.people]\napprove = ["U0ADA0001"]\n'
        config = f'[[services]]\nname = "checkout"\n{router.toml}{canary}{people}'
        (tmp_path / "firstfive.toml").write_text(config)
        where = {"FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml")}
        judged = report(firstfive(tmp_path, "run", "canary", "service=checkout", "seconds=2", "--json", **where))
        assert (judged["status"], judged["result"]["judgement"]) == ("done", "inconclusive")
        assert {reason["rule"] for reason in judged["result"]["reasons"]} == {"errors", "latency"}
        why = ["rollback=yes", "reason=nobody is there"]
        done = firstfive(tmp_path, "run", "rollback", "service=checkout", *why, "--json", **where)
        told = report(done)
        assert (done.returncode, told["status"], told["result"]["judgement"]) == (0, "done", "inconclusive")
        assert not told["result"]["safe"]
        assert asyncio.run(EnvoyDriver().read(router.route)) == CLOSED
        again = firstfive(tmp_path, "run", "rollback", "service=checkout", *why, "--json", **where)
        assert (again.returncode, report(again)["reason"][:25]) == (1, "checkout was rolled back ")


def test_a_rollback_that_nobody_may_approve_exits_with_3(tmp_path: Path) -> None:
    with running_envoy(Tracks("127.0.0.1:9", "127.0.0.1:9"), tmp_path) as router:
        (tmp_path / "firstfive.toml").write_text(f'[[services]]\nname = "checkout"\n{router.toml}')
        where = {"FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml")}
        done = firstfive(tmp_path, "run", "rollback", "service=checkout", "--json", **where)
        assert (done.returncode, report(done)["status"]) == (3, "refused")

"""Bot and target on different machines: what the bot cannot see itself comes from the agent, up to the verdict."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.lab import folders, releases
from bot.lab.processes import Child
from tests.agents import TOKEN, RunningAgent, running_agent
from tests.namespaces import Machine, two_machines
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]
ADMIN, USERS, AGENT = 6060, 8443, 9464
TRIES = 6


class Elsewhere:
    """A service under load on one machine with an agent beside it, and a bot on the other."""

    def __init__(self, here: Machine, there: Machine, agent: RunningAgent, folder: Path) -> None:
        self.here, self.there, self.agent, self.folder = here, there, agent, folder
        self.admin, self.users = (f"http://{there.address}:{port}" for port in (ADMIN, USERS))

    def fault(self, name: str, *, on: bool) -> None:
        code = (
            "import sys, urllib.request as r; "
            "r.urlopen(r.Request(sys.argv[1], sys.argv[2].encode(), {'Content-Type': 'application/json'}), timeout=60)"
        )
        self.here.run(sys.executable, "-c", code, f"{self.admin}/debug/faults/{name}", json.dumps({"on": on}))

    def run(self, *words: str, agent: bool = True, **environment: str) -> dict[str, Any]:
        """Run a playbook of the bot; give the object that it prints."""
        beside = f'agent = "{self.agent.url}"' if agent else ""
        config = self.folder / "firstfive.toml"
        config.write_text(
            f'[[services]]\nname = "checkout"\n[[services.targets]]\nname = "checkout-1"\npprof = "{self.admin}"\n'
            f'url = "{self.users}"\nallow = ["10.231.0.0/24"]\n{beside}\n'
        )
        given = {
            "FIRSTFIVE_CONFIG": str(config),
            "DATABASE_URL": f"sqlite:///{self.folder}/firstfive.db",
            "ARTIFACTS_URL": str(self.folder / "artifacts"),
            "FIRSTFIVE_AGENT_TOKEN": TOKEN,
        }
        done = subprocess.run(
            [*self.here.inside, sys.executable, "-m", "bot.cli", "run", *words, "--json"],
            env={**os.environ, **given, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def parts(self, report: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {part["part"]: part for part in report["result"]["parts"]}


@contextmanager
def service(here: Machine, there: Machine, folder: Path) -> Iterator[Path]:
    """Run the lab's service there, and its load here; give its log."""
    program = str(releases.prepare(folders.cache() / "lab").program(releases.HEALTHY))
    listen = ["-listen", f"{there.address}:{USERS}", "-admin", f"{there.address}:{ADMIN}"]
    command = [*there.inside, program, *listen, "-name", "checkout-1", "-follow-stdin"]
    with Child("checkout-1", command, folder / "checkout-1.log") as running:
        url = running.announcement()["url"]
        load = [*here.inside, program, "-load", url, "-rate", "20", "-name", "load", "-follow-stdin"]
        with Child("load", load, folder / "load.log"):
            yield running.log


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("elsewhere")
    with two_machines() as (here, there), service(here, there, folder) as log:
        flags = ["--port", str(ADMIN), "--port", str(USERS), "--log", str(log), "--packets"]
        with running_agent(*flags, listen=f"{there.address}:{AGENT}", inside=there.inside) as agent:
            yield Elsewhere(here, there, agent, folder)


def test_without_an_agent_the_bot_says_who_could_tell(elsewhere: Elsewhere) -> None:
    parts = elsewhere.parts(elsewhere.run("snapshot", "service=checkout", "seconds=0", agent=False))

    assert parts["goroutine"]["status"] == "ok"
    for name in ("sockets", "process", "build", "binary"):
        assert (parts[name]["status"], parts[name]["error"]) == (
            "skipped",
            "checkout-1: not on this machine: `firstfive agent` beside it could tell",
        )
    assert "log" not in parts


def test_with_the_agent_every_part_is_there(elsewhere: Elsewhere) -> None:
    report = elsewhere.run("snapshot", "service=checkout", "seconds=0")
    parts = elsewhere.parts(report)

    assert {name: part["status"] for name, part in parts.items() if part["status"] != "ok"} == {}
    assert {"sockets", "process", "build", "binary", "log"} <= parts.keys()
    assert report["result"]["losses"] == []


def test_a_wrong_token_is_a_loss_that_says_so(elsewhere: Elsewhere) -> None:
    report = elsewhere.run("snapshot", "service=checkout", "seconds=0", FIRSTFIVE_AGENT_TOKEN="another-token-of-26")
    parts = elsewhere.parts(report)

    assert parts["goroutine"]["status"] == "ok"
    assert {parts[name]["status"] for name in ("sockets", "process", "build", "binary", "log")} == {"failed"}
    assert "wrong token: FIRSTFIVE_AGENT_TOKEN here is not" in parts["sockets"]["error"]
    assert len(report["result"]["losses"]) == 5


def test_a_mismatch_of_timeouts_is_named_by_what_the_agent_tells(elsewhere: Elsewhere) -> None:
    elsewhere.fault("timeout-mismatch", on=True)
    try:
        for _ in range(TRIES):
            report = elsewhere.run("diagnose", "service=checkout")
            if report["result"]["verdict"] is not None:
                break
    finally:
        elsewhere.fault("timeout-mismatch", on=False)

    assert report["result"]["verdict"] == "timeout-mismatch", report["result"]
    (finding, *_) = report["result"]["findings"]
    assert "CLOSE_WAIT" in finding["claim"]
    assert any("CLOSE_WAIT" in each["value"] for each in finding["evidence"])

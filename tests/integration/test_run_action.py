"""A configured action restarts a real target: asked for, approved, done, and the target is another process."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.adapters.doer import Doer
from bot.domain.approval import requests
from bot.domain.configured_actions import ActionParam, ConfiguredAction
from bot.domain.run import RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Kind
from bot.engine.admission import Command
from bot.lab import folders, releases
from tests.fakes import fake_ports
from tests.stack import free_ports
from tests.unit.playbooks.desk import ADA, BEN, PEOPLE, Desk

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]

RESTART = """#!/bin/sh
set -eu
cd "$(dirname "$0")"
if [ -s "$1.pid" ]; then
    kill "$(cat "$1.pid")"
    while kill -0 "$(cat "$1.pid")" 2>/dev/null; do sleep 0.05; done
fi
{program} -name "$1" -listen 127.0.0.1:{port} -admin 127.0.0.1:0 >"$1.out" 2>"$1.log" </dev/null &
echo $! >"$1.pid"
until grep -q url "$1.out"; do sleep 0.05; done
echo "$1 restarted"
"""


@pytest.fixture
def port() -> int:
    return free_ports(0)


@pytest.fixture
def script(tmp_path: Path, port: int) -> Iterator[Path]:
    """Give a script that restarts a target, which runs already."""
    program = releases.prepare(folders.cache() / "lab").program(releases.HEALTHY)
    file = tmp_path / "restart"
    file.write_text(RESTART.format(program=program, port=port))
    file.chmod(0o755)
    subprocess.run([str(file), "checkout-1"], check=True, stdout=subprocess.DEVNULL)
    try:
        yield file
    finally:
        os.kill(running(file), 15)


def running(script: Path) -> int:
    return int((script.parent / "checkout-1.pid").read_text())


async def test_a_target_is_restarted_by_a_command_that_two_people_agreed_to(script: Path, port: int) -> None:
    target = ActionParam("target", choices=("checkout-1",))
    action = ConfiguredAction("restart", "Restart one target.", (str(script), "{target}"), params=(target,))
    catalog = Catalog((Service("checkout", (), actions=(action,), people=PEOPLE),))
    house = Desk(replace(fake_ports(catalog), doer=Doer()))
    before = running(script)
    await house.say("start sev2 checkout slow")
    params = {"service": "checkout", "action": "restart", "values": "target=checkout-1"}
    run_id = (await house.admission.admit(Command("run", params, ADA, Source(via="test"), incident_id="INC-1"))).run_id
    await house.work(lambda: bool(requests(house.chain())))
    assert running(script) == before

    await house.say("approve INC-1", BEN)
    await house.work(lambda: house.state.runs[run_id].status.ended)

    assert house.state.runs[run_id].status is RunStatus.DONE, house.state.runs[run_id].reason
    assert running(script) != before
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
    (told,) = [entry.facts for entry in house.chain() if entry.kind == Kind.ACTED]
    assert (told["ok"], told["command"]) == (True, f"{script} checkout-1")
    assert await house.ports.artifacts.get(told["artifact"]) == b"checkout-1 restarted\n"

"""`firstfive run`: the same engine without a chat; one JSON object, exit codes that mean something."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests import cli
from tests.lab import running_lab
from tests.samples import BOTS
from tests.stack import services

pytestmark = BOTS

CLI = [sys.executable, "-m", "bot.cli"]


def firstfive(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment_of(folder, **more)
    return subprocess.run([*CLI, *words], env=env, capture_output=True, text=True, check=False, timeout=60)


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    database = {"DATABASE_URL": f"sqlite:///{folder}/firstfive.db", "ARTIFACTS_URL": str(folder / "artifacts")}
    return {**os.environ, **database, **more}


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1, done.stdout
    found: dict[str, Any] = json.loads(lines[0])
    return found


def test_json_is_one_object_on_standard_output(tmp_path: Path) -> None:
    done = firstfive(tmp_path, "run", "list", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert {"run", "playbook", "status", "elapsed_s", "result", "artifacts"} <= set(report(done))


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "lst"), 2, "There is no playbook 'lst'"),
        (("run", "note", "hello"), 2, "write params as key=value"),
        (("run", "note", "txt=hello"), 2, "txt is not one of its params"),
        (("run", "snapshot", "service=nowhere"), 1, "No service is named `nowhere`"),
        (("run", "ack"), 2, "ack is about an incident: add incident=INC-1"),
        (("run", "ack", "incident=INC-9"), 1, "There is no INC-9"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(tmp_path: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = firstfive(tmp_path, *words)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_person_refuses_exits_with_3(tmp_path: Path) -> None:
    def here(*words: str) -> Result:
        return cli.firstfive(*words, **environment_of(tmp_path))

    assert here("run", "start", "title=Mrs Miller of 7 High Street").exit_code == 0
    wanted = [*CLI, "run", "redact", "incident=INC-1", "entry=1", "reason=a name", "--json"]
    with subprocess.Popen(
        wanted, env=environment_of(tmp_path), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stderr is not None
        asked = re.search(r"waits until .* for a second person: .* run=(\w+)", waiting.stderr.readline())
        assert asked is not None
        mine = here("run", "approve", f"run={asked[1]}")
        assert mine.exit_code == 3
        assert "takes a second person" in mine.stdout
        assert here("run", "refuse", f"run={asked[1]}", "reason=not now").exit_code == 0
        assert waiting.wait(30) == 3
        assert "refused redact" in json.loads(waiting.stdout.read())["reason"]


def test_an_incident_is_opened_and_worked_on_without_a_chat(tmp_path: Path) -> None:
    assert firstfive(tmp_path, "run", "start", "title=slow", "severity=SEV3").returncode == 0
    assert firstfive(tmp_path, "run", "ack", "incident=INC-1").returncode == 0
    shown = report(firstfive(tmp_path, "run", "status", "incident=INC-1", "--json"))
    assert "SEV3, open" in shown["result"]["text"]
    verified = firstfive(tmp_path, "verify")
    assert verified.returncode == 0
    assert "INC-1" in verified.stdout


def test_a_timeline_that_was_changed_afterwards_is_found_and_named(tmp_path: Path) -> None:
    firstfive(tmp_path, "run", "start", "title=slow")
    with closing(sqlite3.connect(tmp_path / "firstfive.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        changed = "UPDATE entry SET body = replace(body, 'slow', 'fast') WHERE seq = 1 AND incident_id = 'INC-1'"
        database.execute(changed)
        database.commit()
    done = firstfive(tmp_path, "verify")
    assert done.returncode == 1
    assert "BROKEN INC-1" in done.stdout
    assert "timelines were changed after they were written" in done.stderr


@pytest.mark.go
@pytest.mark.timeout(600)
def test_snapshot_and_diagnosis_of_the_real_service(tmp_path: Path) -> None:
    with running_lab() as lab:
        (tmp_path / "firstfive.toml").write_text("\n".join(services(lab)))
        config = {"FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml")}
        snapshot = report(firstfive(tmp_path, "run", "snapshot", "service=checkout", "--json", **config))
        assert snapshot["status"] == "done"
        [archive] = snapshot["artifacts"]
        assert archive["bytes"] in {path.stat().st_size for path in (tmp_path / "artifacts").rglob("*")}
        diagnosis = report(firstfive(tmp_path, "run", "diagnose", "service=checkout", "--json", **config))
        assert diagnosis["result"]["verdict"] == "goroutine-leak"
        assert diagnosis["result"]["findings"][0]["target"] == "checkout-3"

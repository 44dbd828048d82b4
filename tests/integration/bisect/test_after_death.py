"""A bisect whose process is killed goes on in the next one: what had ended is not run again."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bot import settings as settings_
from bot.domain.run import Run
from bot.main import build
from tests.bisecting.repositories import GO_MOD, Small, go_test
from tests.integration.bisect.place import Place
from tests.samples import BUILDS

pytestmark = BUILDS

# Code that is trusted may write where it likes: so each run of the test can leave a line.
_TEST = """
    said, err := os.OpenFile("{log}", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
    if err != nil {{
        t.Fatal(err)
    }}
    defer said.Close()
    fmt.Fprintln(said, Number())
    time.Sleep(300 * time.Millisecond)
    if Number() >= 12 {{
        t.Fatal("late")
    }}
"""
_COMMITS, _KEPT, _LONGEST_S = 16, 4, 300.0


def test_after_kill_9_only_what_had_not_ended_is_run_again(
    small: Small, tmp_path: Path, state: Path, go_command: str
) -> None:
    place = Place.new(tmp_path, state, go_command, 'sandbox = "none"\nworkers = 2')
    log = tmp_path / "said"
    log.touch()
    commits = _history(small, log)
    words = ["run", "bisect", f"repo={small.folder}", f"good={commits[0]}", "test=TestIt", "--json"]
    command = [sys.executable, "-m", "bot.cli", *words]
    with subprocess.Popen(command, env={**os.environ, **place.environment}, start_new_session=True) as process:
        kept = _wait(place, process)
        os.killpg(process.pid, signal.SIGKILL)
    ended_before = set(_kept(place).items())
    assert len(ended_before) >= len(kept) >= _KEPT
    run = asyncio.run(_go_on(place))
    assert run.result["culprit"] == commits[12]
    trials = _kept(place)
    assert ended_before <= set(trials.items())
    assert len(trials) == run.result["test_runs"]
    # Each run leaves a line; beyond those that are kept there may be the two that were cut off.
    assert len(log.read_text().split()) <= len(trials) + 2


def _history(small: Small, log: Path) -> list[str]:
    test = go_test(_TEST.format(log=log), ("fmt", "os", "time"))
    small.commit({"go.mod": GO_MOD, "it_test.go": test})
    body = "package m\n\nfunc Number() int {{ return {} }}\n"
    return [small.commit({"it.go": body.format(number)}) for number in range(_COMMITS)]


def _kept(place: Place) -> dict[str, str]:
    """Give what the journal holds of runs of the test."""
    with closing(sqlite3.connect(place.folder / "firstfive.db")) as database:
        rows = database.execute("SELECT key, value FROM memo WHERE key LIKE 'part:search:%'")
        return {key: json.dumps(json.loads(value)) for key, value in rows}


def _wait(place: Place, process: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Wait until some runs of the test are kept."""
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until and process.poll() is None:
        try:
            kept = _kept(place)
        except sqlite3.OperationalError:
            kept = {}
        if len(kept) >= _KEPT:
            return kept
        time.sleep(0.1)
    raise AssertionError("the bisect had come to an end before it could be killed")


async def _go_on(place: Place) -> Run:
    """Be the next process, until the run has ended."""
    house = build(settings_.read(place.environment))
    with closing(sqlite3.connect(place.folder / "firstfive.db")) as database:
        (run_id,) = database.execute("SELECT id FROM run WHERE playbook = 'bisect'").fetchone()
    await house.worker.start()
    try:
        async with asyncio.timeout(_LONGEST_S):
            while True:
                run = await house.store.read(lambda tx: house.ports.journal.get(tx, run_id))
                assert run is not None
                if run.status.ended:
                    return run
                await asyncio.sleep(0.1)
    finally:
        await house.stop(0.0)

"""kill -9 anywhere: no command and no step is lost, at most the effect in flight is repeated."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.timeline import Kind, verify
from tests.databases import fresh_postgres, fresh_sqlite

EFFECTS = ("one", "two", "part a", "part b", "child", "four", "five")
WRITES = 22
POINTS = [
    *(f"{when} effect {name}" for name in EFFECTS for when in ("before", "after")),
    *(f"{when} write {number}" for number in range(1, WRITES + 1) for when in ("before", "after")),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield fresh_sqlite(tmp_path)
        return
    with fresh_postgres() as postgres:
        yield postgres


def start(url: str, folder: Path, fate: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "tests.faults.journal_process", url, str(folder), fate]
    root = Path(__file__).parents[2]
    return subprocess.run(program, cwd=root, capture_output=True, text=True, timeout=60, check=False)


def effects(folder: Path) -> Counter[str]:
    return Counter((folder / "effects").read_text().splitlines())


async def check_what_is_left(url: str) -> None:
    store, timeline = SqlStore(url), SqlTimeline()
    chains = await store.read(timeline.chains)
    entries = {name: await store.read(partial(timeline.entries, incident_id=name)) for name in chains}
    owed = await store.read(lambda tx: SqlSurfaces().owed(tx, 99))
    await store.close()
    assert [verify(name, chain).breaks for name, chain in entries.items()] == [()] * len(entries)
    assert [name for name in chains if name != "house"] == ["INC-1"]
    everything = [entry for chain in entries.values() for entry in chain]
    notes = [entry.facts["text"] for entry in everything if entry.kind == Kind.NOTE]
    assert notes == ["two", "child", "four", "five"]
    kinds = Counter(entry.kind for entry in everything)
    assert (kinds[Kind.RUN_STARTED], kinds[Kind.STEP_ENDED], kinds[Kind.RUN_ENDED]) == (1, 5, 1)
    assert [answer.reply.text for answer in owed] == ["all done"]


async def test_without_a_kill_everything_happens_once(url: str, tmp_path: Path) -> None:
    ended = start(url, tmp_path)
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, f"done {WRITES}"), ended.stderr
    assert effects(tmp_path) == dict.fromkeys(EFFECTS, 1)
    await check_what_is_left(url)


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("point", POINTS)
async def test_a_run_killed_anywhere_is_finished_by_the_next_process(url: str, tmp_path: Path, point: str) -> None:
    killed = start(url, tmp_path, point)
    assert killed.returncode == -9, killed.stderr
    ended = start(url, tmp_path)
    assert ended.returncode == 0, ended.stderr
    done = effects(tmp_path)
    assert set(done) == set(EFFECTS)
    repeated = [name for name, times in done.items() if times > 1]
    in_flight = [point.removeprefix("after effect ")] if point.startswith("after effect") else repeated[:1]
    assert repeated == in_flight
    assert all(times <= 2 for times in done.values())
    await check_what_is_left(url)


async def test_killed_again_and_again_it_still_ends(url: str, tmp_path: Path) -> None:
    for name in ("one", "part a", "child", "five"):
        assert start(url, tmp_path, f"after effect {name}").returncode == -9
    assert start(url, tmp_path).returncode == 0
    assert effects(tmp_path) == {**dict.fromkeys(EFFECTS, 1), "one": 2, "part a": 2, "child": 2, "five": 2}
    await check_what_is_left(url)

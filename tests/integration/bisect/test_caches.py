"""What bisects keep on the disk goes again: by size and age, and when nobody has come for a while."""

import asyncio
import os
import time
from pathlib import Path

from bot.adapters.bisect.caches import trim
from bot.adapters.bisect.jobs import Bubblewrap, Limits
from bot.adapters.bisect.prober import GitProber
from bot.domain.bisect.results import Result
from bot.domain.bisect.subject import Subject
from tests.bisecting.repositories import Small

_DAY_S = 86_400


def _file(place: Path, size: int, days: float) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"x" * size)
    used_at = time.time() - days * _DAY_S
    os.utime(place, (used_at, used_at))
    return place


def test_the_oldest_of_a_cache_go_while_it_is_too_large(tmp_path: Path) -> None:
    old, older, new = _file(tmp_path / "0a/1", 40, 2), _file(tmp_path / "0b/2", 40, 3), _file(tmp_path / "0c/3", 40, 0)
    trim(tmp_path, 90)
    assert (old.exists(), older.exists(), new.exists()) == (True, False, True)


def test_what_was_used_today_stays_however_large_it_is(tmp_path: Path) -> None:
    new = _file(tmp_path / "0c/3", 400, 0.5)
    trim(tmp_path, 90)
    assert new.exists()


def test_it_is_looked_at_once_a_day(tmp_path: Path) -> None:
    trim(tmp_path, 90)
    old = _file(tmp_path / "0a/1", 400, 2)
    trim(tmp_path, 90)
    assert old.exists()


async def test_trees_go_when_nobody_has_come_for_a_while_and_are_there_again(small: Small, tmp_path: Path) -> None:
    commit, state = small.commit({"check.sh": "exit 0"}), tmp_path / "state"
    prober = GitProber(state, Bubblewrap(state, Limits()))
    prober.rest.after_s = 0.05
    for _ in range(2):
        probed = await prober.test(small.folder, commit, Subject(command=("sh", "check.sh")), stop=asyncio.Event())
        assert probed.trial.result is Result.GOOD
        async with asyncio.timeout(30):
            while list(state.glob("rooms-*")):  # noqa: ASYNC110 - the disk tells nobody
                await asyncio.sleep(0.01)
    await prober.close()

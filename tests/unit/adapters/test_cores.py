"""How many cores have nothing to do, by what the kernel counts."""

import time
from pathlib import Path

import pytest

from bot.adapters.bisect import cores


def test_idle_cores_are_counted_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times, now = tmp_path / "stat", [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    times.write_text("cpu  1 2 3 1000 5 6 7 0 0 0\n")
    idle = cores.Idle(times)
    times.write_text("cpu  1 2 3 1300 5 6 7 0 0 0\n")
    now[0] += 2.0
    assert idle.cores() == pytest.approx(1.5)
    now[0] += 0.1
    assert idle.cores() == pytest.approx(1.5)
    now[0] += 2.0
    assert idle.cores() == pytest.approx(0.0)


def test_where_nothing_is_counted_no_core_is_idle(tmp_path: Path) -> None:
    assert cores.Idle(tmp_path / "none").cores() == pytest.approx(0.0)


def test_there_is_at_least_one_core() -> None:
    assert cores.available_cores() >= 1

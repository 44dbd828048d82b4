"""How many cores a bisect may use."""

from pathlib import Path

import pytest

from bot.adapters.bisect import cores


@pytest.mark.parametrize(("quota", "most"), [("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1)])
def test_no_more_than_the_container_is_given(
    quota: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(16))
    assert cores.available_cores() == most


@pytest.mark.parametrize("quota", ["max 100000", ""])
def test_all_that_the_scheduler_leaves_where_no_quota_is_set(
    quota: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(16))
    assert cores.available_cores() == 16

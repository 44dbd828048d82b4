"""Labs of several versions of the source share a state folder."""

import os
import time
from pathlib import Path

import pytest

from bot.lab import releases, toolchain

HOUR_S = 3_600


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Build nothing, and keep where it would have been; Go is wherever."""
    folders: list[Path] = []
    monkeypatch.setattr(releases, "_build", lambda made, _: folders.append(made.folder))
    monkeypatch.setattr(toolchain, "find_go", lambda: Path("go"))
    return folders


def of_sources(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    monkeypatch.setattr(releases, "shipped_files", lambda: files)


def test_what_other_sources_made_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[Path]
) -> None:
    one, other = tmp_path / "one.go", tmp_path / "other.go"
    one.write_text("package one")
    other.write_text("package other")
    made = []
    for source in (one, other, one, other):
        of_sources(monkeypatch, source)
        made.append(releases.prepare(tmp_path / "lab").folder)

    assert made[:2] == made[2:]
    assert made[0] != made[1]
    assert len(built) == 2
    assert all(folder.is_dir() for folder in made)


@pytest.mark.parametrize(
    ("hours", "left"),
    [
        pytest.param((0, 5, 6, 30, 40), {0, 5, 6}, id="what was used within a day stays"),
        pytest.param((48, 72, 96), {48, 72}, id="two stay however old they are"),
    ],
)
def test_the_last_used_stay(tmp_path: Path, hours: tuple[int, ...], left: set[int]) -> None:
    for each in hours:
        folder = tmp_path / f"releases-{each}"
        (folder / "bin").mkdir(parents=True)
        os.utime(folder, (time.time() - each * HOUR_S,) * 2)
    (tmp_path / "logs").mkdir()

    releases.prune(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"logs", *(f"releases-{each}" for each in left)}


def test_to_prepare_is_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[Path]) -> None:
    of_sources(monkeypatch)
    folder = releases.prepare(tmp_path).folder
    os.utime(folder, (0, 0))

    releases.prepare(tmp_path)

    assert len(built) == 1
    assert folder.stat().st_mtime > 0

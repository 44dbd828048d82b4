from pathlib import Path

import pytest

from bot.lab import folders


def test_a_folder_takes_its_place_in_one_piece(tmp_path: Path) -> None:
    place = tmp_path / "releases"
    place.mkdir()
    (place / "old").touch()

    with folders.alone_in(tmp_path), folders.replacing(place) as fresh:
        (fresh / "new").touch()
        assert (place / "old").exists()

    assert [path.name for path in place.iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "releases"]


def interrupt_change_of(place: Path) -> None:
    with folders.replacing(place) as fresh:
        (fresh / "half").touch()
        raise KeyboardInterrupt


def test_an_interrupted_change_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "releases"
    place.mkdir()
    (place / "old").touch()

    with pytest.raises(KeyboardInterrupt):
        interrupt_change_of(place)

    assert [path.name for path in tmp_path.iterdir()] == ["releases"]
    assert [path.name for path in place.iterdir()] == ["old"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f"{folders.UNFINISHED}abc" / "deep").mkdir(parents=True)

    with folders.replacing(tmp_path / "releases"):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["releases"]


@pytest.mark.parametrize("unusable", ["", "relative/folder"])
def test_a_cache_home_that_is_not_absolute_is_ignored(
    unusable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", unusable)

    assert folders.cache() == tmp_path / ".cache" / "firstfive"

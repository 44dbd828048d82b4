import subprocess
from pathlib import Path

import pytest

from bot.lab import history
from bot.lab.errors import PreparationFailed


def git(repository: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    history.write_history(folder)
    return folder


def test_the_commits_are_the_same_for_everyone(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[user]\nname = Somebody\n[commit]\ngpgsign = true\n[core]\nautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    other = tmp_path / "other"
    other.mkdir()

    history.write_history(other)

    monkeypatch.undo()
    assert git(other, "log", "--format=%H %s") == git(repository, "log", "--format=%H %s")


def test_both_releases_are_tagged_and_main_is_the_newest(repository: Path) -> None:
    assert git(repository, "tag") == list(history.TAGS)
    assert git(repository, "rev-parse", "main") == git(repository, "rev-parse", "v1.5.0")
    assert git(repository, "status", "--porcelain") == []


def test_only_one_commit_after_the_healthy_release_touches_the_watches(repository: Path) -> None:
    titles = git(repository, "log", "--format=%s", "-G", "watchBasket", "v1.4.0..v1.5.0")

    assert titles == ["Watch prices in the background"]


def test_the_history_runs_no_hooks(repository: Path) -> None:
    assert not (repository / ".git" / "hooks").exists()


def test_an_unknown_title_is_refused(repository: Path) -> None:
    with pytest.raises(PreparationFailed, match="0 commits titled 'Never written'"):
        history.commit_titled(repository, "Never written")


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PreparationFailed, match="git is not on PATH"):
        history.write_history(tmp_path)

"""Files of real repositories at a commit, whatever folders they lie in."""

from pathlib import Path

import pytest

from bot.adapters.git import GitRepository
from bot.domain.run import Missing
from tests.integration.test_git_tags import git

NAMES = ("go.mod", "go.sum")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "shop"
    (place / "tools ö").mkdir(parents=True)
    (place / "go.mod").write_bytes(b"module shop\n")
    (place / "tools ö/go.sum").write_bytes(b"\xff\n\nblob 3\n")
    (place / "go.sum").symlink_to("tools ö/go.sum")
    (place / "main.go").write_bytes(b"package main\n")
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "First")
    return place


async def test_files_are_given_as_a_commit_has_them(repository: Path, tmp_path: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    (repository / "go.mod").write_bytes(b"module other\n")
    git(repository, "commit", "--quiet", "--all", "-m", "Second")
    reader = GitRepository(tmp_path / "mirrors")
    then = {"go.mod": b"module shop\n", "tools ö/go.sum": b"\xff\n\nblob 3\n"}

    assert await reader.files(str(repository), sha, NAMES) == then
    assert await reader.files(str(repository), "HEAD", NAMES) == {**then, "go.mod": b"module other\n"}
    assert await reader.files(str(repository), "HEAD", ("go.work",)) == {}


async def test_a_remote_repository_is_read_only_once_it_is_here(repository: Path, tmp_path: Path) -> None:
    reader, address = GitRepository(tmp_path / "mirrors"), repository.as_uri()
    assert isinstance(await reader.files(address, "HEAD", NAMES), Missing)

    await reader.bring(address, fresh=True)
    told = await reader.files(address, "HEAD", NAMES)

    assert not isinstance(told, Missing)
    assert set(told) == {"go.mod", "tools ö/go.sum"}


@pytest.mark.parametrize("sha", ["", "--help", "0" * 40, "main"])
async def test_a_commit_that_is_not_there_says_so(repository: Path, tmp_path: Path, sha: str) -> None:
    assert isinstance(await GitRepository(tmp_path / "mirrors").files(str(repository), sha, NAMES), Missing)

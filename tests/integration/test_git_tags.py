"""Tags of real repositories: lightweight and annotated ones, here and far away."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.git import GitRepository
from bot.domain.run import Missing
from bot.domain.service import Service

DAYS = ("2026-03-01T12:00:00+0000", "2026-03-02T12:00:00+0000", "2026-03-03T12:00:00+0000")


def git(place: Path, *words: str, at: str = DAYS[0], who: str = "Ada") -> str:
    own = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
           (("NAME", who), ("EMAIL", "x@checkout.example"), ("DATE", at))}  # fmt: skip
    done = subprocess.run(
        ["git", *words], cwd=place, env={**os.environ, **own}, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "checkout"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "First")
    git(place, "tag", "v1.0.0")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "Second", at=DAYS[1])
    git(place, "tag", "-a", "v1.1.0", "-m", "a\nlong text", at=DAYS[2], who="Ben")
    return place


async def test_tags_are_told_newest_first_with_their_commits(repository: Path, tmp_path: Path) -> None:
    tags = await GitRepository(tmp_path / "mirrors").tags(Service("checkout", (), str(repository)), 50)

    assert not isinstance(tags, Missing)
    commits = git(repository, "log", "--format=%H").split()
    assert [(tag.subject, tag.author, tag.sha) for tag in tags] == [
        ("v1.1.0", "Ben", commits[0]),
        ("v1.0.0", "Ada", commits[1]),
    ]
    assert [tag.at for tag in tags] == [datetime(2026, 3, 3, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)]


async def test_only_so_many_as_asked(repository: Path, tmp_path: Path) -> None:
    tags = await GitRepository(tmp_path / "mirrors").tags(Service("checkout", (), str(repository)), 1)

    assert not isinstance(tags, Missing)
    assert [tag.subject for tag in tags] == ["v1.1.0"]


async def test_a_remote_repository_is_mirrored_and_brought_up_to_date(repository: Path, tmp_path: Path) -> None:
    reader, service = GitRepository(tmp_path / "mirrors"), Service("checkout", (), repository.as_uri())
    await reader.tags(service, 50)
    git(repository, "tag", "v1.2.0")

    tags = await reader.tags(service, 50)

    assert not isinstance(tags, Missing)
    assert {tag.subject for tag in tags} == {"v1.0.0", "v1.1.0", "v1.2.0"}


async def test_a_repository_that_went_away_leaves_what_the_mirror_knows(repository: Path, tmp_path: Path) -> None:
    reader, service = GitRepository(tmp_path / "mirrors"), Service("checkout", (), repository.as_uri())
    await reader.tags(service, 50)
    repository.rename(tmp_path / "elsewhere")  # noqa: ASYNC240 - a folder of the test

    tags = await reader.tags(service, 50)

    assert not isinstance(tags, Missing)
    assert len(tags) == 2


async def test_a_clone_that_was_ended_half_way_is_made_anew(repository: Path, tmp_path: Path) -> None:
    reader, service = GitRepository(tmp_path / "mirrors"), Service("checkout", (), repository.as_uri())
    await reader.tags(service, 50)
    [mirror] = (tmp_path / "mirrors").iterdir()
    mirror.rename(mirror.with_suffix(".begun"))
    shutil.rmtree(mirror.with_suffix(".begun") / "refs")

    tags = await reader.tags(service, 50)

    assert not isinstance(tags, Missing)
    assert len(tags) == 2
    assert [each.name for each in (tmp_path / "mirrors").iterdir()] == [mirror.name]


async def test_where_there_is_none_the_reason_is_told(tmp_path: Path) -> None:
    reader = GitRepository(tmp_path / "mirrors")

    assert await reader.tags(Service("checkout", ()), 50) == Missing("no repository is configured for checkout")
    assert isinstance(await reader.tags(Service("checkout", (), str(tmp_path / "nothing")), 50), Missing)

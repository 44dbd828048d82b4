"""Where commits lie in real repositories, as `git merge-base --is-ancestor` and `git branch --contains` would say."""

from pathlib import Path

import pytest

from bot.adapters.git import GitRepository
from bot.domain.expected import Lineage
from bot.domain.run import Missing
from bot.domain.service import Service
from tests.integration.test_git_tags import git


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A main line of three with a tag, a branch off its first, and a commit that was amended away."""
    place = tmp_path_factory.mktemp("checkout")
    git(place, "init", "--quiet", "--initial-branch=main")
    for name in ("first", "second", "third"):
        git(place, "commit", "--quiet", "--allow-empty", "-m", name)
    git(place, "tag", "v1.1.0", "HEAD~1")
    git(place, "checkout", "--quiet", "-b", "hotfix", "HEAD~2")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "fix")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "gone")
    git(place, "reset", "--quiet", "--hard", "HEAD~1")
    return place


@pytest.fixture(scope="module")
def commits(place: Path) -> dict[str, str]:
    names = ("first", "second", "third", "fix", "gone")
    return dict(
        zip(names, git(place, "rev-parse", "main~2", "main~1", "main", "hotfix", "ORIG_HEAD").split(), strict=True)
    )


@pytest.mark.parametrize("remote", [False, True])
async def test_a_commit_is_held_against_the_one_that_should_run(
    place: Path, commits: dict[str, str], tmp_path: Path, *, remote: bool
) -> None:
    service = Service("checkout", (), place.as_uri() if remote else str(place))
    reader = GitRepository(tmp_path / "mirrors")

    async def lineage(commit: str, other: str) -> Lineage | Missing:
        return await reader.lineage(service, commit, other)

    third, second = commits["third"], commits["second"]
    assert await lineage(second[:12], third) == Lineage(second, ("main", "v1.1.0"), third, 0, 1)
    assert await lineage(third, "v1.1.0") == Lineage(third, ("main",), second, 1, 0)
    assert await lineage(commits["fix"], third[:9]) == Lineage(commits["fix"], ("hotfix",), third, 1, 2)
    assert await lineage(third, "") == await lineage(third, "v9.9.9") == Lineage(third, ("main",))
    assert await lineage("0" * 40, third) == Lineage(other=third)
    if not remote:  # a mirror never had it: nothing published leads there
        assert await lineage(commits["gone"], "") == Lineage(commits["gone"])


async def test_what_cannot_be_told_says_why(place: Path, commits: dict[str, str], tmp_path: Path) -> None:
    reader = GitRepository(tmp_path / "mirrors")
    git(tmp_path, "clone", "--quiet", "--depth=1", place.as_uri(), "shallow")

    async def why(repository: str | None, commit: str) -> str:
        told = await reader.lineage(Service("checkout", (), repository), commit, "")
        assert isinstance(told, Missing)
        return told.reason

    assert await why(None, commits["third"]) == "no repository is configured for checkout"
    assert await why(str(place), "--exec=id") == "a build does not say which commit it was made of"
    assert "is a shallow clone" in await why(str(tmp_path / "shallow"), commits["first"])
    assert "is not there" in await why(str(tmp_path / "nowhere"), commits["first"])


@pytest.mark.parametrize("remote", [False, True])
async def test_a_branch_holds_its_ancestors_however_old_and_nothing_else(
    place: Path, commits: dict[str, str], tmp_path: Path, *, remote: bool
) -> None:
    service = Service("checkout", (), place.as_uri() if remote else str(place))
    reader = GitRepository(tmp_path / "mirrors")

    async def holds(commit: str, *branches: str) -> bool | Missing:
        return await reader.holds(service, branches, commit)

    assert await holds(commits["first"][:12], "main") is True
    assert await holds(commits["third"], "hotfix", "main") is True
    assert await holds(commits["fix"], "main") is False
    assert await holds(commits["fix"], "main", "hotfix", "nowhere") is True
    assert await holds(commits["third"], "nowhere") == Missing("the repository has no branch nowhere")
    assert await holds("0" * 40, "main") == Missing("the repository does not have that commit")
    assert isinstance(await holds("--all", "main"), Missing)


async def test_of_a_shallow_clone_nothing_can_be_told(place: Path, commits: dict[str, str], tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", place.as_uri(), "shallow")
    service = Service("checkout", (), str(tmp_path / "shallow"))
    told = await GitRepository(tmp_path / "mirrors").holds(service, ("main",), commits["fix"])
    assert isinstance(told, Missing)
    assert "is a shallow clone" in told.reason


async def test_what_was_merged_since_the_mirror_was_made_is_held_and_not_known_while_its_origin_is_away(
    tmp_path: Path,
) -> None:
    place = tmp_path / "shop"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(place, "checkout", "--quiet", "-b", "feature")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "feature")
    service, reader = Service("shop", (), place.as_uri()), GitRepository(tmp_path / "mirrors")
    tip = git(place, "rev-parse", "feature").strip()

    assert await reader.holds(service, ("main",), tip) is False
    git(place, "checkout", "--quiet", "main")
    git(place, "merge", "--quiet", "--ff-only", "feature")
    away = place.rename(tmp_path / "away")
    assert isinstance(await reader.holds(service, ("main",), tip), Missing)
    away.rename(place)
    assert await reader.holds(service, ("main",), tip) is True


async def test_a_line_with_nothing_in_common_is_held_by_no_branch(place: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", place.as_uri(), "copy")
    copy = tmp_path / "copy"
    git(copy, "checkout", "--quiet", "--orphan", "other")
    git(copy, "commit", "--quiet", "--allow-empty", "-m", "alone")
    alone = git(copy, "rev-parse", "other").strip()
    assert await GitRepository(tmp_path / "mirrors").holds(Service("shop", (), str(copy)), ("main",), alone) is False

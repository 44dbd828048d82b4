"""`firstfive stamp` in real work trees: the same tree is the same line, changes are told, and nothing is guessed."""

from pathlib import Path

import pytest

from bot.domain.stamp import Stamp, of_ldflags
from tests.cli import firstfive
from tests.integration.test_git_tags import git


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with a file in a folder and something that is ignored."""
    place = tmp_path / "shop"
    (place / "cmd").mkdir(parents=True)
    (place / "cmd" / "main.go").write_text("package main\n")
    (place / ".gitignore").write_text("bin/\n")
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "Sell things")
    return place


def stamped(place: Path, *more: str) -> Stamp:
    """Stamp and read what was printed; a second time says the same."""
    words = ("stamp", str(place), "--env", "prod", "--go", "go1.27.3", *more)
    done, again = firstfive(*words), firstfive(*words)
    assert (done.exit_code, done.stdout) == (0, again.stdout), done.output
    assert done.stdout.count("\n") == 1
    return of_ldflags(done.stdout)


def test_a_clean_tree_is_its_commit_from_wherever_in_it_one_asks(place: Path) -> None:
    commit = git(place, "rev-parse", "HEAD")
    (place / "bin").mkdir()
    (place / "bin" / "shop").write_text("ignored")
    assert stamped(place) == stamped(place / "cmd") == Stamp(commit[:12], commit, "go1.27.3", "prod")
    assert stamped(place, "--build-id", "4711").build_id == "4711"


def test_every_change_is_told_and_has_an_id_of_its_own(place: Path) -> None:
    commit = git(place, "rev-parse", "HEAD")
    ids = {stamped(place).build_id}
    (place / "cmd" / "main.go").write_text("package main // tried\n")
    ids.add(stamped(place).build_id)
    (place / "cmd" / "a b.go").write_text("package main\n")
    ids.add(stamped(place / "cmd").build_id)
    (place / "cmd" / "a b.go").write_text("package main // again\n")
    made = stamped(place)
    assert made.build_id not in ids
    assert len(ids) == 3
    assert (made.commit, made.revision, made.modified) == (f"{commit}+dirty", commit, True)

    told = firstfive("stamp", str(place), "--env", "prod", "--go", "go1.27.3")
    refused = firstfive("stamp", str(place), "--env", "prod", "--go", "go1.27.3", "--clean")
    assert f"{place} has changes that no commit holds: the stamp says {commit}+dirty." in told.stderr
    assert (refused.exit_code, refused.stdout) == (1, "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--env", "prod", "--go", "go1.27.3"), "git does not tell: fatal: not a git repository"),
        (("--env", "prod", "--commit", "abc1234"), "give --go where Go is not, as in go1.27.3"),
        (("--env", "a b", "--commit", "abc1234", "--go", "go1.27.3"), "the env 'a b' cannot be stamped: letters"),
        (("--env", "", "--commit", "abc1234", "--go", "go1.27.3"), "the env '' cannot be stamped"),
    ],
)
def test_what_is_not_known_is_not_guessed(words: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = firstfive("stamp", str(tmp_path), *words, PATH="/usr/bin:/bin", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (done.exit_code, done.stdout) == (1, "")
    assert why in done.stderr.replace("\n", " ")


def test_without_git_and_go_what_is_given_is_stamped(tmp_path: Path) -> None:
    given = ("--commit", "abc1234", "--go", "go1.27.3", "--package", "shop/version")
    done = firstfive("stamp", str(tmp_path), "--env", "prod", *given, PATH="/nowhere")
    assert done.stdout == (
        "-X shop/version.buildID=abc1234 -X shop/version.gitCommit=abc1234 "
        "-X shop/version.goVersion=go1.27.3 -X shop/version.runtimeEnv=prod\n"
    )

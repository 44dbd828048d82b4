"""The release history of checkout: a git repository with the same commits on every machine."""

import shutil
import subprocess
from pathlib import Path

from bot.lab.errors import PreparationFailed
from bot.lab.folders import SHIPPED
from bot.lab.toolchain import build_environment

SOURCE = SHIPPED / "checkout"
PATCHES = SHIPPED / "history"
FIRST_TITLE = "Price and sign a basket"
TAGS = {"v1.4.0": "Ship for free from 50 euros on", "v1.5.0": "Log the release phase of a slow request"}
"""The last commit of each release, by its title."""

_BIRTH = {
    "GIT_AUTHOR_NAME": "Ada Berg",
    "GIT_AUTHOR_EMAIL": "ada@checkout.example",
    "GIT_AUTHOR_DATE": "2026-10-05T09:12:00+0200",
    "GIT_COMMITTER_DATE": "2026-10-05T09:12:00+0200",
}
_COMMITTER = {"GIT_COMMITTER_NAME": "checkout", "GIT_COMMITTER_EMAIL": "team@checkout.example"}


def shipped_files() -> list[Path]:
    """Return what the history is made of, in a fixed order: the first version, then the patches on it."""
    source = [path for path in SOURCE.iterdir() if path.suffix in {".go", ".mod"}]
    return sorted(source) + sorted(PATCHES.glob("*.patch"))


def write_history(repository: Path) -> None:
    """Make the repository in an empty folder; it ends on the branch main, at the newest release."""
    git(repository, "init", "--quiet", "--template=", "--initial-branch=main")
    for path in shipped_files():
        if path.parent == SOURCE:
            shutil.copyfile(path, repository / path.name)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", f"--message={FIRST_TITLE}", extra=_BIRTH)
    patches = [str(path) for path in shipped_files() if path.parent == PATCHES]
    git(repository, "am", "--quiet", "--committer-date-is-author-date", *patches)
    for tag, title in TAGS.items():
        git(repository, "tag", tag, commit_titled(repository, title))


def commit_titled(repository: Path, title: str) -> str:
    """Return the full hash of the one commit with a title."""
    rows = (line.split(" ", 1) for line in git(repository, "log", "--format=%H %s").splitlines())
    found = [commit for commit, subject in rows if subject == title]
    if len(found) != 1:
        raise PreparationFailed(f"the history of checkout holds {len(found)} commits titled {title!r} instead of one")
    return found[0]


def check_out(repository: Path, revision: str) -> None:
    """Put the files of a revision into the work tree."""
    git(repository, "checkout", "--quiet", revision)


def git(repository: Path, *arguments: str, extra: dict[str, str] | None = None) -> str:
    """Run git there as if nobody had configured it, with these variables too; give what it prints."""
    environment = build_environment() | _COMMITTER | (extra or {})
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, check=True, text=True)
    except FileNotFoundError:
        raise PreparationFailed("git is not on PATH: install git and try again") from None
    except subprocess.CalledProcessError as error:
        told = [line for line in error.stderr.splitlines() if line.startswith(("error:", "fatal:"))]
        reason = told[0] if told else f"exit code {error.returncode}"
        raise PreparationFailed(f"git {arguments[0]} failed in {repository}: {reason}") from error
    return done.stdout

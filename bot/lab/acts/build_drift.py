"""The star of the lab runs what nobody deployed: built in a hurry, in a work tree of somebody's own."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.lab.history import TAGS, git
from bot.lab.releases import HEALTHY, compile_program
from bot.lab.stage import Stage
from bot.lab.toolchain import find_go

BEFORE = {"small": 0, "medium": 1, "large": 1}
"""So many commits before its release."""
HURRY = "\n// Tried at 03:00, to be tidied up.\n"


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Start it again from a tree with a change: of its release, of an older commit, or in a commit that nobody has."""
    program = stage.folder / f"hurried-{size}" / "checkout"
    with TemporaryDirectory(dir=stage.folder) as folder:
        tree = Path(folder) / "checkout"
        git(stage.folder, "clone", "--quiet", "--shared", str(stage.releases.repository), str(tree))
        git(tree, "checkout", "--quiet", f"{_release(stage)}~{BEFORE[size]}")
        with (tree / "checkout.go").open("a", encoding="utf-8") as file:
            file.write(HURRY)
        if size == "large":
            git(tree, "commit", "--quiet", "--all", "--message=Try it", extra=_AUTHOR)
        compile_program(find_go(), tree, program)
    stage.recast(stage.star, program)
    return lambda: stage.recast(stage.star)


_AUTHOR = {"GIT_AUTHOR_NAME": "Jun Ito", "GIT_AUTHOR_EMAIL": "jun@checkout.example"}


def _release(stage: Stage) -> str:
    """Name the release that it runs: its program is kept below the name."""
    known = stage.roles[stage.star].program.parent.name
    return known if known in TAGS else HEALTHY

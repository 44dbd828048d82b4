"""The files of this repository, as the house tests read them."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("bot", "handlers", "playbooks", "migrations")
Function = ast.FunctionDef | ast.AsyncFunctionDef
Tell = Callable[[str], None]  # prints a line after the run


@cache
def tracked() -> tuple[Path, ...]:
    """Give every file that git knows, or would take, relative to the root."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    paths = (Path(name) for name in listed.split("\0") if name)
    return tuple(sorted({path for path in paths if (ROOT / path).is_file()}))


def python_files(*folders: str) -> tuple[Path, ...]:
    """Give the Python files below some top-level folders."""
    return tuple(path for path in tracked() if path.suffix == ".py" and path.parts[0] in folders)


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), str(path))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function):
            yield node


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Give every module that is imported, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno

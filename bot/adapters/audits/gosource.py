"""Go source of a folder, or of a commit without a checkout, parsed; nothing of it is ever run.

The grammar is tree-sitter's (https://github.com/tree-sitter/tree-sitter-go). It reads what no compiler has seen, so it
never fails: of a file that is no Go it gives what it saw. Parsing keeps a thread busy for about 0.1 s per MB.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import FirstFiveError
from bot.domain.run import Missing
from bot.processes import bare, run

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query

_COMMIT = re.compile(r"HEAD|[0-9a-f]{7,64}")
_READ_S = 30.0
_MOST = 80_000_000
"""Bytes that git tells: what may be read, and a line for each file."""
_REGULAR = ("100644", "100755")
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never", "safe.directory=*")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}


class ParserAbsent(FirstFiveError):
    """The parser is not installed; the message says how it gets there."""


@dataclass(frozen=True)
class Reach:
    """What of a repository is read: bounds in files and bytes (also of the largest file), and what is asked for."""

    files: int = 10_000
    bytes: int = 64_000_000
    largest: int = 2_000_000
    vendor: bool = False
    testdata: bool = False
    tests: bool = False

    def takes(self, path: str) -> bool:
        """Tell whether a path, relative to the repository, is Go that is asked for; what Go leaves out is not."""
        *folders, name = path.split("/")
        unwanted = {"node_modules", *(() if self.vendor else ("vendor",)), *(() if self.testdata else ("testdata",))}
        return (
            name.endswith(".go")
            and (self.tests or not name.endswith("_test.go"))
            and not any(part[:1] in {".", "_"} for part in (*folders, name))
            and unwanted.isdisjoint(folders)
        )


@dataclass(frozen=True)
class GoFile:
    """A file of Go; `path` is relative to the repository."""

    path: str
    source: bytes


@dataclass(frozen=True)
class GoFiles:
    """Files in the order of their paths; `left_out`: how many more there are beyond the bounds."""

    files: tuple[GoFile, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Found:
    """Where a query matched: the file, the line (from 1) of its first capture, the nodes by their names."""

    path: str
    line: int
    nodes: Mapping[str, "list[Node]"]

    def text(self, name: str) -> str:
        """Give the source of a capture's first node, "" where it matched nothing."""
        return text(self.nodes[name][0]) if self.nodes.get(name) else ""


async def read(place: Path, commit: str = "", reach: Reach | None = None) -> GoFiles | Missing:
    """Read the Go of a folder as it is, or of a commit of its git repository (of HEAD, where the folder is bare)."""
    wanted = reach or Reach()
    is_bare = (place / "objects").is_dir() and (place / "HEAD").is_file()
    if commit or is_bare:
        return await _of_commit(place, commit or "HEAD", wanted)
    return await asyncio.to_thread(_of_folder, place, wanted)


def parse(source: bytes) -> "Node":
    """Give the root of a file's syntax tree.

    :raises ParserAbsent: the extra is not installed.
    """
    library, language = _library()
    root: Node = library.Parser(language).parse(source).root_node
    return root


def find(files: Iterable[GoFile], query: str) -> Iterator[Found]:
    """Run a query over files, in their order (https://tree-sitter.github.io/tree-sitter/using-parsers/queries)."""
    for file in files:
        yield from search(parse(file.source), query, file.path)


def search(node: "Node", query: str, path: str = "") -> Iterator[Found]:
    """Run a query below a node of a tree that is there already."""
    library, _ = _library()
    for _, nodes in library.QueryCursor(_query(query)).matches(node):
        if nodes:
            yield Found(path, min(line(each) for group in nodes.values() for each in group), nodes)


def text(node: "Node") -> str:
    """Give a node's source."""
    return (node.text or b"").decode(errors="replace")


def line(node: "Node") -> int:
    """Give the line that a node begins in, from 1."""
    return node.start_point[0] + 1


@cache
def _library() -> tuple[Any, "Language"]:
    """Load the parser, at the first file: only audits want it."""
    try:
        library, grammar = import_module("tree_sitter"), import_module("tree_sitter_go")
    except ImportError as error:
        raise ParserAbsent("Go source cannot be parsed here: `pip install firstfive[audits]`") from error
    return library, library.Language(grammar.language())


@cache
def _query(words: str) -> "Query":
    library, language = _library()
    made: Query = library.Query(language, words)
    return made


def _of_folder(place: Path, reach: Reach) -> GoFiles | Missing:
    if not place.is_dir():
        return Missing(f"there is no folder {place.name}")
    sizes = {}
    for folder, folders, names in os.walk(place):  # follows no links
        base = Path(folder)
        folders[:] = [name for name in folders if reach.takes(f"{(base / name).relative_to(place)}/x.go")]
        for file in (base / name for name in names):
            if reach.takes(path := str(file.relative_to(place))) and file.is_file() and not file.is_symlink():
                sizes[path] = file.stat().st_size
    taken = _within(sizes, reach)
    try:
        files = tuple(GoFile(path, (place / path).read_bytes()) for path in taken)
    except OSError as error:
        return Missing(f"{place.name} cannot be read: {error.strerror}")
    return GoFiles(files, len(sizes) - len(taken))


async def _of_commit(place: Path, commit: str, reach: Reach) -> GoFiles | Missing:
    if not _COMMIT.fullmatch(commit):
        return Missing(f"{commit[:40]!r} names no commit")
    listed = await _git(place, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if isinstance(listed, Missing):
        return listed
    rows = (row.partition("\t") for row in listed.decode(errors="surrogateescape").split("\0"))
    blobs = {path: head.split() for head, _, path in rows if head.startswith(_REGULAR) and reach.takes(path)}
    sizes = {path: int(size) for path, (_, _, _, size) in blobs.items()}
    taken = _within(sizes, reach)
    asked = "".join(f"{blobs[path][2]}\n" for path in taken).encode()
    told = await _git(place, "cat-file", "--batch", given=asked)
    if isinstance(told, Missing):
        return told
    files, at = [], 0
    for path in taken:  # a line with id, kind and size, the content, a line's end (git help cat-file)
        at = told.index(b"\n", at) + 1
        files.append(GoFile(path, told[at : at + sizes[path]]))
        at += sizes[path] + 1
    return GoFiles(tuple(files), len(sizes) - len(taken))


def _within(sizes: Mapping[str, int], reach: Reach) -> list[str]:
    """Give the paths that the bounds leave room for, in their order."""
    taken: list[str] = []
    held = 0
    for path, size in sorted(sizes.items()):
        if size <= reach.largest and held + size <= reach.bytes and len(taken) < reach.files:
            taken.append(path)
            held += size
    return taken


async def _git(place: Path, *words: str, given: bytes = b"") -> bytes | Missing:
    """Run git in a place, by its objects alone."""
    options = [part for each in _SAFE for part in ("-c", each)]
    command = ("git", "-C", str(place), *options, *words)
    ended = await run(command, seconds=_READ_S, environment={**bare(), **_ENVIRONMENT}, given=given, most_bytes=_MOST)
    if isinstance(ended, Missing) or ended.why:
        return Missing(f"git {words[0]}: {ended.reason if isinstance(ended, Missing) else ended.why}")
    return ended.out if len(ended.out) < _MOST else Missing(f"git {words[0]} tells more than {_MOST // 1_000_000} MB")

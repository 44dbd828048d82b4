"""Go source, parsed.

The grammar is tree-sitter's (https://github.com/tree-sitter/tree-sitter-go). It reads what no compiler has seen, so it
never fails: of a file that is no Go it gives what it saw. Parsing keeps a thread busy for about 0.1 s per MB.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.domain.errors import FirstFiveError

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query


class ParserAbsent(FirstFiveError):
    """The parser is not installed; the message says how it gets there."""


@dataclass(frozen=True)
class GoFile:
    """A file of Go; `path` is relative to the repository."""

    path: str
    source: bytes


@dataclass(frozen=True)
class Found:
    """Where a query matched: the file, the line (from 1) of its first capture, the nodes by their names."""

    path: str
    line: int
    nodes: Mapping[str, "list[Node]"]

    def text(self, name: str) -> str:
        """Give the source of a capture's first node, "" where it matched nothing."""
        return text(self.nodes[name][0]) if self.nodes.get(name) else ""


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

"""Which handlers answer for health in Go source, and what they call beyond the process, within two calls of their own.

Names are followed as far as a reader would: functions and methods of the same folder that are called by their names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.adapters.audits.gotree import GoFile, line, parse, search, text
from bot.adapters.audits.serving import constants, imported

if TYPE_CHECKING:
    from tree_sitter import Node

HEALTH = re.compile(
    r"^/(?:[\w.-]+/)*(?:healthz?|livez?|liveness|alive|readyz?|readiness|ping|-/healthy|-/ready)(?:/[\w-]+)?/?$"
)
"""Paths that are asked for health, wherever they are registered."""
_DEEPEST = 2
_MOST_SPREAD = 3
"""Functions of one name that are followed: of more, nobody could say which is meant."""
_FUNCTIONS = """[
  (function_declaration name: (identifier) @name body: (block) @body)
  (method_declaration name: (field_identifier) @name body: (block) @body)
] @function"""
_CALLS = "(call_expression function: (_) @function arguments: (argument_list) @arguments) @call"
_REGISTERS = {"Handle", "HandleFunc", "GET", "Get", "Any", "All", "Path", "Route", "Add", "Method", "MethodFunc"}
_PINGS = {"Ping", "PingContext", "PingDB", "CheckConnection"}
_QUERIES = {"QueryContext", "QueryRowContext", "ExecContext", "QueryRow", "Exec", "BeginTx", "RoundTrip"}
_OF_PACKAGES = {
    "net/http": {"Get", "Head", "Post", "PostForm"},
    "net": {"Dial", "DialTimeout", "DialTCP", "LookupHost", "LookupIP", "LookupAddr"},
    "google.golang.org/grpc": {"Dial", "DialContext"},
}
_CLIENT = re.compile(r"client|http|redis|rdb|cache|conn\b|transport", re.IGNORECASE)
_CLIENTS_OWN = {"Do", "Get", "Post", "Head", "Set", "Check", "DialContext", "Dial", "Info"}


@dataclass(frozen=True)
class _Function:
    file: GoFile
    body: "Node"


class Handlers:
    """The functions of a repository by folder and name."""

    def __init__(self, files: Iterable[GoFile]) -> None:
        self._files = tuple(files)
        self._roots = {file.path: parse(file.source) for file in self._files}
        self._imports = {path: imported(root) for path, root in self._roots.items()}
        self._functions: dict[tuple[str, str], list[_Function]] = defaultdict(list)
        for file in self._files:
            for found in search(self._roots[file.path], _FUNCTIONS):
                self._functions[_folder(file), found.text("name")].append(_Function(file, found.nodes["body"][0]))

    def describe(self, wanted: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Describe each handler of a path that is asked for health, by its look or because it is `wanted`."""
        told = []
        for file in self._files:
            if not re.search(rb"/\w|-/", file.source):
                continue
            values = constants(self._roots[file.path])
            for found in search(self._roots[file.path], _CALLS):
                path = _registered(found.nodes["function"][0], found.nodes["arguments"][0], values)
                if path and (path in wanted or HEALTH.match(path)):
                    reaches = list(self._reaches(file, found.nodes["arguments"][0]))
                    told.append({"route": path, "path": file.path, "line": found.line, "reaches": reaches})
        return told

    def _reaches(self, file: GoFile, arguments: "Node") -> Iterator[dict[str, Any]]:
        """Follow what is registered; give each call that leaves the process once."""
        seen: set[int] = set()
        waiting = [(_Function(file, each), 0, "") for each in arguments.named_children[1:]]
        while waiting:
            function, depth, via = waiting.pop(0)
            if function.body.id in seen:
                continue
            seen.add(function.body.id)
            yield from self._outgoing(function, via)
            for name in sorted(_names(function.body, handed=depth == 0)):
                known = self._functions.get((_folder(function.file), name), [])
                if len(known) <= _MOST_SPREAD and depth <= _DEEPEST:
                    waiting += [(each, depth + 1, f"{via} > {name}" if via else name) for each in known]

    def _outgoing(self, function: _Function, via: str) -> Iterator[dict[str, Any]]:
        for found in search(function.body, _CALLS):
            called = found.nodes["function"][0]
            if self._leaves(function.file, called, found.nodes["arguments"][0]):
                yield {"call": text(called), "path": function.file.path, "line": line(called), "via": via}

    def _leaves(self, file: GoFile, called: "Node", arguments: "Node") -> bool:
        """Tell whether a call is one that asks somebody beyond the process."""
        on, name = called.child_by_field_name("operand"), called.child_by_field_name("field")
        if on is None or name is None:
            return False
        whom, what = text(on), text(name)
        for path, names in _OF_PACKAGES.items():
            if whom == self._imports[file.path].get(path, "") and what in names:
                return True
        if whom in self._imports[file.path].values():
            return False
        given = [each for each in arguments.named_children if each.type != "comment"]
        if what in _PINGS:
            return True
        if what in _QUERIES:
            return bool(given)
        is_value = not any(each.type == "func_literal" for each in given)  # sync.Once has a Do as well
        return what in _CLIENTS_OWN and is_value and bool(given) and bool(_CLIENT.search(whom))


def _registered(function: "Node", arguments: "Node", values: dict[str, str]) -> str:
    """Give the path that a call registers a handler for, "" for any other call."""
    name = function.child_by_field_name("field")
    given = arguments.named_children
    if name is None or text(name) not in _REGISTERS or len(given) < 2:  # noqa: PLR2004 - a path and a handler
        return ""
    for each in given[:2]:
        written = text(each)
        words = values.get(written, written).strip('"`').split()
        if words and words[-1].startswith("/"):
            return words[-1]
    return ""


def _names(body: "Node", *, handed: bool) -> set[str]:
    """Give the names of functions that a body calls; with `handed` of those too that it is, or hands to a call."""
    query = "(call_expression function: (_) @one)"
    query = f"[{query} (argument_list (_) @one)]" if handed else query
    names = {_last_name(found.nodes["one"][0]) for found in search(body, query)}
    return (names | {_last_name(body)} if handed else names) - {""}


def _last_name(node: "Node") -> str:
    if node.type == "identifier":
        return text(node)
    field = node.child_by_field_name("field") if node.type == "selector_expression" else None
    return text(field) if field is not None else ""


def _folder(file: GoFile) -> str:
    return file.path.rpartition("/")[0]

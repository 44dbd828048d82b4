"""What a name means at its place in Go source: a package by the imports, else what declares it nearest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bot.adapters.audits.gotree import text

if TYPE_CHECKING:
    from tree_sitter import Node

_SPECS = {"var_spec", "const_spec"}
_PARAMETERS = {"parameter_declaration", "variadic_parameter_declaration"}
_SIGNATURES = ("parameters", "receiver", "result")
_VERSION = re.compile(r"/v\d+$")
_TYPE = re.compile(r"\*?(\w+)\.(\w+)")


@dataclass(frozen=True)
class Declared:
    """What declares a name: its type as written ("" for none), its value (of several results the first has one)."""

    type: str = ""
    value: "Node | None" = None


class Names:
    """The names of one file."""

    def __init__(self, root: "Node") -> None:
        self._root = root
        self._reused: dict[str, bool] = {}

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """The paths of what is imported, by the names that the file has for them."""
        return {name: path for name, path in self._imported if name not in {".", "_"}}

    @cached_property
    def dotted(self) -> frozenset[str]:
        """The paths of what is imported into the file's own names (`import . "fmt"`)."""
        return frozenset(path for name, path in self._imported if name == ".")

    def package(self, node: "Node") -> str:
        """Give the path of the package that an identifier stands for; "" where it is none, or a variable hides it."""
        if node.type != "identifier" or (name := text(node)) not in self.imports:
            return ""
        return "" if self._is_reused(name) and self.declared(name, node) else self.imports[name]

    def _is_reused(self, name: str) -> bool:
        """Tell whether a package's name stands anywhere without a dot behind it: else nothing hides it."""
        if name not in self._reused:
            bare = rf"(?<![\"\w/.]){re.escape(name)}\b(?![\w.\"])".encode()
            self._reused[name] = re.search(bare, self._root.text or b"") is not None
        return self._reused[name]

    def typed(self, written: str) -> tuple[str, str]:
        """Give path and name of a type of another package, or of a pointer to one; nothing for every other."""
        found = _TYPE.fullmatch(written)
        path = self.imports.get(found[1], "") if found else ""
        return (path, found[2]) if found and path else ("", "")

    def declared(self, name: str, at: "Node") -> Declared | None:
        """Give what declares a name, as seen from a place."""
        child, parent = at, at.parent
        while parent is not None and parent.type != "source_file":
            for each, declared in _bound(parent, child):
                if each == name:
                    return declared
            child, parent = parent, parent.parent
        return self.top.get(name)

    @cached_property
    def top(self) -> Mapping[str, Declared]:
        """What the file declares for its package."""
        found: dict[str, Declared] = {}
        for node in self._root.named_children:
            if node.type in {"var_declaration", "const_declaration"}:
                found |= dict(_declaration(node))
            elif node.type == "function_declaration" and (name := node.child_by_field_name("name")):
                found[text(name)] = Declared("func")
        return found

    @cached_property
    def _imported(self) -> tuple[tuple[str, str], ...]:
        heads = (node for node in self._root.named_children if node.type == "import_declaration")
        specs = (spec for head in heads for spec in _within(head, {"import_spec"}))
        return tuple((_named(spec, path), path) for spec in specs if (path := _path(spec)))


def functions(at: "Node") -> Iterator["Node"]:
    """Give the functions that a place is in, the innermost first."""
    found = at.parent
    while found is not None:
        if found.type in {"function_declaration", "method_declaration", "func_literal"}:
            yield found
        found = found.parent


def parameters(function: "Node") -> Iterator[tuple[str, str]]:
    """Give the names and types of what a function takes, its receiver too."""
    for name, declared in _signature(function):
        yield name, declared.type


def _path(spec: "Node") -> str:
    path = spec.child_by_field_name("path")
    return text(path)[1:-1] if path is not None else ""


def _named(spec: "Node", path: str) -> str:
    name = spec.child_by_field_name("name")
    return text(name) if name is not None else _VERSION.sub("", path).rpartition("/")[2]


def _within(node: "Node", kinds: set[str]) -> Iterator["Node"]:
    """Give the nodes of some kinds that are a child of a declaration, or of its list in brackets."""
    for child in node.named_children:
        if child.type in kinds:
            yield child
        elif child.type.endswith("_list"):
            yield from (each for each in child.named_children if each.type in kinds)


def _bound(parent: "Node", child: "Node") -> Iterator[tuple[str, Declared]]:
    """Give what a node around a place declares for it, the last first."""
    if parent.type in {"function_declaration", "method_declaration", "func_literal"}:
        yield from _signature(parent)
    elif parent.type in {"statement_list", "block", "communication_case"}:
        before = [each for each in parent.named_children if each.end_byte <= child.start_byte]
        for each in reversed(before):
            yield from _declaration(each)
    elif parent.type.endswith("_statement"):
        for each in parent.named_children:
            if each.end_byte <= child.start_byte:
                yield from _declaration(each)


def _signature(function: "Node") -> Iterator[tuple[str, Declared]]:
    for part in _SIGNATURES:
        listed = function.child_by_field_name(part)
        for each in listed.named_children if listed is not None else ():
            kind = each.child_by_field_name("type") if each.type in _PARAMETERS else None
            if kind is not None:
                yield from ((text(name), Declared(text(kind))) for name in each.children_by_field_name("name"))


def _declaration(node: "Node") -> Iterator[tuple[str, Declared]]:
    """Give the names that a statement declares."""
    if node.type in {"var_declaration", "const_declaration"}:
        for spec in _within(node, _SPECS):
            kind, values = spec.child_by_field_name("type"), spec.child_by_field_name("value")
            yield from _paired(spec.children_by_field_name("name"), values, text(kind) if kind is not None else "")
    elif node.type in {"short_var_declaration", "range_clause", "receive_statement"}:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        value = right if node.type == "short_var_declaration" else None
        yield from _paired(left.named_children if left is not None else [], value, "")
    elif node.type == "for_clause":
        for each in node.named_children:
            yield from _declaration(each)
    elif node.type == "expression_list":  # the name of a type switch
        yield from _paired(node.named_children, None, "")


def _paired(names: list["Node"], values: "Node | None", kind: str) -> Iterator[tuple[str, Declared]]:
    given = values.named_children if values is not None else []
    for number, name in enumerate(names):
        if name.type == "identifier":
            value = given[number] if number < len(given) else None
            yield text(name), Declared(kind, value)

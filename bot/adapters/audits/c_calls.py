"""Where Go source hands memory to C by its first element, or a slice itself: what is written, not what is right."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import dirname
from typing import TYPE_CHECKING, Any

from bot.adapters.audits.gotree import GoFile, line, parse, search, text

if TYPE_CHECKING:
    from tree_sitter import Node

_IMPORT = re.compile(rb'^import\s+"C"|^\s+"C"$', re.MULTILINE)
_PARAMETERS = "(parameter_declaration name: (identifier) @name type: (_) @type)"
_VARIABLES = "(var_spec name: (identifier) @name type: (_)? @type value: (expression_list . (_) @value)?)"
_ASSIGNED = """[(short_var_declaration left: (expression_list . (_) @name) right: (expression_list . (_) @value))
  (assignment_statement left: (expression_list . (_) @name) right: (expression_list . (_) @value))]"""
_FIELDS = "(field_declaration name: (field_identifier) @name type: (_) @type)"
_MADE = re.compile(r"make\(.+,\s*(len\(.+\)|\w+)\s*\)", re.DOTALL)
_EMBEDDED = re.compile(
    rb"^[ \t]*//go:embed[ \t]+(\S+)[^\n]*\n(?:[ \t]*//[^\n]*\n)*[ \t]*(?:var[ \t]+)?(\w+)[ \t]", re.MULTILINE
)
_COMPARES = re.compile(r"[<>]=?|[!=]=")
_FUNCTIONS = {"function_declaration", "method_declaration", "func_literal"}
_NEVER_EMPTY = re.compile(
    r"make\(\s*[^,]+,\s*[1-9]\d*\b.*\)|append\(.+,.+\)|\[\]byte\((?:\"[^\"]+\"|`[^`]+`)\)|(?:\[.*?\][\w.*]+)\{.*\S.*\}"
    r"|(?:md5|sha1|sha256|sha512)\.Sum\w*\(.*\)",
    re.DOTALL,
)


def describe(files: Sequence[GoFile]) -> dict[str, Any]:
    """Describe every place where memory of Go is handed to C so; `c_files`: how many files call C at all."""
    taken = [file for file in files if _IMPORT.search(file.source)]
    told = [{"path": file.path, **each} for file in taken for each in _of_file(file)]
    folders = {dirname(each["path"]) for each in told if not each["declared"]}
    packages = {folder: _declared_in(file for file in files if dirname(file.path) == folder) for folder in folders}
    calls = [each for each in told if each["declared"] or _may_be_slice(each, packages[dirname(each["path"])])]
    return {"calls": calls, "c_files": len(taken)}


def _may_be_slice(call: Mapping[str, Any], package: Mapping[str, set[str]]) -> bool:
    """Judge what its function does not declare by the package: a field is a slice in every struct that has it."""
    told = package.get(call["name"].rpartition(".")[2], set())
    if "." in call["name"]:
        return bool(told) and all(kind.startswith("[]") for kind in told)
    return not any(_is_never_empty(each, each) for each in told)


def _declared_in(files: Iterable[GoFile]) -> Mapping[str, set[str]]:
    """Give the types of a package's fields, and of its variables the types and values, by their names."""
    found: dict[str, set[str]] = defaultdict(set)
    for root in (parse(file.source) for file in files):
        for each in search(root, _FIELDS):
            found[each.text("name")].add(each.text("type"))
        for each in search(root, _VARIABLES):
            if _function(each.nodes["name"][0]) is None:
                found[each.text("name")] |= {each.text("type"), each.text("value")}
    return found


def _is_never_empty(kind: str, value: str) -> bool:
    return bool(_NEVER_EMPTY.fullmatch(value) or re.match(r"\*?\[[^\]][^\]]*\][^{]*$", kind))


def _of_file(file: GoFile) -> list[dict[str, Any]]:
    found = _EMBEDDED.findall(file.source)
    embedded = {name.decode(): pattern.decode(errors="replace").strip('"`') for pattern, name in found}
    return sorted(_handed(parse(file.source), embedded), key=lambda each: (each["line"], each["name"]))


def _handed(root: "Node", embedded: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for node in _below(root):
        if node.type != "unary_expression" or not text(node).startswith("&") or not (to := _handed_to(node)):
            continue
        of = node.named_children[0]
        if of.type == "index_expression" and text(of.named_children[-1]) == "0":
            name = text(of.named_children[0])
        elif of.type == "identifier" and to == {"unsafe.Pointer", "C"}:
            name = text(of)
        else:
            continue
        inside = _function(of) or root
        kind, value = _declared(root, inside, name, of.start_byte)
        made = _MADE.fullmatch(value)
        yield {
            "line": line(of),
            "name": name,
            "first": of.type == "index_expression",
            "type": kind,
            "declared": bool(kind or value),
            "never_empty": _is_never_empty(kind, value),
            "measured": _is_measured(inside, {f"len({name})", *(made.groups() if made else ())}, of),
            "embeds": embedded.get(name, ""),
        }


def _handed_to(node: "Node") -> set[str]:
    """Give what takes an address: `unsafe.Pointer`, a function of `C`, both, or neither."""
    takers, found = set(), node.parent
    while found is not None and found.type in {"argument_list", "call_expression", "parenthesized_expression"}:
        called = found.child_by_field_name("function") if found.type == "call_expression" else None
        if called is not None and (taker := re.match(r"unsafe\.Pointer$|C(?=\.)", text(called))):
            takers.add(taker[0])
        found = found.parent
    return takers


def _function(node: "Node") -> "Node | None":
    """Give the function that a place is in, the outermost one."""
    found, function = node.parent, None
    while found is not None:
        function = found if found.type in _FUNCTIONS else function
        found = found.parent
    return function


def _declared(root: "Node", inside: "Node", name: str, before: int) -> tuple[str, str]:
    """Give the type that a name is declared with, and what it was given last before a place; "" where none is seen."""
    types = {
        each.text("name"): each.text("type")
        for query, where in ((_VARIABLES, root), (_PARAMETERS, inside))
        for each in search(where, query)
        if _function(each.nodes["name"][0]) in {None, inside}
    }
    values = [
        each.text("value")
        for query, where in ((_VARIABLES, root), (_ASSIGNED, inside))
        for each in search(where, query)
        if each.text("name") == name and "value" in each.nodes and each.nodes["value"][0].end_byte < before
        if _function(each.nodes["name"][0]) in {None, inside}
    ]
    return types.get(name, ""), values[-1] if values else ""


def _is_measured(inside: "Node", lengths: set[str], of: "Node") -> bool:
    """Tell whether one of these is compared before a place, be it under another name."""
    known = lengths | {each.text("name") for each in search(inside, _ASSIGNED) if each.text("value") in lengths}
    return any(
        _COMPARES.fullmatch(text(node.child_by_field_name("operator") or node)) is not None
        and known.intersection(map(text, node.named_children))
        and _reaches(node, of)
        for node in _below(inside)
        if node.type == "binary_expression" and node.start_byte < of.start_byte
    )


def _reaches(compared: "Node", of: "Node") -> bool:
    """Tell whether a comparison has a say in a place: that of a loop has none behind the loop."""
    loop = compared.parent
    while loop is not None and loop.type in {"for_clause", "binary_expression", "parenthesized_expression"}:
        loop = loop.parent
    return loop is None or loop.type != "for_statement" or of.end_byte <= loop.end_byte


def _below(node: "Node") -> Iterator["Node"]:
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        todo += found.named_children

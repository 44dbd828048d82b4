"""Where Go source serves and asks over net/http, and which timeouts it gives: what is written, not what is right."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bot.adapters.audits.gotree import Found, GoFile, line, parse, search, text

if TYPE_CHECKING:
    from tree_sitter import Node

_NET_HTTP = "net/http"
_IMPORTS = "(import_spec name: (package_identifier)? @name path: (interpreted_string_literal) @path)"
_LITERALS = """(composite_literal
  type: (qualified_type package: (package_identifier) @package name: (type_identifier) @type)
  body: (literal_value) @body) @literal"""
_VARIABLES = """(var_spec name: (identifier) @name
  type: (qualified_type package: (package_identifier) @package name: (type_identifier) @type)) @spec"""
_CALLS = """(call_expression
  function: (selector_expression operand: (identifier) @package field: (field_identifier) @name)
  arguments: (argument_list) @arguments) @call"""
_SET = """(assignment_statement
  left: (expression_list (selector_expression operand: (_) @of field: (field_identifier) @field))
  right: (expression_list (_) @value))"""
_CONSTANTS = "(const_spec name: (identifier) @name value: (expression_list . (_) @value))"
_VALUES = "(var_spec name: (identifier) @name value: (expression_list . (_) @value))"
_SERVES = {"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"}
_KEPT = {"Addr", "ReadTimeout", "ReadHeaderTimeout", "WriteTimeout", "IdleTimeout", "Timeout"}
_ASKS = {"Get", "Head", "Post", "PostForm"}


def describe(files: Iterable[GoFile]) -> dict[str, list[dict[str, Any]]]:
    """Describe every http.Server and http.Client that is made, and every call that does without one."""
    told: dict[str, list[dict[str, Any]]] = {"servers": [], "clients": []}
    for file in files:
        if b'"net/http"' not in file.source:
            continue
        root = parse(file.source)
        package = imported(root).get(_NET_HTTP, "")
        values = constants(root)
        for kind, each in (*_made(root, package, values), *_called(root, package)):
            told[kind].append({"path": file.path, **each})
    return told


def imported(root: "Node") -> dict[str, str]:
    """Give what a file calls the packages that it imports, by their paths."""
    found = ((each.text("path").strip('"'), each.text("name")) for each in search(root, _IMPORTS))
    return {path: name or path.rpartition("/")[2] for path, name in found}


def constants(root: "Node") -> dict[str, str]:
    """Give what a file's names of constants and variables stand for, as it is written."""
    return {each.text("name"): each.text("value") for query in (_VALUES, _CONSTANTS) for each in search(root, query)}


def _made(root: "Node", package: str, values: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    set_later = list(search(root, _SET))
    literals = [
        (each, fields(each.nodes["body"][0]), _held_by(each.nodes["literal"][0])) for each in search(root, _LITERALS)
    ]
    zeroes: list[tuple[Found, dict[str, str], str]] = [
        (each, {}, each.text("name")) for each in search(root, _VARIABLES) if "value" not in _named(each, "spec")
    ]
    for each, given, held_by in (*literals, *zeroes):
        kind = {"Server": "servers", "Client": "clients"}.get(each.text("type"))
        if each.text("package") != package or kind is None:
            continue
        later = {found.text("field"): found.text("value") for found in set_later if found.text("of") == held_by}
        known = {key: values.get(value, value) for key, value in {**given, **later}.items() if key in _KEPT}
        yield kind, {"line": each.line, "fields": known}


def _named(found: Found, name: str) -> set[str]:
    node = found.nodes[name][0]
    return {field for at in range(node.child_count) if (field := node.field_name_for_child(at))}


def _called(root: "Node", package: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in search(root, _CALLS):
        name = each.text("name")
        if each.text("package") == package and name in _SERVES | _ASKS:
            first = next(iter(each.nodes["arguments"][0].named_children), None)
            told = {"line": each.line, "call": f"http.{name}", "first": text(first) if first else ""}
            yield ("servers" if name in _SERVES else "clients"), told


def fields(body: "Node") -> dict[str, str]:
    """Give the fields that a literal of a struct names, as they are written."""
    pairs = (each.named_children for each in body.named_children if each.type == "keyed_element")
    return {text(pair[0]): text(pair[1]) for pair in pairs if len(pair) == 2}  # noqa: PLR2004 - a key and a value


def _held_by(literal: "Node") -> str:
    """Give what a literal is assigned to, "" for nothing that has a name."""
    node = literal.parent
    while node is not None and node.type in {"unary_expression", "expression_list", "parenthesized_expression"}:
        node = node.parent
    if node is None:
        return ""
    left = node.child_by_field_name("left") or node.child_by_field_name("name")
    return text(left) if left is not None and line(left) <= line(literal) else ""

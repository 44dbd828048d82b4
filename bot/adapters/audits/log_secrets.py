"""What of a call's arguments are secrets, by their names, their keys, and the shapes of literals."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.adapters.audits.go_loggers import STRUCTURED
from bot.adapters.audits.go_names import Names
from bot.adapters.audits.go_package import Package
from bot.adapters.audits.gotree import text
from bot.domain import secret_names

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS = {"interpreted_string_literal", "raw_string_literal"}
_PLAIN = {"true", "false", "nil", "int_literal", "float_literal", "rune_literal", "imaginary_literal", *_LITERALS}
_TEXT = {"string", "[]byte", "*string", "[]string"}
_OTHER = re.compile(r"\*?(?:bool|error|u?int\d*|float\d+|byte|rune|func.*|chan.*|time\.\w+)")
_TOLD = re.compile(
    r"(?:os\.(?:Getenv|ReadFile)|\.(?:Get|FormValue|PostFormValue|SignedString|Header\.Get))\(|^string\("
)
_ASKS = {"Get", "Getenv", "LookupEnv", "FormValue", "PostFormValue", "GetHeader", "GetString", "Cookie", "Values"}
_LANGUAGE = re.compile(r"lex|pars|scan|token|syntax|ast\b|compil|templ|html|xml|json|yaml|gram")
_OWNERS = {"cfg", "config", "conf", "settings", "options", "opts", "creds", "credentials", "req", "request", "auth"}
_OWNERS |= {"session", "login", "user", "account", "client", "oauth"}
_MOST_CHARS = 60
_MOST_DEPTH = 8


class Secrets:
    """Reads the arguments of one file's calls."""

    def __init__(self, names: Names, package: Package) -> None:
        self._names = names
        self._package = package
        self._is_language = bool(_LANGUAGE.search(f"{package.folder} {package.name}"))

    def of(self, call: "Node", arguments: "Sequence[Node]") -> Iterator[dict[str, str]]:
        """Give what a call tells that it should not, each once; the calls that its fields come from are part of it."""
        told: dict[str, None] = dict.fromkeys(self._listed(arguments, 0))
        function = call.child_by_field_name("function")
        operand = function.child_by_field_name("operand") if function is not None else None
        while operand is not None and operand.type == "call_expression":  # .Str("k", v).Msg("..."), .WithField("k", v)
            listed, inner = operand.child_by_field_name("arguments"), operand.child_by_field_name("function")
            told |= dict.fromkeys(self._listed(listed.named_children if listed is not None else [], 0))
            operand = inner.child_by_field_name("operand") if inner is not None else None
        yield from ({"what": each} for each in told)

    def argument(self, node: "Node") -> Iterator[dict[str, str | bool]]:
        """Give an argument as what is to be written instead needs it: text, the literal, whether it is a secret."""
        if node.type == "binary_expression" and _operator(node) == "+":
            for each in node.named_children:
                yield from self.argument(each)
            return
        if node.type == "call_expression" and self._is_format(node):
            listed = node.child_by_field_name("arguments")
            for each in listed.named_children if listed is not None else ():
                yield from self.argument(each)
            return
        literal = unquoted(node) if node.type in _LITERALS else ""
        written = re.sub(r"\s+", " ", text(node))
        is_long = len(written) > _MOST_CHARS
        secret = bool(literal and secret_names.secret_kind(literal)) or any(self._in(node, 0))
        if node.type not in _LITERALS and secret_names.secret_kind(written):
            secret = True
        yield {"text": "value" if is_long else written, "literal": literal, "secret": secret}

    def _listed(self, nodes: "Sequence[Node]", depth: int) -> Iterator[str]:
        """Give the secrets of arguments, of which one may be the key of the next, or the format of the others."""
        skip = False
        formats = unquoted(nodes[0]) if nodes and nodes[0].type in _LITERALS else ""
        keyed = secret_names.keyed(formats) if "%" in formats else {}
        for number, node in enumerate(nodes):
            if skip:
                skip = False
                continue
            following = nodes[number + 1] if number + 1 < len(nodes) else None
            key = unquoted(node) if node.type in _LITERALS else ""
            if following is not None and secret_names.is_maybe_secret(key) and " " not in key:
                yield from self._pair(key, following, depth)
                skip = True
            elif number - 1 in keyed and _carries(node):
                yield f"{keyed[number - 1]} ({_brief(node)})"
            else:
                yield from self._in(node, depth)

    def _pair(self, key: str, value: "Node", depth: int) -> Iterator[str]:
        """Give what a field tells: its key says what it is, unless its value says that it is something about it."""
        found = list(self._in(value, depth))
        if found or not _carries(value):
            yield from found
        else:
            yield f"{key} ({_brief(value)})"

    def _in(self, node: "Node", depth: int) -> Iterator[str]:
        """Give the secrets that an expression gives away."""
        if depth > _MOST_DEPTH:
            return
        if node.type == "identifier":
            yield from [text(node)] if self._is_secret(node) else []
        elif node.type == "selector_expression":
            yield from self._selected(node)
        elif node.type == "call_expression":
            yield from self._called(node, depth + 1)
        elif node.type == "keyed_element":
            parts = [each.named_children[0] for each in node.named_children if each.named_children]
            yield from self._listed(parts, depth)
        elif _is_transparent(node):
            for each in node.named_children:
                yield from self._in(each, depth + 1)
        else:
            yield from _written(node)

    def _called(self, node: "Node", depth: int) -> Iterator[str]:
        function, listed = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or listed is None:
            return
        name, given = text(function).rpartition(".")[2], listed.named_children
        if self._is_format(node) or self._makes_field(function) or name == "string":
            yield from self._listed(given, depth)
        elif name in _ASKS and given and given[0].type in _LITERALS:
            if secret_names.is_maybe_secret(key := unquoted(given[0])):
                yield f"{key} ({_brief(function)})"
        elif not given and function.type == "selector_expression" and secret_names.is_secret(name):
            yield from [] if secret_names.is_harmless(name) else [f"{_brief(function)}()"]

    def _selected(self, node: "Node") -> Iterator[str]:
        operand, field = node.child_by_field_name("operand"), node.child_by_field_name("field")
        if operand is None or field is None or self._names.package(operand):
            return  # a name of another package is mostly a constant or a type
        name = text(field)
        if name == "Header" and self._is_request(operand):
            yield f"{text(node)}, with Authorization and Cookie among all headers"
        elif secret_names.is_secret(name):
            yield from [] if self._package.types(name) and not self._package.types(name) & _TEXT else [_brief(node)]
        elif secret_names.is_maybe_secret(name) and not self._is_language:
            types = self._package.types(name)
            owner = set(secret_names.words(text(operand).rpartition(".")[2]))
            if types <= _TEXT if types else owner & _OWNERS:
                yield _brief(node)

    def _is_secret(self, node: "Node") -> bool:
        name = text(node)
        if not secret_names.is_maybe_secret(name):
            return False
        declared = self._names.declared(name, node)
        kind = declared.type if declared is not None else ""
        if secret_names.is_secret(name):
            is_comparison = declared is not None and declared.value is not None and not _carries(declared.value)
            return not _OTHER.fullmatch(kind) and not (is_comparison and not _is_literal(declared))
        if declared is None or self._is_language:
            return False
        return kind in _TEXT or (declared.value is not None and bool(_TOLD.search(text(declared.value))))

    def _is_request(self, node: "Node") -> bool:
        if node.type != "identifier" or (declared := self._names.declared(text(node), node)) is None:
            return False
        return self._names.typed(declared.type) == ("net/http", "Request")

    def _is_format(self, node: "Node") -> bool:
        function = node.child_by_field_name("function")
        operand = function.child_by_field_name("operand") if function is not None else None
        if function is None or operand is None or self._names.package(operand) != "fmt":
            return False
        return text(function).rpartition(".")[2] in {"Sprintf", "Sprint", "Sprintln", "Errorf"}

    def _makes_field(self, function: "Node") -> bool:
        operand = function.child_by_field_name("operand")
        return operand is not None and self._names.package(operand) in STRUCTURED


def unquoted(node: "Node") -> str:
    """Give a literal's text as it is written, without its quotes."""
    return text(node)[1:-1]


def _written(node: "Node") -> Iterator[str]:
    """Give what a literal is by its shape, and what an element of a map is by its key."""
    if node.type in _LITERALS:
        kind = secret_names.secret_kind(unquoted(node))
        yield from [f"a literal that is a secret by its shape ({kind})"] if kind else []
    elif node.type == "index_expression":
        key = node.named_children[-1]
        if key.type in _LITERALS and secret_names.is_maybe_secret(unquoted(key)):
            yield _brief(node, unquoted(key))


def _carries(value: "Node") -> bool:
    """Tell whether an expression may give a text, and not only something about one."""
    if value.type in _PLAIN or (value.type == "binary_expression" and _operator(value) != "+"):
        return False
    if value.type == "unary_expression" and text(value).startswith("!"):
        return False
    if value.type == "call_expression" and (function := value.child_by_field_name("function")) is not None:
        return not secret_names.is_harmless(text(function).rpartition(".")[2])
    return True


def _is_literal(declared: object) -> bool:
    value = getattr(declared, "value", None)
    return value is not None and value.type in _LITERALS


def _is_transparent(node: "Node") -> bool:
    """Tell whether an expression gives away what is in it."""
    if node.type == "binary_expression":
        return _operator(node) == "+"
    if node.type == "unary_expression":
        return text(node)[:1] in "&*"
    return node.type in {
        "parenthesized_expression", "variadic_argument", "type_conversion_expression", "slice_expression",
        "composite_literal", "literal_value", "literal_element",
    }  # fmt: skip


def _operator(node: "Node") -> str:
    operator = node.child_by_field_name("operator")
    return text(operator) if operator is not None else ""


def _brief(node: "Node", otherwise: str = "what it gives") -> str:
    """Give an expression in one line, without the texts in it: they may be secrets."""
    written = re.sub(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`", '"..."', re.sub(r"\s+", " ", text(node)))
    return written if len(written) <= _MOST_CHARS else otherwise

"""Calls of Go source that print or log: of which library, with what, and what is at hand where they stand."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.adapters.audits.go_loggers import (
    LOGRUS,
    SLOG,
    STD,
    ZAP,
    ZEROLOG,
    ZEROLOG_LOG,
    Fields,
    Library,
    Logger,
    Loggers,
)
from bot.adapters.audits.go_names import Names, functions, parameters
from bot.adapters.audits.go_package import Package, trimmed
from bot.adapters.audits.gotree import GoFile, line, parse, text
from bot.adapters.audits.log_secrets import Secrets

if TYPE_CHECKING:
    from tree_sitter import Node

_LEVELS = "Trace|Debug|Info|Warn|Warning|Error|Fatal|Panic|DPanic|Print|Log"
_EMITS = re.compile(rf"({_LEVELS})(f|ln|w|Context|Attrs)?")
_AT_HAND = {
    ("context", "Context"): "{}",
    ("net/http", "Request"): "{}.Context()",
    ("github.com/gin-gonic/gin", "Context"): "{}.Request.Context()",
    ("github.com/labstack/echo/v4", "Context"): "{}.Request().Context()",
}
_STYLES = ((SLOG, "slog"), (ZEROLOG_LOG, "zerolog"), (ZEROLOG, "zerolog"), (ZAP, "zap"), (LOGRUS, "logrus"))
_OWN_LEVELS = {
    Library.STD: ("Print", "Fatal", "Panic"),
    Library.SLOG: ("Debug", "Info", "Warn", "Error", "Log"),
    Library.ZEROLOG: ("Print",),
    Library.CONTEXT: (),
}
_STREAMS = {"Stdout": "standard output", "Stderr": "standard error"}
_MOST_CHARS = 80
_WITHIN = re.compile(r"\((?!\*\))[^()]+\)|\([^()]*\(\*\)[^()]*\)")


@dataclass(frozen=True)
class _Emitted:
    """A call that prints or logs: its library, level, arguments, and whether it has fields or a context."""

    library: str
    level: str
    arguments: "Sequence[Node]"
    to: str = ""
    formatted: bool = False
    with_fields: bool = False
    logger: Logger | None = None
    by_package: bool = False


class LogCalls:
    """Reads the files of one package."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def of(self, file: GoFile) -> Iterator[dict[str, Any]]:
        """Give the calls of a file that somebody may have something to say about."""
        candidates = self._package.candidates(file, file.source)
        if not candidates:
            return
        source = trimmed(file.source, candidates)
        root = parse(source)
        reader = _File(GoFile(file.path, source), root, self._package)
        for start, end in self._package.candidates(file, source):
            call = _call(root.named_descendant_for_byte_range(start, end))
            if call is not None and (told := reader.describe(call)):
                yield told


class _File:
    def __init__(self, file: GoFile, root: "Node", package: Package) -> None:
        self._file = file
        self._package = package
        self._names = Names(root)
        self._loggers = Loggers(self._names, package.fields, package.variables, package.embedding)
        self._secrets = Secrets(self._names, package)
        self._allowed = package.allowed(file)
        imported = {path: name for name, path in self._names.imports.items()}
        used, self._style = next(((path, style) for path, style in _STYLES if path in imported), ("", "slog"))
        self._own = imported[used] if used in {SLOG, ZEROLOG_LOG, LOGRUS} else ""

    def describe(self, call: "Node") -> dict[str, Any] | None:
        """Describe a call; None for one of which nothing is to be said."""
        emitted = self._emitted(call)
        if emitted is None:
            return None
        is_plain = emitted.library in {"fmt", "os", "builtin", "log"}
        context = self._context(call)
        secrets = list(self._secrets.of(call, emitted.arguments))
        bare = not is_plain and self._is_bare(call, emitted, context)
        if not (is_plain or secrets or bare):
            return None
        function = call.child_by_field_name("function") or call
        reason = self._allowed.get(line(call)) if is_plain else None
        return {
            "path": self._file.path,
            "line": line(function),
            "column": self._column(function),
            "package": self._package.folder,
            "call": _short(function),
            "library": emitted.library,
            "level": emitted.level,
            "to": emitted.to,
            "context": context,
            "style": self._style if is_plain else _style(emitted.library),
            "logger": self._own if is_plain else self._base(call),
            "formatted": emitted.formatted,
            "bare": bare,
            "allowed": bool(reason),
            "reasonless": reason == "",
            "secrets": secrets,
            "arguments": [each for node in emitted.arguments for each in self._secrets.argument(node)],
        }

    def _emitted(self, call: "Node") -> _Emitted | None:
        function, listed = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        if function is None or listed is None:
            return None
        given = [each for each in listed.named_children if each.type != "comment"]
        if function.type == "identifier":
            return self._plain_name(function, given)
        operand, field = function.child_by_field_name("operand"), function.child_by_field_name("field")
        if operand is None or field is None:
            return None
        name = text(field)
        if path := self._names.package(operand):
            logger = self._loggers.package(operand)
            return self._printed(name, given) if path == "fmt" else _logged(logger, name, given, by_package=True)
        if name in {"Write", "WriteString"}:
            stream = self._stream(operand)
            return _Emitted("os", "Print", given, stream) if stream else None
        return _logged(self._loggers.of(operand), name, given, by_package=False)

    def _plain_name(self, function: "Node", given: "Sequence[Node]") -> _Emitted | None:
        """Read a call of a name without a package: a builtin, or of a package that was imported with a dot."""
        name = text(function)
        if self._names.declared(name, function) or name in self._package.functions:
            return None
        if name in {"print", "println"}:
            return _Emitted("builtin", "Print", given, _STREAMS["Stderr"])
        if "fmt" in self._names.dotted and (found := self._printed(name, given)):
            return found
        return _logged(Logger(Library.STD), name, given, by_package=True) if STD in self._names.dotted else None

    def _printed(self, name: str, given: "Sequence[Node]") -> _Emitted | None:
        """Read a call of fmt, as far as it ends on a stream of the process."""
        formatted = name.endswith("f")
        if name in {"Print", "Println", "Printf"}:
            return _Emitted("fmt", "Print", given, _STREAMS["Stdout"], formatted)
        if name.startswith("Fprint") and given and (stream := self._stream(given[0])):
            return _Emitted("fmt", "Print", given[1:], stream, formatted)
        return None

    def _stream(self, node: "Node") -> str:
        operand, field = node.child_by_field_name("operand"), node.child_by_field_name("field")
        if operand is None or field is None or self._names.package(operand) != "os":
            return ""
        return _STREAMS.get(text(field), "")

    def _is_bare(self, call: "Node", emitted: _Emitted, context: str) -> bool:
        """Tell whether a line has no fields where it could: what starts and ends a program belongs to no request."""
        logger = emitted.logger
        if logger is None or emitted.with_fields or logger.fields is not Fields.NONE:
            return False
        outer = list(functions(call))[-1:]
        name = outer[0].child_by_field_name("name") if outer else None
        if not outer or (name is not None and text(name) == "main" and self._package.is_main):
            return False
        if name is not None and text(name) == "init":
            return False
        return bool(context) or (logger.library is Library.SLOG and emitted.by_package)

    def _context(self, call: "Node") -> str:
        """Give the expression for the context that is at hand at a place; "" for none."""
        for function in functions(call):
            for name, kind in parameters(function):
                form = _AT_HAND.get(self._names.typed(kind))
                if form and name not in {"", "_"}:
                    return form.format(name)
        found = self._names.declared("ctx", call)
        given = text(found.value) if found is not None and found.value is not None else ""
        return "ctx" if re.match(r"context\.|.*\.Context\(\)", given) else ""

    def _base(self, call: "Node") -> str:
        """Give what a structured call is made on: the logger, without the fields of a chain."""
        node, library = call.child_by_field_name("function"), Library.EVENT
        while node is not None and library in {Library.EVENT, Library.CONTEXT}:
            operand = node.child_by_field_name("operand")
            if operand is None:
                break
            known = self._loggers.of(operand) or self._loggers.package(operand)
            library = known.library if known else Library.ZEROLOG
            node = operand.child_by_field_name("function") if library is Library.EVENT else operand
        return _short(node) if node is not None else ""

    def _column(self, node: "Node") -> int:
        """Give the column in characters, from 1; the parser counts bytes."""
        row, column = node.start_point
        start = node.start_byte - column
        del row
        return len(self._file.source[start : node.start_byte].decode(errors="replace")) + 1


def _call(name: "Node | None") -> "Node | None":
    """Give the call of a function by its name; None for a name in a text, a comment, or of something else."""
    if name is None or name.type not in {"identifier", "field_identifier"} or name.parent is None:
        return None
    function = name if name.type == "identifier" else name.parent
    call = function.parent
    if call is None or call.type != "call_expression" or call.child_by_field_name("function") != function:
        return None
    return call


def _logged(logger: Logger | None, name: str, given: "Sequence[Node]", *, by_package: bool) -> _Emitted | None:
    """Read a call of a logger; None for one that logs nothing."""
    if logger is None or name in logger.hidden:
        return None
    if logger.library is Library.EVENT:
        is_one = name in {"Msg", "Msgf", "Send"}
        return _Emitted("zerolog", "Info", given, formatted=name == "Msgf", logger=logger) if is_one else None
    if logger.library is Library.STD and name == "Output":
        return _Emitted("log", "Print", given[1:])
    found = _EMITS.fullmatch(name)
    if found is None or found[1] not in _OWN_LEVELS.get(logger.library, (found[1],)):
        return None
    level, form = found[1], found[2] or ""
    first = _message_at(logger.library, level, form)
    with_fields = (
        form in {"Context", "Attrs"} or level == "Log" or _has_fields(logger.library, form, given[first + 1 :])
    )
    return _Emitted(str(logger.library), level, given[first:], "", form == "f", with_fields, logger, by_package)


def _message_at(library: Library, level: str, form: str) -> int:
    """Give which argument the message is."""
    if library is Library.SLOG:
        return {"Context": 1, "Attrs": 2}.get(form, 2 if level == "Log" else 0)
    return 1 if library in {Library.ZAP, Library.LOGRUS} and level == "Log" else 0


def _has_fields(library: Library, form: str, given: "Sequence[Node]") -> bool:
    return bool(given) and (library in {Library.SLOG, Library.ZAP} or form == "w")


def _style(library: str) -> str:
    return library if library != "zerolog event" else "zerolog"


def _short(node: "Node") -> str:
    """Give a piece of source in one line, with its texts left out: they may be secrets."""
    one_line = re.sub(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`", '"..."', re.sub(r"\s+", "", text(node)))
    while (shorter := _WITHIN.sub("(*)", one_line)) != one_line:
        one_line = shorter
    one_line = one_line.replace("(*)", "(...)")
    return one_line if len(one_line) <= _MOST_CHARS else one_line[: _MOST_CHARS - 3] + "..."

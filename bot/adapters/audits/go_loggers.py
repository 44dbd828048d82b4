"""Which values of Go source are loggers, of which library, and whether they carry fields already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.adapters.audits.go_names import Names
from bot.adapters.audits.gotree import text

if TYPE_CHECKING:
    from tree_sitter import Node

STD, SLOG, ZAP = "log", "log/slog", "go.uber.org/zap"
EXP_SLOG = "golang.org/x/exp/slog"
ZEROLOG, ZEROLOG_LOG, LOGRUS = "github.com/rs/zerolog", "github.com/rs/zerolog/log", "github.com/sirupsen/logrus"
STRUCTURED = (SLOG, EXP_SLOG, ZAP, ZEROLOG, ZEROLOG_LOG, LOGRUS)
_MOST_STEPS = 40
_NOT_NAME = re.compile(r"^\*|\[.*")


class Library(StrEnum):
    """A kind of logger; `EVENT` and `CONTEXT` are what zerolog's calls are made of."""

    STD = "log"
    SLOG = "slog"
    ZAP = "zap"
    SUGAR = "zap sugar"
    ZEROLOG = "zerolog"
    EVENT = "zerolog event"
    CONTEXT = "zerolog context"
    LOGRUS = "logrus"


class Fields(StrEnum):
    """Whether a logger carries fields; `UNSEEN` is what comes from elsewhere."""

    NONE = "none"
    SOME = "some"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Logger:
    """A value that logs; `hidden` are those of its methods that what embeds it has of its own."""

    library: Library
    fields: Fields = Fields.NONE
    hidden: frozenset[str] = frozenset()


_LEVELS = ("Trace", "Debug", "Info", "Warn", "Error", "Fatal", "Panic", "Log", "WithLevel")
_KEPT = {"Timestamp", "Caller", "CallerWithSkipFrame", "Stack", "Enabled", "Discard"}
_SOME = Fields.SOME
TYPES: Mapping[tuple[str, str], Library] = {
    (STD, "Logger"): Library.STD,
    (SLOG, "Logger"): Library.SLOG,
    (EXP_SLOG, "Logger"): Library.SLOG,
    (ZAP, "Logger"): Library.ZAP,
    (ZAP, "SugaredLogger"): Library.SUGAR,
    (ZEROLOG, "Logger"): Library.ZEROLOG,
    (ZEROLOG, "Event"): Library.EVENT,
    (ZEROLOG, "Context"): Library.CONTEXT,
    **{(LOGRUS, name): Library.LOGRUS for name in ("Logger", "Entry", "FieldLogger", "Ext1FieldLogger")},
}
MADE: Mapping[tuple[str, str], Logger] = {
    **{(STD, name): Logger(Library.STD) for name in ("New", "Default")},
    **{(path, name): Logger(Library.SLOG) for path in (SLOG, EXP_SLOG) for name in ("New", "Default")},
    **{(path, "With"): Logger(Library.SLOG, _SOME) for path in (SLOG, EXP_SLOG)},
    **{(ZAP, name): Logger(Library.ZAP) for name in ("L", "New", "NewProduction", "NewDevelopment", "NewExample")},
    (ZAP, "S"): Logger(Library.SUGAR),
    (ZEROLOG, "New"): Logger(Library.ZEROLOG),
    (ZEROLOG, "Ctx"): Logger(Library.ZEROLOG, _SOME),
    (ZEROLOG_LOG, "Ctx"): Logger(Library.ZEROLOG, _SOME),
    (ZEROLOG_LOG, "With"): Logger(Library.CONTEXT),
    (ZEROLOG_LOG, "Err"): Logger(Library.EVENT, _SOME),
    **{(ZEROLOG_LOG, name): Logger(Library.EVENT) for name in _LEVELS},
    **{(LOGRUS, name): Logger(Library.LOGRUS) for name in ("New", "StandardLogger")},
    **{(LOGRUS, f"With{name}"): Logger(Library.LOGRUS, _SOME) for name in ("Field", "Fields", "Error", "Context")},
}
_PACKAGES: Mapping[str, Library] = {
    STD: Library.STD,
    SLOG: Library.SLOG,
    EXP_SLOG: Library.SLOG,
    ZEROLOG_LOG: Library.ZEROLOG,
    LOGRUS: Library.LOGRUS,
}
"""The libraries whose packages log themselves."""
_VARIABLES = {(ZEROLOG_LOG, "Logger")}


class Loggers:
    """The loggers of one file.

    `elsewhere` are those that other files of its package declare, by their names; `embedding` by names of types.
    """

    def __init__(
        self,
        names: Names,
        fields: Mapping[str, Logger],
        elsewhere: Mapping[str, Logger],
        embedding: Mapping[str, Logger],
    ) -> None:
        self._names = names
        self._fields = fields
        self._elsewhere = elsewhere
        self._embedding = embedding

    def of(self, node: "Node", steps: int = 0) -> Logger | None:
        """Give what an expression is; None for what is no logger, or not known to be one."""
        if steps > _MOST_STEPS:  # `a := b` and `b := a`, which no compiler takes
            return None
        if node.type in {"parenthesized_expression", "unary_expression"} and node.named_children:
            return self.of(node.named_children[-1], steps + 1)
        if node.type == "identifier":
            return self._variable(node, steps)
        if node.type == "selector_expression":
            return self._selected(node)
        if node.type == "call_expression":
            return self._called(node, steps)
        kind = node.child_by_field_name("type") if node.type == "composite_literal" else None
        return self._embedded(text(kind)) if kind is not None else None

    def package(self, node: "Node") -> Logger | None:
        """Give the logger that a package itself is (`slog.Info`)."""
        found = _PACKAGES.get(self._names.package(node))
        return Logger(found) if found else None

    def _variable(self, node: "Node", steps: int) -> Logger | None:
        name = text(node)
        declared = self._names.declared(name, node)
        if declared is None:
            return None if name in self._names.imports else self._elsewhere.get(name)
        if declared.type:
            library = TYPES.get(self._names.typed(declared.type))
            return Logger(library, Fields.UNSEEN) if library else self._embedded(declared.type)
        return self.of(declared.value, steps + 1) if declared.value is not None else None

    def _embedded(self, written: str) -> Logger | None:
        """Give the logger that a type of this package embeds, as it is or behind a pointer."""
        return self._embedding.get(_NOT_NAME.sub("", written))

    def _selected(self, node: "Node") -> Logger | None:
        operand, field = node.child_by_field_name("operand"), node.child_by_field_name("field")
        if operand is None or field is None:
            return None
        if path := self._names.package(operand):
            return Logger(Library.ZEROLOG) if (path, text(field)) in _VARIABLES else None
        return self._fields.get(text(field))

    def _called(self, node: "Node", steps: int) -> Logger | None:
        function = node.child_by_field_name("function")
        if function is None or function.type != "selector_expression":
            return None
        operand, field = function.child_by_field_name("operand"), function.child_by_field_name("field")
        if operand is None or field is None:
            return None
        if path := self._names.package(operand):
            return _made(self, node, path, text(field), steps)
        base = self.of(operand, steps + 1)
        return _derived(base, text(field)) if base and text(field) not in base.hidden else None


def _made(loggers: Loggers, node: "Node", path: str, name: str, steps: int) -> Logger | None:
    given = node.child_by_field_name("arguments")
    if (path, name) == (ZAP, "Must") and given is not None and given.named_children:
        return loggers.of(given.named_children[0], steps + 1)
    return MADE.get((path, name))


def _derived(base: Logger, name: str) -> Logger | None:
    """Give what a method of a logger gives."""
    library = base.library
    if name.startswith("With") and library in {Library.SLOG, Library.ZAP, Library.SUGAR, Library.LOGRUS}:
        return base if name in {"WithGroup", "WithOptions"} else replace(base, fields=_SOME)
    if library in {Library.ZAP, Library.SUGAR}:
        turned = {"Sugar": Library.SUGAR, "Desugar": Library.ZAP, "Named": library}.get(name)
        return replace(base, library=turned) if turned else None
    if library is Library.ZEROLOG:
        return _of_zerolog(base, name)
    if library in {Library.EVENT, Library.CONTEXT}:
        if name == "Logger":
            return replace(base, library=Library.ZEROLOG)
        return base if name in _KEPT else replace(base, fields=_SOME)
    return None


def _of_zerolog(base: Logger, name: str) -> Logger | None:
    if name == "With":
        return replace(base, library=Library.CONTEXT)
    if name == "Err":
        return Logger(Library.EVENT, _SOME)
    if name in _LEVELS:
        return replace(base, library=Library.EVENT)
    return base if name in {"Level", "Sample", "Output", "Hook"} else None

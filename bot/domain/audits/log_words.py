"""What to write instead of a call that prints or logs: a line of Go, in the library that its file already uses."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.secret_names import without_verbs, words

_MOST_FIELDS = 4
_MOST_CHARS = 60
_LEVELS = {"Trace": "Debug", "Print": "Info", "Fatal": "Error", "Panic": "Error", "DPanic": "Error", "Warning": "Warn"}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def replacement(call: Mapping[str, Any]) -> str:
    """Give the better line: its message, its level, its arguments as fields, the context that is at hand."""
    told = {each["what"] for each in call["secrets"]}
    message, fields = _said([each for each in call["arguments"] if not _is_told(each, told)])
    level = _level(call["level"], fields)
    line = _WRITERS[call["style"]](call, level, message, fields[:_MOST_FIELDS])
    return line + {"Fatal": ", then os.Exit(1)", "Panic": ", then panic"}.get(call["level"], "")


def _is_told(argument: Mapping[str, Any], secrets: set[str]) -> bool:
    return argument["secret"] or any(
        each == argument["text"] or each.endswith(f"({argument['text']})") for each in secrets
    )


def _said(arguments: Sequence[Mapping[str, Any]]) -> tuple[str, list[tuple[str, str]]]:
    """Give the message and the fields that a call's arguments come to."""
    literals = [each["literal"] for each in arguments if each["literal"]]
    message = " ".join(filter(None, map(without_verbs, literals)))
    message = message if len(message) <= _MOST_CHARS else message[: _MOST_CHARS - 3] + "..."
    fields: dict[str, str] = {}
    for number, each in enumerate((each for each in arguments if not each["literal"]), 1):
        key = _key(each["text"]) or f"value{number}"
        fields.setdefault(key if key not in fields else f"{key}{number}", each["text"])
    return message or "what happened", list(fields.items())


def _key(argument: str) -> str:
    """Give a field's name for an argument: `order.CustomerID` is `customer_id`; "" for an expression."""
    if not _NAME.fullmatch(argument):
        return ""
    last = argument.rpartition(".")[2]
    return "error" if last == "err" else "_".join(words(last))


def _level(level: str, fields: Sequence[tuple[str, str]]) -> str:
    known = _LEVELS.get(level, level)
    return "Error" if known == "Info" and any(key == "error" for key, _ in fields) else known


def _slog(call: Mapping[str, Any], level: str, message: str, fields: Sequence[tuple[str, str]]) -> str:
    pairs = fields or [("key", "value")]
    told = "".join(f', "{key}", {value}' for key, value in pairs)
    at, logger = call["context"], call["logger"] or "slog"
    return f'{logger}.{level}Context({at}, "{message}"{told})' if at else f'{logger}.{level}("{message}"{told})'


def _zap(call: Mapping[str, Any], level: str, message: str, fields: Sequence[tuple[str, str]]) -> str:
    told = "".join(f", {_zap_field(key, value)}" for key, value in fields or [("key", "value")])
    return f'{call["logger"] or "zap.L()"}.{level}("{message}"{told})'


def _zap_field(key: str, value: str) -> str:
    return "zap.Error(err)" if value == "err" else f'zap.Any("{key}", {value})'


def _sugar(call: Mapping[str, Any], level: str, message: str, fields: Sequence[tuple[str, str]]) -> str:
    told = "".join(f', "{key}", {value}' for key, value in fields or [("key", "value")])
    return f'{call["logger"] or "zap.S()"}.{level}w("{message}"{told})'


def _zerolog(call: Mapping[str, Any], level: str, message: str, fields: Sequence[tuple[str, str]]) -> str:
    logger = f"zerolog.Ctx({call['context']})" if call["context"] else call["logger"] or "log"
    told = "".join(_zerolog_field(key, value) for key, value in fields or [("key", "value")])
    return f'{logger}.{level}(){told}.Msg("{message}")'


def _zerolog_field(key: str, value: str) -> str:
    return ".Err(err)" if value == "err" else f'.Any("{key}", {value})'


def _logrus(call: Mapping[str, Any], level: str, message: str, fields: Sequence[tuple[str, str]]) -> str:
    at = f".WithContext({call['context']})" if call["context"] else ""
    told = "".join(_logrus_field(key, value) for key, value in fields or [("key", "value")])
    return f'{call["logger"] or "logrus"}{at}{told}.{level}("{message}")'


def _logrus_field(key: str, value: str) -> str:
    return ".WithError(err)" if value == "err" else f'.WithField("{key}", {value})'


_WRITERS = {"slog": _slog, "zap": _zap, "zap sugar": _sugar, "zerolog": _zerolog, "logrus": _logrus}

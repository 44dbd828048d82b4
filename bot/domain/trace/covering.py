"""Takes secrets out of log lines before they are kept: a batch is looked at once, and only where one is, by value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.redaction import SENSITIVE_LABEL, redact

_DEEPEST = 8
_CUT = "[left out: too deep]"
_NOT_SECRET = re.compile(r"(?i).*(?:count|length|size|type|expires?|ttl)$")


def covered(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give log lines without secrets: values that look like one, and those whose name says that they are one."""
    if not _is_suspect("\n".join(text for each in documents for text in _texts(each))):
        return list(documents)
    return [_covered(each) if _is_suspect("\n".join(_texts(each))) else each for each in documents]


def _is_suspect(text: str) -> bool:
    return redact(text) != text


def _texts(value: Any, key: str = "", depth: int = 0) -> Iterator[str]:
    """Give every word of a line, each after its name, as a rule would find it in a text."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(each, str(name), depth + 1) if depth < _DEEPEST else ("token: deep",)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, key, depth + 1) if depth < _DEEPEST else ("token: deep",)
    elif isinstance(value, str):
        yield f"{key}: {value}"


def _covered(value: Any, key: str = "", depth: int = 0) -> Any:
    if isinstance(value, Mapping | list) and depth > _DEEPEST:
        return _CUT
    if isinstance(value, Mapping):
        return {redact(str(name)): _covered(each, str(name), depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_covered(each, key, depth + 1) for each in value]
    if not isinstance(value, str):
        return value
    if value and SENSITIVE_LABEL.search(key) and not _NOT_SECRET.match(key):
        return "[redacted:secret]"
    return redact(value)

"""Takes secrets out of log lines before they are kept: a batch is looked at once, and only where one is, by value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot.domain.redaction import SENSITIVE_LABEL, redact

_DEEPEST = 8
_CUT = "[left out: too deep]"
_SECRET = "[redacted:secret]"  # noqa: S105 - it stands for one
_SUSPECT = "token: suspect"
"""What every rule takes for a secret: it stands for what cannot be known by its looks."""
_NOT_SECRET = re.compile(r"(?i).*(?:count|length|size|type|expires?|ttl)$")
_COUNTED = re.compile(r"(?i).*(?:tokens|expires_?(?:at|in)|_(?:at|ms|us|ns|seconds))$")
"""A number of such a name says how many, when or how long, as the `prompt_tokens` of a language model do."""


def covered(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give log lines without secrets: values that look like one, and all that is under a name which says that it is."""
    if not _is_suspect("\n".join(text for each in documents for text in _texts(each))):
        return list(documents)
    return [_covered(each) if _is_suspect("\n".join(_texts(each))) else each for each in documents]


def _is_suspect(text: str) -> bool:
    return redact(text) != text


def _texts(value: Any, key: str = "", depth: int = 0, *, is_secret: bool = False) -> list[str]:
    """Give every word of a line, each after its name, as a rule would find it in a text."""
    if isinstance(value, str):  # most of all values: looked for first
        return [_SUSPECT if is_secret and value else f"{key}: {value}"]
    if not isinstance(value, Mapping | list):
        return [_SUSPECT] if is_secret and _may_be_secret(key, value) else []
    if depth >= _DEEPEST:
        return [_SUSPECT] if value else []
    found: list[str] = []
    for name, each in _parts(value, key):
        found += _texts(each, name, depth + 1, is_secret=is_secret or _names_secret(name))
    return found


def _covered(value: Any, key: str = "", depth: int = 0, *, is_secret: bool = False) -> Any:
    if isinstance(value, Mapping | list):
        if depth > _DEEPEST:
            return _CUT
        below = (
            (name, _covered(each, name, depth + 1, is_secret=is_secret or _names_secret(name)))
            for name, each in _parts(value, key)
        )
        is_named = isinstance(value, Mapping)
        return {redact(name): each for name, each in below} if is_named else [each for _, each in below]
    if isinstance(value, str):
        return _SECRET if is_secret and value else redact(value)
    return _SECRET if is_secret and _may_be_secret(key, value) else value


def _parts(value: Mapping[Any, Any] | list[Any], key: str) -> Iterable[tuple[str, Any]]:
    """Give what is in a value, each with its name; what is in a list has that of the list."""
    if isinstance(value, Mapping):
        return ((str(name), each) for name, each in value.items())
    return ((key, each) for each in value)


@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    return SENSITIVE_LABEL.search(name) is not None and not _NOT_SECRET.match(name)


def _may_be_secret(key: str, value: Any) -> bool:
    """Tell whether what is no text can be a secret: nothing, true and false are none."""
    return value is not None and not isinstance(value, bool) and not _COUNTED.match(key)

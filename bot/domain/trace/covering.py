"""Takes secrets out of log lines before they are kept: a batch is looked at once, and only where one is, by value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any

from bot.domain.redaction import SENSITIVE_LABEL, UNSURE_NAMES, redact

_DEEPEST = 8
_CUT = "[left out: too deep]"
_SECRET = "[redacted:secret]"  # noqa: S105 - it stands for one
_SUSPECT = "token: suspect"
"""What every rule takes for a secret: it stands for what cannot be known by its looks."""
_DOUBTFUL = "key: "
"""After what every rule takes for a secret only what looks generated: it stands for every name that may be of one."""
_UNSURE = tuple(UNSURE_NAMES.split("|"))
_WORDS_OF_A_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""`author` and `authority` are no `auth`; `x_auth` and `authHeader` are one, and `sshkey` is a key."""
_PIECE = re.compile(r"[^\s\"',;&|<>()\[\]{}=]+")
"""What stands by itself in a value: a secret may come after other words, as in `t=1492774577,v1=...`."""
_NOT_SECRET = re.compile(r"(?i).*(?:count|length|size|type|expires?|ttl)$")
_COUNTED = re.compile(r"(?i).*(?:tokens|expires_?(?:at|in)|_(?:at|ms|us|ns|seconds))$")
"""A number of such a name says how many, when or how long, as the `prompt_tokens` of a language model do."""


class _Named(IntEnum):
    """What the names above a value say of it: nothing, that it is secret if it looks generated, or that it is."""

    PLAINLY = 0
    DOUBTFUL = 1
    SECRET = 2


def covered(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give log lines without secrets: values that look like one, and all that is under a name which says that it is."""
    if not _is_suspect("\n".join(text for each in documents for text in _texts(each))):
        return list(documents)
    return [_covered(each) if _is_suspect("\n".join(_texts(each))) else each for each in documents]


def _is_suspect(text: str) -> bool:
    return redact(text) != text


def _texts(value: Any, key: str = "", depth: int = 0, named: _Named = _Named.PLAINLY) -> list[str]:
    """Give every word of a line, each after its name, as a rule would find it in a text."""
    if isinstance(value, str):  # most of all values: looked for first
        if named is _Named.SECRET and value:
            return [_SUSPECT]
        pieces = _PIECE.findall(value) if named is _Named.DOUBTFUL else ()
        return [f"{key}: {value}", *(_DOUBTFUL + piece for piece in pieces)]
    if not isinstance(value, Mapping | list):
        return [_SUSPECT] if named is _Named.SECRET and _may_be_secret(key, value) else []
    if depth >= _DEEPEST:
        return [_SUSPECT] if value else []
    found: list[str] = []
    for name, each in _parts(value, key):
        found += _texts(each, name, depth + 1, max(named, _named(name)))
    return found


def _covered(value: Any, key: str = "", depth: int = 0, named: _Named = _Named.PLAINLY) -> Any:
    if isinstance(value, Mapping | list):
        if depth > _DEEPEST:
            return _CUT
        below = ((name, _covered(each, name, depth + 1, max(named, _named(name)))) for name, each in _parts(value, key))
        is_named = isinstance(value, Mapping)
        return {redact(name): each for name, each in below} if is_named else [each for _, each in below]
    if isinstance(value, str):
        return _word(value, named)
    return _SECRET if named is _Named.SECRET and _may_be_secret(key, value) else value


def _word(value: str, named: _Named) -> str:
    if named is _Named.SECRET and value:
        return _SECRET
    looked = redact(value)
    return _PIECE.sub(_doubted, looked) if named is _Named.DOUBTFUL else looked


def _doubted(piece: re.Match[str]) -> str:
    return redact(_DOUBTFUL + piece[0]).removeprefix(_DOUBTFUL)


def _parts(value: Mapping[Any, Any] | list[Any], key: str) -> Iterable[tuple[str, Any]]:
    """Give what is in a value, each with its name; what is in a list has that of the list."""
    if isinstance(value, Mapping):
        return ((str(name), each) for name, each in value.items())
    return ((key, each) for each in value)


@lru_cache(maxsize=4096)
def _named(name: str) -> _Named:
    if _NOT_SECRET.match(name):
        return _Named.PLAINLY
    if SENSITIVE_LABEL.search(name):
        return _Named.SECRET
    words = (word.lower().removesuffix("s") for word in _WORDS_OF_A_NAME.findall(name))
    return _Named.DOUBTFUL if any(word.endswith(_UNSURE) for word in words) else _Named.PLAINLY


def _may_be_secret(key: str, value: Any) -> bool:
    """Tell whether what is no text can be a secret: nothing, true and false are none."""
    return value is not None and not isinstance(value, bool) and not _COUNTED.match(key)

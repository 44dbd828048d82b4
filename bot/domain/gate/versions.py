"""Which of two versions is before the other, where that is sure: each kind of package counts in its own way."""

import re
from dataclasses import dataclass
from itertools import zip_longest

_VERSION = re.compile(r"(?:([0-9]+):)?v?([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_LEADS_TO_IT = re.compile(r"~|[-._]?(?:alpha|beta|rc|pre|preview|dev|snapshot)(?![a-z])")
# What looks like the hash of a commit is one piece, whose digits count nothing.
_PIECE = re.compile(r"g[0-9a-f]{7,}|(?=[0-9]*[a-f])[0-9a-f]{7,}|[0-9]+|[a-z]+|[^0-9a-z]+")
_IN_ORDER = re.compile(r"[0-9]+|[a-z]|alpha|beta|rc")

_Number = tuple[int, str]


def is_below(version: str, bound: str) -> bool:
    """Tell whether a version is before another one; True too where it is not sure that it is not."""
    one, other = _read(version), _read(bound)
    if one is None or other is None:
        return True
    if one.epoch != other.epoch:
        # Where one of them is left out, nobody knows whether it is none, or was only not said.
        return _ZERO in {one.epoch, other.epoch} or one.epoch < other.epoch
    if one.numbers != other.numbers:
        return one.numbers < other.numbers
    return not _reaches(one.rest, other.rest)


@dataclass(frozen=True)
class _Version:
    """A version's epoch, its numbers without zeros at their end, and what follows them."""

    epoch: _Number
    numbers: tuple[_Number, ...]
    rest: str


def _read(version: str) -> _Version | None:
    parts = _VERSION.fullmatch(version.strip().lower())
    # Debian takes a release back by 2.0+really1.9, which is not 2.0.
    if parts is None or "+really" in parts[3]:
        return None
    numbers = [_number(each) for each in parts[2].split(".")]
    while numbers and numbers[-1] == _ZERO:
        numbers.pop()
    return _Version(_number(parts[1] or ""), tuple(numbers), parts[3])


def _number(digits: str) -> _Number:
    """Give what numbers of any length are compared by."""
    told = digits.lstrip("0")
    return len(told), told


_ZERO = _number("")


def _reaches(rest: str, bound: str) -> bool:
    """Tell whether what follows the same numbers is surely not before what follows them in the bound."""
    if rest.startswith(f"{bound}+") or (not rest.partition("+")[0] and _LEADS_TO_IT.match(bound)):
        return True
    pairs = zip_longest(_PIECE.findall(rest), _PIECE.findall(bound), fillvalue="")
    # Of one that is the beginning of the other nobody knows: 1.0-rc1 is before 1.0, and 1.1.1n after 1.1.1.
    return next((_is_after(*pair) for pair in pairs if _ordered(pair[0]) != _ordered(pair[1])), True)


def _is_after(one: str, other: str) -> bool:
    if not (_IN_ORDER.fullmatch(one) and _IN_ORDER.fullmatch(other)) or one[0].isdigit() is not other[0].isdigit():
        return False
    return _ordered(one) > _ordered(other)


def _ordered(piece: str) -> tuple[int, str]:
    """Give what pieces are the same by, and those of a kind are compared by; a zero is more than nothing."""
    if not (piece.isascii() and piece.isdigit()):
        return 0, piece
    length, told = _number(piece)
    return length + 1, told

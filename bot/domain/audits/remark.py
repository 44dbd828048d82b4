"""What an audit has to say: where, what is there, and what would be better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Grade(StrEnum):
    """How much it matters: something is wrong; something will be; something could be better."""

    WRONG = "wrong"
    RISKY = "risky"
    WEAK = "weak"


@dataclass(frozen=True)
class Remark:
    """One thing that should be otherwise. `where`: file and line, a target, or a name; `rule`: a word for its kind."""

    grade: Grade
    rule: str
    where: str
    what: str
    better: str


@dataclass(frozen=True)
class Subject:
    """What was looked at, in words, and what could not be, with the reasons; `document` is what was found (JSON)."""

    looked_at: str
    document: Mapping[str, Any]
    unseen: tuple[str, ...] = ()


def ranked(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """Give remarks in the order in which they matter, each once."""
    order = list(Grade)
    return tuple(sorted(dict.fromkeys(remarks), key=lambda each: (order.index(each.grade), each.rule, each.where)))

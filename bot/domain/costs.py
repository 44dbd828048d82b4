"""What each stack of a profile costs, kept as small as the profile itself writes it: most of it is never drawn.

A stack stays the bytes of its locations' numbers; a location becomes frames only when somebody looks at it. A profile
of a large service has millions of frames, of which a graph shows a thousand.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from bot.domain.errors import FirstFiveError
from bot.domain.stacks import Frame

T = TypeVar("T")

MAX_FRAMES = 5_000_000
"""Frames of all samples together: a few bytes can repeat one long location in every sample."""
NUMBERS = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")
"""One number of many, as a varint: a location in a stack."""


class ProfileMalformed(FirstFiveError):
    """The bytes are not a pprof profile, or claim sizes beyond our limits."""


@dataclass(frozen=True)
class Cost:
    """What one place costs: `flat` by itself, `cumulative` with everything it calls; in units of the value type."""

    frame: Frame
    flat: int
    cumulative: int


@dataclass(frozen=True)
class Costs:
    """One value of a profile by stack: `name` in `unit`; a stack is its locations' numbers, innermost first.

    `frames` gives those of a location, innermost first: several where calls were inlined, none where it is not known;
    it raises ProfileMalformed where they cannot be read. `duration_ns` is 0 where the profile has none.
    """

    name: str
    unit: str
    duration_ns: int
    stacks: Sequence[bytes]
    values: Sequence[int]
    frames: Mapping[bytes, tuple[Frame, ...]]

    @property
    def total(self) -> int:
        """All that is above nothing: a difference may be below."""
        return sum(value for value in self.values if value > 0)

    def top(self) -> tuple[Cost, ...]:
        """Add up by function, largest flat cost first; the frame is the function's most expensive line.

        :raises ProfileMalformed: the stacks have more than MAX_FRAMES frames, or one that cannot be read.
        """
        flat, cumulative, by_location = Counter[str](), Counter[str](), Counter[bytes]()
        letters, room = _Letters(self.frames), MAX_FRAMES
        for value, stacks in self._by_value().items():
            spelled = ["".join(map(letters.__getitem__, NUMBERS.findall(stack))) for stack in stacks]
            room -= sum(map(len, spelled))
            if room < 0:
                raise ProfileMalformed(f"not a pprof profile: its samples have more than {MAX_FRAMES} frames")
            _add(flat, Counter(word[0] for word in spelled if word), value)
            _add(cumulative, Counter(chain.from_iterable(map(set, spelled))), value)
            _add(by_location, Counter(NUMBERS.findall(b"".join(stacks))), value)
        lines: dict[str, Counter[Frame]] = defaultdict(Counter)
        for location, value in by_location.items():
            for frame in self.frames[location]:
                lines[frame.function][frame] += value
        names = {letter: function for function, letter in letters.of.items()}
        costs = (
            Cost(max(lines[names[letter]].items(), key=lambda line: line[1])[0], flat[letter], value)
            for letter, value in cumulative.items()
        )
        return tuple(sorted(costs, key=lambda cost: (-cost.flat, -cost.cumulative, cost.frame.function)))

    def _by_value(self) -> dict[int, list[bytes]]:
        """Give the stacks of each value, of which a profile has few: counting is faster than adding up."""
        found: dict[int, list[bytes]] = defaultdict(list)
        for stack, value in zip(self.stacks, self.values, strict=True):
            found[value].append(stack)
        return found


def _add(sums: Counter[T], counts: Counter[T], value: int) -> None:
    for each, count in counts.items():
        sums[each] += count * value


class _Letters(dict[bytes, str]):
    """The functions of a location, innermost first, each a letter of its own: a stack is a word, read by C alone."""

    def __init__(self, frames: Mapping[bytes, tuple[Frame, ...]]) -> None:
        super().__init__()
        self._frames = frames
        self.of: dict[str, str] = {}

    def __missing__(self, location: bytes) -> str:
        functions = (frame.function for frame in self._frames[location])
        found = self[location] = "".join(self.of.setdefault(name, chr(len(self.of))) for name in functions)
        return found

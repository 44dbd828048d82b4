"""The stacks of a profile as a tree of calls, of which only those branches are grown that somebody looks at.

Sorted stacks that share callers lie together: a call in its place is a span of them, which costs as much as the sum
over it, and what it calls is found by halving. Of millions of frames a graph touches thousands.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from bot.domain.costs import NUMBERS, Costs
from bot.domain.stacks import Frame

MOST_SPANS = 300_000
"""Spans told apart; bounds the time against a profile in which no two stacks are alike."""
_REVERSED = re.compile(rb"[\x00-\x7f][\x80-\xff]*")
_AFTER = b"\x80"


Span = tuple[int, int, int, tuple[Frame, ...]]
"""Stacks from one to before another, alike up to a byte; and the frames of their last location that are yet to come."""


class CallTree:
    """What is below what: callers above what they call, or `inverted`, the innermost calls above who called them."""

    def __init__(self, costs: Costs, *, inverted: bool) -> None:
        self._inverted = inverted
        self._frames = costs.frames
        self._next = (NUMBERS if inverted else _REVERSED).match
        stacks, values = _costly(costs)
        stacks = stacks if inverted else [stack[::-1] for stack in stacks]
        order = sorted(range(len(stacks)), key=stacks.__getitem__)
        self._stacks = list(map(stacks.__getitem__, order))
        self._sums = list(accumulate(map(values.__getitem__, order), initial=0))
        self._room = MOST_SPANS

    @property
    def all(self) -> Span:
        """Every stack."""
        return 0, len(self._stacks), 0, ()

    @property
    def total(self) -> int:
        """What all of them cost."""
        return self._sums[-1]

    def below(self, spans: Iterable[Span]) -> Iterator[tuple[Frame, Span, int]]:
        """Give what is next in the stacks of some spans, and what it costs; nothing more once there is no room.

        :raises ProfileMalformed: a location cannot be read.
        """
        todo, sums = list(spans), self._sums
        while todo:
            low, high, at, inside = todo.pop()
            if inside:
                yield inside[0], (low, high, at, inside[1:]), sums[high] - sums[low]
            else:
                todo += self._parts(low, high, at)

    def _parts(self, low: int, last: int, at: int) -> Iterator[Span]:
        """Tell stacks apart by their next location; one that ends here has none."""
        stacks, is_next = self._stacks, self._next
        while low < last and self._room > 0:
            self._room -= 1
            stack = stacks[low]
            found = is_next(stack, at)
            if found is None:
                low = bisect_left(stacks, stack + b"\x00", low, last)
                continue
            end = found.end()
            high = low + 1
            if high < last and stacks[high].startswith(stack[:end]):
                high = bisect_left(stacks, self._bound(stack, end), high, last)
            yield low, high, end, self._read(found[0])
            low = high

    def _bound(self, stack: bytes, end: int) -> bytes:
        """Give what comes after every stack that is alike up to the end of a location.

        Its last byte says that it ends, and is the first one where the stack is reversed: a longer one comes after it.
        """
        return stack[: end - 1] + bytes((stack[end - 1] + 1,)) if self._inverted else stack[:end] + _AFTER

    def _read(self, location: bytes) -> tuple[Frame, ...]:
        return self._frames[location] if self._inverted else self._frames[location[::-1]][::-1]


def _costly(costs: Costs) -> tuple[Sequence[bytes], Sequence[int]]:
    """Leave out what costs nothing, or less in a difference; mostly nothing does, and then nothing is copied."""
    if min(costs.values, default=1) > 0:
        return costs.stacks, costs.values
    kept = [at for at, value in enumerate(costs.values) if value > 0]
    return list(map(costs.stacks.__getitem__, kept)), list(map(costs.values.__getitem__, kept))

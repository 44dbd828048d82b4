"""Flame graphs: a profile merged by stack, each call as wide as its part of the whole, what it calls beside it.

Inverted it begins with what costs by itself, and beside each call is who called it. A target is not trusted: whatever
it sends, the graph has a bounded number of pieces, and what is too small to see is one piece of its caller.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.call_tree import CallTree, Span
from bot.domain.costs import Cost, Costs
from bot.domain.stacks import Frame, is_own, is_standard, package

MOST_PIECES = 2_000
"""Rectangles of one graph; each that is drawn may have one beside it for what is folded."""
MOST_ROWS = 128
"""Calls below each other; the Go runtime records no more (maxProfStackDepth, runtime/mprof.go)."""
SMALLEST = 1 / 2_000
"""Part of the whole: half a pixel on a wide screen."""


class Kind(StrEnum):
    """Whose a call is."""

    OWN = "own"
    LIBRARY = "library"
    STANDARD = "standard"
    RUNTIME = "runtime"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Piece:
    """One call with all it calls. `start` and `width` are 0..1 of the whole, `row` 0 is everything.

    `frame` has the line that costs most. `itself` is what it costs without what is beside it. `before` is what it cost
    in the profile compared with, made comparable; None when nothing is compared.
    """

    name: str
    kind: Kind
    row: int
    start: float
    width: float
    value: int
    itself: int
    frame: Frame
    is_blamed: bool = False
    before: float | None = None

    @property
    def grown(self) -> float:
        """By how much it grew, in the profile's unit; 0 when nothing is compared."""
        return 0.0 if self.before is None else self.value - self.before


@dataclass(frozen=True)
class Flame:
    """A graph ready to be drawn, its pieces from the row of all on, and from left to right.

    `total` is in `unit`; `compared`: its pieces know what they were before. `inverted`: a row has the callers of the
    one before it.
    """

    pieces: tuple[Piece, ...]
    total: int
    unit: str
    rows: int
    compared: bool = False
    inverted: bool = False

    @property
    def blamed(self) -> tuple[Piece, ...]:
        """The pieces to blame that are not below another one."""
        found: list[Piece] = []
        for piece in self.pieces:
            inside = any(each.start <= piece.start < each.start + each.width for each in found)
            if piece.is_blamed and not inside:
                found.append(piece)
        return tuple(found)


@dataclass(frozen=True)
class Changed:
    """A function and its cost now and before, in the profile's unit."""

    frame: Frame
    now: float
    before: float


class _Node:
    """A call in its place: the stacks it is in, in the profile and in the one compared with."""

    __slots__ = ("before", "below", "kind", "lines", "name", "row", "spans", "value", "was")

    def __init__(self, name: str, kind: Kind, row: int) -> None:
        self.name, self.kind, self.row = name, kind, row
        self.value = 0
        self.before = 0.0
        self.lines: list[tuple[int, Frame]] = []
        self.spans: list[Span] = []
        self.was: list[Span] = []
        self.below: dict[str, _Node] = {}

    @property
    def frame(self) -> Frame:
        """The line that costs most."""
        sums: dict[Frame, int] = defaultdict(int)
        for cost, frame in self.lines:
            sums[frame] += cost
        return max(sums, key=lambda frame: sums[frame]) if sums else Frame(self.name)

    @property
    def itself(self) -> int:
        """What it costs without what is below it, once that is known."""
        return self.value - sum(below.value for below in self.below.values())


@dataclass(frozen=True)
class Focus:
    """What matters to who looks.

    `module`: the service's own path; without it everything outside of the standard library is own. `blamed`: the
    functions to blame. `short`: what a foreign package calls in itself is left out, where there is little room.
    `inverted`: what costs by itself comes first, and who called it after it.
    """

    module: str = ""
    blamed: frozenset[str] = frozenset()
    short: bool = False
    inverted: bool = False


def draw(costs: Costs, focus: Focus, base: Costs | None = None) -> Flame:
    """Merge the stacks of a profile; the values of a `base`, of a better time, are scaled to it.

    :raises ProfileMalformed: a location cannot be read.
    """
    tree = _Tree(costs, focus, base)
    placed = _placed(tree.root, tree.chosen(), focus.blamed, compared=base is not None)
    pieces = tuple(sorted(placed, key=lambda piece: (piece.row, piece.start)))
    return Flame(pieces, tree.root.value, costs.unit, pieces[-1].row + 1, base is not None, focus.inverted)


def scale(costs: Costs, base: Costs) -> float:
    """Give by what the values of a base are multiplied.

    What is in use counts as it is, the rest by the time it was measured for, or by the total where that is unknown.
    """
    if costs.name.startswith("inuse"):
        return 1.0
    if costs.duration_ns > 0 and base.duration_ns > 0:
        return costs.duration_ns / base.duration_ns
    return costs.total / base.total if base.total > 0 else 1.0


def changes(costs: Costs, base: Costs, read: Callable[[Cost], int]) -> tuple[Changed, ...]:
    """Give the functions whose cost, as `read` takes it, changed most, what is gone included."""
    by = scale(costs, base)
    now = {cost.frame.function: cost for cost in costs.top()}
    before = {cost.frame.function: cost for cost in base.top()}
    found = (
        Changed(
            (now.get(name) or before[name]).frame,
            read(now[name]) if name in now else 0,
            by * read(before[name]) if name in before else 0.0,
        )
        for name in sorted(now.keys() | before.keys())
    )
    return tuple(sorted(found, key=lambda each: -abs(each.now - each.before)))


class _Tree:
    """Chooses the calls that are drawn, the widest first: a call is never wider than the one it is beside."""

    def __init__(self, costs: Costs, focus: Focus, base: Costs | None) -> None:
        self._focus = focus
        self._now = CallTree(costs, inverted=focus.inverted)
        self._base = CallTree(base, inverted=focus.inverted) if base is not None else None
        self._by = scale(costs, base) if base is not None else 0.0
        self.root = _Node("everything", Kind.FOLDED, 0)
        self.root.spans, self.root.value = [self._now.all], self._now.total
        if self._base is not None:
            self.root.was, self.root.before = [self._base.all], self._by * self._base.total

    def chosen(self) -> set[int]:
        """Grow the tree where it is wide enough to be seen; give the identities of what is to be drawn."""
        chosen: set[int] = set()
        ahead = [(-self.root.value, 0, self.root)]
        seen = 0
        while ahead and len(chosen) < MOST_PIECES // 2:
            size, _, node = heapq.heappop(ahead)
            if -size < SMALLEST * self.root.value:
                break
            chosen.add(id(node))
            if node.row < MOST_ROWS:
                self._grow(node)
            for below in node.below.values():
                seen += 1
                heapq.heappush(ahead, (-below.value, seen, below))
        return chosen

    def _grow(self, node: _Node) -> None:
        for frame, span, cost in self._below(self._now, node, node.spans):
            below = node.below.get(frame.function)
            if below is None:
                kind = kind_of(frame.function, self._focus.module)
                below = node.below[frame.function] = _Node(frame.function, kind, node.row + 1)
            below.value += cost
            below.lines.append((cost, frame))
            below.spans.append(span)
        if self._base is not None:
            for frame, span, cost in self._below(self._base, node, node.was):
                if below := node.below.get(frame.function):
                    below.before += self._by * cost
                    below.was.append(span)

    def _below(self, tree: CallTree, node: _Node, spans: Sequence[Span]) -> Iterator[tuple[Frame, Span, int]]:
        """Give the calls below one; in a short graph a foreign package calls itself unseen."""
        if not self._focus.short:
            yield from tree.below(spans)
            return
        todo = list(spans)
        while todo:
            for frame, span, cost in tree.below([todo.pop()]):
                if _is_same_foreign(frame.function, node.name, self._focus.module):
                    todo.append(span)
                else:
                    yield frame, span, cost


def _is_same_foreign(function: str, caller: str, module: str) -> bool:
    return package(function) == package(caller) and kind_of(function, module) is not Kind.OWN


def kind_of(function: str, module: str = "") -> Kind:
    """Tell whose a function is."""
    if is_standard(function):
        path = package(function)
        is_runtime = path.partition("/")[0] == "runtime" or path.startswith("internal/runtime")
        return Kind.RUNTIME if is_runtime else Kind.STANDARD
    return Kind.OWN if not module or is_own(function, module) else Kind.LIBRARY


def _placed(root: _Node, chosen: set[int], blamed: frozenset[str], *, compared: bool) -> Iterator[Piece]:
    whole = max(root.value, 1)
    todo = [(root, 0, 0.0)]
    while todo:
        node, row, start = todo.pop()
        yield _piece(node, (row, start, node.value / whole), blamed, compared=compared)
        for below in sorted(node.below.values(), key=lambda each: (-each.value, each.name)):
            if id(below) in chosen:
                todo.append((below, row + 1, start))
                start += below.value / whole
        folded = [below for below in node.below.values() if id(below) not in chosen]
        if folded:
            yield _fold(folded, row + 1, start, whole, compared=compared)


def _piece(node: _Node, place: tuple[int, float, float], blamed: frozenset[str], *, compared: bool) -> Piece:
    before = node.before if compared else None
    is_blamed = node.name in blamed
    return Piece(node.name, node.kind, *place, node.value, node.itself, node.frame, is_blamed, before)


def _fold(nodes: Sequence[_Node], row: int, start: float, whole: int, *, compared: bool) -> Piece:
    value, name = sum(node.value for node in nodes), f"{len(nodes)} more"
    before = sum(node.before for node in nodes) if compared else None
    return Piece(name, Kind.FOLDED, row, start, value / whole, value, value, Frame(name), before=before)

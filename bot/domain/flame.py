"""Flame graphs: a profile merged by stack, each call as wide as its part of the whole, callers above what they call.

The outermost call is on top, as `go tool pprof` draws them. A target is not trusted: whatever it sends, the graph has
a bounded number of pieces, and what is too small to see is one piece of its caller.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.profile import Cost, Profile
from bot.domain.stacks import Frame, is_own, is_standard, package

MOST_PIECES = 2_000
"""Rectangles of one graph; each that is drawn may have one beside it for what is folded."""
MOST_ROWS = 128
"""Calls below each other; the Go runtime records no more (maxProfStackDepth, runtime/mprof.go)."""
MOST_NODES = 200_000
"""Different stacks told apart before drawing; bounds memory against a profile in which no two are alike."""
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

    `frame` has the line that costs most. `itself` is what it costs without what it calls. `before` is what it cost in
    the profile compared with, made comparable; None when nothing is compared.
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
    """A graph ready to be drawn, its pieces from top left to bottom right.

    `total` is in `unit`; `compared`: its pieces know what they were before.
    """

    pieces: tuple[Piece, ...]
    total: int
    unit: str
    rows: int
    compared: bool = False

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
    """A call in its place while samples are added up."""

    __slots__ = ("before", "below", "frame", "itself", "kind", "lines", "name", "value")

    def __init__(self, name: str, kind: Kind, frame: Frame) -> None:
        self.name, self.kind, self.frame = name, kind, frame
        self.value = self.itself = 0
        self.before = 0.0
        self.lines: dict[Frame, int] = defaultdict(int)
        self.below: dict[str, _Node] = {}


@dataclass(frozen=True)
class Focus:
    """What matters to who looks.

    `module`: the service's own path; without it everything outside of the standard library is own. `blamed`: the
    functions to blame. `short`: what a foreign package calls in itself is left out, where there is little room.
    """

    module: str = ""
    blamed: frozenset[str] = frozenset()
    short: bool = False


def draw(profile: Profile, value: str, focus: Focus, base: Profile | None = None) -> Flame:
    """Merge one value of a profile by stack; the values of a `base`, of a better time, are scaled to it."""
    tree = _Tree(focus)
    tree.add(profile, value)
    if base is not None:
        tree.add_before(base, value, scale(profile, base, value))
    placed = _placed(tree.root, focus.blamed, compared=base is not None)
    pieces = tuple(sorted(placed, key=lambda piece: (piece.row, piece.start)))
    unit = profile.types[profile.index(value)].unit
    return Flame(pieces, tree.root.value, unit, pieces[-1].row + 1, base is not None)


def scale(profile: Profile, base: Profile, value: str) -> float:
    """Give by what the values of a base are multiplied.

    What is in use counts as it is, the rest by the time it was measured for, or by the total where that is unknown.
    """
    if value.startswith("inuse"):
        return 1.0
    if profile.duration_ns > 0 and base.duration_ns > 0:
        return profile.duration_ns / base.duration_ns
    total = base.total(value)
    return profile.total(value) / total if total > 0 else 1.0


def changes(profile: Profile, base: Profile, value: str, read: Callable[[Cost], int]) -> tuple[Changed, ...]:
    """Give the functions whose cost, as `read` takes it, changed most, what is gone included."""
    by = scale(profile, base, value)
    now = {cost.frame.function: cost for cost in profile.top(value)}
    before = {cost.frame.function: cost for cost in base.top(value)}
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
    """Adds up samples by stack, the largest first, so that what has no room any more is small."""

    def __init__(self, focus: Focus) -> None:
        self.root = _Node("everything", Kind.FOLDED, Frame("everything"))
        self.focus = focus
        self.nodes = 0

    def add(self, profile: Profile, value: str) -> None:
        """Add the values of a profile."""
        for stack, amount in _ranked(profile, value):
            node = self.root
            node.value += amount
            for name, kind, frame in self._calls(stack):
                below = node.below.get(name) or self._grow(node, name, kind, frame)
                if below is None:
                    break
                node = below
                node.value += amount
                node.lines[frame] += amount
            node.itself += amount

    def add_before(self, base: Profile, value: str, by: float) -> None:
        """Add the values of the profile compared with, where the first one has been."""
        for stack, amount in _ranked(base, value):
            node = self.root
            node.before += by * amount
            for name, _, _ in self._calls(stack):
                below = node.below.get(name)
                if below is None:
                    break
                node = below
                node.before += by * amount

    def _grow(self, node: _Node, name: str, kind: Kind, frame: Frame) -> _Node | None:
        if self.nodes >= MOST_NODES:
            return None
        self.nodes += 1
        below = node.below[name] = _Node(name, kind, frame)
        return below

    def _calls(self, stack: Sequence[Frame]) -> Iterator[tuple[str, Kind, Frame]]:
        """Give the calls of a stack, outermost first."""
        last = ""
        for frame in stack[: -MOST_ROWS - 1 : -1]:
            kind = kind_of(frame.function, self.focus.module)
            home = package(frame.function)
            if not (self.focus.short and kind is not Kind.OWN and home == last):
                yield frame.function, kind, frame
            last = home


def kind_of(function: str, module: str = "") -> Kind:
    """Tell whose a function is."""
    if is_standard(function):
        path = package(function)
        is_runtime = path.partition("/")[0] == "runtime" or path.startswith("internal/runtime")
        return Kind.RUNTIME if is_runtime else Kind.STANDARD
    return Kind.OWN if not module or is_own(function, module) else Kind.LIBRARY


def _ranked(profile: Profile, value: str) -> list[tuple[Sequence[Frame], int]]:
    at = profile.index(value)
    found = [(sample.stack, sample.values[at]) for sample in profile.samples if sample.values[at] > 0]
    return sorted(found, key=lambda item: -item[1])


def _chosen(root: _Node) -> set[int]:
    """Choose the calls that are drawn, the widest first: a call is never wider than its caller."""
    chosen: set[int] = set()
    ahead = [(-root.value, 0, root)]
    seen = 0
    while ahead and len(chosen) < MOST_PIECES // 2:
        size, _, node = heapq.heappop(ahead)
        if -size < SMALLEST * root.value:
            break
        chosen.add(id(node))
        for below in node.below.values():
            seen += 1
            heapq.heappush(ahead, (-below.value, seen, below))
    return chosen


def _placed(root: _Node, blamed: frozenset[str], *, compared: bool) -> Iterator[Piece]:
    chosen = _chosen(root)
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
    frame = max(node.lines.items(), key=lambda line: line[1])[0] if node.lines else node.frame
    before = node.before if compared else None
    is_blamed = node.name in blamed
    return Piece(node.name, node.kind, *place, node.value, node.itself, frame, is_blamed, before)


def _fold(nodes: Sequence[_Node], row: int, start: float, whole: int, *, compared: bool) -> Piece:
    value, name = sum(node.value for node in nodes), f"{len(nodes)} more"
    before = sum(node.before for node in nodes) if compared else None
    return Piece(name, Kind.FOLDED, row, start, value / whole, value, value, Frame(name), before=before)

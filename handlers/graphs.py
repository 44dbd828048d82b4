"""What the page of a flame graph shows, worked out once: of 5 MB the graph takes half a second, its tables three."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.domain.costs import Cost, Costs, ProfileMalformed
from bot.domain.flame import Changed, Flame, Focus, Kind, changes, draw, kind_of
from bot.domain.flame_drawing import amount, part, place
from bot.domain.lenses import costs_of
from bot.domain.proof import headline
from bot.domain.snapshot import Captured
from bot.engine.made import Latest

_MOST_PIECES = 30_000
_MOST_TABLES = 100
_MOST_LINES = 20
_NEAR = frozenset({Kind.OWN, Kind.LIBRARY})


@dataclass(frozen=True)
class CostRow:
    """A function in numbers, each with its part of the whole: by itself, with what it calls; or compared, without."""

    where: str
    is_blamed: bool
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tables:
    """What costs most, or changed most: the columns, and rows below a title each; or `why` there are none."""

    columns: tuple[str, ...] = ()
    tables: Sequence[tuple[str, Sequence[CostRow]]] = ()
    why: str = ""


@dataclass(frozen=True)
class Graph:
    """A flame graph, and in words what it is of."""

    flame: Flame
    said: str


@dataclass(frozen=True)
class Base:
    """What a profile is compared with, in a word and in words, and its parts."""

    name: str
    words: str
    parts: Mapping[str, Captured]


@dataclass(frozen=True)
class Source:
    """The parts of a profile of a target, what it is compared with, and what matters in it.

    It is decoded when that is first asked for, in the thread that asks.
    """

    view: str
    target: str
    parts: Mapping[str, Captured]
    base: Base | None
    focus: Focus

    @property
    def version(self) -> object:
        """Give what stands for all that its graph depends on."""
        both = (self.parts, *([self.base.parts] if self.base else []))
        read = [[(each.part, each.sha256, each.usable) for each in parts.values()] for parts in both]
        return read, self.base.words if self.base else "", self.focus

    @cached_property
    def costs(self) -> Costs | None:
        """What it costs; None where it cannot be read."""
        return costs_of(self.view, self.parts)

    @cached_property
    def before(self) -> Costs | None:
        """What that costs which it is compared with; None where it cannot be read, or there is nothing."""
        return costs_of(self.view, self.base.parts) if self.base else None

    def graph(self) -> Graph | None:
        """Draw it; None where a part of it cannot be read."""
        if self.costs is None or (self.base and self.before is None):
            return None
        try:
            return Graph(draw(self.costs, self.focus, self.before), headline(self.view, self.costs))
        except ProfileMalformed:
            return None

    def tables(self) -> Tables:
        """Add up what is below it."""
        if self.costs is None:
            return Tables()
        try:
            return self._compared(self.costs, self.before) if self.before else self._ranked(self.costs)
        except ProfileMalformed as error:
            return Tables(why=str(error))

    def _ranked(self, costs: Costs) -> Tables:
        """Give what costs most, own code first."""
        ranked = costs.top()
        own = sorted(filter(self._is_near, ranked), key=lambda each: -each.cumulative)
        both = [("In its own code", own), ("What costs most by itself", [each for each in ranked if each.flat])]
        rows = [(title, [self._cost(each, costs) for each in most[:_MOST_LINES]]) for title, most in both if most]
        return Tables(("By itself", "With its calls"), rows)

    def _compared(self, costs: Costs, before: Costs) -> Tables:
        """Give what changed most."""
        found = changes(costs, before, lambda cost: cost.cumulative)
        itself = changes(costs, before, lambda cost: cost.flat)
        both = [
            ("In its own code, with its calls", list(filter(self._is_near, found))),
            ("What differs most by itself", list(itself)),
        ]
        rows = [
            (title, [self._changed(each, costs.unit) for each in most[:_MOST_LINES]]) for title, most in both if most
        ]
        return Tables(("Difference", self.target, self.base.name if self.base else ""), rows)

    def _is_near(self, each: Cost | Changed) -> bool:
        return kind_of(each.frame.function, self.focus.module) in _NEAR

    def _cost(self, each: Cost, costs: Costs) -> CostRow:
        total, unit = max(costs.total, 1), costs.unit
        cells = tuple((amount(value, unit), part(value / total)) for value in (each.flat, each.cumulative))
        return CostRow(place(each.frame), each.frame.function in self.focus.blamed, cells)

    def _changed(self, each: Changed, unit: str) -> CostRow:
        more = each.now - each.before
        sign = "+" if more >= 0 else "\u2212"
        cells = (f"{sign}{amount(abs(more), unit)}", amount(each.now, unit), amount(each.before, unit))
        return CostRow(place(each.frame), each.frame.function in self.focus.blamed, tuple((cell, "") for cell in cells))


class Graphs:
    """The graphs and tables that were looked at last: at 03:00 several people look at the same one."""

    def __init__(self) -> None:
        self._graphs = Latest[Graph | None](_MOST_PIECES, lambda graph: len(graph.flame.pieces) if graph else 0)
        self._tables = Latest[Tables](_MOST_TABLES, lambda _: 1)

    def graph(self, name: str, source: Source) -> Graph | None:
        """Give the graph of a source; None where a part of it cannot be read."""
        return self._graphs.of(name, source.version, source.graph)

    def tables(self, name: str, source: Source) -> Tables:
        """Give what is below it."""
        return self._tables.of(name, source.version, source.tables)

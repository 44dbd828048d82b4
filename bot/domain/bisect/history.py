"""The commits in question: those that the new end holds and the old end does not, with their merges.

* HistoryRejected
    * SameEnds          both names are one commit
    * EndsReversed      the old end came after the new one
    * EndsUnrelated     they have no commit in common
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from graphlib import TopologicalSorter

from bot.domain.errors import FirstFiveError

SHORT = 10
"""Letters of a commit that are shown."""


class HistoryRejected(FirstFiveError):
    """There is nothing to search between these two."""


class SameEnds(HistoryRejected):
    """Both names are one commit."""


class EndsReversed(HistoryRejected):
    """The old end came after the new one."""


class EndsUnrelated(HistoryRejected):
    """They have no commit in common."""


@dataclass(frozen=True)
class Commit:
    """A commit and what it was made from, all named in full; the first parent is the branch it was made on."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Described:
    """Who made a commit, when, what for, and the files that differ from its first parent."""

    commit: str
    author: str
    email: str
    at: datetime
    message: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """The commits that may have changed the test, parents before children.

    Sets of them are written as bits of an integer, by their place in `commits`. `forks` is where the old end left the
    way to the new one, when it lies aside of it.
    """

    old: str
    new: str
    commits: tuple[Commit, ...]
    forks: tuple[str, ...] = ()

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each commit stands."""
        return {commit.id: place for place, commit in enumerate(self.commits)}

    @cached_property
    def holds(self) -> tuple[int, ...]:
        """The commits that each one holds: itself and what it was made from, as bits."""
        held: list[int] = []
        for place, commit in enumerate(self.commits):
            bits = 1 << place
            for parent in commit.parents:
                if parent in self.place:
                    bits |= held[self.place[parent]]
            held.append(bits)
        return tuple(held)

    @property
    def ends(self) -> tuple[str, ...]:
        """What is said to be known: the new end, the old end, and where the old one left the way, if it did."""
        return (self.new, self.old, *self.forks)

    @property
    def everything(self) -> int:
        """All commits, as bits."""
        return (1 << len(self.commits)) - 1

    def ids(self, bits: int) -> tuple[str, ...]:
        """Name the commits of a set, oldest first."""
        return tuple(self.commits[place].id for place in places(bits))

    def unchanged(self, keys: Mapping[str, str]) -> int:
        """Give the commits, as bits, whose key is that of a parent: they cannot have changed the test."""
        same = 0
        for place, commit in enumerate(self.commits):
            key = keys.get(commit.id, "")
            if key and any(keys.get(parent, "") == key for parent in commit.parents):
                same |= 1 << place
        return same


def places(bits: int) -> Iterator[int]:
    """Give the places of the bits that are set, ascending."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def between(listed: Iterable[Commit], old: str, new: str, *, first_parent: bool = False) -> History:
    """Give the commits to search, from what `git rev-list --parents old...new` lists (three dots).

    Git leaves out what both ends hold, so that a parent that is not listed is one that both hold. With `first_parent`,
    a branch that was merged counts as one commit, its merge.

    Raises:
        HistoryRejected: with a sentence for who asked.
    """
    graph = {commit.id: commit for commit in listed}
    if old == new:
        raise SameEnds(f"Both ends are the commit {new[:SHORT]}: there is nothing to search.")
    if new not in graph:
        raise EndsReversed(f"{old[:SHORT]} came after {new[:SHORT]}, it is not older. Name the older commit first.")
    aside = _held(graph, old, first_parent=False)
    if aside and not (_outside(graph, aside) and _outside(graph, _held(graph, new, first_parent=False))):
        raise EndsUnrelated(f"{old[:SHORT]} and {new[:SHORT]} have no commit in common.")
    held = _held(graph, new, first_parent=first_parent)
    forks = _outside(graph, aside) & _outside(graph, held)
    # A branch that was merged is cut off where the first parents are followed alone.
    kept = {name: Commit(name, graph[name].parents[:1] if first_parent else graph[name].parents) for name in held}
    order = TopologicalSorter({name: [each for each in kept[name].parents if each in kept] for name in sorted(kept)})
    return History(old, new, tuple(kept[name] for name in order.static_order()), tuple(sorted(forks)))


def _held(graph: Mapping[str, Commit], end: str, *, first_parent: bool) -> set[str]:
    held: set[str] = set()
    ahead = [end] if end in graph else []
    while ahead:
        name = ahead.pop()
        if name not in held:
            held.add(name)
            parents = graph[name].parents[:1] if first_parent else graph[name].parents
            ahead += [parent for parent in parents if parent in graph]
    return held


def _outside(graph: Mapping[str, Commit], held: set[str]) -> set[str]:
    return {parent for name in held for parent in graph[name].parents if parent not in graph}

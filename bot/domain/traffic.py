"""How requests are shared between a service's baseline and its canary, and the moves that change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True)
class Route:
    """Where a service's requests are shared, and by what: the driver's name, and what that driver must know."""

    kind: str
    settings: Mapping[str, str | int | bool | tuple[str, ...]] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """Give a setting as text, "" when it was not given."""
        return str(self.settings.get(key) or "")

    def words(self, key: str) -> tuple[str, ...]:
        """Give a setting that is a list."""
        given = self.settings.get(key, ())
        return given if isinstance(given, tuple) else (str(given),)


@dataclass(frozen=True)
class Split:
    """What a router does, or what it is to do. None (or "") is what it has no word for, or what is to stay as it is.

    `weight`: the share of new requests that the canary gets, 0..100 %. `dyed`: whether marked requests
    (`X-Release-Phase: canary`) reach the canary whatever the weight. `release`: what a controller rolls out, in its own
    words (a revision). `note`: what else a person should know of it, such as that a controller undoes changes.
    """

    weight: float | None = None
    dyed: bool | None = None
    release: str = ""
    note: str = ""

    def meets(self, wanted: "Split") -> bool:
        """Tell whether this is what was wanted; half a percent is what drivers round, but nothing is nothing."""
        return (
            (wanted.weight is None or (self.weight is not None and _near(self.weight, wanted.weight)))
            and (wanted.dyed is None or self.dyed == wanted.dyed)
            and (not wanted.release or self.release == wanted.release)
        )

    def within(self, known: "Split") -> "Split":
        """Give what is wanted of a router, as far as it has a word for it: what it never tells cannot be read back."""
        return replace(
            self,
            weight=None if known.weight is None else self.weight,
            dyed=None if known.dyed is None else self.dyed,
        )

    @property
    def words(self) -> str:
        """Say it in a line."""
        parts = [] if self.weight is None else [f"canary gets {self.weight:g} %"]
        parts += [] if self.dyed is None else [f"marked requests {'reach' if self.dyed else 'do not reach'} it"]
        parts += [f"release {self.release}"] if self.release else []
        return ", ".join([*parts, *([self.note] if self.note else [])]) or "nothing is known of it"


def _near(weight: float, wanted: float) -> bool:
    return abs(weight - wanted) <= _ROUNDED and (wanted > 0 or weight == 0)


@dataclass(frozen=True)
class Move:
    """One change of a router. `words` is what it does, `command` what is sent, as one would type it; no secret in it.

    `body` is the driver's own; a move is the same whenever it is planned again from the same state.
    """

    words: str
    command: str
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """The moves from what a router does to what is wanted. What is wanted has a word only for what changes."""

    before: Split
    wanted: Split
    moves: tuple[Move, ...]
    summary: str = ""

    def is_under_way(self, now: Split) -> bool:
        """Tell whether the router does not say what it said before: a controller is at it, and will say so again."""
        before = self.before
        return (
            (now.weight is None and before.weight is not None)
            or (now.dyed is None and before.dyed is not None)
            or (not now.release and bool(before.release))
        )

    def covers(self, move: Move) -> bool:
        """Tell whether a move's command is one of the course's, or a part of one."""
        return any(move.command in known.command for known in self.moves)

    def strays(self, now: Split) -> bool:
        """Tell whether the router is neither where the course begins nor on its way to where it ends.

        Each of weight, marked requests and release must be as it was, as it is wanted, or not told for the moment:
        moves may be half done.
        """
        before, wanted = self.before, self.wanted
        pairs = (
            (now.weight is not None, Split(weight=before.weight), Split(weight=wanted.weight)),
            (now.dyed is not None, Split(dyed=before.dyed), Split(dyed=wanted.dyed)),
            (bool(now.release), Split(release=before.release), Split(release=wanted.release)),
        )
        return not all(
            now.meets(was) or (is_to_be != Split() and now.meets(is_to_be)) for told, was, is_to_be in pairs if told
        )


@dataclass(frozen=True)
class Change:
    """What a run does, or did, to a router: what a restore goes back to, and what drift is measured against.

    `before` is what there was before the first of several changes in a row. `restored`: it takes one back itself.
    `by_itself`: nobody asked FirstFive for it. `done`: the router was read back as it was wanted.
    `drifted`: somebody else has changed it since, and that was told.
    """

    run: str
    service: str
    before: Split
    wanted: Split
    at: datetime
    incident: str = ""
    restored: bool = False
    by_itself: bool = False
    done: bool = False
    drifted: bool = False

    def drifts(self, now: Split) -> bool:
        """Tell whether somebody else has undone it, which was not told yet; what takes back means to go on."""
        return self.done and not self.restored and not self.drifted and not now.meets(self.wanted)

    def stands(self, now: Split) -> bool:
        """Tell whether the router is as this change left it, also where it changed nothing."""
        return now.meets(self.wanted) and not self.course.strays(now)

    @property
    def course(self) -> Course:
        """From what to what it goes."""
        return Course(self.before, self.wanted, ())


CLOSED = Split(weight=0.0, dyed=False)
"""No request reaches the canary, marked ones neither: what a full rollback wants."""
EMPTIED = Split(weight=0.0)
"""The canary gets no new traffic; marked requests still reach it, so that it can be looked at."""
_ROUNDED = 0.5


def change_key(service: str) -> str:
    """Name the mark under which the last change of a service's router is kept."""
    return f"traffic:{service}"

"""A replica of the bot is lost in mid-run: what there was before, and whether all of it is there after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bot.domain.run import RunStatus
from bot.domain.timeline import Entry, Head, seal


@dataclass(frozen=True)
class Left:
    """What a replica left behind when it was lost: the other runs on their way, and the end of every timeline.

    `replica` is HOST:PID and something that no other process has.
    """

    replica: str
    at: datetime
    runs: tuple[str, ...]
    heads: Mapping[str, Head]


@dataclass(frozen=True)
class Found:
    """What whoever took over found: the status of these runs (None: it is gone), timelines that do not go on."""

    replica: str
    at: datetime
    runs: Mapping[str, RunStatus | None]
    broken: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[str, ...]:
        """Name what was lost."""
        return (*(run for run, status in self.runs.items() if status is None), *self.broken)


def goes_on(head: Head, entries: Sequence[Entry]) -> bool:
    """Tell whether a timeline still has the end that it had, and goes on from there; `entries` begin with that end."""
    links = pairwise(entries)
    return (
        bool(entries)
        and (entries[0].seq, entries[0].hash) == (head.seq, head.hash)
        and all(seal(entry) == entry.hash for entry in entries)
        and all((later.seq, later.prev) == (entry.seq + 1, entry.hash) for entry, later in links)
    )


def told(left: Left, found: Found) -> str:
    """Say who took over after how long, and what became of everything."""
    before, after = (each.replica.rpartition(":")[0] for each in (left, found))
    who = f"{before} came back and took over by itself" if before == after else f"{after} took over from {before}"
    ended = sum(status is not None and status.ended for status in found.runs.values())
    others = f"; of {len(found.runs)} more on their way {ended} have ended and the rest go on" if found.runs else ""
    chains = f"{len(left.heads)} timeline{'' if len(left.heads) == 1 else 's'}"
    return (
        f"*drain*: {who} after {(found.at - left.at).total_seconds():.1f} s. This run went on where it was{others}; of "
        f"{chains} not an entry is missing or changed. Nothing is lost."
    )

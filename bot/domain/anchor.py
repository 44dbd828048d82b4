"""Anchors: what the heads of all chains were, written where whoever can change the database cannot.

A chain alone shows neither that its tail was cut off nor that all of it was written anew. An anchor tells which entry
was a chain's last on a day; anchors are lines of JSON, each linked to the one before by its hash, and name only the
chains that had moved. `root` stands for all of them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.timeline import GENESIS, Audit, Entry, Head, from_us, to_us

_FORMAT = "firstfive-anchor-1"


@dataclass(frozen=True)
class Anchor:
    """One anchor; `moved` holds the heads that differ from those of the anchor before. `at_us` is UTC."""

    number: int
    at_us: int
    root: str
    moved: Mapping[str, Head]
    prev: str

    @property
    def at(self) -> datetime:
        """When it was written, UTC."""
        return from_us(self.at_us)

    @property
    def line(self) -> str:
        """Its one line of JSON."""
        return json.dumps({**_content(self), "hash": self.hash}, sort_keys=True, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """What the next anchor links to."""
        return _sha256(json.dumps([_FORMAT, _content(self)], sort_keys=True, separators=(",", ":")))


@dataclass
class Anchored:
    """What a log of anchors says; `flaws` tell where the log itself was changed."""

    anchors: list[Anchor] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)
    flaws: list[str] = field(default_factory=list)

    @property
    def last(self) -> Anchor | None:
        """The newest anchor."""
        return self.anchors[-1] if self.anchors else None


def root(heads: Mapping[str, Head]) -> str:
    """Give the one hash that stands for all heads."""
    return _sha256(json.dumps([_FORMAT, sorted((name, head.seq, head.hash) for name, head in heads.items())]))


def anchor(before: Anchored, heads: Mapping[str, Head], now: datetime) -> Anchor | None:
    """Make the next anchor; None when nothing has moved since the last one."""
    moved = {name: head for name, head in heads.items() if before.heads.get(name) != head}
    last = before.last
    if last is not None and not moved:
        return None
    every = {**before.heads, **moved}
    return Anchor(last.number + 1 if last else 1, to_us(now), root(every), moved, last.hash if last else GENESIS)


def read(lines: Iterable[str]) -> Anchored:
    """Read a log of anchors, oldest first, and check that it is whole."""
    log = Anchored()
    for place, line in enumerate(lines, 1):
        try:
            read_, said = _parse(line)
        except (ValueError, KeyError, TypeError):
            log.flaws.append(f"anchor {place}: is not one any more")
            continue
        last = log.last
        if read_.hash != said:
            log.flaws.append(f"anchor {place}: was changed after it was written")
        elif (read_.number, read_.prev) != ((last.number + 1, last.hash) if last else (1, GENESIS)):
            log.flaws.append(f"anchor {place}: does not link to the one before")
        log.anchors.append(read_)
        log.heads.update(read_.moved)
        if read_.hash == said and root(log.heads) != read_.root:
            log.flaws.append(f"anchor {place}: its root does not stand for what the anchors say")
    return log


def check(audit: Audit, entries: Sequence[Entry], log: Anchored) -> Audit:
    """Add to a chain's audit what the anchors know better: a tail that is gone, a chain that was written anew."""
    hashes = {entry.seq: entry.hash for entry in entries}
    for anchor_ in log.anchors:
        head = anchor_.moved.get(audit.incident_id)
        if head is None or hashes.get(head.seq) == head.hash:
            continue
        saw = f"anchor {anchor_.number} of {anchor_.at:%Y-%m-%d %H:%M} UTC saw entry {head.seq}"
        last = entries[-1].seq if entries else 0
        what = f"ends at {last}, the tail is gone" if last < head.seq else "was written anew since"
        return replace(audit, breaks=(*audit.breaks, f"{saw}; the chain {what}"))
    return audit


def vanished(chains: Iterable[str], log: Anchored) -> list[Audit]:
    """Give an audit of each chain that was anchored once and is not there at all."""
    there = set(chains)
    lost = [Audit(name, 0, 0, GENESIS, ()) for name in log.heads if name not in there]
    return [check(audit, (), log) for audit in lost]


def _parse(line: str) -> tuple[Anchor, str]:
    said = json.loads(line)
    moved = {str(name): Head(int(seq), str(hash_)) for name, (seq, hash_) in said["moved"].items()}
    made = Anchor(int(said["number"]), int(said["at_us"]), str(said["root"]), moved, str(said["prev"]))
    return made, str(said["hash"])


def _content(made: Anchor) -> dict[str, Any]:
    moved = {name: [head.seq, head.hash] for name, head in made.moved.items()}
    return {"number": made.number, "at_us": made.at_us, "root": made.root, "moved": moved, "prev": made.prev}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii", "backslashreplace")).hexdigest()

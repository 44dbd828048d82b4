"""Anchors: what the heads of all chains were, written where whoever can change the database cannot.

A chain alone shows neither that its tail was cut off nor that all of it was written anew. An anchor tells which entry
was a chain's last on a day; anchors are lines of JSON, each linked to the one before by its hash, and name only the
chains that had moved. `root` stands for all of them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.timeline import GENESIS, Audit, Entry, Head, from_us, to_us, verify

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
    """What a log of anchors says; `flaws` tell where the log itself was changed.

    `heads` are the newest of each chain, `seen` holds by chain every anchor that names it.
    """

    anchors: list[Anchor] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)
    seen: dict[str, list[Anchor]] = field(default_factory=dict)
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
        for chain in read_.moved:
            log.seen.setdefault(chain, []).append(read_)
    # The newest root stands for all the anchors say, and to compute each of years' anchors would take minutes.
    if log.last is not None and root(log.heads) != log.last.root:
        log.flaws.append(f"anchor {log.last.number}: its root does not stand for what the anchors say")
    return log


def audit(chain: str, entries: Iterable[Entry], log: Anchored) -> Audit:
    """Verify a chain by itself, and by what the anchors know better: a tail that is gone, a chain written anew.

    The entries are read once, in order, and none is kept.
    """
    seen = log.seen.get(chain, [])
    wanted = {anchor_.moved[chain].seq for anchor_ in seen}
    hashes: dict[int, str] = {}
    last = 0

    def watched() -> Iterator[Entry]:
        nonlocal last
        for entry in entries:
            last = entry.seq
            if last in wanted:
                hashes[last] = entry.hash
            yield entry

    found = verify(chain, watched())
    for anchor_ in seen:
        head = anchor_.moved[chain]
        if hashes.get(head.seq) != head.hash:
            saw = f"anchor {anchor_.number} of {anchor_.at:%Y-%m-%d %H:%M} UTC saw entry {head.seq}"
            what = f"ends at {last}, the tail is gone" if last < head.seq else "was written anew since"
            return replace(found, breaks=(*found.breaks, f"{saw}; the chain {what}"))
    return found


def vanished(chains: Iterable[str], log: Anchored) -> list[Audit]:
    """Give an audit of each chain that was anchored once and is not there at all."""
    there = set(chains)
    return [audit(name, (), log) for name in log.heads if name not in there]


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

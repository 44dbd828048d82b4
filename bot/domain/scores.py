"""How a drill went: a fold of its timeline, which the entry that ends it keeps, and what earlier ones say beside it.

All seconds are counted from the moment the fault was on; None: that never came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from statistics import median
from typing import Any

from bot.domain.measures import Milestone
from bot.domain.narrative import seconds
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, from_us

SEED_S = 252.0
"""4.2 minutes: the time to locate a fault that every drill is held beside."""
_CLASS: Mapping[str, str] = {Kind.VERDICT: "verdict", Kind.FINDING: "fault_class"}
_SNAPSHOT = ("snapshot-", ".tar.gz")


@dataclass(frozen=True)
class Score:
    """How one drill went; the names are of who was first, "" where that was FirstFive itself or nobody.

    `wrong` is the first class that was named though it was another; `verified_s`: a new diagnosis named it no more.
    """

    fault: str
    target: str
    size: str
    service: str
    blind: bool
    began_us: int
    how: str
    ack_s: float | None = None
    snapshot_s: float | None = None
    verdict_s: float | None = None
    people_s: float | None = None
    mitigated_s: float | None = None
    verified_s: float | None = None
    wrong: str = ""
    acked_by: str = ""
    found_by: str = ""
    mitigated_by: str = ""
    incident_id: str = ""

    @property
    def began_at(self) -> datetime:
        """When the fault was on."""
        return from_us(self.began_us)


MEASURED = ("ack_s", "snapshot_s", "verdict_s", "people_s", "mitigated_s")


def seal(nonce: str, fault: str, target: str) -> str:
    """Give what a blind drill shows while it is on: proof, once the nonce is told, that nothing was chosen later."""
    return sha256(f"{nonce} {fault} {target}".encode()).hexdigest()


def score(entries: Sequence[Entry], blank: Score) -> Score:
    """Fill in what the timeline tells of a drill; `blank` says what was made real, and since when."""
    since = blank.began_us
    told = [entry for entry in entries if entry.body is not None and _at(entry) >= since]
    acked = _milestone(told, Milestone.ACKNOWLEDGED)
    mitigated = _milestone(told, Milestone.MITIGATED)
    verdicts = [entry for entry in told if entry.kind == Kind.VERDICT and entry.facts["verdict"]]
    snapshot = next((entry for entry in told if _is_snapshot(entry)), None)
    right = next((entry for entry in told if names(entry, blank.fault)), None)
    found = _found(told, blank.fault)
    return replace(
        blank,
        ack_s=_after(since, acked),
        snapshot_s=_after(since, snapshot),
        verdict_s=_after(since, right),
        people_s=_after(since, found),
        mitigated_s=_after(since, mitigated),
        wrong=next((str(e.facts["verdict"]) for e in verdicts if e.facts["verdict"] != blank.fault), ""),
        acked_by=_who(acked),
        found_by=_who(found),
        mitigated_by=_who(mitigated),
    )


def names(entry: Entry, fault: str) -> bool:
    """Tell whether an entry is of a diagnosis that names a class: as its verdict, or found beside that."""
    return entry.kind in _CLASS and entry.body is not None and entry.facts[_CLASS[entry.kind]] == fault


def write(score_: Score) -> dict[str, Any]:
    """Give a score as it is kept."""
    return {name: value for name, value in asdict(score_).items() if name != "incident_id"}


def read(entries: Iterable[Entry]) -> tuple[Score, ...]:
    """Give the scores that entries keep, in their order; none of a drill whose fault never was on."""
    return tuple(found for entry in entries if (found := of_entry(entry)) is not None)


def of_entry(entry: Entry) -> Score | None:
    """Give the score that an entry keeps, if it does."""
    facts = entry.facts if entry.kind == Kind.DRILL_ENDED else {}
    if not facts.get("real"):
        return None
    known = {each.name for each in fields(Score)}
    kept = {name: value for name, value in facts["score"].items() if name in known}
    return Score(**{**kept, "incident_id": entry.incident_id})


def middle(scores: Sequence[Score]) -> dict[str, Any]:
    """Give the medians of scores, and how many there are; a time that none of them has is left out."""
    found: dict[str, Any] = {"drills": len(scores)}
    for name in MEASURED:
        known = [value for each in scores if (value := getattr(each, name)) is not None]
        if known:
            found[name] = round(median(known), 3)
    return found


def card(score_: Score, ended: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell how a drill went in a few lines, beside the medians of the earlier ones of its class.

    `ended`: how it ended, `by` whom, whether the fault `was_on` still, is `gone`, what is `left` of it.
    """
    by = f" by {ended['by']}" if ended.get("by") else ""
    blind = ", blind" if score_.blind else ""
    head = f"The drill is over, {ended['how']}{by}: {score_.fault} on {score_.target} ({score_.size}{blind})."
    return (head, *lines(score_, before), *filter(None, _aftermath(ended)))


def _aftermath(ended: Mapping[str, Any]) -> Iterable[str]:
    if ended["how"] == "mitigated" and ended.get("was_on"):
        yield "The fault was on still when it was called mitigated; FirstFive took it back."
    if ended.get("gone") is False:
        yield "A new diagnosis names it still."
    yield f"{ended['left']}. What is on there goes on." if ended.get("left") else ""


def lines(score_: Score, before: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell the times of a score, each beside the median of the earlier drills of its class."""
    right = f"named the class after {seconds(score_.verdict_s)}" if score_.verdict_s is not None else _missed(score_)
    located = "Located" if score_.found_by else "Located by people"
    people = _line(located, score_.people_s, score_.found_by, before.get("people_s"))
    gone_s = None if score_.verdict_s is None else score_.verified_s  # what was never named is not seen to go
    verified = f", seen to be gone after {seconds(gone_s)}" if gone_s is not None else ""
    count = int(before.get("drills", 0))
    earlier = f", and the median of {count} earlier of this class in brackets" if count else "; the first of its class"
    return (
        _line("Acknowledged", score_.ack_s, score_.acked_by, before.get("ack_s")),
        _line("Snapshot", score_.snapshot_s, "", before.get("snapshot_s")),
        f"FirstFive {right}{_beside(before.get('verdict_s'))}",
        *([people] if score_.people_s is not None or "people_s" in before else []),
        _line("Mitigated", score_.mitigated_s, score_.mitigated_by, before.get("mitigated_s")) + verified,
        f"Beside it: 4.2 min to locate{earlier}.",
    )


def _line(what: str, took: float | None, who: str, before: float | None) -> str:
    by = f" by {who}" if who and took is not None else ""
    return f"{what}{by}: {'never' if took is None else seconds(took)}{_beside(before)}"


def _beside(before: float | None) -> str:
    return "" if before is None else f" ({seconds(before)})"


def _missed(score_: Score) -> str:
    return f"was wrong: it named {score_.wrong}" if score_.wrong else "named no class"


def _at(entry: Entry) -> int:
    """Give when what an entry tells happened: a milestone may be of another time than its entry."""
    return int(entry.facts["at"]) if entry.kind == Kind.MILESTONE else entry.at_us


def _after(since: int, entry: Entry | None) -> float | None:
    return None if entry is None else round((_at(entry) - since) / 1_000_000, 3)


def _milestone(told: Sequence[Entry], which: Milestone) -> Entry | None:
    """Give the last word on a milestone: it may have been corrected."""
    return next((e for e in reversed(told) if e.kind == Kind.MILESTONE and e.facts["milestone"] == which), None)


def _is_snapshot(entry: Entry) -> bool:
    if entry.kind != Kind.ARTIFACT:
        return False
    name, (start, end) = str(entry.facts["name"]), _SNAPSHOT
    return name.startswith(start) and name.endswith(end)


def _found(told: Sequence[Entry], fault: str) -> Entry | None:
    """Give the entry by which people had located it: somebody's last answer, if it is right, or their own word."""
    last = {entry.actor: entry for entry in told if entry.kind == Kind.DRILL_ANSWERED}
    right = [entry for entry in last.values() if entry.facts["class"] == fault]
    by_hand = [e for e in told if e.kind == Kind.MILESTONE and e.facts["milestone"] == Milestone.LOCATED]
    right += [entry for entry in by_hand if str(entry.facts["source"]).startswith("set by ")]
    return min(right, key=_at, default=None)


def _who(entry: Entry | None) -> str:
    return entry.actor_name if entry is not None and entry.actor != FIRSTFIVE.id else ""

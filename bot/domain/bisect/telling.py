"""What a bisect found, as people are told it: for the card, for a message, for a terminal, for the postmortem.

All of it is plain text that may hold what anybody wrote into a commit; whoever renders it must escape it. `*` stands
around what matters most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from bot.domain.bisect.bisected import Asked, Bisected
from bot.domain.bisect.history import SHORT, Described
from bot.domain.bisect.question import Find, Kind
from bot.domain.bisect.standing import Sought, counted, percent
from bot.domain.measures import duration

_FILES, _KEPT = 3, 30
_SUSPECTS = 5
_LONGEST = 80
DONE: Mapping[Find, str] = {Find.BREAK: "broke", Find.FIX: "mended"}
_PURPOSES = {"search": "to search", "ends": "at the ends", "retest": "to prove it", "moot": "stopped as needless"}


@dataclass(frozen=True)
class Made:
    """A commit as people know it: who made it, when (ISO 8601), the first line of its message, the first of its files.

    `changed` counts the files.
    """

    commit: str
    author: str = ""
    email: str = ""
    at: str = ""
    subject: str = ""
    files: tuple[str, ...] = ()
    changed: int = 0

    @property
    def short(self) -> str:
        """The commit as it is shown."""
        return self.commit[:SHORT]

    @classmethod
    def of(cls, it: Described) -> "Made":
        """Say what a commit is."""
        subject = next((row.strip() for row in it.message.splitlines() if row.strip()), "")
        return cls(it.commit, it.author, it.email, it.at.isoformat(), subject, it.files[:_KEPT], len(it.files))

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Made":
        """Read what an entry says."""
        return cls(**{**facts, "files": tuple(facts["files"])})


@dataclass(frozen=True)
class Told:
    """An answer with the words of who asked, and what is known of the commits in it.

    `made` holds the culprit, or the suspects, oldest first: as many as are shown; `suspects` counts them all. `earlier`
    is the run that had found it before, if one had.
    """

    sought: Sought
    found: str
    why: str
    confidence: float = 0.0
    made: tuple[Made, ...] = ()
    suspects: int = 0
    commits: int = 0
    runs: Mapping[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    earlier: str = ""

    @property
    def culprit(self) -> Made | None:
        """The one commit that did it, if one did."""
        return self.made[0] if self.found == Kind.CULPRIT and self.made else None

    @property
    def test_runs(self) -> int:
        """How many runs were started."""
        return sum(self.runs.values())

    def facts(self) -> dict[str, Any]:
        """Give what an entry of the timeline says of it."""
        return asdict(self)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Told":
        """Read what an entry says; it may say more."""
        names = ("found", "why", "confidence", "suspects", "commits", "runs", "elapsed_s", "earlier")
        made = tuple(Made.read(each) for each in facts["made"])
        return cls(Sought(**facts["sought"]), made=made, **{name: facts[name] for name in names})


def sought(asked: Asked) -> Sought:
    """Say what was asked in a few words."""
    old, new = (asked.good, asked.bad) if asked.find is Find.BREAK else (asked.bad, asked.good)
    what = asked.subject if len(asked.subject) <= _LONGEST else f"{asked.subject[: _LONGEST - 1]}…"
    return Sought(what, new or "HEAD", old or asked.old[:SHORT], asked.find.value)


def of(it: Bisected) -> Told:
    """Say what came out."""
    described = it.suspects[:_SUSPECTS]
    if it.culprit and it.at:
        described = (Described(it.culprit, it.author, it.email, it.at, it.message, it.files),)
    return Told(
        sought=sought(it.asked),
        found=it.kind.value,
        why=it.why,
        confidence=it.confidence,
        made=tuple(map(Made.of, described)),
        suspects=it.suspected,
        commits=it.commits,
        runs=it.runs,
        elapsed_s=it.seconds,
        earlier=it.earlier,
    )


def headline(it: Told) -> str:
    """Give the one line that says what was found."""
    strong, rest = _head(it)
    return f"*{strong}*{rest}"


def in_a_line(it: Told) -> str:
    """Give the same as plain text."""
    return "".join(_head(it))


def lines(it: Told) -> list[str]:
    """Say all of it, the headline first."""
    return [headline(it), *_body(it)]


def summary(it: Told) -> str:
    """Say all of it as plain text."""
    return "\n".join([in_a_line(it), *_body(it)])


def _head(it: Told) -> tuple[str, str]:
    """Give the headline's two halves, the stronger one first."""
    done = DONE[Find(it.sought.find)]
    if culprit := it.culprit:
        by = f" by {culprit.author}" if culprit.author else ""
        subject = f": {culprit.subject}" if culprit.subject else ""
        named = "Culprit" if it.sought.find == Find.BREAK else "Mended in"
        return f"{named} {culprit.short}", f"{by}, {percent(it.confidence)} sure{subject}"
    sure = f", {percent(it.confidence)} sure." if 0 < it.confidence < 1 else "."
    several = f"One of {it.suspects} commits" if it.suspects != 1 else f"{it.made[0].short} or an older commit"
    return {
        Kind.SUSPECTS.value: (f"{several} {done} {it.sought.what}", sure),
        Kind.FLAKY.value: (f"No culprit: {it.sought.what} is flaky", sure),
        Kind.REFUTED.value: (f"{it.sought.what} cannot be bisected like this.", ""),
    }.get(it.found, (f"It is not decided which commit {done} {it.sought.what}.", ""))


def _body(it: Told) -> list[str]:
    earlier = [f"Run {it.earlier} had found this; `fresh=yes` searches again."] if it.earlier else []
    return [it.why, *_made(it), spent(it), *earlier]


def _made(it: Told) -> Iterator[str]:
    if culprit := it.culprit:
        if culprit.files:
            yield f"It changed {_listed(culprit)}."
        return
    for each in it.made:
        by = f" by {each.author}" if each.author else ""
        subject = f": {each.subject}" if each.subject else ""
        yield f"• {each.short}{by}{subject}"
    if it.suspects > len(it.made):
        yield f"• and {it.suspects - len(it.made)} more"


def _listed(made: Made) -> str:
    named, more = made.files[:_FILES], made.changed - len(made.files[:_FILES])
    return f"{', '.join(named)} and {more} more" if more > 0 else ", ".join(named)


def spent(it: Told) -> str:
    """Tell what the answer cost, and of how many commits it is one."""
    sought = it.sought
    among = f" among {counted(it.commits, 'commit')}" if it.commits else ""
    ends = f" from {sought.old} to {sought.new}" if sought.old else f" up to {sought.new}"
    took = duration(timedelta(seconds=int(it.elapsed_s)))
    parts = [f"{it.runs[key]} {words}" for key, words in _PURPOSES.items() if it.runs.get(key)]
    each = f" ({', '.join(parts)})" if len(parts) > 1 else ""
    return f"{counted(it.test_runs, 'test run')}{each} in {took},{among}{ends}."

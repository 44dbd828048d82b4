"""What a bisect found, as people are told it: for the card, for a message, for a terminal, for the postmortem.

All of it is plain text that may hold what anybody wrote into a commit; whoever renders it must escape it. `*` stands
around what matters most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from bot.domain.bisect.history import SHORT
from bot.domain.bisect.question import Answer, Find, Kind
from bot.domain.bisect.standing import Sought, counted, percent
from bot.domain.measures import duration

_FILES = 3
_SUSPECTS = 5
_DONE = {Find.BREAK: "broke", Find.FIX: "mended"}
_PURPOSES = {"search": "to search", "ends": "at the ends", "retest": "to prove it", "moot": "stopped as needless"}


@dataclass(frozen=True)
class Made:
    """A commit as people know it: who made it, when (ISO 8601), the first line of its message, and the files in it."""

    commit: str
    author: str = ""
    email: str = ""
    at: str = ""
    subject: str = ""
    files: tuple[str, ...] = ()

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Made":
        """Read what an entry says."""
        return cls(**{**facts, "files": tuple(facts["files"])})


@dataclass(frozen=True)
class Told:
    """An answer with the words of who asked, and what is known of the commits in it.

    `made` holds the culprit, or the suspects, oldest first: as many as are shown; `suspects` counts them all.
    """

    sought: Sought
    kind: str
    why: str
    confidence: float = 0.0
    made: tuple[Made, ...] = ()
    suspects: int = 0
    commits: int = 0
    runs: Mapping[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0

    @property
    def culprit(self) -> Made | None:
        """The one commit that did it, if one did."""
        return self.made[0] if self.kind == Kind.CULPRIT and self.made else None

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
        names = ("kind", "why", "confidence", "suspects", "commits", "runs", "elapsed_s")
        made = tuple(Made.read(each) for each in facts["made"])
        return cls(Sought(**facts["sought"]), made=made, **{name: facts[name] for name in names})


def told(sought: Sought, answer: Answer, made: Mapping[str, Made], commits: int, elapsed_s: float) -> Told:
    """Put an answer into the words of who asked; `made` may leave out commits of which nothing is known."""
    wanted = shown(answer)
    return Told(
        sought=sought,
        kind=answer.kind.value,
        why=answer.why,
        confidence=answer.confidence,
        made=tuple(made.get(commit, Made(commit)) for commit in wanted),
        suspects=len(answer.suspects),
        commits=commits,
        runs=dict(answer.runs),
        elapsed_s=elapsed_s,
    )


def shown(answer: Answer) -> tuple[str, ...]:
    """Name the commits that are shown with an answer, and so are to be looked up."""
    return (answer.culprit,) if answer.culprit else answer.suspects[:_SUSPECTS]


def headline(it: Told) -> str:
    """Give the one line that says what was found."""
    done = _DONE[Find(it.sought.find)]
    if culprit := it.culprit:
        by = f" by {culprit.author}" if culprit.author else ""
        subject = f": {culprit.subject}" if culprit.subject else ""
        return f"*Culprit {culprit.commit[:SHORT]}*{by}, {percent(it.confidence)} sure{subject}"
    if it.kind == Kind.SUSPECTS:
        return f"*One of {counted(it.suspects, 'commit')} {done} {it.sought.what}.*"
    return {
        Kind.FLAKY.value: f"*No culprit: {it.sought.what} is flaky*, {percent(it.confidence)} sure.",
        Kind.REFUTED.value: f"*{it.sought.what} cannot be bisected like this.*",
    }.get(it.kind, f"*It is not decided which commit {done} {it.sought.what}.*")


def lines(it: Told) -> list[str]:
    """Say all of it, the headline first."""
    return [headline(it), it.why, *_made(it), _spent(it)]


def _made(it: Told) -> Iterator[str]:
    if culprit := it.culprit:
        if culprit.files:
            yield f"It changed {_listed(culprit.files)}."
        return
    for each in it.made:
        by = f" by {each.author}" if each.author else ""
        subject = f": {each.subject}" if each.subject else ""
        yield f"• {each.commit[:SHORT]}{by}{subject}"
    if it.suspects > len(it.made):
        yield f"• and {it.suspects - len(it.made)} more"


def _listed(files: tuple[str, ...]) -> str:
    named = ", ".join(files[:_FILES])
    return f"{named} and {len(files) - _FILES} more" if len(files) > _FILES else named


def _spent(it: Told) -> str:
    """Tell what the answer cost, and of how many commits it is one."""
    sought = it.sought
    among = f" among {counted(it.commits, 'commit')}" if it.commits else ""
    ends = f" from {sought.old} to {sought.new}" if sought.old else f" up to {sought.new}"
    spent = duration(timedelta(seconds=int(it.elapsed_s)))
    parts = [f"{it.runs[key]} {words}" for key, words in _PURPOSES.items() if it.runs.get(key)]
    each = f" ({', '.join(parts)})" if len(parts) > 1 else ""
    return f"{counted(it.test_runs, 'test run')}{each} in {spent},{among}{ends}."

"""The health digest: what is, compared with what was, as lines worth reading, the most important first."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import mean

from bot.domain.conditions import Condition, ServiceSight
from bot.domain.incident import Incident, Status
from bot.domain.measures import duration, measure

SHOWN = 20
"""Lines in a digest; more nobody reads."""
SHORTEST, LONGEST = timedelta(hours=24), timedelta(days=31)
"""The period whose incidents are counted is the time since the last digest, within these."""
_COUNTED = (("new", "new"), ("changed", "changed"), ("over", "over"), ("still", "as before"))


@dataclass(frozen=True)
class Seen:
    """What a digest leaves for the next one to compare with."""

    at: datetime
    conditions: tuple[Condition, ...] = ()
    builds: Mapping[str, str] = field(default_factory=dict)


class News(StrEnum):
    """How a line relates to the last digest."""

    NEW = "New"
    CHANGED = "Changed"
    STILL = "Still"
    OVER = "Over"


@dataclass(frozen=True)
class Line:
    """One line of the digest."""

    news: News
    weight: int
    text: str

    def __str__(self) -> str:
        return f"{self.news.value}: {self.text}"


@dataclass(frozen=True)
class Digest:
    """What is to be read. `changed` tells whether any of it differs from the last digest."""

    lines: tuple[Line, ...]
    changed: bool
    watched: str
    incidents: str = ""
    drills: str = ""

    def text(self, title: str) -> str:
        """Write it: one line when there is nothing to say."""
        if not self.lines:
            calm = f"*{title}*: nothing to say. {self.watched}: all well. {self.incidents}".strip()
            return "\n".join(filter(None, (calm, self.drills)))
        shown = [f"• {line}" for line in self.lines[:SHOWN]]
        if len(self.lines) > SHOWN:
            shown.append(f"… and {len(self.lines) - SHOWN} more")
        rest = f"{self.incidents} Looked at {self.watched}.".strip()
        return "\n".join(filter(None, [f"*{title}*: {self._counts()}", *shown, rest, self.drills]))

    def _counts(self) -> str:
        """Say how many lines are news, and of what sort."""
        counted = Counter(line.news.value.lower() for line in self.lines)
        return ", ".join(f"{counted[name]} {word}" for name, word in _COUNTED if counted[name])


def stalk_key(team: str) -> str:
    """Name what is kept of whether a team's digest is posted only on change."""
    return f"stalk:{team}"


def compare(now: Sequence[Condition], before: Seen | None, at: datetime) -> tuple[tuple[Line, ...], Seen]:
    """Tell new, changed, lasting and ended conditions apart; give the lines and what to remember."""
    known = {each.key: each for each in before.conditions} if before is not None else {}
    lines, kept = [], []
    for each in now:
        was = known.get(each.key)
        since = (was.since if was is not None else None) or at
        lines.append(_line(each, was, since, at))
        if each.over:
            kept.append(replace(each, since=since))
    present = {each.key for each in now}
    lines += [Line(News.OVER, 0, was.over) for key, was in known.items() if key not in present]
    ranked = sorted(lines, key=lambda line: (-line.weight, line.news is News.STILL, line.text))
    return tuple(ranked), Seen(at, tuple(kept))


def builds_changed(sights: Iterable[ServiceSight], before: Seen | None) -> list[Condition]:
    """Give an event for every service that runs another build than at the last digest."""
    if before is None:
        return []
    found = []
    for sight in sights:
        was, builds = before.builds.get(sight.service, ""), sight.builds
        if was and len(builds) == 1 and builds[0] != was:
            text = f"{sight.service} runs build {builds[0]}, before {was}"
            found.append(Condition(f"build:{sight.service}", builds[0], 45, text))
    return found


def write(
    sights: Sequence[ServiceSight], found: Sequence[Condition], before: Seen | None, at: datetime, incidents: str
) -> tuple[Digest, Seen]:
    """Make the digest of what was found, and what the next one compares with."""
    events = builds_changed(sights, before)
    lines, seen = compare([*found, *events], before, at)
    builds = {sight.service: sight.builds[0] for sight in sights if sight.builds}
    digest = Digest(lines, any(line.news is not News.STILL for line in lines), _watched(sights), incidents)
    return digest, replace(seen, builds={**(before.builds if before else {}), **builds})


def period(before: Seen | None, now: datetime) -> timedelta:
    """Give the length of time whose incidents are counted."""
    since = now - before.at if before is not None else SHORTEST
    return min(max(since, SHORTEST), LONGEST)


def count_incidents(incidents: Iterable[Incident], now: datetime, length: timedelta) -> str:
    """Say how many incidents began in the period and the one before, with their measures; "" when there were none."""
    both: tuple[list[Incident], list[Incident]] = ([], [])
    for each in (each for each in incidents if each.counts and not each.drill):
        age = now - each.opened_at
        if age < 2 * length:
            both[age >= length].append(each)
    this, last = both
    if not this and not last:
        return ""
    told = [f"{_count(len(this), 'incident')} in the last {_long(length)}, {len(last)} before."]
    names = [each.name for each in measure({})]
    told += [line for name in names if (line := _measure(name, this, last))]
    still = sum(each.status in {Status.OPEN, Status.MITIGATED} for each in this)
    return " ".join([*told, *([f"{still} of them not resolved."] if still else [])])


def _line(each: Condition, was: Condition | None, since: datetime, at: datetime) -> Line:
    if was is None:
        return Line(News.NEW, each.weight, each.text)
    if was.grade != each.grade:
        return Line(News.CHANGED, each.weight, each.text)
    tells = each.key.startswith(("incident:", "action:", "denied:"))
    long = f" (since {since:%Y-%m-%d %H:%M} UTC)" if since < at and not tells else ""
    return Line(News.STILL, each.weight, f"{each.text}{long}")


def _watched(sights: Sequence[ServiceSight]) -> str:
    targets = [target for sight in sights for target in sight.targets]
    probed = sum(target.probe is not None and target.probe.requests > 0 for target in targets)
    watched = f"{_count(len(sights), 'service')}, {_count(len(targets), 'target')}"
    return f"{watched}, {probed} of them probed" if probed else watched


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _measure(name: str, this: Sequence[Incident], last: Sequence[Incident]) -> str:
    now, before = _mean(name, this), _mean(name, last)
    if now is None:
        return ""
    return f"{name} {duration(now)}{f' (before {duration(before)})' if before is not None else ''}."


def _mean(name: str, incidents: Sequence[Incident]) -> timedelta | None:
    measured = [m.value for each in incidents for m in measure(each.milestones) if m.name == name and m.value]
    return timedelta(seconds=mean(value.total_seconds() for value in measured)) if measured else None


def _long(length: timedelta) -> str:
    days = round(length.total_seconds() / 86_400)
    return "24 h" if days <= 1 else f"{days} days"

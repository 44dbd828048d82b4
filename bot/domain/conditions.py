"""What is not as it should be with a service: conditions with a weight, a coarse grade, and words for a person.

A condition is news when its key or its grade was not there before; numbers that only wander within a grade are not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.domain.actions import ActionItem
from bot.domain.deploys import Deploy, last_denied
from bot.domain.fronts import Certificate, Flaw
from bot.domain.incident import Incident, Severity, Status
from bot.domain.measures import duration
from bot.domain.snapshot import Probe
from bot.domain.snapshot import duration as milliseconds
from bot.domain.usual import Number, Usual, beyond

ERRORS_BAD, ERRORS_SOME = 0.05, 0.01
"""Shares of failed requests: the rollback tree's threshold, and a fifth of it."""
CERTIFICATE_DAYS = ((0, 96), (3, 88), (7, 75), (21, 60))
"""Days left at which a certificate is told of, and the weight it then has."""
_DENIED_FOR = timedelta(days=7)
_NAMED = 3
_LISTED = "discovery:"
_SILENT = {"timeout", "no answer"}


def _megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


NUMBERS = (
    Number("goroutines", "goroutines", 50.0, lambda value: f"{value:.0f}"),
    Number("heap", "of heap in use", 16e6, _megabytes),
    Number("answer", "to answer", 20.0, milliseconds),
    Number("latency", "at the 95th percentile", 50.0, milliseconds),
)


@dataclass(frozen=True)
class Condition:
    """Something worth reading. `over` is said when it has ended, "" for what only happens once."""

    key: str
    grade: str
    weight: int
    text: str
    over: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class TargetSight:
    """One target as it is now. `reason` says why it could not be examined, "" when it could."""

    target: str
    probe: Probe | None = None
    certificate: Certificate | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    build: str = ""
    reason: str = ""

    @property
    def is_unheard(self) -> bool:
        """Tell whether no answer came, which may be the asker's fault; an answer, however bad, is none."""
        told = {status for status, _ in self.probe.statuses} if self.probe and self.probe.requests else {""}
        return bool(self.reason or not told or told & _SILENT)


@dataclass(frozen=True)
class ServiceSight:
    """One service as it is now. `error_ratio` is 0..1, latency in `numbers` in milliseconds."""

    service: str
    targets: tuple[TargetSight, ...] = ()
    error_ratio: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    metrics: str = ""
    flaws: tuple[Flaw, ...] = ()

    @property
    def builds(self) -> tuple[str, ...]:
        """The builds its targets run, the most common first."""
        return tuple(build for build, _ in Counter(t.build for t in self.targets if t.build).most_common())


def conditions(sight: ServiceSight, usual: Usual, now: datetime) -> list[Condition]:
    """Give everything that is worth reading about a service now."""
    found = [*_metrics(sight), *_numbers(sight.service, "", sight.numbers, usual), *_drift(sight)]
    for target in sight.targets:
        found += [*_answers(target), *_expiry(target.certificate, now)]
        found += _numbers(target.target, target.target, target.numbers, usual)
    found += [Condition(flaw.key, flaw.grade, 65, flaw.text, f"{_subject(flaw.key)} is fine") for flaw in sight.flaws]
    return found


def of_incidents(incidents: Iterable[Incident], now: datetime) -> Iterator[Condition]:
    """Give a condition for every open incident, the worst severity first."""
    for each in incidents:
        if each.status in {Status.RESOLVED, Status.CLOSED}:
            continue
        who = f"{each.commander.name} commands" if each.commander else "nobody commands"
        yield Condition(
            key=f"incident:{each.id}",
            grade=f"{each.severity.value} {each.status.value}",
            weight=104 - list(Severity).index(each.severity),
            text=f"{each.id} {each.severity.value} is {each.status.value} for {duration(now - each.opened_at)}: "
            f"{each.title}; {who}",
            over=f"{each.id} is over: {each.title}",
        )


def of_actions(items: Iterable[ActionItem], today: date) -> Iterator[Condition]:
    """Give a condition for every overdue action item."""
    for each in items:
        name = f"{each.incident_id}'s action item {each.number}"
        late = (today - (each.due or today)).days
        owner = each.owner.name if each.owner else "nobody owns it"
        text = f"{name} is {late} day{'s' if late > 1 else ''} overdue ({owner}): {each.text}"
        key = f"action:{each.incident_id}:{each.number}"
        yield Condition(key, "overdue", 58, text, f"{name} is not overdue any more: {each.text}")


def of_denied(deploys: Sequence[Deploy], now: datetime) -> Iterator[Condition]:
    """Give a condition while what was to be deployed last was denied, for a week at most."""
    last = last_denied(deploys)
    if last is not None and now - last.at < _DENIED_FOR:
        text = f"{last.service}: {last.ago(now)} ({last.obstacles})"
        over = f"{last.service}: the denial of {last.release} stands no more"
        yield Condition(f"denied:{last.service}", f"{last.release} {last.obstacles}", 62, text, over)


def _answers(target: TargetSight) -> Iterator[Condition]:
    name, probe = target.target, target.probe
    is_ill = probe is not None and probe.requests > 0 and probe.failures > 0
    if probe is not None and is_ill:
        is_down = probe.failures == probe.requests
        grade, weight = ("down", 94) if is_down else ("failing", 90)
        text = f"{name} {probe.told}"
        more = f"; it could not be examined: {target.reason}" if target.reason else ""
        yield Condition(f"probe:{name}", grade, weight, text + more, f"{name} answers well again")
    elif target.reason:
        text = f"{name} could not be examined: {target.reason}"
        yield Condition(f"examined:{name}", "not", 80, text, f"{name} can be examined again")


def _expiry(certificate: Certificate | None, now: datetime) -> Iterator[Condition]:
    if certificate is None:
        return
    name, over = certificate.target, f"the certificate of {certificate.target} is fine"
    if certificate.error:
        yield Condition(f"certificate:{name}", "unread", 70, f"{name}: {certificate.error}", over)
    if certificate.expires_at is None:
        return
    left = certificate.expires_at - now
    grade = next(((days, weight) for days, weight in CERTIFICATE_DAYS if left < timedelta(days=days)), None)
    if grade is None:
        return
    when = f"on {certificate.expires_at:%Y-%m-%d %H:%M} UTC"
    told = f"expired {duration(-left)} ago, {when}" if left < timedelta(0) else f"expires in {_days(left)}, {when}"
    yield Condition(f"certificate:{name}", f"{grade[0]} days", grade[1], f"{name}: its certificate {told}", over)


def _days(left: timedelta) -> str:
    days = int(left.total_seconds() // 86_400)
    return duration(left) if days < 1 else f"{days} day{'s' if days > 1 else ''}"


def _metrics(sight: ServiceSight) -> Iterator[Condition]:
    name, ratio = sight.service, sight.error_ratio
    if sight.metrics:
        text = f"{name}: no metrics: {sight.metrics}"
        yield Condition(f"metrics:{name}", "none", 30, text, f"{name} has metrics again")
    if ratio is not None and ratio >= ERRORS_SOME:
        grade, weight = ("many", 92) if ratio >= ERRORS_BAD else ("some", 72)
        text = f"{name}: {100 * ratio:.1f} % of requests fail"
        yield Condition(f"errors:{name}", grade, weight, text, f"{name}: fewer than 1 % of requests fail")


def _numbers(subject: str, target: str, values: Mapping[str, float], usual: Usual) -> Iterator[Condition]:
    for number in NUMBERS:
        value, middle = values.get(number.name), usual.of(target, number.name)
        times = beyond(value, middle, number.floor)
        if times is None or value is None or middle is None:
            continue
        # Grades of powers of four: a number that wanders is no news.
        grade = next((grade for limit, grade in ((32, "x32"), (8, "x8")) if times >= limit), "x2")
        text = f"{subject}: {number.write(value)} {number.what}, usually {number.write(middle)}"
        over = f"{subject}: {number.what} as usual"
        yield Condition(f"{number.name}:{subject}", grade, 55, text, over)


def _drift(sight: ServiceSight) -> Iterator[Condition]:
    builds = sight.builds
    if len(builds) < 2:  # noqa: PLR2004 - one build is none too many
        return
    who = {build: [t.target for t in sight.targets if t.build == build] for build in builds}
    told = "; ".join(f"{build} on {_names(names)}" for build, names in who.items())
    text = f"{sight.service} runs {len(builds)} builds: {told}"
    yield Condition(f"drift:{sight.service}", " ".join(sorted(builds)), 50, text, f"{sight.service} runs one build")


def _names(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def unlisted(service: str, losses: Sequence[str]) -> tuple[Flaw, ...]:
    """Give what is wrong with the list of a service's targets, as one flaw."""
    return (Flaw(f"{_LISTED}{service}", "not whole", "; ".join(losses)),) if losses else ()


def _subject(key: str) -> str:
    if key.startswith(_LISTED):
        return f"the list of {key.removeprefix(_LISTED)}'s targets"
    return key.removeprefix("edge:").removesuffix(":control").removesuffix(":age").removesuffix(":versions")

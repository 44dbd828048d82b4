"""What is known of a group of alerts: which fire, which incident they are on, what its timeline has not been told yet.

A group is what the sender groups, for one service. An episode begins when it fires after a time of quiet; one episode
makes at most one incident, or one proposal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.alerts import Alert, Do, Routed, Sender
from bot.domain.incident import Severity, Status
from bot.domain.timeline import Draft, Kind, to_us

NAMED = 5
_FIRST_GAP = timedelta(seconds=15)
_LONGEST_GAP = timedelta(minutes=15)
_DOUBLINGS = 6


@dataclass(frozen=True)
class Member:
    """One alert of a group, as it stands."""

    fingerprint: str
    name: str
    summary: str
    link: str
    firing: bool
    starts_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class AlertGroup:
    """A group in its present episode, which `began_at` here, and by the alerts at `starts_at`.

    `lead`: the group whose incident or proposal it goes on, if not on its own. `opener`: the run that opens its
    incident. `proposed`: the house's timeline has been told of it. `fired`, `resolved`: news that no timeline has been
    told; `told`: how many times one has been.
    """

    key: str
    sender: Sender
    service: str
    severity: Severity
    do: Do
    title: str
    link: str
    starts_at: datetime
    began_at: datetime
    changed_at: datetime
    lead: str = ""
    opener: str = ""
    incident_id: str = ""
    proposed: bool = False
    firing: int = 0
    fired: int = 0
    resolved: int = 0
    told: int = 0
    told_at: datetime | None = None

    @property
    def episode(self) -> str:
        """The idempotency key of what this episode begins: the group, when its alerts started, when we heard of it."""
        return f"{self.key}:{to_us(self.starts_at)}:{to_us(self.began_at)}"

    @property
    def tells_at(self) -> datetime | None:
        """When its timeline may be told the next news; None for at once.

        The gap doubles with each entry, from 15 s to 15 min: an alert that flaps for a day makes about 100 entries.
        """
        if self.told_at is None:
            return None
        return self.told_at + min(_FIRST_GAP * 2.0 ** min(self.told - 1, _DOUBLINGS), _LONGEST_GAP)

    def takes(self, status: Status | None, now: datetime, flap: timedelta) -> bool:
        """Tell whether what fires now belongs to this episode, rather than to a new one.

        It does while anything fires, while the incident is open, and for `flap` after the last change.
        """
        return self.firing > 0 or status is Status.OPEN or now - self.changed_at < flap


@dataclass(frozen=True)
class News:
    """What a delivery changes: the alerts that are not as they were, and how many fired and resolved."""

    members: tuple[Member, ...] = ()
    fired: int = 0
    resolved: int = 0


def sift(known: Mapping[str, Member], alerts: Iterable[Alert], now: datetime, flap: timedelta) -> News:
    """Find what is new in a delivery; what was delivered before, or comes too late to be true, is not."""
    state, changed = dict(known), dict[str, Member]()
    fired = resolved = 0
    for alert in alerts:
        before = state.get(alert.fingerprint)
        if not _is_news(before, alert, now, flap):
            continue
        member = Member(alert.fingerprint, alert.name, alert.summary, alert.link, alert.firing, alert.starts_at, now)
        state[alert.fingerprint] = changed[alert.fingerprint] = member
        fired, resolved = fired + alert.firing, resolved + (not alert.firing)
    return News(tuple(changed.values()), fired, resolved)


def _is_news(before: Member | None, alert: Alert, now: datetime, flap: timedelta) -> bool:
    if before is None:
        return alert.firing
    if alert.firing == before.firing:
        return False
    # A firing that began no later than one already resolved is an old delivery that was held up on its way.
    late = alert.starts_at <= before.starts_at and now - before.changed_at < flap
    return not late if alert.firing else alert.starts_at >= before.starts_at


def begin(routed: Sequence[Routed], sender: Sender, now: datetime) -> AlertGroup:
    """Begin an episode with the alerts that fire; at least one does."""
    firing = [one for one in routed if one.alert.firing]
    worst = min(firing, key=lambda one: (one.severity, one.alert.starts_at))
    service, name, summary = worst.service, worst.alert.name, worst.alert.summary
    others = len({one.alert.fingerprint for one in firing}) - 1
    title = name if not summary or summary == name else f"{name}: {summary}"
    return AlertGroup(
        key=worst.key,
        sender=sender,
        service=service,
        severity=worst.severity,
        do=Do.OPEN if any(one.do is Do.OPEN for one in firing) else Do.PROPOSE,
        title=f"{title} (and {others} more)" if others else title,
        link=worst.alert.link,
        starts_at=min(now, *(one.alert.starts_at for one in firing)),
        began_at=now,
        changed_at=now,
    )


def add(group: AlertGroup, known: Mapping[str, Member], news: News, now: datetime) -> AlertGroup:
    """Count news in."""
    after = {**known, **{member.fingerprint: member for member in news.members}}
    return replace(
        group,
        firing=sum(member.firing for member in after.values()),
        fired=group.fired + news.fired,
        resolved=group.resolved + news.resolved,
        changed_at=now,
    )


def reopen(group: AlertGroup, members: Iterable[Member]) -> AlertGroup:
    """Give a group whose incident is over, and which fires still, as it goes on a new one."""
    firing = [member.starts_at for member in members if member.firing]
    starts_at = min([*firing, group.changed_at])
    return replace(group, starts_at=starts_at, incident_id="", proposed=False, fired=max(group.fired, len(firing)))


def tell(group: AlertGroup, members: Iterable[Member]) -> list[Draft]:
    """Give the entries that tell an incident's timeline the news of a group; none if there are none."""
    latest = sorted(members, key=lambda member: (member.changed_at, member.name), reverse=True)
    drafts = []
    for kind, count, firing in ((Kind.ALERT_FIRED, group.fired, True), (Kind.ALERT_RESOLVED, group.resolved, False)):
        if count:
            named = [member for member in latest if member.firing is firing][:NAMED]
            names = list(dict.fromkeys(member.name for member in named))
            link = next((member.link for member in named if member.link), "")
            body: dict[str, Any] = {"group": group.key, "count": count, "firing": group.firing, "names": names}
            drafts.append(Draft(kind, {**body, "link": link}, actor=group.sender.person))
    return drafts


def propose(group: AlertGroup) -> Draft:
    """Give the entry that tells how a proposal stands: proposed, opened as an incident, or over."""
    state = "opened" if group.incident_id else "proposed" if group.firing else "over"
    body = {
        "proposal": group.episode,
        "group": group.key,
        "state": state,
        "title": group.title,
        "severity": group.severity.value,
        "service": group.service,
        "firing": group.firing,
        "link": group.link,
        "incident": group.incident_id,
    }
    return Draft(Kind.PROPOSED, body, actor=group.sender.person)

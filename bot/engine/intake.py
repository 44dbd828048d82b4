"""Takes deliveries of alerts: one transaction counts them in, and begins the runs that open, propose or tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex

from bot.domain.alert_groups import AlertGroup, add, begin, sift
from bot.domain.alerts import Alert, AlertRoute, Do, Routed, Sender, route
from bot.domain.incident import Status
from bot.domain.run import Run, Source
from bot.engine import spans
from bot.engine.playbook import Registry, plan_of
from bot.engine.ports import Ports
from bot.ports import Tx

_CROWD = timedelta(minutes=10)
OPENS, PROPOSES = "alert", "propose"


@dataclass(frozen=True)
class AlertPolicy:
    """What the configuration says about alerts.

    `flap`: what fires again within this time goes on the same incident. `most`: so many incidents, and so many
    proposals, are made of alerts within ten minutes; groups beyond are counted on the latest of them.
    """

    routes: tuple[AlertRoute, ...] = ()
    flap: timedelta = timedelta(minutes=30)
    most: int = 10


@dataclass
class Taken:
    """What became of a delivery's alerts, counted; `runs` are those that were begun."""

    alerts: int = 0
    news: int = 0
    known: int = 0
    ignored: int = 0
    runs: list[Run] = field(default_factory=list)


class Intake:
    """The one way in for alerts."""

    def __init__(
        self,
        registry: Registry,
        ports: Ports,
        policy: AlertPolicy,
        new_id: Callable[[], str] = lambda: token_hex(6),
        admitted: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """`admitted` is told of every new run: its playbook, and who sent the alerts."""
        self._registry = registry
        self._ports = ports
        self._policy = policy
        self._new_id = new_id
        self._admitted = admitted

    async def take(self, alerts: Sequence[Alert], sender: Sender) -> Taken:
        """Count a delivery in; return once that is durable. The same delivery twice changes nothing.

        :raises StoreUnusable: nothing was recorded; the sender should try again.
        """
        taken, by_key = Taken(len(alerts)), self._routed(alerts, sender)
        taken.ignored = taken.alerts - sum(map(len, by_key.values()))
        if by_key:
            news, runs = await self._ports.store.write(lambda tx: self._count_in(tx, by_key, sender))
            taken.news, taken.runs = news, runs
        taken.known = taken.alerts - taken.ignored - taken.news
        for run in taken.runs:
            self._admitted(run.plan.playbook, sender.value)
        return taken

    def count_in(self, tx: Tx, alerts: Sequence[Alert], sender: Sender) -> None:
        """Count a delivery in, durable together with what else its sender keeps, or not at all."""
        if by_key := self._routed(alerts, sender):
            self._count_in(tx, by_key, sender)

    def _routed(self, alerts: Sequence[Alert], sender: Sender) -> Mapping[str, list[Routed]]:
        """Give what is to be done about the alerts by the group that each is in; of the ignored, nothing."""
        by_key: dict[str, list[Routed]] = {}
        for alert in alerts:
            routed = route(alert, sender, self._policy.routes, self._ports.catalog.names)
            if routed.do is not Do.IGNORE:
                by_key.setdefault(routed.key, []).append(routed)
        return by_key

    def _count_in(self, tx: Tx, by_key: Mapping[str, list[Routed]], sender: Sender) -> tuple[int, list[Run]]:
        self._ports.alerts.lock(tx)
        act = _Count(self._ports, self._policy, tx, sender, self._ports.clock.now())
        news = sum(act.group(key, routed) for key, routed in by_key.items())
        return news, [run for wanted in act.wanted for run in self._admit(tx, wanted, sender)]

    def _admit(self, tx: Tx, wanted: "_Wanted", sender: Sender) -> Iterable[Run]:
        params = {"group": wanted.key} | ({"note": True} if wanted.notes else {})
        run = Run(
            id=self._new_id(),
            plan=plan_of(self._registry, wanted.playbook, params),
            actor=sender.person,
            source=spans.carried(Source(via=sender.value)),
            created_at=self._ports.clock.now(),
            slot=wanted.slot,
            wake_at=wanted.wake_at,
        )
        return [run] if self._ports.journal.admit(tx, run) == run.id else []


@dataclass(frozen=True)
class _Wanted:
    """A run to be begun, once per slot, now or at `wake_at`."""

    playbook: str
    key: str
    slot: str
    wake_at: datetime | None = None
    notes: bool = False


@dataclass
class _Count:
    """One delivery, on its way into the groups."""

    ports: Ports
    policy: AlertPolicy
    tx: Tx
    sender: Sender
    now: datetime
    wanted: list[_Wanted] = field(default_factory=list)

    def group(self, key: str, routed: Sequence[Routed]) -> int:
        """Count the alerts of one group in; give how many are news."""
        alerts = self.ports.alerts
        group = alerts.group(self.tx, key)
        if group is not None and group.lead:
            group = alerts.group(self.tx, group.lead) or group
        known = alerts.members(self.tx, group.key) if group else {}
        news = sift(known, (one.alert for one in routed), self.now, self.policy.flap)
        if not news.members:
            return 0
        status = self._status(group) if group and group.incident_id and news.fired else None
        if group is None or (news.fired and not group.takes(status, self.now, self.policy.flap)):
            known = {}
            group = self._begin(key, routed)
        elif news.fired:
            group = self._raise(group, routed)
        group = add(group, known, news, self.now)
        alerts.keep(self.tx, group)
        alerts.change(self.tx, group.key, news.members)
        self._follow(group, status, fired=bool(news.fired))
        return news.fired + news.resolved

    def _begin(self, key: str, routed: Sequence[Routed]) -> AlertGroup:
        """Begin an episode: on its own, or, when too many began of late, on another group's incident."""
        alerts, group = self.ports.alerts, begin(routed, self.sender, self.now)
        alerts.forget(self.tx, key)
        crowd = [one for one in alerts.begun(self.tx, group.do, self.now - _CROWD) if one.key != key]
        if len(crowd) < self.policy.most:
            return group
        lead = next((one for one in crowd if one.service == group.service), crowd[0])
        alerts.keep(self.tx, replace(group, lead=lead.key))
        return lead

    def _raise(self, group: AlertGroup, routed: Sequence[Routed]) -> AlertGroup:
        """Let a worse alert make more of a group that is only proposed."""
        worse = begin(routed, self.sender, self.now)
        if worse.do is Do.OPEN and group.do is Do.PROPOSE:
            return replace(group, do=Do.OPEN, severity=worse.severity, title=worse.title, link=worse.link)
        return group

    def _status(self, group: AlertGroup) -> Status:
        return self.ports.timeline.listed(self.tx, group.incident_id).status

    def _follow(self, group: AlertGroup, status: Status | None, *, fired: bool) -> None:
        """Begin what the news ask for. A slot that is taken already has a run that will see them."""
        slot = f"alerts:{group.episode}"
        if group.incident_id:
            told = f"{slot}:{group.incident_id}:told:{group.told}"
            self.wanted.append(_Wanted(OPENS, group.key, told, group.tells_at, notes=True))
            if status in {Status.RESOLVED, Status.CLOSED} and fired:
                again = int(self.now.timestamp() // max(1.0, self.policy.flap.total_seconds()))
                at = self.now + self.policy.flap
                self.wanted.append(_Wanted(OPENS, group.key, f"{slot}:again:{group.incident_id}:{again}", at))
        elif group.do is Do.OPEN:
            self.wanted.append(_Wanted(OPENS, group.key, slot))
        else:
            self.wanted.append(_Wanted(PROPOSES, group.key, f"{slot}:proposed:{group.told}", group.tells_at))

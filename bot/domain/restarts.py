"""How a target's container is probed and how it was ended, read from what is kept of its pod; and what the probes get.

What is damaged is not known: never taken for healthy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.pods import inside
from bot.domain.snapshot import duration

OOM_KILLED = "OOMKilled"
_NOT_WELL = 400
_MOST = 1e9
_ROUNDED_S = 2.0
"""A cluster tells times in whole seconds, and those of two of its clocks."""
_NETWORK = re.compile(
    r"dial (?:tcp|udp|unix)|connection refused|connection reset|no such host|i/o timeout|network is unreachable"
    r"|no route to host|broken pipe|deadline exceeded|server closed|driver: bad connection|pool exhausted"
    r"|too many clients",
    re.IGNORECASE,
)
_PEER = re.compile(r"(?:dial (?:tcp|udp|unix) |lookup |read tcp \S+->)([\w.:\[\]/-]+?)(?=[:,;\s\"]*(?:\s|$|\"))")


@dataclass(frozen=True)
class ProbeSpec:
    """One probe of a container; seconds. `kind` is http, tcpSocket, grpc or exec; path and port are of http."""

    initial_delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    failures: int = 3
    kind: str = ""
    path: str = ""
    port: int = 0
    scheme: str = "http"
    timeout_set: bool = True

    @property
    def budget_s(self) -> float:
        """So long a process may take until it answers; then it is killed."""
        return self.initial_delay_s + self.period_s * self.failures

    def __str__(self) -> str:
        """Say what it asks, and what it allows, in the words of its spec."""
        return (
            f"{self.path or self.kind or 'a command'}: {self.budget_s:.0f} s from the start (initialDelaySeconds "
            f"{self.initial_delay_s:.0f} + periodSeconds {self.period_s:.0f} x failureThreshold {self.failures}), "
            f"{self.timeout_s:g} s for an answer"
        )

    @property
    def patience_s(self) -> float:
        """So long it may give no good answer later on."""
        return self.period_s * self.failures


@dataclass(frozen=True)
class Life:
    """A container that ended: its exit code, Kubernetes' word for why, when it began and ended."""

    exit: int
    reason: str
    started_at: datetime
    finished_at: datetime

    def __str__(self) -> str:
        why = f"exit code {self.exit}{f' ({self.reason})' if self.reason else ''}"
        return f"{self.finished_at:%H:%M:%S} UTC, {why} after {self.seconds:.0f} s"

    @property
    def seconds(self) -> float:
        """How long it lived."""
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Told:
    """What happened at least `count` times, as told by the cluster: Unhealthy, Killing or BackOff, of which probe."""

    reason: str
    probe: str
    count: int
    first_at: datetime
    last_at: datetime
    said: str = ""

    @property
    def how(self) -> str:
        """How a probe failed: "status 503", "refused", "timeout", "" for anything else."""
        if status := re.search(r"statuscode: (\d{3})", self.said):
            return f"status {status[1]}"
        if "connection refused" in self.said:
            return "refused"
        return "timeout" if re.search(r"deadline exceeded|timed? ?out", self.said, re.IGNORECASE) else ""

    def spans(self, at: datetime, slack_s: float) -> bool:
        """Tell whether it went on at a time, or within so many seconds of it."""
        return (at - self.first_at).total_seconds() >= -slack_s and (at - self.last_at).total_seconds() <= slack_s


@dataclass(frozen=True)
class Asked:
    """What we got by asking as the probe does: status (0: no answer), seconds, the beginning of what was said."""

    status: int
    seconds: float
    said: str = ""

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} in {duration(self.seconds * 1000)}"

    @property
    def is_good(self) -> bool:
        """Whether a kubelet would take it for well, in time or not."""
        return 0 < self.status < _NOT_WELL

    @property
    def blames_network(self) -> bool:
        """Whether it answers that something beyond the process cannot be reached."""
        return self.status >= _NOT_WELL and bool(_NETWORK.search(self.said))

    @property
    def peer(self) -> str:
        """The address that it names, "" for none."""
        found = _PEER.search(self.said) if self.status >= _NOT_WELL else None
        return found[1].rstrip(":") if found else ""


@dataclass(frozen=True)
class Restarts:
    """A target's container in its pod. `last` is how it ended last; `state` is running, waiting or terminated.

    `ready_changed_at`: since when its readiness is what it is; `running_since`: when its process began. `live`
    and `well` are what liveness and readiness were answered `at` the time of the look.
    """

    pod: str
    container: str
    count: int
    ready: bool
    deleting: bool = False
    grace_s: float = 30.0
    state: str = ""
    waiting_for: str = ""
    running_since: datetime | None = None
    ready_changed_at: datetime | None = None
    last: Life | None = None
    liveness: ProbeSpec | None = None
    readiness: ProbeSpec | None = None
    startup: ProbeSpec | None = None
    told: tuple[Told, ...] = ()
    live: Asked | None = None
    well: Asked | None = None
    at: datetime | None = None

    @property
    def probed(self) -> tuple[tuple[str, ProbeSpec, Asked | None], ...]:
        """Its probes by name, with what is answered to them now."""
        known = (("liveness", self.liveness, self.live), ("readiness", self.readiness, self.well))
        return tuple((name, spec, asked) for name, spec, asked in (*known, ("startup", self.startup, None)) if spec)

    @property
    def was_never_ready(self) -> bool:
        """Whether its last life ended before it was ready once."""
        changed, last = self.ready_changed_at, self.last
        return not self.ready and last is not None and (changed is None or changed <= last.started_at)

    @property
    def start_s(self) -> float | None:
        """How long it took from its start until it was ready; None where that was not seen."""
        if not self.ready or self.running_since is None or self.ready_changed_at is None:
            return None
        return max((self.ready_changed_at - self.running_since).total_seconds(), 0.0)

    def misses(self, probe: str) -> tuple[Told, ...]:
        """Give what was told of a probe's failures."""
        return tuple(each for each in self.told if each.reason == "Unhealthy" and each.probe == probe)

    def kills(self, probe: str) -> int:
        """Give how often a probe ended it: as often as was told, and once where only the last end tells of it."""
        return max(sum(each.count for each in self.told if (each.reason, each.probe) == ("Killing", probe)), 1)

    @property
    def killed_by(self) -> str:
        """The probe because of which its last life was ended, "" for another reason or none that is known.

        A process may end by itself on SIGTERM, with any code; its end then follows the kubelet's word at once.
        """
        last = self.last
        if last is None or last.reason == OOM_KILLED:
            return ""
        for each in self.told:
            since_s = (last.finished_at - each.last_at).total_seconds()
            if each.reason == "Killing" and each.probe and -_ROUNDED_S <= since_s <= self.grace_s + _ROUNDED_S:
                return each.probe
        return self._blamed(last) if last.exit in {137, 143} else ""

    def _blamed(self, last: Life) -> str:
        """Where the word of the kill itself was dropped: liveness, if it was answered badly, or late, until then.

        Who was not listening may just have been starting.
        """
        spec = self.liveness
        if spec is None:
            return ""
        slack_s = _ROUNDED_S + spec.period_s
        missed = [each for each in self.misses("liveness") if each.spans(last.finished_at, slack_s)]
        answered = sum(each.count for each in missed if each.how != "refused")
        return "liveness" if answered >= spec.failures else ""


def read_restarts(document: Mapping[str, Any]) -> Restarts | None:
    """Read what is kept of a pod; None when it does not say how often its container was started again."""
    state, probes, answers = (inside(document, key) for key in ("state", "probes", "answers"))
    count = document.get("restarts")
    if not isinstance(count, int) or isinstance(count, bool) or not isinstance(document.get("ready"), bool):
        return None
    told = document.get("events")
    return Restarts(
        pod=str(document.get("pod", "")),
        container=str(document.get("container", "")),
        count=count,
        ready=bool(document["ready"]),
        deleting=document.get("deleting") is True,
        grace_s=_number(document.get("grace_s"), 30.0),
        state=str(state.get("is", "")),
        waiting_for=str(state.get("reason") or ""),
        running_since=_time(state.get("since")),
        ready_changed_at=_time(document.get("ready_changed_at")),
        last=_life(inside(document, "last")),
        liveness=_spec(inside(probes, "liveness")),
        readiness=_spec(inside(probes, "readiness")),
        startup=_spec(inside(probes, "startup")),
        told=tuple(each for each in map(_told, told if isinstance(told, list) else ()) if each),
        live=_asked(inside(answers, "liveness")),
        well=_asked(inside(answers, "readiness")),
        at=_time(document.get("at")),
    )


def _spec(document: Mapping[str, Any]) -> ProbeSpec | None:
    if not document:
        return None
    return ProbeSpec(
        _number(document.get("initial_delay_s"), 0.0),
        _number(document.get("period_s"), 10.0),
        _number(document.get("timeout_s"), 1.0),
        round(_number(document.get("failures"), 3)),
        str(document.get("kind", "")),
        str(document.get("path", "")),
        round(_number(document.get("port"), 0)),
        str(document.get("scheme", "http")),
        document.get("timeout_set") is not False,
    )


def _life(document: Mapping[str, Any]) -> Life | None:
    started, finished, code = (
        _time(document.get("started_at")),
        _time(document.get("finished_at")),
        document.get("exit"),
    )
    if started is None or finished is None or not isinstance(code, int):
        return None
    return Life(code, str(document.get("reason") or ""), started, finished)


def _told(document: object) -> Told | None:
    if not isinstance(document, dict):
        return None
    last, count = _time(document.get("last_at")), _number(document.get("count"), 1)
    first = _time(document.get("first_at")) or last
    if first is None or last is None:
        return None
    reason, probe, said = (str(document.get(key) or "") for key in ("reason", "probe", "said"))
    return Told(reason, probe, round(count), first, last, said)


def _asked(document: Mapping[str, Any]) -> Asked | None:
    status = document.get("status")
    if not isinstance(status, int):
        return None
    return Asked(status, _number(document.get("seconds"), 0.0), str(document.get("said") or ""))


def _number(value: object, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(value) if 0 <= value <= _MOST else default


def _time(value: object) -> datetime | None:
    """Read a time of the cluster (RFC 3339, UTC)."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None

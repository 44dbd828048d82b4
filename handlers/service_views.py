"""A service as its page shows it: values, made of what was asked, what is kept, and the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bot.domain.authority import Frozen, Standing
from bot.domain.baseline import Baseline
from bot.domain.conditions import CERTIFICATE_DAYS
from bot.domain.deploys import Deploy
from bot.domain.expected import ROLLS_OUT, Expected, standing
from bot.domain.fronts import Certificate, EdgeAnswer, flaws
from bot.domain.measures import duration
from bot.domain.service import Edge, Service, Target
from bot.domain.snapshot import Probe
from bot.ports import Listed
from handlers.lookout import Seen

_SOON_DAYS = CERTIFICATE_DAYS[-1][0]
_SHORT = 7
State = Literal["ill", "silent", "well", "unasked"]
"""How a target is: silent where no answer came, unasked where nobody says where its users ask."""
_STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Now:
    """What a target's users get, and the certificate they get it with, if it has one."""

    probe: Probe
    certificate: Certificate | None


@dataclass(frozen=True)
class TargetRow:
    """A target: what was seen of it last, what it was like in a healthy time, what of it is not as it should be."""

    target: Target
    seen: Seen[Now] | None
    baseline: Baseline | None
    certificate: str = ""
    is_certificate_ill: bool = False
    drift: str = ""

    @property
    def state(self) -> State:
        """Say how it is."""
        if not self.target.url:
            return "unasked"
        if self.seen is None or not any(status.isdecimal() for status, _ in self.seen.what.probe.statuses):
            return "silent"
        return "ill" if self.seen.what.probe.failures else "well"


@dataclass(frozen=True)
class EdgeRow:
    """A path through caches: when it was asked, how many addresses answered, what is wrong with them."""

    url: str
    at: datetime | None
    answers: int
    flaws: Sequence[str]


@dataclass(frozen=True)
class Kept:
    """What is kept of a service. `notes`: what of it cannot be told, and why; `open_` are its incidents, drills aside.

    `latest` are its latest incidents and drills.
    """

    frozen: Frozen | None
    standing: Standing | None
    deploys: Sequence[Deploy]
    open_: Sequence[Listed]
    notes: Sequence[str] = ()
    latest: Sequence[Listed] = ()

    @property
    def diagnosed(self) -> Listed | None:
        """The latest of them that a snapshot gave a verdict on."""
        return next((row for row in self.latest if row.verdict), None)

    @property
    def deploy(self) -> Deploy | None:
        """The deploy that stands."""
        return standing(self.deploys[::-1])


@dataclass(frozen=True)
class ServiceView:
    """A service as a page shows it. `losses`: which of its targets could not be found."""

    service: Service
    kept: Kept
    targets: Sequence[TargetRow]
    edges: Sequence[EdgeRow]
    losses: Sequence[str]

    @property
    def notes(self) -> Sequence[str]:
        """What cannot be told now, and why."""
        return [*self.kept.notes, *self.losses]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many targets are in each state, the worst first; none that no target is in."""
        states = [row.state for row in self.targets]
        return {state: states.count(state) for state in _STATES if state in states}

    @property
    def ranked(self) -> Sequence[TargetRow]:
        """Its targets, the worst first."""
        return sorted(self.targets, key=lambda row: _STATES.index(row.state))

    @property
    def builds(self) -> Sequence[str]:
        """What its targets ran when they were last seen in a healthy time, each once."""
        return list(dict.fromkeys(str(row.baseline.facts.build) for row in self.targets if row.baseline))

    @property
    def troubles(self) -> Sequence[str]:
        """What is not as it should be and is no answer: certificates, edges, drift."""
        certificates = [f"{row.target.name}: {row.certificate}" for row in self.targets if row.is_certificate_ill]
        drift = [f"{row.target.name} {row.drift}" for row in self.targets if row.drift]
        return [*certificates, *drift, *(flaw for edge in self.edges for flaw in edge.flaws)]


def target_row(
    target: Target, seen: Seen[Now] | None, baseline: Baseline | None, deploy: Deploy | None, now: datetime
) -> TargetRow:
    """Say how a target is."""
    certificate = seen.what.certificate if seen else None
    words, is_ill = validity(certificate, now) if certificate else ("", False)
    return TargetRow(target, seen, baseline, words, is_ill, drifted(baseline, deploy))


def edge_row(edge: Edge, seen: Seen[tuple[EdgeAnswer, ...]] | None) -> EdgeRow:
    """Say how a path through caches is."""
    if seen is None:
        return EdgeRow(edge.url, None, 0, ())
    return EdgeRow(edge.url, seen.at, len(seen.what), [flaw.text for flaw in flaws(edge, seen.what)])


def validity(certificate: Certificate, now: datetime) -> tuple[str, bool]:
    """Say until when a certificate is valid, and whether somebody should look after it."""
    if certificate.expires_at is None:
        return (certificate.error, True) if certificate.error else ("", False)
    left = certificate.expires_at - now
    if left.total_seconds() <= 0:
        return f"its certificate ended {duration(-left)} ago", True
    days = left.days
    return f"its certificate has {days} {'day' if days == 1 else 'days'} left", days <= _SOON_DAYS


def drifted(baseline: Baseline | None, deploy: Deploy | None) -> str:
    """Say what a target ran after a deploy that should have changed it; "" where it ran that, or nobody knows."""
    if baseline is None or deploy is None or baseline.taken_at < deploy.at + ROLLS_OUT:
        return ""
    revision = baseline.facts.build.revision
    if Expected(deploy).meets(revision) is not False:
        return ""
    return f"ran {revision[:_SHORT]} on {baseline.taken_at:%Y-%m-%d %H:%M} UTC, after {deploy.words} was deployed"

"""What was deployed when, and by whom; which release was the last good one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.gate.evidence import Objection
from bot.domain.measures import duration

KEPT = 50
DENIED_KEPT = 20
"""Those that were denied are kept apart: however many there are, they push none out that went out."""
GATE, TAG = "gate", "tag"
_SHORT = 7


@dataclass(frozen=True)
class Deploy:
    """One release of a service that went out, or was to. `source` is who told of it: `webhook`, `typed`, `tag`, `gate`.

    `rolled_back_at` is when it was found bad and taken back, None if it was not. `go` and `build` are the toolchain
    (`go1.27.3`) and the link id that it was built to, "" where nobody told. `digest` is the artifact that the gate was
    asked about; `denied` is why that did not let it through: such a one never ran.
    """

    service: str
    release: str
    at: datetime
    by: str = ""
    commit: str = ""
    source: str = ""
    rolled_back_at: datetime | None = None
    go: str = ""
    build: str = ""
    digest: str = ""
    denied: tuple[Objection, ...] = ()

    @property
    def words(self) -> str:
        """Name it: `v1.12.3 (abc1234) by Ada`."""
        commit = f" ({self.commit[:_SHORT]})" if self.commit and not self.release.startswith(self.commit) else ""
        return f"{self.release}{commit}{f' by {self.by}' if self.by else ''}"

    def beside(self, moment: datetime, event: str) -> str:
        """Say how it lies to a moment: `v1.2 (abc1234) by Ada was deployed 6 min before the first error`."""
        apart = duration(abs(moment - self.at))
        return f"{self._event} {apart} {'before' if self.at <= moment else 'after'} {event}"

    def ago(self, now: datetime) -> str:
        """Say how long ago it was."""
        return f"{self._event} {duration(now - self.at)} ago"

    @property
    def obstacles(self) -> str:
        """Say in a few words why it was denied: `unsigned, open incident`."""
        return ", ".join(dict.fromkeys(each.obstacle.value for each in self.denied))

    @property
    def _event(self) -> str:
        """Say what became of it, as far as whoever told of it knows."""
        known = {GATE: "let through by the gate", TAG: "tagged"}
        return f"{self.words} was {'denied' if self.denied else known.get(self.source, 'deployed')}"


def deploys_key(service: str) -> str:
    """Give the key under which a service's deploys are kept."""
    return f"deploys:{service}"


def add(known: Sequence[Deploy], deploy: Deploy) -> tuple[Deploy, ...]:
    """Add a deploy, oldest first, the last 50; one that is known already changes nothing.

    It is known when it was told of at that very moment, or is what was deployed last before it. What the gate has let
    through counts as deployed from then on; whoever tells of it afterwards knows better when it was, and how built.
    """
    if deploy.denied:
        return tuple(sorted([*went_out(known), *[*denied(known), deploy][-DENIED_KEPT:]], key=_at))
    before = [each for each in went_out(known) if each.at <= deploy.at]
    last, same = before[-1] if before else None, (deploy.release, deploy.commit)
    if last is not None and _passed(last, deploy):
        told = replace(deploy, digest=last.digest, by=deploy.by or last.by, commit=deploy.commit or last.commit)
        return tuple(sorted([*(each for each in known if each is not last), told], key=_at))
    if (last is not None and (last.release, last.commit) == same and _stands(last, deploy)) or any(
        (each.release, each.commit, each.at) == (*same, deploy.at) for each in went_out(known)
    ):
        return tuple(known)
    kept = sorted([*went_out(known), deploy], key=_at)[-KEPT:]
    return tuple(sorted([*kept, *denied(known)], key=_at))


def went_out(deploys: Iterable[Deploy]) -> list[Deploy]:
    """Leave those out that were denied."""
    return [each for each in deploys if not each.denied]


def denied(deploys: Iterable[Deploy]) -> list[Deploy]:
    """Give those that were denied."""
    return [each for each in deploys if each.denied]


def last_denied(deploys: Sequence[Deploy]) -> Deploy | None:
    """Give the last deploy if it was denied, and nothing has gone out since."""
    return deploys[-1] if deploys and deploys[-1].denied else None


def with_tags(known: Sequence[Deploy], tags: Iterable[Deploy]) -> tuple[Deploy, ...]:
    """Complete what was told with what the repository's tags say of other releases, oldest first."""
    told = {each.release for each in known}
    return tuple(sorted([*known, *(tag for tag in tags if tag.release not in told)], key=lambda each: each.at))


def last_good(deploys: Sequence[Deploy], running: str = "") -> Deploy | None:
    """Give the last release before the running one that was not rolled back; None where none is known.

    `running` is a release or a commit (its beginning); "" means the one that was deployed last. A release that was
    denied is none to go back to, unless it went out another time.
    """
    deploys = went_out(deploys)
    at = next((place for place in range(len(deploys) - 1, -1, -1) if _is(deploys[place], running)), None)
    if at is None:
        return None
    bad = {deploys[at].release, *(name for name, its in _by_release(deploys).items() if taken_back(its))}
    return next((each for each in reversed(deploys[:at]) if each.release not in bad), None)


def taken_back(builds: Iterable[Deploy]) -> datetime | None:
    """Give when a build was taken back, by all deploys of it, oldest first; None: it was not, or runs again.

    That it runs again, somebody has to tell: what two people let through the gate once may never have gone out.
    """
    known = [each for each in builds if each.rolled_back_at or each.source != GATE]
    return known[-1].rolled_back_at if known else None


@dataclass(frozen=True)
class Running:
    """What runs of a service, as far as deploys tell: the `last` that went out, and the last `good` one before it.

    `coming` is what the gate has let through since somebody told of the last one: it may run by now, or never will.
    """

    last: Deploy | None = None
    good: Deploy | None = None
    coming: Deploy | None = None


def running(deploys: Sequence[Deploy], until: datetime) -> Running:
    """Give what runs at a moment.

    It is what somebody told of; where nobody ever did, what the gate let through; tags only where there is neither.
    """
    all_ = [each for each in went_out(deploys) if each.at <= until]
    untold = [each for each in all_ if each.source != TAG]
    told = [each for each in untold if each.source != GATE]
    ran = told or untold or all_
    if not ran:
        return Running()
    is_coming = bool(told) and untold[-1].source == GATE and not untold[-1].rolled_back_at
    return Running(ran[-1], last_good(ran) or last_good(all_, ran[-1].release), untold[-1] if is_coming else None)


def rolled_back(deploys: Sequence[Deploy], release: str, at: datetime) -> tuple[Deploy, ...]:
    """Mark the last deploy of a release as taken back; what is not known changes nothing."""
    places = range(len(deploys) - 1, -1, -1)
    place = next((place for place in places if not deploys[place].denied and _is(deploys[place], release)), None)
    if place is None:
        return tuple(deploys)
    return (*deploys[:place], replace(deploys[place], rolled_back_at=at), *deploys[place + 1 :])


def _at(deploy: Deploy) -> datetime:
    return deploy.at


def _passed(last: Deploy, deploy: Deploy) -> bool:
    """Tell whether a deploy is the one that the gate let through last, told of now by whoever has done it."""
    commits = {last.commit, deploy.commit} - {""}
    is_same = last.release == deploy.release and len(commits) < 2  # noqa: PLR2004 - one or the other, or the same
    return is_same and last.source == GATE != deploy.source and not last.rolled_back_at


def _stands(last: Deploy, deploy: Deploy) -> bool:
    """Tell whether what was deployed last is still what it was, and no other artifact of that name."""
    return not last.rolled_back_at and (not (last.digest and deploy.digest) or last.digest == deploy.digest)


def _by_release(deploys: Iterable[Deploy]) -> dict[str, list[Deploy]]:
    found: dict[str, list[Deploy]] = {}
    for each in deploys:
        found.setdefault(each.release, []).append(each)
    return found


def _is(deploy: Deploy, wanted: str) -> bool:
    known = deploy.commit and len(wanted) >= _SHORT and deploy.commit.startswith(wanted)
    return not wanted or deploy.release == wanted or bool(known)

"""What was deployed when, and by whom; which release was the last good one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.gate.evidence import Objection
from bot.domain.measures import duration

KEPT = 50
DENIED_KEPT = 20
"""Those that were denied are kept apart: however many there are, they push none out that went out."""
GATE, TAG = "gate", "tag"
WAITS = timedelta(days=3)
"""So long may what the gate let through wait for whoever deploys it: a weekend and more."""
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

    It is known when it was told of at that very moment. Neighbours of one build are one deploy, in whatever order they
    come: what the gate lets through again is out already, and whoever tells knows better when it was, and how built.
    """
    if deploy.denied:
        return tuple(sorted([*went_out(known), *[*denied(known), deploy][-DENIED_KEPT:]], key=_at))
    at_once = [each for each in went_out(known) if each.at == deploy.at and GATE not in {each.source, deploy.source}]
    if any(_is_alike(each, deploy) for each in at_once):
        return tuple(known)
    apart: list[Deploy] = []
    for each in sorted([*went_out(known), deploy], key=_at):
        if apart and _goes_on(apart[-1], each):
            apart[-1] = _joined(apart[-1], each)
        else:
            apart.append(each)
    return tuple(sorted([*apart[-KEPT:], *denied(known)], key=_at))


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
    """What runs of a service, as far as deploys tell; what `came` says of each decides which is which.

    `last` is what ran last, also where it was taken back since; `good` is the last one that ran before it and was not
    taken back for good. `coming` is what the gate has let through since, and may run by now, or never will. The newest
    is `coming`, else `last`: a rollback takes that back, as it is what would go out again by itself.
    """

    last: Deploy | None = None
    good: Deploy | None = None
    coming: Deploy | None = None


def running(deploys: Sequence[Deploy], until: datetime) -> Running:
    """Give what runs at a moment; tags only where nobody told of a deploy, and the gate let none through."""
    ran, coming = came(deploys, until)
    tags = [each for each in deploys if each.source == TAG and each.at <= until]
    ran = ran or tags
    if not ran:
        return Running()
    good = last_good(ran) or last_good(sorted([*ran, *tags], key=_at), ran[-1].release)
    return Running(ran[-1], good, coming[-1] if coming else None)


def came(deploys: Iterable[Deploy], until: datetime) -> tuple[list[Deploy], list[Deploy]]:
    """Give what ran until a moment, and what may be on its way since, each oldest first; tags deploy nothing.

    Whoever tells of deploys tells of each. So after one that was told, what the gate lets through is on its way until
    somebody tells of it; what another was told in place of never ran. When nobody has told of it for `WAITS`, nobody
    tells any more: it ran, and so does what the gate lets through from then on, as where nobody ever told. What was
    taken back ran.
    """
    ran, coming, tells = list[Deploy](), list[Deploy](), False
    known = [each for each in went_out(deploys) if each.source != TAG and each.at <= until]
    moments = [*(each.at for each in known), until]
    for each, then in zip(known, moments[1:], strict=True):
        if each.source != GATE or each.rolled_back_at:
            ran, coming, tells = [*ran, each], [], tells or each.source != GATE
        else:
            (coming if tells else ran).append(each)
        if coming and then - coming[0].at >= WAITS:
            ran, coming, tells = [*ran, *coming], [], False
    return ran, coming


def rolled_back(deploys: Sequence[Deploy], release: str, at: datetime) -> tuple[Deploy, ...]:
    """Mark the last deploy of a release as taken back; what is not known changes nothing."""
    places = range(len(deploys) - 1, -1, -1)
    place = next((place for place in places if not deploys[place].denied and _is(deploys[place], release)), None)
    if place is None:
        return tuple(deploys)
    return (*deploys[:place], replace(deploys[place], rolled_back_at=at), *deploys[place + 1 :])


def _at(deploy: Deploy) -> datetime:
    return deploy.at


def _goes_on(earlier: Deploy, later: Deploy) -> bool:
    """Tell whether a deploy is the one before it, told of once more; after that was taken back it is another one."""
    back = earlier.rolled_back_at
    return (back is None or later.at < back) and _is_alike(earlier, later)


def _is_alike(one: Deploy, other: Deploy) -> bool:
    """Tell whether two deploys are of one build, as far as both say what they are of."""
    short, long = sorted((one.commit, other.commit), key=len)
    digests = {one.digest, other.digest} - {""}
    return one.release == other.release and long.startswith(short) and len(digests) < 2  # noqa: PLR2004 - none or one


def _joined(earlier: Deploy, later: Deploy) -> Deploy:
    """Give the deploy that both tell of: as somebody told of it first, completed by what the other knows."""
    told, other = (later, earlier) if earlier.source == GATE != later.source else (earlier, later)
    return replace(
        told,
        by=told.by or other.by,
        commit=told.commit or other.commit,
        rolled_back_at=told.rolled_back_at or other.rolled_back_at,
        go=told.go or other.go,
        build=told.build or other.build,
        digest=told.digest or other.digest,
    )


def _by_release(deploys: Iterable[Deploy]) -> dict[str, list[Deploy]]:
    found: dict[str, list[Deploy]] = {}
    for each in deploys:
        found.setdefault(each.release, []).append(each)
    return found


def _is(deploy: Deploy, wanted: str) -> bool:
    known = deploy.commit and len(wanted) >= _SHORT and deploy.commit.startswith(wanted)
    return not wanted or deploy.release == wanted or bool(known)

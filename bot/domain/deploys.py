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
    asked about; `denied` is why that did not let it through: such a one never ran. `passed_at` is when one that was
    denied went out after all, None while it did not.
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
    passed_at: datetime | None = None

    @property
    def words(self) -> str:
        """Name it: `v1.12.3 (abc1234) by Ada`."""
        commit = f" ({self.commit[:_SHORT]})" if self.commit and not self.release.startswith(self.commit) else ""
        return f"{self.release}{commit}{f' by {self.by}' if self.by else ''}"

    def beside(self, moment: datetime, event: str) -> str:
        """Say how it lies to a moment: `v1.2 (abc1234) by Ada was deployed 6 min before the first error`."""
        apart = duration(abs(moment - self.at))
        return f"{self._event} {apart} {'before' if self.at <= moment else 'after'} {event}{self._end}"

    def ago(self, now: datetime) -> str:
        """Say how long ago it was."""
        return f"{self._event} {duration(now - self.at)} ago{self._end}"

    def clock(self, now: datetime) -> str:
        """Say at what time it was: `13:05`, with its date where that was another day."""
        return _clock(self.at, now)

    @property
    def obstacles(self) -> str:
        """Say in a few words why it was denied: `unsigned, open incident`."""
        return ", ".join(dict.fromkeys(each.obstacle.value for each in self.denied))

    @property
    def _event(self) -> str:
        """Say what became of it, as far as whoever told of it knows."""
        known = {GATE: "let through by the gate", TAG: "tagged"}
        return f"{self.words} was {'denied' if self.denied else known.get(self.source, 'deployed')}"

    @property
    def _end(self) -> str:
        """Say whether it was taken back."""
        back = self.rolled_back_at
        return "" if back is None else f" and taken back at {_clock(back, self.at)} UTC"


def deploys_key(service: str) -> str:
    """Give the key under which a service's deploys are kept."""
    return f"deploys:{service}"


def add(known: Sequence[Deploy], deploy: Deploy) -> tuple[Deploy, ...]:
    """Add what was told, let through or denied, oldest first; the last 50 that went out, the last 20 denials are kept.

    Neighbours of one build (one release, and no two commits or artifacts) are one deploy, in whatever order they come;
    so is what was told of one moment. It is as old as it was first told of, or else let through, and knows what any of
    them knows. So what is out already changes nothing when it is told of or let through again, but for what was not
    known of it; after it was taken back it is another deploy. Denials part nothing, and one is over when its build goes
    out later.
    """
    if deploy.denied:
        return tuple(sorted([*went_out(known), *[*denied(known), deploy][-DENIED_KEPT:]], key=_at))
    out, refused = went_out(known), [_passed(each, deploy) for each in denied(known)]
    # It is told to the minute, so others of the same one may lie between.
    same = [place for place, each in enumerate(out) if each.at == deploy.at and _is_alike(each, deploy)]
    if same:
        out[same[0]] = _joined(out[same[0]], deploy)
    else:
        out = sorted([*out, deploy], key=_at)
    return tuple(sorted([*_apart(out)[-KEPT:], *refused], key=_at))


def went_out(deploys: Iterable[Deploy]) -> list[Deploy]:
    """Leave those out that were denied."""
    return [each for each in deploys if not each.denied]


def denied(deploys: Iterable[Deploy]) -> list[Deploy]:
    """Give those that were denied."""
    return [each for each in deploys if each.denied]


def last_denied(deploys: Sequence[Deploy]) -> Deploy | None:
    """Give the last deploy if it was denied; since then it has not gone out after all, and nothing else anew."""
    return deploys[-1] if deploys and stays_denied(deploys[-1]) else None


def stays_denied(deploy: Deploy) -> bool:
    """Tell whether a deploy was denied, and has not gone out since."""
    return bool(deploy.denied) and deploy.passed_at is None


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

    `last` is what ran last, also where it was taken back since. `coming` is the newest that the gate has let through
    since, which may run by now, or never will.
    """

    last: Deploy | None = None
    coming: Deploy | None = None


@dataclass(frozen=True)
class Suspected:
    """Which deploy is taken for bad, and which is the last good one that ran before it; None where none is known."""

    bad: Deploy | None = None
    good: Deploy | None = None


def running(deploys: Sequence[Deploy], until: datetime) -> Running:
    """Give what runs at a moment; tags only where nobody told of a deploy, and the gate let none through."""
    ran, coming = came(deploys, until)
    ran = ran or _tags(deploys, until)
    return Running(ran[-1] if ran else None, coming[-1] if coming else None)


def suspected(deploys: Sequence[Deploy], until: datetime, release: str = "") -> Suspected:
    """Give what a rollback takes back at a moment, and what a bisect looks between.

    Bad is what is coming, as it is new; where that ran before and was not taken back, it is the way back, and bad is
    what ran last. As nobody can know, `release` may name another that went out: the last of that name.
    """
    ran, coming = came(deploys, until)
    tags = _tags(deploys, until)
    ran = ran or tags
    before = [each for each in ran if coming and _is_alike(each, coming[-1])]
    is_way_back = bool(before) and taken_back(before) is None
    likely = ran[-1:] if is_way_back else [*ran, *coming][-1:]
    named = [each for each in _known(deploys, until) if each.release == release] if release else likely
    if not named:
        return Suspected()
    bad = named[-1]
    line = ran if bad in ran else sorted([*ran, bad], key=_at)
    return Suspected(bad, last_good(line, bad.release) or last_good(sorted([*line, *tags], key=_at), bad.release))


def came(deploys: Iterable[Deploy], until: datetime) -> tuple[list[Deploy], list[Deploy]]:
    """Give what ran until a moment, and what may be on its way since, each oldest first; tags deploy nothing.

    What was told of ran, and so did what was taken back. Of what the gate alone let through ran:
    * all before the first that was told of, as where nobody ever tells;
    * nothing between two that were: whoever tells of deploys tells of each, so the other took its place;
    * after the last, whatever is `WAITS` old: by then nobody tells any more, as far as is known.
    What was let through after all that ran is on its way; of the rest, another took the place.
    """
    known = _known(deploys, until)
    told = [place for place, each in enumerate(known) if each.source != GATE]
    first, last = (told[0], told[-1]) if told else (len(known), len(known))
    ran = [
        each
        for place, each in enumerate(known)
        if place < first or each.source != GATE or each.rolled_back_at or (place > last and until - each.at >= WAITS)
    ]
    return ran, known[known.index(ran[-1]) + 1 :] if ran else []


def rolled_back(deploys: Sequence[Deploy], release: str, at: datetime) -> tuple[Deploy, ...]:
    """Mark the last deploy of a release as taken back; what is not known changes nothing."""
    # What was kept by earlier releases may have several entries of one deploy.
    out = _apart(went_out(deploys))
    place = next((place for place in range(len(out) - 1, -1, -1) if _is(out[place], release)), None)
    if place is None:
        return tuple(deploys)
    out[place] = replace(out[place], rolled_back_at=at)
    return tuple(sorted([*out, *denied(deploys)], key=_at))


def _known(deploys: Iterable[Deploy], until: datetime) -> list[Deploy]:
    return _apart(each for each in went_out(deploys) if each.source != TAG and each.at <= until)


def _tags(deploys: Iterable[Deploy], until: datetime) -> list[Deploy]:
    return [each for each in deploys if each.source == TAG and each.at <= until]


def _clock(at: datetime, beside: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == beside.date() else f"{at:%Y-%m-%d %H:%M}"


def _at(deploy: Deploy) -> datetime:
    return deploy.at


def _apart(deploys: Iterable[Deploy]) -> list[Deploy]:
    """Make one deploy of neighbours that are of one build."""
    apart: list[Deploy] = []
    for each in deploys:
        if apart and _goes_on(apart[-1], each):
            apart[-1] = _joined(apart[-1], each)
        else:
            apart.append(each)
    return apart


def _passed(refused: Deploy, deploy: Deploy) -> Deploy:
    """Give what was denied, as it is when a deploy has gone out."""
    is_it = stays_denied(refused) and refused.at <= deploy.at and _is_alike(refused, deploy)
    return replace(refused, passed_at=deploy.at) if is_it else refused


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

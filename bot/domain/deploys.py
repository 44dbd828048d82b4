"""What was deployed when, and by whom; which release was the last good one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.measures import duration

KEPT = 50
_SHORT = 7


@dataclass(frozen=True)
class Deploy:
    """One release of a service that went out. `source` is who told of it: `webhook`, `typed` or `tag`.

    `rolled_back_at` is when it was found bad and taken back, None if it was not. `go` and `build` are the toolchain
    (`go1.27.3`) and the link id that it was built to, "" where nobody told.
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

    @property
    def words(self) -> str:
        """Name it: `v1.12.3 (abc1234) by Ada`."""
        commit = f" ({self.commit[:_SHORT]})" if self.commit and not self.release.startswith(self.commit) else ""
        return f"{self.release}{commit}{f' by {self.by}' if self.by else ''}"

    def beside(self, moment: datetime, event: str) -> str:
        """Say how it lies to a moment: `v1.2 (abc1234) by Ada was deployed 6 min before the first error`."""
        apart = duration(abs(moment - self.at))
        return f"{self.words} was deployed {apart} {'before' if self.at <= moment else 'after'} {event}"

    def ago(self, now: datetime) -> str:
        """Say how long ago it was."""
        return f"{self.words} was deployed {duration(now - self.at)} ago"


def deploys_key(service: str) -> str:
    """Give the key under which a service's deploys are kept."""
    return f"deploys:{service}"


def add(known: Sequence[Deploy], deploy: Deploy) -> tuple[Deploy, ...]:
    """Add a deploy, oldest first, the last 50; one that is known already changes nothing.

    It is known when it was told of at that very moment, or is what was deployed last before it.
    """
    before = [each for each in known if each.at <= deploy.at]
    same = (deploy.release, deploy.commit)
    if (before and (before[-1].release, before[-1].commit) == same and not before[-1].rolled_back_at) or any(
        (each.release, each.commit, each.at) == (*same, deploy.at) for each in known
    ):
        return tuple(known)
    return tuple(sorted([*known, deploy], key=lambda each: each.at))[-KEPT:]


def with_tags(known: Sequence[Deploy], tags: Iterable[Deploy]) -> tuple[Deploy, ...]:
    """Complete what was told with what the repository's tags say of other releases, oldest first."""
    told = {each.release for each in known}
    return tuple(sorted([*known, *(tag for tag in tags if tag.release not in told)], key=lambda each: each.at))


def latest(deploys: Sequence[Deploy], until: datetime) -> Deploy | None:
    """Give the last deploy up to a moment."""
    return next((each for each in reversed(deploys) if each.at <= until), None)


def last_good(deploys: Sequence[Deploy], running: str = "") -> Deploy | None:
    """Give the last release before the running one that was not rolled back; None where none is known.

    `running` is a release or a commit (its beginning); "" means the one that was deployed last.
    """
    at = next((place for place in range(len(deploys) - 1, -1, -1) if _is(deploys[place], running)), None)
    if at is None:
        return None
    bad = {each.release for each in deploys if each.rolled_back_at} | {deploys[at].release}
    return next((each for each in reversed(deploys[:at]) if each.release not in bad), None)


def rolled_back(deploys: Sequence[Deploy], release: str, at: datetime) -> tuple[Deploy, ...]:
    """Mark the last deploy of a release as taken back; what is not known changes nothing."""
    place = next((place for place in range(len(deploys) - 1, -1, -1) if _is(deploys[place], release)), None)
    if place is None:
        return tuple(deploys)
    return (*deploys[:place], replace(deploys[place], rolled_back_at=at), *deploys[place + 1 :])


def _is(deploy: Deploy, wanted: str) -> bool:
    known = deploy.commit and len(wanted) >= _SHORT and deploy.commit.startswith(wanted)
    return not wanted or deploy.release == wanted or bool(known)

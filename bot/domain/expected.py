"""What should run on a target: the deploy record, and where the commit that runs lies in the repository."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.deploys import GATE, TAG, WAITS, Deploy, went_out
from bot.domain.traffic import Split

ROLLS_OUT = timedelta(minutes=10)
"""So long after a deploy (or after one was taken back) its targets may run this release or that."""
SHORT = 7
_WHOLE = 100.0


@dataclass(frozen=True)
class Lineage:
    """Where a commit lies in a repository. `sha` is its whole name, "" where the repository has no such commit.

    `refs` are some of the branches and tags that hold it. `other` is the commit that should run ("": not known there):
    so many commits it is `ahead` of that one, and lacks so many of it, `behind`. Not ahead: it is an ancestor.
    """

    sha: str = ""
    refs: tuple[str, ...] = ()
    other: str = ""
    ahead: int = 0
    behind: int = 0


@dataclass(frozen=True)
class Expected:
    """What should run on a target: the deploy that stands, and the lineage of what runs there; None: not known.

    `changing` says why another release may run there now, "" when none may. `before` are those that may still run
    there, as the gate alone has told of `deploy`: somebody may yet have to approve it.
    """

    deploy: Deploy | None = None
    lineage: Lineage | None = None
    changing: str = ""
    before: tuple[Deploy, ...] = ()

    @property
    def commit(self) -> str:
        """The commit that should run, as far as it is known; "" when it is not."""
        known = self.lineage.other if self.lineage else ""
        return known or (self.deploy.commit if self.deploy else "")

    def meets(self, revision: str) -> bool | None:
        """Tell whether a commit is what should run; None: that cannot be told."""
        wanted, runs = self.commit, (self.lineage.sha if self.lineage else "") or revision
        length = min(len(wanted), len(runs))
        return wanted[:length] == runs[:length] if length >= SHORT else None


def standing(deploys: Sequence[Deploy]) -> Deploy | None:
    """Give the last deploy that was told of and not taken back; a tag alone deploys nothing, nor a denial."""
    return next(_standing(deploys), None)


def unreplaced(deploys: Sequence[Deploy], now: datetime) -> tuple[Deploy, ...]:
    """Give what may run in place of the deploy that stands, newest first, as the gate has only let this one through.

    Whatever the gate let through may have to wait for somebody, for as long as `WAITS`: so all may run down to the
    first that was told of, or is older than that.
    """
    down = list(_standing(deploys))
    waits = [each.source == GATE and now - each.at < WAITS for each in down]
    return tuple(down[1 : [*waits, False].index(False) + 1])


def _standing(deploys: Sequence[Deploy]) -> Iterator[Deploy]:
    return (each for each in reversed(went_out(deploys)) if each.source != TAG and not each.rolled_back_at)


def changing(deploys: Sequence[Deploy], split: Split | None, now: datetime) -> str:
    """Say why targets may differ from the record now, "" when they may not: a rollout, or a canary that is open."""
    for each in reversed(went_out(deploys)):
        moved = each.rolled_back_at or each.at
        if each.source != TAG and timedelta() <= now - moved < ROLLS_OUT:
            return f"{each.words} was {'taken back' if each.rolled_back_at else 'deployed'} at {moved:%H:%M} UTC"
    if split is not None and (split.dyed or (split.weight is not None and 0 < split.weight < _WHOLE)):
        return f"the router says: {split.words}"
    return ""


def moved_at(deploys: Sequence[Deploy]) -> datetime | None:
    """Give when the record came to say last that another release should run; None: it says nothing."""
    return max((each.rolled_back_at or each.at for each in went_out(deploys)), default=None)


def is_idle(deploys: Sequence[Deploy], split: Split | None, revision: str) -> bool:
    """Tell whether a target is a canary that was rolled back: it still runs its release, and gets nothing."""
    taken = [each.commit for each in deploys if each.rolled_back_at and len(each.commit) >= SHORT]
    return split is not None and split.weight == 0 and any(revision.startswith(commit) for commit in taken)

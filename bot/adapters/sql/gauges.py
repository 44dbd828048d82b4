"""What stands in the database at a moment; what has ended long ago is not looked at."""

from datetime import datetime

from sqlalchemy import bindparam, func, literal, select

from bot.adapters.sql.tables import STILL_OPEN, hold, incident, memo, run
from bot.adapters.sql.tx import opened
from bot.domain.incident import Severity
from bot.domain.run import RunStatus
from bot.domain.timeline import to_us
from bot.ports import ASKED, Standing, Tx

_SECOND_US = 1_000_000
_UNENDED = [status.value for status in RunStatus if not status.ended]
_DUE_US = func.coalesce(run.c.wake_at_us, run.c.created_at_us)
_IS_LATER = bindparam("now_us") < _DUE_US

_INCIDENTS = (
    select(incident.c.severity, func.count())
    .where(STILL_OPEN, incident.c.private == 0, incident.c.drill == 0)
    .group_by(incident.c.severity)
)
_RUNS = (
    select(run.c.status, _IS_LATER.label("is_later"), func.count(), func.min(_DUE_US))
    .where(run.c.status.in_(_UNENDED))
    .group_by(run.c.status, "is_later")
)
# Whoever decides takes the hold of the run and its plan, for ever.
_DECISION = literal("approval:") + run.c.id + literal(":")
_APPROVALS = (
    select(func.count(), func.min(memo.c.at_us))
    .join(memo, memo.c.run_id == run.c.id)
    .where(
        run.c.status.in_(_UNENDED),
        memo.c.key == ASKED,
        ~select(hold.c.key).where(func.substr(hold.c.key, 1, func.length(_DECISION)) == _DECISION).exists(),
    )
)


class SqlGauges:
    """Counts what has not ended."""

    def read(self, tx: Tx, now: datetime) -> Standing:
        """Count it, by three questions."""
        connection, now_us = opened(tx).connection, to_us(now)
        incidents = {Severity(severity): count for severity, count in connection.execute(_INCIDENTS)}
        rows = connection.execute(_RUNS, {"now_us": now_us}).all()
        runs = {(RunStatus(status), bool(is_later)): (count, due_us) for status, is_later, count, due_us in rows}
        waiting, due_us = runs.get((RunStatus.QUEUED, False), (0, now_us))
        approvals, asked_us = connection.execute(_APPROVALS).one()
        return Standing(
            incidents,
            waiting=waiting,
            scheduled=runs.get((RunStatus.QUEUED, True), (0, 0))[0],
            running=_count(runs, RunStatus.RUNNING),
            parked=_count(runs, RunStatus.PARKED),
            oldest_waiting_s=_age_s(due_us, now_us),
            approvals=approvals,
            oldest_approval_s=_age_s(asked_us or now_us, now_us),
        )


def _count(runs: dict[tuple[RunStatus, bool], tuple[int, int]], status: RunStatus) -> int:
    return sum(runs.get((status, is_later), (0, 0))[0] for is_later in (False, True))


def _age_s(since_us: int, now_us: int) -> float:
    return max(now_us - since_us, 0) / _SECOND_US

"""What stands, counted of what the other fakes hold."""

from collections import Counter
from datetime import datetime

from bot.domain.run import RunStatus
from bot.ports import ASKED, Standing, Tx
from tests.fakes.keeping import _in
from tests.fakes.timeline import FakeTimeline


class FakeGauges:
    def read(self, tx: Tx, now: datetime) -> Standing:
        state = _in(tx)
        rows = FakeTimeline().incidents(tx, limit=len(state.chains))
        runs = [run for run in state.runs.values() if not run.status.ended]
        queued = [run.wake_at or run.created_at for run in runs if run.status is RunStatus.QUEUED]
        due = [at for at in queued if at <= now]
        decided = {key.rpartition(":")[0] for key in state.holds}
        asked = [
            state.kept_at[run.id, ASKED]
            for run in runs
            if ASKED in state.memos.get(run.id, {}) and f"approval:{run.id}" not in decided
        ]
        return Standing(
            Counter(row.severity for row in rows if not row.drill),
            waiting=len(due),
            scheduled=len(queued) - len(due),
            running=sum(run.status is RunStatus.RUNNING for run in runs),
            parked=sum(run.status is RunStatus.PARKED for run in runs),
            oldest_waiting_s=(now - min(due, default=now)).total_seconds(),
            approvals=len(asked),
            oldest_approval_s=(now - min(asked, default=now)).total_seconds(),
        )

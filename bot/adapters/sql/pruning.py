"""Deletes from the journal what nobody needs any more, a bounded number of rows at a time."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from bot.adapters.sql.tables import hold, memo, reply, run, signal
from bot.domain.run import RunStatus
from bot.domain.timeline import to_us

_ENDED = tuple(status for status in RunStatus if status.ended)
_PARENT = run.alias("parent")


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete runs that ended and holds that lapsed before then, and delivered answers; tell how many rows went.

    What belongs to an incident stays: its timeline names its runs. So does a child whose parent may still ask for it.
    """
    wanted_by_parent = select(_PARENT.c.id).where(_PARENT.c.id == run.c.parent_id, _PARENT.c.status.not_in(_ENDED))
    is_old = run.c.ended_at_us < to_us(before)
    runs = (
        select(run.c.id)
        .where(run.c.incident_id == "", is_old, run.c.status.in_(_ENDED), ~wanted_by_parent.exists())
        .order_by(run.c.ended_at_us)
        .limit(limit)
    )
    ids = list(connection.scalars(runs))
    for table in (memo, signal):
        connection.execute(delete(table).where(table.c.run_id.in_(ids)))
    deleted = _delete(connection, run, run.c.id.in_(ids))
    settled = (reply.c.outcome != "", reply.c.queued_at_us < to_us(before))
    answers = select(reply.c.id).where(*settled).order_by(reply.c.id).limit(limit)
    deleted += _delete(connection, reply, reply.c.id.in_(list(connection.scalars(answers))))
    lapsed = select(hold.c.key).where(hold.c.until_us < to_us(before)).limit(limit)
    return deleted + _delete(connection, hold, hold.c.key.in_(list(connection.scalars(lapsed))))


def _delete(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(where)).rowcount

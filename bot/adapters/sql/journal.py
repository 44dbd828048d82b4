"""The journal in SQL: runs, what they have done, what they are told, and the answers they leave."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, or_, select, update

from bot.adapters.sql.naming import name
from bot.adapters.sql.pruning import prune
from bot.adapters.sql.tables import hold, memo, reply, run, signal
from bot.adapters.sql.tx import execute, moment, on_both, opened, pack, unpack, us
from bot.domain.errors import FenceLost
from bot.domain.run import Plan, Reply, Run, RunStatus, Source
from bot.domain.timeline import Person, from_us, storable, to_us
from bot.ports import ASKED, Clock, Memo, Memory, Tx

PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
SOURCE: TypeAdapter[Source] = TypeAdapter(Source)
REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)

_UNENDED = tuple(status for status in RunStatus if not status.ended)

_ADMIT = on_both(run, lambda row: row.on_conflict_do_nothing().returning(run.c.id))
_HOLDER = select(run.c.id).where(run.c.slot == bindparam("slot"))
_HELD = (
    select(run.c.incident_id)
    .where(run.c.id == bindparam("run_id"), run.c.fence == bindparam("fence"), run.c.status == RunStatus.RUNNING.value)
    .with_for_update()
)
_REMEMBER = on_both(
    memo,
    lambda row: row.on_conflict_do_update(
        index_elements=["run_id", "key"], set_={"value": row.excluded.value, "at_us": row.excluded.at_us}
    ),
)
_CLAIM = (
    update(run)
    .where(
        run.c.id == bindparam("run_id"),
        run.c.status.in_(_UNENDED),
        or_(run.c.wake_at_us.is_(None), run.c.wake_at_us <= bindparam("now_us")),
    )
    .values(
        status=RunStatus.RUNNING.value,
        fence=run.c.fence + 1,
        reason="",
        started_at_us=func.coalesce(run.c.started_at_us, bindparam("now_us")),
        ended_at_us=None,
    )
    .returning(run)
)
_MEMOS = select(memo.c.key, memo.c.value).where(memo.c.run_id == bindparam("run_id"))
_MEMO = select(memo.c.value).where(memo.c.run_id == bindparam("run_id"), memo.c.key == bindparam("key"))
_END = (
    update(run)
    .where(run.c.id == bindparam("run_id"), run.c.fence == bindparam("held"), run.c.status == RunStatus.RUNNING.value)
    .values({column: bindparam(column) for column in ("status", "result", "reason", "ended_at_us")})
    .returning(run.c.incident_id)
)
_DUE = (
    select(run.c.id)
    .where(
        run.c.status.in_(bindparam("statuses", expanding=True)),
        or_(run.c.wake_at_us.is_(None), run.c.wake_at_us <= bindparam("now_us")),
    )
    .order_by(run.c.created_at_us, run.c.id)
)
_REPLY = on_both(reply, lambda row: row.on_conflict_do_nothing())
_SIGNAL = insert(signal)
_TAKE = on_both(
    hold,
    lambda row: row.on_conflict_do_update(
        index_elements=["key"],
        set_={"holder": row.excluded.holder, "until_us": row.excluded.until_us},
        where=or_(hold.c.until_us <= bindparam("now_us"), hold.c.holder == row.excluded.holder),
    ),
)


class SqlJournal:
    """Runs, memos, signals, answers and holds; a fence keeps a worker that lost a run from recording anything."""

    def __init__(
        self, clock: Clock, queue: Callable[[Connection, str, datetime | None], None] = lambda *_: None
    ) -> None:
        """`queue` is told of every new run inside its transaction, with the time before which it must not begin."""
        self._clock = clock
        self._queue = queue

    def admit(self, tx: Tx, run_: Run) -> str:
        """Insert a run unless its slot is taken; give the id of the run that holds the slot."""
        sql, row = opened(tx), _row(run_)
        if execute(sql, _ADMIT, row).scalar() is not None:
            sql.topics.update(("runs", f"run:{run_.id}"))
            self._queue(sql.connection, run_.id, run_.wake_at)
            return run_.id
        holder: str | None = sql.connection.scalar(_HOLDER, {"slot": row["slot"]})
        return holder or run_.id

    def claim(self, tx: Tx, run_id: str, now: datetime) -> Memory | None:
        """Take a run that has not ended: raise its fence, mark it running; None if there is nothing to do."""
        sql = opened(tx)
        row = sql.connection.execute(_CLAIM, {"run_id": run_id, "now_us": to_us(now)}).mappings().one_or_none()
        if row is None:
            return None
        memos = sql.connection.execute(_MEMOS, {"run_id": run_id})
        return Memory(_run(row), {done.key: done.value for done in memos})

    def remember(self, tx: Tx, run_: Run, key: str, value: str, now: datetime) -> None:
        """Keep a result under its key.

        :raises FenceLost: another worker has claimed the run since.
        """
        sql = opened(tx)
        incident_id = sql.connection.scalar(_HELD, {"run_id": run_.id, "fence": run_.fence})
        if incident_id is None:
            raise _lost(run_)
        name(sql, incident_id, [value])
        execute(sql, _REMEMBER, {"run_id": run_.id, "key": key, "value": storable(value), "at_us": to_us(now)})

    def memo(self, tx: Tx, run_id: str, key: str) -> str | None:
        """Give what a run has kept under a key so far, or None."""
        kept: str | None = opened(tx).connection.scalar(_MEMO, {"run_id": run_id, "key": key})
        return kept

    def memos(self, tx: Tx, run_id: str, keys: Sequence[str]) -> Mapping[str, Memo]:
        """Give what a run has kept so far under those of the keys that it has used."""
        wanted = select(memo.c.key, memo.c.value, memo.c.at_us).where(memo.c.run_id == run_id, memo.c.key.in_(keys))
        return {row.key: Memo(row.value, from_us(row.at_us)) for row in opened(tx).connection.execute(wanted)}

    def bind(self, tx: Tx, run_: Run, incident_id: str) -> None:
        """Say which incident a run belongs to."""
        sql = opened(tx)
        sql.connection.execute(update(run).where(run.c.id == run_.id).values(incident_id=incident_id))
        name(sql, incident_id, [told.value for told in sql.connection.execute(_MEMOS, {"run_id": run_.id})])

    def end(self, tx: Tx, run_: Run) -> None:
        """Keep the status, result and reason a run ended (or parked) with.

        :raises FenceLost: another worker has claimed the run since, or it has ended.
        """
        sql = opened(tx)
        ended: dict[str, Any] = {
            "run_id": run_.id,
            "held": run_.fence,
            "status": run_.status.value,
            "result": _json(run_.result),
            "reason": storable(run_.reason),
            "ended_at_us": us(run_.ended_at),
        }
        incident_id = sql.connection.scalar(_END, ended)
        if incident_id is None:
            raise _lost(run_)
        name(sql, incident_id, [ended["result"]])
        sql.topics.add(f"run:{run_.id}")

    def reply(self, tx: Tx, key: str, source: Source, person: Person, reply_: Reply) -> None:
        """Queue an answer, once per key; whoever speaks for the source delivers it."""
        sql = opened(tx)
        row = {
            "key": key,
            "source": pack(SOURCE, source),
            "person": storable(person.id),
            "person_name": storable(person.name),
            "reply": pack(REPLY, reply_),
            "queued_at_us": to_us(self._clock.now()),
            "outcome": "",
        }
        execute(sql, _REPLY, row)
        sql.topics.add("replies")

    def signal(self, tx: Tx, run_id: str, topic: str, value: str) -> None:
        """Tell a run something; kept until it looks."""
        sql = opened(tx)
        sql.connection.execute(_SIGNAL, {"run_id": run_id, "topic": topic, "value": storable(value)})
        sql.topics.add(f"run:{run_id}")

    def signals(self, tx: Tx, run_id: str, topic: str) -> list[str]:
        """Give what a run was told on a topic, oldest first."""
        told = select(signal.c.value).where(signal.c.run_id == run_id, signal.c.topic == topic).order_by(signal.c.id)
        return list(opened(tx).connection.scalars(told))

    def get(self, tx: Tx, run_id: str) -> Run | None:
        """Give a run as it stands."""
        row = opened(tx).connection.execute(select(run).where(run.c.id == run_id)).mappings().one_or_none()
        return _run(row) if row else None

    def due(self, tx: Tx, now: datetime, statuses: Sequence[RunStatus]) -> list[str]:
        """Give the ids of runs in these statuses whose time has come, oldest first."""
        wanted = {"statuses": [status.value for status in statuses], "now_us": to_us(now)}
        return list(opened(tx).connection.scalars(_DUE, wanted))

    def forget(self, tx: Tx, run_id: str) -> None:
        """Take the words out of a run that has ended: its params, result, reason, memos, delivered answers."""
        sql, known = opened(tx), self.get(tx, run_id)
        if known is None or not known.status.ended:
            return
        plan = pack(PLAN, replace(known.plan, params={}))
        sql.connection.execute(update(run).where(run.c.id == run_id).values(plan=plan, result=None, reason=""))
        sql.connection.execute(delete(memo).where(memo.c.run_id == run_id))
        sql.connection.execute(delete(reply).where(reply.c.key == f"run:{run_id}", reply.c.outcome != ""))

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Delete ended runs that belong to no incident, delivered answers and lapsed holds; tell how many went."""
        return prune(opened(tx).connection, before, limit)

    def running(self, tx: Tx, playbook: str, incident_id: str) -> list[str]:
        """Give the ids of an incident's unended runs of a playbook, oldest first."""
        wanted = select(run.c.id).where(
            run.c.playbook == playbook, run.c.incident_id == incident_id, run.c.status.in_(_UNENDED)
        )
        return list(opened(tx).connection.scalars(wanted.order_by(run.c.created_at_us, run.c.id)))

    def children(self, tx: Tx, run_: Run) -> list[Run]:
        """Give the runs that a run has begun for the same incident, oldest first."""
        wanted = select(run).where(run.c.incident_id == run_.incident_id, run.c.parent_id == run_.id)
        rows = opened(tx).connection.execute(wanted.order_by(run.c.created_at_us, run.c.id))
        return [_run(row) for row in rows.mappings()]

    def asking(self, tx: Tx) -> list[Run]:
        """Give the runs that have asked for an approval, whatever became of it, and have not ended, oldest first."""
        wanted = (
            select(run).join(memo, memo.c.run_id == run.c.id).where(run.c.status.in_(_UNENDED), memo.c.key == ASKED)
        )
        rows = opened(tx).connection.execute(wanted.order_by(run.c.created_at_us, run.c.id))
        return [_run(row) for row in rows.mappings()]

    def hold(self, tx: Tx, key: str, holder: str, now: datetime, until: datetime) -> str:
        """Take a named hold unless somebody else's lasts; give whoever holds it now."""
        sql = opened(tx)
        execute(sql, _TAKE, {"key": key, "holder": holder, "until_us": to_us(until), "now_us": to_us(now)})
        return str(sql.connection.scalar(select(hold.c.holder).where(hold.c.key == key)))


def _lost(run_: Run) -> FenceLost:
    return FenceLost(f"Run {run_.id} is another worker's now, or has ended; nothing was recorded.")


def _row(run_: Run) -> dict[str, Any]:
    return {
        "id": run_.id,
        "slot": storable(run_.slot),
        "playbook": run_.plan.playbook,
        "plan": pack(PLAN, run_.plan),
        "actor": storable(run_.actor.id),
        "actor_name": storable(run_.actor.name),
        "source": pack(SOURCE, run_.source),
        "incident_id": run_.incident_id,
        "parent_id": run_.parent_id,
        "status": run_.status.value,
        "fence": run_.fence,
        "created_at_us": to_us(run_.created_at),
        "wake_at_us": us(run_.wake_at),
        "started_at_us": us(run_.started_at),
        "ended_at_us": us(run_.ended_at),
        "result": _json(run_.result),
        "reason": storable(run_.reason),
    }


def _run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        plan=unpack(PLAN, row["plan"]),
        actor=Person(row["actor"], row["actor_name"]),
        source=unpack(SOURCE, row["source"]),
        created_at=from_us(row["created_at_us"]),
        slot=row["slot"],
        incident_id=row["incident_id"],
        parent_id=row["parent_id"],
        status=RunStatus(row["status"]),
        fence=row["fence"],
        wake_at=moment(row["wake_at_us"]),
        started_at=moment(row["started_at_us"]),
        ended_at=moment(row["ended_at_us"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        reason=row["reason"],
    )


def _json(result: Any) -> str | None:
    return None if result is None else json.dumps(result, separators=(",", ":"))

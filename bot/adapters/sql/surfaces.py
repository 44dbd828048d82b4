"""What Slack shows of an incident, and the answers still owed, in SQL."""

from sqlalchemy import select, update

from bot.adapters.sql.journal import REPLY, SOURCE
from bot.adapters.sql.tables import reply, surface
from bot.adapters.sql.tx import execute, on_both, opened, unpack
from bot.domain.timeline import Person, from_us, storable
from bot.ports import Answer, Surface, Tx

_SHOW = on_both(
    surface,
    lambda row: row.on_conflict_do_update(
        index_elements=["incident_id", "key"], set_={"ref": row.excluded.ref, "digest": row.excluded.digest}
    ),
)


class SqlSurfaces:
    """The reconciler's memory."""

    def shown(self, tx: Tx, incident_id: str) -> dict[str, Surface]:
        """Give what Slack shows of an incident, by key."""
        rows = opened(tx).connection.execute(select(surface).where(surface.c.incident_id == incident_id)).mappings()
        return {row["key"]: Surface(**row) for row in rows}

    def show(self, tx: Tx, surface_: Surface) -> None:
        """Remember what Slack shows now."""
        execute(opened(tx), _SHOW, vars(surface_))

    def owed(self, tx: Tx, limit: int) -> list[Answer]:
        """Give the answers not yet delivered, oldest first."""
        wanted = select(reply).where(reply.c.outcome == "").order_by(reply.c.id).limit(limit)
        return [
            Answer(
                key=row["key"],
                source=unpack(SOURCE, row["source"]),
                person=Person(row["person"], row["person_name"]),
                reply=unpack(REPLY, row["reply"]),
                queued_at=from_us(row["queued_at_us"]),
            )
            for row in opened(tx).connection.execute(wanted).mappings()
        ]

    def settle(self, tx: Tx, key: str, outcome: str) -> None:
        """Close an answer: "delivered", or why it never will be."""
        settled = update(reply).where(reply.c.key == key).values(outcome=storable(outcome) or "delivered")
        opened(tx).connection.execute(settled)

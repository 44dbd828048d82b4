"""What is remembered between runs, in SQL."""

from sqlalchemy import select, update

from bot.adapters.sql.tables import mark
from bot.adapters.sql.tx import execute, on_both, opened
from bot.domain.timeline import storable
from bot.ports import Tx

_PUT = on_both(mark, lambda row: row.on_conflict_do_update(index_elements=["key"], set_={"value": row.excluded.value}))
_ADD = on_both(mark, lambda row: row.on_conflict_do_nothing().returning(mark.c.key))


class SqlMarks:
    """One value by key."""

    def get(self, tx: Tx, key: str) -> str | None:
        """Give what is kept under a key, or None."""
        value: str | None = opened(tx).connection.scalar(select(mark.c.value).where(mark.c.key == key))
        return value

    def put(self, tx: Tx, key: str, value: str) -> None:
        """Keep a value under a key, over whatever was there."""
        execute(opened(tx), _PUT, {"key": key, "value": storable(value)})

    def swap(self, tx: Tx, key: str, was: str | None, value: str) -> bool:
        """Keep a value if what is there is what it was (None: nothing); tell whether it was."""
        sql, wanted = opened(tx), storable(value)
        if was is None:
            return execute(sql, _ADD, {"key": key, "value": wanted}).scalar() is not None
        changed = update(mark).where(mark.c.key == key, mark.c.value == was).values(value=wanted)
        return sql.connection.execute(changed).rowcount == 1

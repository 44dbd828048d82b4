"""Which incident names which artifact: a projection of the entries, and of what the runs about it have come to."""

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from bot.adapters.sql.tables import incident, naming
from bot.adapters.sql.tx import SqlTx, on_both
from bot.domain.exhibits import artifacts_in
from bot.domain.timeline import HOUSE

_NAME = on_both(naming, lambda row: row.on_conflict_do_nothing())
_NAMING = (
    select(naming.c.incident_id)
    .join(incident, incident.c.id == naming.c.incident_id)
    .where(naming.c.sha256 == bindparam("sha256"))
    .order_by(incident.c.private, incident.c.number)
)


def name(sql: SqlTx, incident_id: str, told: Iterable[str | None]) -> None:
    """Keep that an incident names the artifacts that are in these JSON texts, for as long as there is the incident."""
    if incident_id in {"", HOUSE}:
        return
    found = sorted({one for text in told if text for one in artifacts_in(text)})
    if found:
        rows = [{"sha256": one, "incident_id": incident_id} for one in found]
        sql.connection.execute(_NAME[sql.connection.dialect.name], rows)


def naming_of(sql: SqlTx, sha256: str) -> list[str]:
    """Give the incidents that name an artifact, those that are not private first."""
    return list(sql.connection.scalars(_NAMING, {"sha256": sha256}))

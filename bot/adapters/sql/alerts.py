"""What is known of alerts, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select

from bot.adapters.sql.tables import alert, alert_group
from bot.adapters.sql.tx import lock, moment, on_both, opened, us
from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do, Sender
from bot.domain.incident import Severity
from bot.domain.timeline import from_us, storable, to_us
from bot.ports import Tx

_KEEP = on_both(
    alert_group,
    lambda row: row.on_conflict_do_update(
        index_elements=["key"],
        set_={column.name: row.excluded[column.name] for column in alert_group.c if column.name != "key"},
    ),
)
_CHANGE = on_both(
    alert,
    lambda row: row.on_conflict_do_update(
        index_elements=["key", "fingerprint"],
        set_={name: row.excluded[name] for name in ("name", "summary", "link", "firing", "starts_at_us")}
        | {"changed_at_us": row.excluded.changed_at_us},
    ),
)
_MOST = 200


class SqlAlerts:
    """The Alerts port."""

    def lock(self, tx: Tx) -> None:
        """Let no other process change any group until this transaction ends."""
        lock(opened(tx), "alerts")

    def group(self, tx: Tx, key: str) -> AlertGroup | None:
        """Give a group in its present episode."""
        wanted = select(alert_group).where(alert_group.c.key == storable(key))
        row = opened(tx).connection.execute(wanted).mappings().one_or_none()
        return _group(row) if row else None

    def keep(self, tx: Tx, group: AlertGroup) -> None:
        """Keep a group as it stands now."""
        sql = opened(tx)
        sql.connection.execute(_KEEP[sql.connection.dialect.name], _row(group))

    def members(self, tx: Tx, key: str) -> dict[str, Member]:
        """Give the alerts of a group's episode, by fingerprint."""
        rows = opened(tx).connection.execute(select(alert).where(alert.c.key == key)).mappings()
        return {row["fingerprint"]: _member(row) for row in rows}

    def change(self, tx: Tx, key: str, members: Sequence[Member]) -> None:
        """Keep alerts of a group as they stand now."""
        sql = opened(tx)
        rows = [
            {
                "key": key,
                "fingerprint": member.fingerprint,
                "name": storable(member.name),
                "summary": storable(member.summary),
                "link": member.link,
                "firing": int(member.firing),
                "starts_at_us": to_us(member.starts_at),
                "changed_at_us": to_us(member.changed_at),
            }
            for member in members
        ]
        if rows:
            sql.connection.execute(_CHANGE[sql.connection.dialect.name], rows)

    def forget(self, tx: Tx, key: str) -> None:
        """Forget the alerts of a group: a new episode begins."""
        opened(tx).connection.execute(delete(alert).where(alert.c.key == key))

    def begun(self, tx: Tx, do: Do, since: datetime) -> list[AlertGroup]:
        """Give the groups that lead, whose episode began since, latest first."""
        wanted = (
            select(alert_group)
            .where(alert_group.c.do == do.value, alert_group.c.began_at_us >= to_us(since), alert_group.c.lead == "")
            .order_by(alert_group.c.began_at_us.desc(), alert_group.c.key)
            .limit(_MOST)
        )
        return [_group(row) for row in opened(tx).connection.execute(wanted).mappings()]

    def proposed(self, tx: Tx) -> list[AlertGroup]:
        """Give the groups that fire and are proposed, and on no incident, latest first."""
        table = alert_group.c
        wanted = (
            select(alert_group)
            .where(table.do == Do.PROPOSE.value, table.proposed == 1, table.firing > 0, table.incident_id == "")
            .order_by(table.began_at_us.desc(), table.key)
            .limit(_MOST)
        )
        return [_group(row) for row in opened(tx).connection.execute(wanted).mappings()]


def _row(group: AlertGroup) -> dict[str, Any]:
    return {
        "key": group.key,
        "sender": group.sender.value,
        "service": storable(group.service),
        "severity": group.severity.value,
        "do": group.do.value,
        "title": storable(group.title),
        "link": group.link,
        "starts_at_us": to_us(group.starts_at),
        "began_at_us": to_us(group.began_at),
        "changed_at_us": to_us(group.changed_at),
        "lead": group.lead,
        "opener": group.opener,
        "incident_id": group.incident_id,
        "proposed": int(group.proposed),
        "firing": group.firing,
        "fired": group.fired,
        "resolved": group.resolved,
        "told": group.told,
        "told_at_us": us(group.told_at),
    }


def _group(row: RowMapping) -> AlertGroup:
    return AlertGroup(
        key=row["key"],
        sender=Sender(row["sender"]),
        service=row["service"],
        severity=Severity(row["severity"]),
        do=Do(row["do"]),
        title=row["title"],
        link=row["link"],
        starts_at=from_us(row["starts_at_us"]),
        began_at=from_us(row["began_at_us"]),
        changed_at=from_us(row["changed_at_us"]),
        lead=row["lead"],
        opener=row["opener"],
        incident_id=row["incident_id"],
        proposed=bool(row["proposed"]),
        firing=row["firing"],
        fired=row["fired"],
        resolved=row["resolved"],
        told=row["told"],
        told_at=moment(row["told_at_us"]),
    )


def _member(row: RowMapping) -> Member:
    return Member(
        fingerprint=row["fingerprint"],
        name=row["name"],
        summary=row["summary"],
        link=row["link"],
        firing=bool(row["firing"]),
        starts_at=from_us(row["starts_at_us"]),
        changed_at=from_us(row["changed_at_us"]),
    )

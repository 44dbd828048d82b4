"""The timelines in SQL, and the listing of incidents that is written with them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, and_, bindparam, func, insert, select, update

from bot.adapters.sql.listing import LISTED, audited_of, fits, hidden, incident_of, listed, outcomes_of, row_of
from bot.adapters.sql.naming import name, naming_of
from bot.adapters.sql.tables import ABOUT_ACTIONS, ENDED_DRILLS, OF_HOUSE, PRIVATE, STILL_OPEN, entry, incident
from bot.adapters.sql.tx import SqlTx, lock, opened
from bot.domain.audit_log import Question
from bot.domain.errors import IncidentNotFound
from bot.domain.incident import ENDED, Incident, Seen, fold
from bot.domain.outcomes import Outcome
from bot.domain.timeline import HOUSE, Author, Draft, Entry, Head, Kind, link, to_us
from bot.ports import LISTING, Listed, Selection, Tx

_OPEN = insert(incident)
_ADD = insert(entry)
_LAST = select(entry).where(entry.c.incident_id == bindparam("chain")).order_by(entry.c.seq.desc()).limit(1)
_ENTRIES = (
    select(entry)
    .where(entry.c.incident_id == bindparam("chain"), entry.c.seq > bindparam("after"))
    .order_by(entry.c.seq)
)
_EVERY = select(entry).order_by(entry.c.incident_id, entry.c.seq).execution_options(yield_per=500)
_LISTED_ONE = select(incident).where(incident.c.id == bindparam("incident_id"))
_PRIVATE = select(incident.c.id, incident.c.people).where(PRIVATE).order_by(incident.c.number.desc())
_ACTIONS = (
    select(entry)
    .join(incident, incident.c.id == entry.c.incident_id)
    .where(ABOUT_ACTIONS, incident.c.private == 0)
    .order_by(entry.c.incident_id, entry.c.seq)
)
_DRILLS = (
    select(entry)
    .join(incident, incident.c.id == entry.c.incident_id)
    .where(ENDED_DRILLS, incident.c.private == 0)
    .order_by(entry.c.at_us)
)


class SqlTimeline:
    """Every chain in one table; a row, once written, stays."""

    def open(self, tx: Tx, draft: Draft, author: Author, now: datetime) -> str:
        """Begin a new incident with its opening entry; give its id (`INC-7`)."""
        sql = opened(tx)
        lock(sql, "incident numbers")
        number = (sql.connection.scalar(select(func.max(incident.c.number))) or 0) + 1
        incident_id = f"INC-{number}"
        chain = _chain(incident_id, None, [draft], author, now)
        sql.connection.execute(_OPEN, row_of(fold(chain)))
        sql.topics.add(LISTING)
        _add(sql, incident_id, chain)
        return incident_id

    def append(self, tx: Tx, incident_id: str, drafts: Sequence[Draft], author: Author, now: datetime) -> None:
        """Add entries to the end of a chain, in order.

        :raises IncidentNotFound: there is no such incident to add to.
        """
        if not drafts:
            return
        sql = opened(tx)
        lock(sql, f"chain {incident_id}")
        last = _last(sql, incident_id)
        if last is None and incident_id != HOUSE:
            raise _unknown(incident_id)
        chain = _chain(incident_id, last, drafts, author, now)
        _add(sql, incident_id, chain)
        changes = [added for added in chain if added.kind in LISTED]
        if changes and incident_id != HOUSE:
            _list(sql, fold(changes, incident_of(_row(sql, incident_id))))

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        """Give the entries of a chain with `seq` > `after`, in order."""
        found = opened(tx).connection.execute(_ENTRIES, {"chain": incident_id, "after": after})
        return [Entry(*row) for row in found]

    def of_house(self, tx: Tx, run_ids: Collection[str]) -> list[Entry]:
        """Give what these runs have put on the house's timeline, in order."""
        told = select(entry).where(OF_HOUSE, entry.c.run_id.in_(run_ids)).order_by(entry.c.seq)
        return [Entry(*row) for row in opened(tx).connection.execute(told)]

    def walk(self, tx: Tx) -> Iterator[Entry]:
        """Give every entry there is, chain by chain in order, holding only a few at a time."""
        return (Entry(*row) for row in opened(tx).connection.execute(_EVERY))

    def actions(self, tx: Tx) -> list[Entry]:
        """Give the entries about action items of every incident that is not private, chain by chain in order."""
        return [Entry(*row) for row in opened(tx).connection.execute(_ACTIONS)]

    def drills(self, tx: Tx) -> list[Entry]:
        """Give the entries that ended a drill, of every incident that is not private, oldest first."""
        return [Entry(*row) for row in opened(tx).connection.execute(_DRILLS)]

    def incidents(self, tx: Tx, *, ended: bool = False, limit: int = 50, private: bool = False) -> list[Listed]:
        """Give the latest incidents first, closed and resolved ones only if `ended`, private ones only if `private`."""
        wanted = select(incident).order_by(incident.c.number.desc()).limit(limit)
        if not private:
            wanted = wanted.where(incident.c.private == 0)
        if not ended:
            wanted = wanted.where(STILL_OPEN)
        return [listed(row) for row in opened(tx).connection.execute(wanted).mappings()]

    def private(self, tx: Tx) -> Sequence[Seen]:
        """Give every private incident, the latest first: who may know of it is for whoever asks to decide."""
        return [hidden(*row) for row in opened(tx).connection.execute(_PRIVATE)]

    def find(self, tx: Tx, selection: Selection) -> list[Listed]:
        """Give a page of a selection, the latest incidents first."""
        number = incident.c.number
        wanted = select(incident).where(fits(selection)).limit(selection.limit)
        if selection.after:
            wanted = wanted.where(number > selection.after).order_by(number)
        elif selection.before:
            wanted = wanted.where(number < selection.before).order_by(number.desc())
        else:
            wanted = wanted.order_by(number.desc())
        rows = [listed(row) for row in opened(tx).connection.execute(wanted).mappings()]
        return rows[::-1] if selection.after else rows

    def count(self, tx: Tx, selection: Selection) -> int:
        """Tell how many incidents are in a selection, on all of its pages."""
        wanted = select(func.count()).select_from(incident).where(fits(selection))
        return opened(tx).connection.scalar(wanted) or 0

    def outcomes(self, tx: Tx, selection: Selection) -> list[Outcome]:
        """Give how each incident of a selection went, on all of its pages; of those that count."""
        return list(map(Outcome._make, opened(tx).connection.execute(outcomes_of(selection)).fetchall()))

    def audited(self, tx: Tx, question: Question) -> list[Entry]:
        """Give a page of what the audit log shows, the latest first."""
        return [Entry(*row) for row in opened(tx).connection.execute(audited_of(question))]

    def listed(self, tx: Tx, incident_id: str) -> Listed:
        """Give the row of one incident.

        :raises IncidentNotFound: there is no such incident.
        """
        return listed(_row(opened(tx), incident_id))

    def incident_of(self, tx: Tx, channel: str, team: str = "") -> str:
        """Give the id of the incident whose channel this is, or "".

        `team` is the channel's workspace; one that is not known, here or of the incident, may be any.
        """
        wanted = select(incident.c.id).where(incident.c.channel == channel, incident.c.channel != "")
        if team:
            wanted = wanted.where(incident.c.team.in_(("", team)))
        surest = (incident.c.team == team).desc(), incident.c.number.desc()
        return opened(tx).connection.scalar(wanted.order_by(*surest).limit(1)) or ""

    def naming(self, tx: Tx, sha256: str) -> list[str]:
        """Give the ids of the incidents that name an artifact, or whose runs do, those that are not private first."""
        return naming_of(opened(tx), sha256)

    def chains(self, tx: Tx) -> list[str]:
        """Name every chain there is, the house's first, incidents by number."""
        names = opened(tx).connection.scalars(select(entry.c.incident_id).distinct()).all()
        return sorted(names, key=lambda name: (len(name) if name != HOUSE else 0, name))

    def heads(self, tx: Tx, only: str = "") -> dict[str, Head]:
        """Give the last entry's number and hash of every chain, or of one."""
        last = select(entry.c.incident_id, func.max(entry.c.seq).label("seq")).group_by(entry.c.incident_id)
        if only:
            last = last.where(entry.c.incident_id == only)
        ends = last.subquery()
        is_last = and_(entry.c.incident_id == ends.c.incident_id, entry.c.seq == ends.c.seq)
        rows = opened(tx).connection.execute(select(entry.c.incident_id, entry.c.seq, entry.c.hash).join(ends, is_last))
        return {row.incident_id: Head(row.seq, row.hash) for row in rows}

    def blank(self, tx: Tx, incident_id: str, seq: int) -> None:
        """Take the body out of an entry for ever; the chain stays whole. Blanking it again changes nothing."""
        sql = opened(tx)
        wanted = (entry.c.incident_id == incident_id, entry.c.seq == seq)
        kind = sql.connection.scalar(select(entry.c.kind).where(*wanted))
        sql.connection.execute(update(entry).where(*wanted).values(body=None))
        if kind in LISTED and incident_id != HOUSE:  # the row repeats what it said
            _list(sql, fold(self.entries(tx, incident_id)))
        sql.topics.add(f"incident:{incident_id}")

    def outlived(self, tx: Tx, kinds: Sequence[str], ended_before: datetime) -> list[tuple[str, int]]:
        """Give chain and number of entries of these kinds that have a body still, if their incident ended before."""
        changed = select(entry.c.incident_id, func.max(entry.c.at_us).label("at_us")).where(
            entry.c.kind == Kind.STATUS_SET.value
        )
        ended = changed.group_by(entry.c.incident_id).subquery()
        wanted = (
            select(entry.c.incident_id, entry.c.seq)
            .join(incident, incident.c.id == entry.c.incident_id)
            .join(ended, ended.c.incident_id == entry.c.incident_id)
            .where(entry.c.kind.in_(kinds), entry.c.body.is_not(None))
            .where(incident.c.status.in_(ENDED), ended.c.at_us < to_us(ended_before))
            .order_by(incident.c.number, entry.c.seq)
        )
        return [(row.incident_id, row.seq) for row in opened(tx).connection.execute(wanted)]


def _unknown(incident_id: str) -> IncidentNotFound:
    return IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")


def _last(sql: SqlTx, incident_id: str) -> Entry | None:
    row = sql.connection.execute(_LAST, {"chain": incident_id}).one_or_none()
    return Entry(*row) if row else None


def _chain(incident_id: str, last: Entry | None, drafts: Sequence[Draft], author: Author, now: datetime) -> list[Entry]:
    added: list[Entry] = []
    for draft in drafts:
        last = link(incident_id, last, draft, author, now)
        added.append(last)
    return added


def _add(sql: SqlTx, incident_id: str, added: Sequence[Entry]) -> None:
    sql.connection.execute(_ADD, [dict(vars(row)) for row in added])
    name(sql, incident_id, [row.body for row in added])
    sql.topics.add(f"incident:{incident_id}")


def _row(sql: SqlTx, incident_id: str) -> RowMapping:
    row = sql.connection.execute(_LISTED_ONE, {"incident_id": incident_id}).mappings().one_or_none()
    if row is None:
        raise _unknown(incident_id)
    return row


def _list(sql: SqlTx, it: Incident) -> None:
    sql.connection.execute(update(incident).where(incident.c.id == it.id).values(row_of(it)))
    sql.topics.add(LISTING)

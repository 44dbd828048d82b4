"""`firstfive verify`: every timeline against itself, and against the anchors outside the database."""

from itertools import groupby
from pathlib import Path

from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain import anchor
from bot.domain.anchor import Anchored
from bot.domain.bundle import read_timeline
from bot.domain.errors import CommandRejected
from bot.domain.timeline import HOUSE, Audit, verify
from bot.ports import Tx
from bot.settings import Settings
from bot.wiring import kept


async def verify_chains(settings: Settings) -> tuple[list[Audit], Anchored]:
    """Check every timeline, by itself and against the anchors.

    :raises StoreUnusable: the database or the anchors cannot be read.
    """
    store, timeline = SqlStore(settings.database_url), SqlTimeline()
    log = anchor.read(await kept(settings)[1].lines())

    def audit(tx: Tx) -> list[Audit]:
        chains = groupby(timeline.walk(tx), key=lambda entry: entry.incident_id)
        return sorted((anchor.audit(chain, entries, log) for chain, entries in chains), key=_by_number)

    try:
        audits = await store.read(audit)
    finally:
        await store.close()
    return audits + anchor.vanished((each.incident_id for each in audits), log), log


def _by_number(audit: Audit) -> tuple[int, str]:
    """Order the house's first, then incidents."""
    return len(audit.incident_id) if audit.incident_id != HOUSE else 0, audit.incident_id


def verify_file(file: Path) -> Audit:
    """Check the timeline of a bundle.

    :raises CommandRejected: it is none.
    """
    try:
        entries = read_timeline(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandRejected(f"{file}: {error}.") from None
    return verify(entries[0].incident_id if entries else "nothing", entries)

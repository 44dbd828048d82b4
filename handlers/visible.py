"""What pages and the API may show: they cannot tell who reads, so nothing of a private incident."""

from bot.domain.incident import fold
from bot.domain.run import Run
from bot.domain.timeline import Entry
from bot.engine.ports import Ports
from bot.ports import Tx


def visible_entries(ports: Ports, tx: Tx, incident_id: str) -> list[Entry]:
    """Give the timeline of an incident; none when there is no such incident, or it is private."""
    entries = ports.timeline.entries(tx, incident_id)
    return entries if entries and not fold(entries).private else []


def visible_run(ports: Ports, tx: Tx, run_id: str) -> Run | None:
    """Give a run, unless it is about a private incident, or is to open one."""
    run = ports.journal.get(tx, run_id)
    if run is None or run.plan.params.get("private"):
        return None
    entries = ports.timeline.entries(tx, run.incident_id) if run.incident_id else []
    return None if entries and fold(entries).private else run

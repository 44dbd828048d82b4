"""Blank the words of incidents that ended long ago, as the configuration says."""

from datetime import timedelta
from itertools import groupby

from bot.engine import Kind, Params, Playbook, Reply, Tools


class Retention(Params):
    """Nothing to say: only the configuration knows after how many days, so that nobody can shorten it in a chat."""


playbook = Playbook("retention", "Blank the notes and updates of incidents that ended long ago.", Retention)

_WORDS = (Kind.NOTE, Kind.UPDATE, Kind.ASKED)


# Not a mutating step: it asks nobody, since whoever configured `retention.days` has decided.
@playbook.step("Blank what is too old")
async def blank(tools: Tools, params: Retention) -> Reply:  # noqa: ARG001 - every step takes its params
    """Go from incident to incident; one that is done is not done again, as its words are gone."""
    days = tools.catalog.retention_days
    if not days:
        return Reply("Everything is kept: `retention.days` is 0.")
    before = tools.now() - timedelta(days=days)
    timeline = tools.ports.timeline
    outlived = await tools.ports.store.read(lambda tx: timeline.outlived(tx, _WORDS, before))
    reason = f"kept for {days} days after the end"
    for incident_id, found in groupby(outlived, key=lambda each: each[0]):
        effect = tools.blanking(incident_id, [seq for _, seq in found], reason=reason, approved_by="")
        await tools.commit(f"blanked:{incident_id}", "true", effect)
    incidents = len({incident_id for incident_id, _ in outlived})
    return Reply(f"Blanked {len(outlived)} entries of {incidents} incidents that ended more than {days} days ago.")

"""Blank the words of incidents that ended long ago, and forget old runs, as the configuration says; and who is out.

Sessions go as they are over. A token that ended or was revoked stays for a month, so that whoever made it still sees
why their script is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from bot.engine import Kind, Params, Playbook, Reply, Tools


class Retention(Params):
    """Nothing to say: only the configuration knows after how many days, so that nobody can shorten it in a chat."""


@dataclass(frozen=True)
class Blanked:
    """What was blanked, in words."""

    said: str


playbook = Playbook("retention", "Blank old notes and updates, delete old runs.", Retention, quiet=True)

_WORDS = (Kind.NOTE, Kind.UPDATE, Kind.ASKED, Kind.MESSAGE, Kind.MESSAGE_EDITED)
# A transaction of so many takes some 10 ms, which is what a command may have to wait for.
_AT_ONCE = 100
_MOST = 5_000
_TOKENS_STAY = timedelta(days=30)


# Not a mutating step: it asks nobody, since whoever configured `retention` has decided.
@playbook.step("Blank what is too old")
async def blank(tools: Tools, params: Retention) -> Blanked:  # noqa: ARG001 - every step takes its params
    """Go from incident to incident; one that is done is not done again."""
    days = tools.catalog.retention_days
    if not days:
        return Blanked("Every word is kept: `retention.days` is 0.")
    before = tools.now() - timedelta(days=days)
    timeline = tools.ports.timeline

    async def find() -> list[tuple[str, int]]:
        return await tools.ports.store.read(lambda tx: timeline.outlived(tx, _WORDS, before))

    outlived = await tools.once("outlived", list[tuple[str, int]], find)
    reason = f"kept for {days} days after the end"
    for incident_id, found in groupby(outlived, key=lambda each: each[0]):
        effect = tools.blanking(incident_id, [seq for _, seq in found], reason=reason, approved_by="")
        await tools.apply(f"blanked:{incident_id}", effect)
    incidents = len({incident_id for incident_id, _ in outlived})
    return Blanked(f"Blanked {len(outlived)} entries of {incidents} incidents that ended more than {days} days ago.")


@playbook.step("Delete old runs, sessions and tokens")
async def forget(tools: Tools, params: Retention, blanked: Blanked) -> Reply:  # noqa: ARG001 - see above
    """Delete in small transactions, so that nobody waits for them; what is left of a huge heap goes the next night."""
    ports, now, days = tools.ports, tools.now(), tools.catalog.runs_days
    await _emptied(tools, lambda tx: ports.sessions.prune(tx, now, _AT_ONCE))
    await _emptied(tools, lambda tx: ports.tokens.prune(tx, now - _TOKENS_STAY, _AT_ONCE))
    if not days:
        return Reply(f"{blanked.said} Every run is kept: `retention.runs_days` is 0.")
    await _emptied(tools, lambda tx: ports.journal.prune(tx, now - timedelta(days=days), _AT_ONCE))
    return Reply(f"{blanked.said} Runs and answers older than {days} days that no timeline names are deleted.")


async def _emptied(tools: Tools, prune: Callable[[Any], int]) -> None:
    """Delete until nothing is left, or it is enough for one night."""
    for _ in range(_MOST):
        if not await tools.ports.store.write(prune):
            break

"""Drills the bot itself: the replica that executes this very run is lost in the middle of it, and another goes on."""

from functools import partial

from bot.domain.draining import Found, Left, goes_on, told
from bot.domain.errors import CommandRejected, RunFailed
from bot.domain.run import RunStatus
from bot.domain.timeline import HOUSE
from bot.engine.tools import Tools
from bot.ports import Tx

_TIMELINES = 50


async def may_drain(tools: Tools) -> None:
    """Refuse where nothing is a lab, so where nobody drills; and while an incident needs the bot.

    :raises CommandRejected: says why.
    """
    if not any(service.lab for service in tools.catalog.services):
        raise CommandRejected("No service is a lab: where nobody drills, the bot is not lost on purpose either.")
    real = [row for row in await tools.incidents(limit=_TIMELINES) if not row.drill]
    if real:
        raise CommandRejected(f"{real[0].id} is open and needs the bot. Drain it when nothing is.")


async def drain(tools: Tools) -> str:
    """Be lost at once, as if killed; whoever takes the run over says after how long, and whether all is there.

    :raises RunFailed: this process cannot be lost, or something was.
    """
    left = await tools.once("left", Left, partial(_leave, tools))
    if left.replica == tools.ports.replica.name:
        stays = tools.ports.replica.lose()
        raise RunFailed(f"Nothing was drilled: {stays.reason}.")
    found = await tools.once("found", Found, partial(_find, tools, left))
    if found.lost:
        raise RunFailed(f"{found.replica} took over from {left.replica}, and this is lost: {', '.join(found.lost)}.")
    return told(left, found)


async def _leave(tools: Tools) -> Left:
    timeline, journal, now = tools.ports.timeline, tools.ports.journal, tools.now()

    def look(tx: Tx) -> Left:
        chains = [HOUSE, *(row.id for row in timeline.incidents(tx, limit=_TIMELINES, private=True))]
        heads = {chain: head for chain in chains for head in timeline.heads(tx, chain).values()}
        runs = journal.due(tx, now, [RunStatus.QUEUED, RunStatus.RUNNING])
        others = tuple(run_id for run_id in runs if run_id != tools.run_id)
        return Left(tools.ports.replica.name, now, others, heads)

    return await tools.ports.store.read(look)


async def _find(tools: Tools, left: Left) -> Found:
    timeline, journal, name = tools.ports.timeline, tools.ports.journal, tools.ports.replica.name
    at = tools.now()

    def look(tx: Tx) -> Found:
        rows = {run_id: journal.get(tx, run_id) for run_id in left.runs}
        runs = {run_id: row.status if row else None for run_id, row in rows.items()}
        broken = [
            chain
            for chain, head in left.heads.items()
            if not goes_on(head, timeline.entries(tx, chain, after=head.seq - 1))
        ]
        return Found(name, at, runs, tuple(broken))

    return await tools.ports.store.read(look)

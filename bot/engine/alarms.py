"""What the playbooks for alerts do to a group: take it for an incident, tell its news, propose it."""

from dataclasses import dataclass, replace

from bot.domain import alert_groups
from bot.domain.alert_groups import AlertGroup
from bot.domain.errors import CommandRejected
from bot.domain.incident import Status
from bot.domain.timeline import HOUSE, Author
from bot.engine.tools import Tools
from bot.ports import Tx

_OVER = {Status.RESOLVED, Status.CLOSED}


@dataclass(frozen=True)
class Claim:
    """Whether this run is to open the group's incident; if not, `incident_id` has it, or another run will."""

    group: AlertGroup
    ours: bool


async def claim(tools: Tools, key: str) -> Claim:
    """Take a group for this run, unless its incident is there, or another run opens it; safe to repeat.

    :raises CommandRejected: there is no such group.
    """

    def act(tx: Tx) -> Claim:
        alerts = tools.ports.alerts
        alerts.lock(tx)
        group = _lead(tools, tx, key)
        if group.opener == tools.run_id or not _is_free(tools, tx, group):
            return Claim(group, ours=group.opener == tools.run_id)
        if group.incident_id:
            group = alert_groups.reopen(group, alerts.members(tx, group.key).values())
        group = replace(group, opener=tools.run_id)
        alerts.keep(tx, group)
        return Claim(group, ours=True)

    return await tools.ports.store.write(act)


async def settle(tools: Tools, key: str, incident_id: str) -> None:
    """Say which incident this run has opened for a group; from now on the run is about that incident."""

    def act(tx: Tx) -> None:
        alerts = tools.ports.alerts
        alerts.lock(tx)
        group = _lead(tools, tx, key)
        tools.ports.journal.bind(tx, tools.run_row, incident_id)
        if group.opener == tools.run_id and not group.incident_id:
            alerts.keep(tx, replace(group, incident_id=incident_id))

    await tools.ports.store.write(act)
    tools.run_row = replace(tools.run_row, incident_id=incident_id)


def tell(tools: Tools, key: str) -> None:
    """Tell the group's incident the news, together with the step's result."""

    def act(tx: Tx) -> None:
        alerts = tools.ports.alerts
        alerts.lock(tx)
        group = _lead(tools, tx, key)
        drafts = alert_groups.tell(group, alerts.members(tx, group.key).values()) if group.incident_id else []
        if drafts:
            told = replace(group, fired=0, resolved=0, told=group.told + 1, told_at=tools.now())
            alerts.keep(tx, told)
            tools.ports.timeline.append(tx, group.incident_id, drafts, _author(tools), tools.now())
            # The timeline names this run now, which so belongs to the incident as long as that is kept.
            tools.ports.journal.bind(tx, tools.run_row, group.incident_id)

    tools.also(act)


def propose(tools: Tools, key: str) -> None:
    """Tell the house's timeline how a proposal stands, together with the step's result."""

    def act(tx: Tx) -> None:
        alerts = tools.ports.alerts
        alerts.lock(tx)
        group = _lead(tools, tx, key)
        if group.opener and not group.incident_id:
            return
        if not group.incident_id:
            group = replace(group, proposed=True, told=group.told + 1, told_at=tools.now())
            alerts.keep(tx, group)
        tools.ports.timeline.append(tx, HOUSE, [alert_groups.propose(group)], _author(tools), tools.now())

    tools.also(act)


async def group_of(tools: Tools, key: str) -> AlertGroup:
    """Give a group as it stands.

    :raises CommandRejected: there is no such group.
    """
    return await tools.ports.store.read(lambda tx: _lead(tools, tx, key))


async def proposals(tools: Tools) -> list[AlertGroup]:
    """Give what alerts propose now."""
    return await tools.ports.store.read(tools.ports.alerts.proposed)


def _lead(tools: Tools, tx: Tx, key: str) -> AlertGroup:
    alerts = tools.ports.alerts
    group = alerts.group(tx, key)
    if group is not None and group.lead:
        group = alerts.group(tx, group.lead)
    if group is None:
        raise CommandRejected(f"There are no alerts of a group `{key[:40]}`. `/incident list` shows what they propose.")
    return group


def _is_free(tools: Tools, tx: Tx, group: AlertGroup) -> bool:
    """Tell whether a group has no incident that could be meant, and nobody opens one."""
    if group.incident_id:
        status = tools.ports.timeline.listed(tx, group.incident_id).status
        return status in _OVER and group.firing > 0
    opener = tools.ports.journal.get(tx, group.opener) if group.opener else None
    return opener is None or opener.status.ended


def _author(tools: Tools) -> Author:
    return Author(tools.actor, tools.run_id, tools.step)

"""Propose an incident for a group of alerts that is not bad enough to open one by itself."""

from dataclasses import dataclass
from datetime import timedelta

from bot.engine import AlertGroup, Choice, Keyed, Params, Playbook, Reply, Tools, alerts_of, propose_alerts

_TRIED_FOR = timedelta(minutes=30)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


class Propose(Params):
    """Which group of alerts."""

    group: Keyed


@dataclass(frozen=True)
class Proposed:
    """Which proposal it is: the group, in this episode."""

    episode: str


playbook = Playbook("propose", "Propose an incident for a group of alerts.", Propose, quiet=True)


@playbook.step("Write it down")
async def write(tools: Tools, params: Propose) -> Proposed:
    """Tell the timeline where the proposal stands."""
    group = await alerts_of(tools, params.group)
    propose_alerts(tools, params.group)
    return Proposed(group.episode)


@playbook.step("Show it")
async def show(tools: Tools, params: Propose, proposed: Proposed) -> Reply:
    """Show it where incidents are announced, as it stands by then; the message of a proposal is one, and changes."""
    until, wait_s, channel = tools.now() + _TRIED_FOR, _FIRST_WAIT_S, tools.catalog.announcements
    while True:
        group = await alerts_of(tools, params.group)
        reply = _reply(group)
        if not channel or group.episode != proposed.episode:
            return reply
        posted = await tools.ports.poster.show(channel, reply, f"proposal:{group.episode}")
        if posted.ok or not posted.again or tools.now() >= until:
            return reply
        await tools.pause(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _reply(group: AlertGroup) -> Reply:
    what = f"{group.severity.value} {group.title}"
    where = f" on {group.service}" if group.service else ""
    link = f"\n{group.link}" if group.link else ""
    if group.incident_id:
        return Reply(f"*{group.incident_id}* was opened for what {group.sender.person.name} reported: {what}{where}.")
    if not group.firing:
        return Reply(f"Resolved by itself: {what}{where}.{link}")
    firing = "1 alert fires" if group.firing == 1 else f"{group.firing} alerts fire"
    return Reply(
        f"*{group.sender.person.name} proposes an incident:* {what}{where}; {firing}.{link}",
        (Choice("Open an incident", f"alert group={group.key}"),),
    )

"""What the gate turns away before it looks at it: what cannot be read is denied too, and recorded."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.deploys import GATE, Deploy
from bot.domain.gate.evidence import Objection
from bot.engine.deploys import record_decided
from bot.engine.gating import say_denied
from bot.engine.tools import Tools

TOLD_AGAIN = timedelta(minutes=5)
"""So long people are not told of the same again: whoever sends rubbish all day must not fill a channel with it."""


@dataclass(frozen=True)
class TurnedAway:
    """What was turned away, and whether people are told: not of the same every time. `name` is as people read it."""

    name: str
    reason: str
    tells: bool


async def turn_away(tools: Tools, deploy: Deploy, digest: str, objection: Objection) -> TurnedAway:
    """Record a denial of what could not be looked at; `deploy` has "" for what could not be read of it."""
    holder = await tools.hold(f"turned away:{deploy.service}:{objection.obstacle}", TOLD_AGAIN.total_seconds())
    away = TurnedAway(f"{deploy.service} {deploy.release}".strip(), str(objection), tells=holder == tools.run_id)
    # Without its artifact it is nothing that two people could let through.
    denied = Deploy(deploy.service, deploy.release, deploy.at, deploy.by, deploy.commit, GATE, denied=(objection,))
    record_decided(tools, denied, aloud=away.tells, digest=digest, reasons=[away.reason], evidence="")
    return away


async def tell_turned_away(tools: Tools, away: TurnedAway, service: str) -> None:
    """Tell the channel of the service, or of announcements where nobody knows which service it was."""
    if away.tells:
        minutes = TOLD_AGAIN.total_seconds() // 60
        more = f"More of the same within {minutes:.0f} minutes is on the timeline alone."
        text = f"*{away.name or 'A deploy'} was not deployed*: the gate could not look at what it was sent.\n"
        known = tools.catalog.service(service)
        policy = known.gate if known else None
        await say_denied(tools, policy, away.name or "a deploy", f"{text}• {away.reason}\n{more}")

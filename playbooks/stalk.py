"""Let a team's digest be posted only when something has changed, or every time again."""

from enum import StrEnum

from bot.engine import Params, Playbook, Reply, TeamName, Tools, stalk_key


class Switch(StrEnum):
    """Only on change, or every time."""

    ON = "on"
    OFF = "off"


class Stalk(Params):
    """On or off, and for which team; left out, this says how it is."""

    switch: Switch | None = None
    team: TeamName = ""


playbook = Playbook("stalk", "Post a team's digest only when something changed.", Stalk)


@playbook.step("Switch it")
async def switch(tools: Tools, params: Stalk) -> Reply:
    """Keep what was said; it counts from the next digest on, and over the configuration."""
    plan = tools.digest_plan(params.team)
    key, said = stalk_key(plan.team), params.switch
    if said is None:
        kept = await tools.recall(key, bool)
        said = Switch.ON if (plan.stalk if kept is None else kept) else Switch.OFF
    else:
        tools.keep(key, bool, said is Switch.ON)
    when = "only when something changed" if said is Switch.ON else "every time"
    return Reply(f"The digest of {plan.team} is posted {when}.")

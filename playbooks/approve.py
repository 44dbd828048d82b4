"""Agree to what somebody else has asked for."""

from bot.engine import Decision, Keyed, Params, Playbook, Reply, Tools, press


class Approve(Params):
    """The run that waits, if several do; and the plan that you saw, which a button names."""

    run: Keyed = ""
    plan: Keyed = ""


playbook = Playbook("approve", "Agree to what somebody else has asked for.", Approve)


@playbook.step("Approve")
async def approve(tools: Tools, params: Approve) -> Reply:
    """Put the decision on the timeline; the run that waits goes on."""
    asked = await press(tools, params.run, params.plan, Decision.APPROVED)
    return Reply(f"You approved `{asked.words}`; it goes on.")

"""Turn down what somebody has asked for."""

from bot.engine import Decision, Keyed, Params, Playbook, Reply, Rest, Tools, press


class Refuse(Params):
    """The run that waits, if several do, the plan that you saw, and why not."""

    run: Keyed = ""
    plan: Keyed = ""
    reason: Rest = ""


playbook = Playbook("refuse", "Turn down what somebody has asked for.", Refuse)


@playbook.step("Refuse")
async def refuse(tools: Tools, params: Refuse) -> Reply:
    """Put the decision on the timeline; the run that waits ends."""
    asked = await press(tools, params.run, params.plan, Decision.REFUSED, params.reason)
    return Reply(f"You refused `{asked.words}`; nothing is changed.")

"""Let a plan that waits go on without a second person, and answer for it."""

from bot.engine import Decision, Field, Keyed, Params, Playbook, Reply, Rest, Tools, press


class BreakGlass(Params):
    """The run that waits, if several do; the plan that you saw, which a button names; and why it cannot wait."""

    run: Keyed = ""
    plan: Keyed = ""
    reason: Rest = Field(
        title="Why can it not wait?", description="Goes on the timeline and to whoever is on call, with your name"
    )


playbook = Playbook(
    "break-glass",
    "Do alone what waits for a second person: with a reason, and a page.",
    BreakGlass,
    form="Break the glass",
)


@playbook.step("Break the glass")
async def break_glass(tools: Tools, params: BreakGlass) -> Reply:
    """Put the decision on the timeline; the run that waits goes on, and whoever is on call is paged."""
    asked = await press(tools, params.run, params.plan, Decision.ALONE, params.reason)
    return Reply(f"You let `{asked.words}` through alone; it goes on, and whoever is on call is told.")

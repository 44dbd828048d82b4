"""Let a deploy through that the gate has denied, once, as two people agree."""

from bot.engine import (
    Danger,
    Field,
    Params,
    Playbook,
    Reply,
    Rest,
    ServiceName,
    Tools,
    gates,
)


class OverrideGate(Params):
    """Which release of a service that was denied, and why it cannot wait."""

    service: ServiceName
    release: gates.ReleaseWord
    reason: Rest = Field(title="Why?")


playbook = Playbook(
    "override", "Let a denied deploy through, once, when a second person agrees.", OverrideGate, approvals=1
)


@playbook.step("Why it was denied")
async def show(tools: Tools, params: OverrideGate) -> gates.Denial:
    """Say what was objected to: that, and nothing else, is what a second person agrees to."""
    denial = await gates.last_denial(tools, tools.service(params.service), params.release)
    name = f"{params.service} {params.release}"
    text = f"*{tools.actor.name} asks to deploy {name} all the same*: {params.reason}\n{denial.summary}"
    await gates.ask_where_people_are(tools, text, "override")
    return denial


@playbook.step("Let it through", danger=Danger.MUTATING)
async def let(tools: Tools, params: OverrideGate, denial: gates.Denial) -> Reply:
    """Keep it for whoever asks the gate next, and tell it."""
    override = gates.let_through(tools, tools.service(params.service), denial, params.reason)
    return Reply(
        f"{params.release} of {params.service} may be deployed once until {override.until:%H:%M} UTC, agreed by "
        f"{override.by} and {override.approved_by}. Ask the gate again: another artifact, or another objection, is "
        f"denied as before."
    )

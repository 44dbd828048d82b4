"""Take a rollback back: the router does again what it did before."""

from bot.engine import (
    CommandRejected,
    Course,
    Danger,
    Field,
    Keyed,
    Missing,
    Params,
    Playbook,
    Reply,
    Rest,
    ServiceName,
    Tools,
    change_traffic,
    concern,
    last_change,
    plan_traffic,
    set_traffic,
)


class Restore(Params):
    """Of which service (the incident's, if left out), and why. `veto`: what FirstFive did by itself in that run."""

    service: ServiceName = ""
    veto: Keyed = ""
    reason: Rest = Field("", title="Why?")


playbook = Playbook("restore", "Take a rollback back, when a second person agrees.", Restore, approvals=1)


@playbook.gate
async def place(tools: Tools, params: Restore) -> None:
    """Find the incident that it belongs to, so that a second person is asked where people are."""
    await concern(tools, params.service, "Restore of {}")


@playbook.alone
async def is_veto(tools: Tools, params: Restore) -> bool:
    """Let one person undo what FirstFive did by itself, and nothing else: not what somebody has changed since."""
    service = await concern(tools, params.service, "Restore of {}")
    last, now = await last_change(tools, service), await tools.ports.router.read(service)
    if last is None or isinstance(now, Missing):
        return False
    return last.by_itself and last.run == params.veto and last.stands(now)


@playbook.step("Plan")
async def plan(tools: Tools, params: Restore) -> Course:
    """Plan the way back to what there was before FirstFive changed it."""
    service = await concern(tools, params.service, "Restore of {}")
    last = await last_change(tools, service)
    if last is None or last.restored:
        raise CommandRejected(f"FirstFive has nothing of {service.name} to take back. Nothing was changed.")
    if params.veto not in {"", last.run}:
        raise CommandRejected(f"The router of {service.name} was set again since. Look at what it does now.")
    return await plan_traffic(tools, service, last.before)


@playbook.step("Restore", danger=Danger.MUTATING)
async def restore(tools: Tools, params: Restore, course: Course) -> Reply:
    """Make the moves and read the router back, whatever it answers."""
    service = await concern(tools, params.service, "Restore of {}")
    now = await change_traffic(tools, service, course)
    already = set_traffic(tools, service, course, now, params.reason)
    return Reply(f"{service.name} is as it was before: {now.words}.{already}")

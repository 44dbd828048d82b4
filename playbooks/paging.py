"""Keep a page that was sent in step with its incident, and tell who answered it."""

from bot.engine import (
    CommandRejected,
    Keyed,
    Kind,
    Milestone,
    PageState,
    Params,
    Playbook,
    Reply,
    Status,
    Tools,
    to_us,
)

_LOOKS_OFTEN, _OFTEN_S, _SELDOM_S = 60, 10.0, 60.0
_LOOKS = 1_500
_TRIES = 5


class Paging(Params):
    """The key that the page was sent with."""

    key: Keyed


playbook = Playbook(
    "paging", "Follow a page: who answers it, and that it ends with the incident.", Paging, needs_incident=True
)


@playbook.step("Follow the page")
async def follow(tools: Tools, params: Paging) -> Reply:
    """Look for a day: whoever answers there acknowledges here, and what is said here is passed on."""
    told = [entry.facts for entry in await tools.entries() if entry.kind == Kind.ESCALATED]
    if not any(params.key in facts.get("pages", ()) for facts in told):
        raise CommandRejected("No page of this incident was sent with this key.")
    answered = ""
    for look in range(_LOOKS):
        incident = await tools.incident()
        if incident.status in {Status.RESOLVED, Status.CLOSED}:
            await _pass_on(tools, params.key, PageState.RESOLVED)
            return Reply(f"{incident.id} is {incident.status.value}, and so is its page.")
        if not answered:
            answered = await _answer(tools, params.key)
        if not answered and Milestone.ACKNOWLEDGED in incident.milestones:
            await _pass_on(tools, params.key, PageState.ACKNOWLEDGED)
            answered = "here"
        await tools.pause(_OFTEN_S if look < _LOOKS_OFTEN else _SELDOM_S)
    return Reply("The page was followed for a day; what becomes of it now is not told here.")


async def _answer(tools: Tools, key: str) -> str:
    """Put it on the timeline when somebody has answered the page; the first answer acknowledges the incident."""
    person = await tools.ports.pager.answered(key)
    if person is None:
        return ""
    where = person.id.partition(":")[0]
    await tools.publish("answered", Kind.PAGE_ANSWERED, person=person.name, how=where)
    if Milestone.ACKNOWLEDGED not in (await tools.incident()).milestones:
        at, source = to_us(tools.now()), f"{person.name}, {where}"
        milestone = Milestone.ACKNOWLEDGED.value
        await tools.publish("acknowledged", Kind.MILESTONE, milestone=milestone, at=at, source=source)
    return person.name


async def _pass_on(tools: Tools, key: str, state: PageState) -> None:
    async def tell() -> bool:
        for _ in range(_TRIES):
            if await tools.ports.pager.follow(key, state):
                return True
            await tools.pause(_SELDOM_S)
        return False

    await tools.once(state.value, bool, tell)

"""Page whoever is on call for a service, and record who was reached."""

import asyncio

from bot.engine import Keyed, Kind, OnCall, Params, Person, Playbook, Reached, Reply, Rest, ServiceName, Tools

_TRIES, _AGAIN_S = 4, 30.0


class Page(Params):
    """For which service (the incident's, if none is named), and what they are told.

    `key`: the same again disturbs nobody twice; `besides`: who knows of it already.
    """

    service: ServiceName = ""
    key: Keyed = ""
    besides: Keyed = ""
    text: Rest


playbook = Playbook("page", "Page whoever is on call.", Page, quiet=True)


@playbook.step("Page whoever is on call")
async def page(tools: Tools, params: Page) -> Reply:
    """Try each a few times; nobody is paged about what they did themselves."""
    people = await _people(tools, params)
    key = f"firstfive:{params.key or tools.run_id}"
    reached: dict[str, Reached] = {}
    for attempt in range(_TRIES):
        missing = [person for person in people if person.id not in reached or not reached[person.id].ok]
        tried = await asyncio.gather(*(_reach(tools, person, params.text, key, attempt) for person in missing))
        reached |= {each.person.id: each for each in tried}
        if attempt + 1 == _TRIES or all(each.ok for each in reached.values()):
            break
        await tools.pause(_AGAIN_S)
    rows = [{"person": r.person.name, "how": r.how, "ok": r.ok, "reason": r.reason} for r in reached.values()]
    tools.record(Kind.PAGED, service=params.service, reached=rows, text=params.text)
    return Reply(_said(list(reached.values())))


async def _people(tools: Tools, params: Page) -> list[Person]:
    """Name who is on call: by a paging service, whose people have other ids than the chat's, and by the rota."""
    incident_service = (await tools.incident()).service if tools.incident_id else ""
    service = params.service or incident_service
    rota = await tools.once("on call", OnCall, lambda: tools.ports.rota.on_call(service))
    paged = tools.ports.pager.on_call
    people = [*paged, *(person for person in rota.people if not (paged and ":" in person.id))]
    return [person for person in people if person.id != params.besides]


async def _reach(tools: Tools, person: Person, text: str, key: str, attempt: int) -> Reached:
    mine = f"{key}:{person.id}"
    return await tools.once(f"{person.id}:{attempt}", Reached, lambda: tools.ports.pager.page(person, text, mine))


def _said(reached: list[Reached]) -> str:
    good = ", ".join(f"{each.person.name} ({each.how})" for each in reached if each.ok)
    bad = ", ".join(f"{each.person.name} ({each.reason})" for each in reached if not each.ok)
    if not reached:
        return "Nobody is on call who does not know of it already. `on_call` or `[rota]` in the configuration says who."
    return " ".join(filter(None, [good and f"Paged {good}.", bad and f"Could not reach {bad}."]))

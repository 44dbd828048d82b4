"""Send marked requests through a service's front: on which track each lands, and what comes back unchanged."""

from dataclasses import dataclass

from bot.engine import (
    CommandRejected,
    Dyeing,
    Field,
    Kind,
    Missing,
    Params,
    Playbook,
    Reply,
    ServiceName,
    Tools,
    dyed_requests,
    read_dyeing,
)


class Dye(Params):
    """Which service, and how many requests go without a mark beside the marked ones."""

    service: ServiceName
    requests: int = Field(20, ge=1, le=200)


@dataclass(frozen=True)
class Shown:
    """What the requests showed."""

    dyeing: Dyeing
    summary: str


playbook = Playbook("dye", "Send marked requests, and say on which track each lands.", Dye)


@playbook.gate
async def has_front(tools: Tools, params: Dye) -> None:
    """Begin only where the address of the users is known."""
    service = tools.service(params.service)
    if service.front is None:
        raise CommandRejected(
            f"How users reach {service.name} is not configured: add [services.front] with its `url` to firstfive.toml."
        )


@playbook.step("Send marked requests")
async def send(tools: Tools, params: Dye) -> Shown:
    """Send them, beside what the router says that it does now."""
    service = tools.service(params.service)
    if service.front is None:
        raise CommandRejected(f"How users reach {service.name} is not configured any more.")
    split = await tools.ports.router.read(service) if service.route else None
    sent = dyed_requests(f"firstfive-{tools.run_id}", params.requests)
    landed = await tools.ports.fronts.send(service.front, sent)
    dyeing = read_dyeing(service.front, landed, None if isinstance(split, Missing) else split)
    tools.record(Kind.DYED, service=service.name, url=service.front.url, facts=dyeing.facts, flaws=dyeing.flaws)
    return Shown(dyeing, "; ".join(dyeing.flaws or dyeing.facts))


@playbook.step("Say what that means")
async def say(tools: Tools, params: Dye, shown: Shown) -> Reply:
    """Tell what is wrong first, then what was seen."""
    service, dyeing = tools.service(params.service), shown.dyeing
    head = "does with marked requests what it should" if not dyeing.flaws else "does not do what it should"
    lines = [f"The front of *{service.name}* {head}."]
    lines += [f"• :warning: {flaw[:1].upper()}{flaw[1:]}." for flaw in dyeing.flaws]
    lines += [f"• {fact[:1].upper()}{fact[1:]}." for fact in dyeing.facts]
    if dyeing.marked_reach_canary is False:
        lines.append("• The canary is closed: no marked request reached it.")
    return Reply("\n".join(lines))

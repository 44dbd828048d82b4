"""Hold everything that would change a service, as during a migration of its data."""

from bot.engine import Field, Params, Playbook, Reply, Rest, ServiceName, Tools, Within, span
from bot.engine import freeze as hold


class Freeze(Params):
    """Which service, why, and for how long; without a length, until it is thawed."""

    service: ServiceName
    until: Within = Field("", title="For how long?", description="30m, 2h or 1d; empty: until it is thawed")
    reason: Rest = Field(title="Why?")


playbook = Playbook("freeze", "Hold all changes of a service; only breaking the glass overrides it.", Freeze)


@playbook.step("Freeze it")
async def freeze(tools: Tools, params: Freeze) -> Reply:
    """Keep it and tell it; whoever may approve or break the glass may."""
    length = span(params.until) if params.until else None
    frozen = await hold(tools, tools.service(params.service), params.reason, length)
    return Reply(f"{frozen.words} `/incident thaw {frozen.service}` ends it.")

"""End the freeze of a service."""

from bot.engine import Params, Playbook, Reply, Rest, ServiceName, Tools
from bot.engine import thaw as release


class Thaw(Params):
    """Which service, and why."""

    service: ServiceName
    reason: Rest = ""


playbook = Playbook("thaw", "End the freeze of a service.", Thaw)


@playbook.step("Thaw it")
async def thaw(tools: Tools, params: Thaw) -> Reply:
    """End it and tell it; whoever may approve or break the glass may."""
    frozen = await release(tools, tools.service(params.service), params.reason)
    return Reply(f"{frozen.service} is not frozen any more.")

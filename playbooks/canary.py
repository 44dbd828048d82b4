"""Compare a canary with its baseline."""

from bot.engine import Params, Playbook, Reply, ServiceName, Tools


class Canary(Params):
    """Of which service."""

    service: ServiceName


playbook = Playbook("canary", "Compare a service's canary with its baseline.", Canary)


@playbook.step("Compare both tracks")
async def compare(tools: Tools, params: Canary) -> Reply:
    """Say that there is nothing to compare, and what that means for the decision."""
    service = tools.service(params.service)
    return Reply(f"No canary is configured for {service.name}, so no rollback is proposed.")

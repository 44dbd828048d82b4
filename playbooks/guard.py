"""Hold what a service's targets run against what was deployed, committed and stamped; tell where it differs."""

from dataclasses import dataclass

from bot.engine import Params, Playbook, ServiceName, Tools, guards


class Guard(Params):
    """The builds of which service (the incident's, if left out)."""

    service: ServiceName = ""


@dataclass(frozen=True)
class Told:
    """What is wrong with which target, and what could not be told to the monitoring."""

    summary: str
    violations: tuple[guards.Violation, ...]
    unheard: tuple[str, ...] = ()


playbook = Playbook("guard", "Say which targets run a build that they should not.", Guard, quiet=True)


@playbook.step("Look at what runs")
async def look(tools: Tools, params: Guard) -> guards.Guarded:
    """Read the build of every target, and hold it against what is known of it."""
    return await guards.look_at(tools, tools.service(await _service(tools, params)))


@playbook.step("Let it be heard")
async def tell(tools: Tools, params: Guard, guarded: guards.Guarded) -> Told:
    """Open, go on with or end an incident where the policy says so; push the numbers; keep it for the digest."""
    service = tools.service(await _service(tools, params))
    heard, unheard = await guards.hear(tools, service, guarded)
    said = "".join(f"\nNot pushed: {each}." for each in unheard)
    return Told(f"{guards.sentence(service.name, heard)}{said}", heard.violations, unheard)


async def _service(tools: Tools, params: Guard) -> str:
    return params.service or ((await tools.incident()).service if tools.incident_id else "")

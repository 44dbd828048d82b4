"""What a service's users saw around an incident, asked of its monitoring and kept as evidence."""

import asyncio
from collections.abc import Sequence

from bot.domain import experience
from bot.domain.experience import WHAT, Experience, Window, is_experience
from bot.domain.run import Missing
from bot.domain.service import ERRORS, LATENCY, Service
from bot.domain.timeline import Entry, Kind
from bot.engine.tools import Tools


async def keep_experience(tools: Tools) -> Experience | None:
    """Keep error ratio and P95 from before its start until after its end, and put them on the timeline as an artifact.

    None while it is not over, where nothing is monitored, where the monitoring knows nothing of that time, and when it
    was looked at since it ended.
    """
    incident, entries = await tools.incident(), await tools.entries()
    service = tools.ports.catalog.service(incident.service)
    if not incident.is_over or service is None or service.prometheus is None or _is_kept(entries):
        return None
    at = experience.window(incident, tools.now())
    errors, p95_s = await asyncio.gather(_ask(tools, service, ERRORS, at), _ask(tools, service, LATENCY, at))
    found = experience.measured(service.name, at, errors, p95_s)
    if not found.is_known:
        return None
    name = f"users-of-{service.name}-{incident.opened_at:%Y%m%d}.json"
    stored = await tools.ports.artifacts.put(name, experience.write(found))
    tools.record(Kind.ARTIFACT, name=name, sha256=stored.sha256, bytes=stored.bytes, what=WHAT)
    return found


def _is_kept(entries: Sequence[Entry]) -> bool:
    """Tell whether it was looked at since its status last changed."""
    last = [entry for entry in entries if entry.kind == Kind.STATUS_SET or is_experience(entry)]
    return bool(last) and is_experience(last[-1])


async def _ask(tools: Tools, service: Service, what: str, at: Window) -> Sequence[float | None] | None:
    base = service.prometheus or ""
    values = await tools.ports.metrics.history(base, service.queries[what], at.until, at.length, at.step)
    return None if isinstance(values, Missing) else values

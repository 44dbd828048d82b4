"""Looks whether it can be told who is on call. Nobody is paged or invited."""

import asyncio
from collections.abc import Sequence

from bot.adapters.paging.rota import Find, Source
from bot.domain.checks import Check, fail, ok, warn
from bot.domain.errors import FirstFiveError

_PATIENCE_S = 5.0
_SHOWN = 5


async def of_source(source: Source, rotas: Sequence[str], mend: str) -> list[Check]:
    """Ask a source for every rota that the configuration names."""
    if not rotas:
        return [fail("on call", f"{source.name} is asked, but for no rota", "set `rota.name`: docs/alerts.md")]
    return list(await asyncio.gather(*(_rota(source, rota, mend) for rota in rotas)))


async def _rota(source: Source, rota: str, mend: str) -> Check:
    name = f"on call {rota}"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            people = await source.people(rota)
    except FirstFiveError as failure:
        return fail(name, f"{source.name}: {failure}", mend)
    except TimeoutError:
        return fail(name, f"{source.name} does not answer", mend)
    if not people:
        return warn(name, f"{source.name} has nobody on call now", "put somebody on call there")
    more = f" and {len(people) - _SHOWN} more" if len(people) > _SHOWN else ""
    return ok(name, f"{', '.join(person.name for person in people[:_SHOWN])}{more}, by {source.name}")


async def of_configuration(mentions: Sequence[str], find: Find | None) -> list[Check]:
    """Look whether the chat knows the people that the configuration names; `find` is None where there is no chat."""
    if not mentions:
        return [warn("on call", "nobody: incidents invite and reach nobody by themselves", "set `on_call`, or `rota`")]
    if find is None:
        return [warn("on call", f"{', '.join(mentions)}: not checked, there is no Slack to ask", "mend Slack first")]
    found = await asyncio.gather(*(find(mention) for mention in mentions))
    unknown = [mention for mention, person in zip(mentions, found, strict=True) if person is None]
    if unknown:
        return [fail("on call", f"nobody in Slack is {', '.join(unknown)}", "correct `on_call`: names as after @")]
    unsure = [mention for mention, person in zip(mentions, found, strict=True) if person and person.id == mention]
    if unsure:
        return [warn("on call", f"Slack did not say who {', '.join(unsure)} is", "mend Slack first, or try again")]
    return [ok("on call", f"{', '.join(person.name for person in found if person)}, by the configuration")]

"""What playbooks hold a target against: what the deploy record and the repository say that should run there."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.deploys import deploys_key
from bot.domain.expected import Expected, Lineage, changing, is_idle, standing, unreplaced
from bot.domain.facts import Facts
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.engine.deploys import Deploys
from bot.engine.tools import Tools

_WITHIN_S = 1.0
"""The verdict waits for it; it is the next one that a clone which takes longer is for."""

_ASKED: set[asyncio.Future[Lineage | Missing]] = set()


async def with_expected(
    tools: Tools, service: Service, facts: Mapping[str, Facts], *, within_s: float = _WITHIN_S, guarded: bool = False
) -> dict[str, Facts]:
    """Add to the facts of every target what should run there, as far as the repository tells within a time.

    Without a deploy that was told they stay as they are, unless they are `guarded`: what the repository has is known.
    """
    deploys = await tools.recall(deploys_key(service.name), Deploys) or ()
    deploy = standing(deploys)
    if deploy is None and not guarded:
        return dict(facts)
    told = await tools.ports.router.read(service) if service.route else None
    split = None if isinstance(told, Missing) else told
    now, other = tools.now(), (deploy.commit or deploy.release) if deploy else ""
    why, before = changing(deploys, split, now), unreplaced(deploys, now)
    lineages = await _lineages(tools, service, {each.build.revision for each in facts.values()}, other, within_s)

    def expected(revision: str) -> Expected:
        idle = "it is a canary that was rolled back" if is_idle(deploys, split, revision) else ""
        return Expected(deploy, lineages.get(revision), why or idle, before)

    return {name: replace(each, expected=expected(each.build.revision)) for name, each in facts.items()}


async def _lineages(
    tools: Tools, service: Service, commits: set[str], other: str, within_s: float
) -> dict[str, Lineage]:
    """Give what a repository says of each commit within time; a clone goes on beyond it, for whoever asks next."""
    asking = {
        commit: asyncio.ensure_future(tools.ports.repository.lineage(service, commit, other))
        for commit in commits
        if commit and service.repository
    }
    if not asking:
        return {}
    _ASKED.update(asking.values())
    for each in asking.values():
        each.add_done_callback(_ASKED.discard)
    await asyncio.wait(asking.values(), timeout=within_s)
    told = {commit: each.result() for commit, each in asking.items() if each.done()}
    return {commit: each for commit, each in told.items() if not isinstance(each, Missing)}

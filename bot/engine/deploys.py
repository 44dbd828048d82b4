"""What playbooks do with deploys: record one, for a service and its open incidents, and know of those before."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.domain.deploys import Deploy, add, deploys_key, rolled_back, went_out, with_tags
from bot.domain.expected import ROLLS_OUT
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.timeline import HOUSE, Author, Draft, Kind, to_us
from bot.engine.keeping import change_kept
from bot.engine.tools import Tools
from bot.ports import Marks, Tx

_TAGS = 50
_WITHIN_S = 3.0
_OPEN = 500
_MINUTE = timedelta(minutes=1)

_ASKED: set[asyncio.Future[Any]] = set()

Deploys = tuple[Deploy, ...]


async def deploys_of(tools: Tools, service: Service) -> Deploys:
    """Give the deploys of a service that went out, oldest first: what was told, and the tags of its repository."""
    known = await told_deploys(tools, service.name)
    if not service.repository:
        return tuple(went_out(known))
    # A rollback does not wait for a repository; one that is being cloned goes on, for whoever asks next.
    asking = asyncio.ensure_future(tools.ports.repository.tags(service, _TAGS))
    _ASKED.add(asking)
    asking.add_done_callback(_ASKED.discard)
    await asyncio.wait({asking}, timeout=_WITHIN_S)
    tags = asking.result() if asking.done() else ()
    if isinstance(tags, Missing):
        return tuple(went_out(known))
    named = (Deploy(service.name, tag.subject, tag.at, tag.author, tag.sha, "tag") for tag in tags)
    return tuple(went_out(with_tags(known, named)))


async def told_deploys(tools: Tools, service: str) -> Deploys:
    """Give all that was told of a service's deploys, oldest first, those that the gate has denied too."""
    return await tools.recall(deploys_key(service), Deploys) or ()


def record_deploy(tools: Tools, deploy: Deploy) -> None:
    """Keep a deploy and tell of it on the house's timeline and on open incidents of its service, together; once."""
    draft = Draft(Kind.DEPLOYED, {**_body(deploy), "at": to_us(deploy.at), "source": deploy.source})

    def act(tx: Tx) -> None:
        if _change(tools.ports.marks, tx, deploy.service, lambda known: add(known, deploy)):
            _tell(tools, tx, deploy, draft)

    tools.also(act)
    _guard(tools, deploy)


def _guard(tools: Tools, deploy: Deploy) -> None:
    """Let the guard look at what follows, where there is one."""
    service = tools.catalog.service(deploy.service)
    if service is not None and service.guard is not None:
        # At once, for what no release may be; and when every target should run it, for those that do not.
        tools.begin("guard", {"service": deploy.service}, "guard")
        tools.begin("guard", {"service": deploy.service}, "guard-later", after=ROLLS_OUT + _MINUTE)


def record_decided(tools: Tools, deploy: Deploy, *, aloud: bool = True, **told: Any) -> None:
    """Keep what the gate has said of a deploy, and tell of it where deploys are told of; every time it is asked.

    Not `aloud`: on the house's timeline alone. What has no release is told of, and is no deploy that is kept.
    """
    kind = Kind.DEPLOY_DENIED if deploy.denied else Kind.DEPLOY_ALLOWED
    draft = Draft(kind, {**_body(deploy), "digest": deploy.digest, **told})

    def act(tx: Tx) -> None:
        if deploy.release:
            _change(tools.ports.marks, tx, deploy.service, lambda known: add(known, deploy))
        _tell(tools, tx, deploy, draft, aloud=aloud)

    tools.also(act)
    if deploy.release and not deploy.denied:
        _guard(tools, deploy)


def _body(deploy: Deploy) -> dict[str, Any]:
    return {"service": deploy.service, "release": deploy.release, "commit": deploy.commit, "by": deploy.by}


def _tell(tools: Tools, tx: Tx, deploy: Deploy, draft: Draft, *, aloud: bool = True) -> None:
    """Put it on the house's timeline and, `aloud`, on those of the service's open incidents."""
    timeline, author = tools.ports.timeline, Author(tools.actor, tools.run_id, tools.step)
    rows = timeline.incidents(tx, limit=_OPEN, private=True) if deploy.service and aloud else ()
    for chain in (HOUSE, *(row.id for row in rows if row.service == deploy.service)):
        timeline.append(tx, chain, [draft], author, tools.now())


def record_taken_back(tools: Tools, service: Service, release: str, at: datetime) -> None:
    """Remember that a release (or the commit it was made of) was rolled back, together with the step's result."""

    def act(tx: Tx) -> None:
        _change(tools.ports.marks, tx, service.name, lambda known: rolled_back(known, release, at))

    tools.also(act)


def _change(marks: Marks, tx: Tx, service: str, change: Callable[[Deploys], Deploys]) -> bool:
    """Change what is kept of a service's deploys, whoever else does so at the same time; False: it stays as it is."""
    return change_kept(marks, tx, deploys_key(service), Deploys, lambda known: change(known or ()))

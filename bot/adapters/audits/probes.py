"""Looks at how a service is served and probed: its source, its pods, and what its health answers now."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.adapters.audits import serving
from bot.adapters.audits.gosource import Bring, GoFiles, brought, read
from bot.adapters.audits.gotree import ParserAbsent
from bot.adapters.audits.liveness import Handlers
from bot.domain.audits import Subject
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import RESTARTS, Captured, Part
from bot.ports import Wanted

PATHS = ("/health/live", "/livez", "/healthz", "/health/ready", "/readyz")
"""What is asked of a target that no cluster tells the probes of."""

Capture = Callable[[Target, Part], Awaitable[Captured]]
Ask = Callable[[Target, Sequence[str]], Awaitable[Mapping[str, Any] | Missing]]


class ProbesLook:
    """`bring` gives the folder of a repository, `capture` what is told of a pod, `ask` what a target's paths answer."""

    def __init__(self, bring: Bring, capture: Capture, ask: Ask) -> None:
        self._bring = bring
        self._capture = capture
        self._ask = ask

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Look at whatever there is; what cannot be seen is told of."""
        pods, answers, unseen = await self._live(of)
        probed = (each["probes"].get("liveness", {}).get("path") for each in pods.values())
        source = await self._source(of, tuple(filter(None, probed)))
        if isinstance(source, Missing):
            unseen = (*unseen, source.reason)
        elif source["left_out"]:
            unseen = (*unseen, f"{source['left_out']} files of Go beyond what is read")
        found = {} if isinstance(source, Missing) else source
        if not (found or pods or answers):
            return Missing("; ".join(unseen) or "it has neither source nor targets")
        looked = [f"{found['files']} Go file{'s' * (found['files'] != 1)} at {found['at']}"] if found else []
        looked += [f"the pods of {', '.join(pods)}"] if pods else []
        looked += [f"the health of {', '.join(answers)}"] if answers else []
        return Subject(", ".join(looked), {**found, "pods": pods, "answers": answers}, unseen)

    async def _live(self, of: Wanted) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """Give what is told of pods, what the others answer, and what is not seen."""
        with_pods = [target for target in of.targets if target.pods]
        told = await asyncio.gather(*(self._capture(target, RESTARTS) for target in with_pods))
        pods = {each.target: json.loads(each.content) for each in told if each.usable}
        others = [target for target in of.targets if target.name not in pods]
        asked = await asyncio.gather(*(self._ask(target, PATHS) for target in others))
        answers = {
            target.name: each for target, each in zip(others, asked, strict=True) if not isinstance(each, Missing)
        }
        unseen = _listed((each.target, each.error) for each in told if not each.usable)
        return pods, answers, (*unseen, *(each.reason for each in asked if isinstance(each, Missing)))

    async def _source(self, of: Wanted, wanted: Sequence[str]) -> dict[str, Any] | Missing:
        source = await brought(of, self._bring)
        if isinstance(source, Missing):
            return source
        files = await read(source.place, source.commit)
        if isinstance(files, Missing):
            return files
        try:
            described = await asyncio.to_thread(describe, files, wanted)
        except ParserAbsent as absent:
            return Missing(str(absent))
        return {**described, "files": len(files.files), "left_out": files.left_out, "at": source.at}


def describe(files: GoFiles, wanted: Sequence[str] = ()) -> dict[str, Any]:
    """Describe servers, clients and handlers of health; `wanted` are paths that are asked for liveness.

    :raises ParserAbsent: the extra is not installed.
    """
    return {**serving.describe(files.files), "handlers": Handlers(files.files).describe(wanted)}


def _listed(reasons: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Give the reasons of targets, one that several have alike once."""
    alike: dict[str, list[str]] = {}
    for target, reason in reasons:
        start = f"{target}: "
        alike.setdefault(reason.removeprefix(start), []).extend([target] * reason.startswith(start))
    return tuple(f"{', '.join(targets)}: {reason}" if targets else reason for reason, targets in alike.items())

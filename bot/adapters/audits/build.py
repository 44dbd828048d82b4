"""Looks at a service's builds: the programs of its targets held against their hosts, and its source's calls of C."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from typing import Any

from bot.adapters.audits import c_calls
from bot.adapters.audits.gosource import brought, read
from bot.adapters.audits.gotree import ParserAbsent
from bot.domain import binary
from bot.domain.audits import Subject
from bot.domain.run import Missing
from bot.domain.snapshot import BINARY
from bot.ports import Repository, Targets, Wanted, as_it_is


class BuildLook:
    """Looks, and never raises for what it finds."""

    def __init__(self, targets: Targets, repository: Repository) -> None:
        self._targets = targets
        self._repository = repository

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Look at whatever there is; what cannot be seen is told of."""
        found = await asyncio.gather(*(self._targets.capture(each, [BINARY], as_it_is) for each in of.targets))
        parts = [part for captured in found for part in captured]
        told = {each.target: json.loads(each.content) for each in parts if each.usable}
        unseen = tuple(each.error for each in parts if not each.usable)
        source = await self._source(of, _revision(told) or of.revision)
        if isinstance(source, Missing):
            unseen, source = (*unseen, source.reason), {"calls": [], "c_files": None}
        elif source["left_out"]:
            unseen = (*unseen, f"{source['left_out']} files of Go beyond what is read")
        if not told and source["c_files"] is None:
            return Missing("; ".join(unseen) or "it has neither targets nor source")
        looked = [f"the programs of {', '.join(told)}"] if told else []
        looked += [f"{source['files']} files of Go at {source['at']}"] if source["c_files"] is not None else []
        return Subject(", ".join(looked), {"targets": told, **source}, unseen)

    async def _source(self, of: Wanted, revision: str) -> dict[str, Any] | Missing:
        if not of.repository:
            return Missing("no repository is configured: nothing is known of calls of C")
        source = await brought(replace(of, revision=revision), partial(self._repository.bring, fresh=True))
        if isinstance(source, Missing):
            return source
        files = await read(source.place, source.commit)
        if isinstance(files, Missing):
            return files
        try:
            described = await asyncio.to_thread(c_calls.describe, files.files)
        except ParserAbsent as absent:
            return Missing(str(absent))
        sizes = await self._sizes(of.repository, source.place, source.commit, described["calls"])
        calls = [{**each, "bytes": sizes.get(_embedded(each))} for each in described["calls"]]
        return {**described, "calls": calls, "files": len(files.files), "left_out": files.left_out, "at": source.at}

    async def _sizes(
        self, repository: str, place: Path, commit: str, calls: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, int]:
        """Give the sizes of the files that are embedded and handed to C, by their paths."""
        paths = {path for each in calls if each["embeds"] and (path := _embedded(each))}
        if not paths:
            return {}
        if not commit:
            return {path: (place / path).stat().st_size for path in paths if (place / path).is_file()}
        told = await self._repository.files(repository, commit, {basename(path) for path in paths})
        return {} if isinstance(told, Missing) else {path: len(told[path]) for path in paths if path in told}


def _embedded(call: Mapping[str, Any]) -> str:
    """Give the path in the repository of what is embedded; nothing above its folder can be."""
    path: str = normpath(join(dirname(call["path"]), call["embeds"]))
    return path if not path.startswith(("..", "/")) else ""


def _revision(told: Mapping[str, Any]) -> str:
    """Give the commit of what runs, or starts next; "" where no target tells."""
    known = (binary.read(each) for each in told.values())
    programs = (program for each in known if each is not None for program in (each.running, each.file) if program)
    return next(filter(None, (each.setting("vcs.revision") for each in programs)), "")

"""Looks at the modules of a service: of its binaries, its repository, the module cache, the checksum database."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from bot.adapters.audits import module_cache
from bot.adapters.audits.module_cache import Cached
from bot.adapters.audits.sumdb import SumDatabase, Verified
from bot.domain import go_recipes, modules
from bot.domain.audits import Subject
from bot.domain.bisect import go_modules
from bot.domain.go_environment import VARIABLES, is_exempt
from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import BUILD
from bot.domain.sumdb.records import Sums, merged
from bot.ports import Repository, Targets, Wanted

MOST_MODULES = 2_000
HERE = "this machine"
_GO_MOD = "/go.mod"


@dataclass(frozen=True)
class Build:
    """What one target runs: its main module, its commit ("" unknown), what was compiled in."""

    module: str
    revision: str
    modules: modules.Modules

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON, for who judges."""
        rows = [list(astuple(each)) for each in self.modules.compiled]
        return {"dependencies": rows, "environment": self.modules.environment, "revision": self.revision}


@dataclass(frozen=True)
class Source:
    """What a repository says: go.sum by commit, the lines that build it, and what could not be read."""

    recorded: Mapping[str, Sums]
    recipes: tuple[go_recipes.Setting, ...] = ()
    unseen: tuple[str, ...] = ()


class ModulesLook:
    """Looks, and never raises for what it finds; a database that is not reached decides nothing."""

    def __init__(
        self,
        targets: Targets,
        repository: Repository,
        database: SumDatabase | None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._targets = targets
        self._repository = repository
        self._database = database
        self._environ = environ

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Give what there is to be judged."""
        found = await asyncio.gather(*map(self._build, of.targets))
        builds = {each.name: one for each, one in zip(of.targets, found, strict=True) if isinstance(one, Build)}
        silent = tuple(one.reason for one in found if isinstance(one, Missing))
        source = await self._source(of, builds)
        if not builds and not source.recorded:
            return Missing("; ".join((*silent, *source.unseen)) or "no target and no repository is known")
        own = await asyncio.to_thread(_environment, self._environ)
        asked, private = _asked(builds, source.recorded, own)
        verified = await self._database.verify(asked[:MOST_MODULES]) if self._database else Verified()
        place = module_cache.find(self._environ)
        cached = await asyncio.to_thread(module_cache.look, place, asked) if place else Cached()
        document = {
            "targets": {name: each.document for name, each in builds.items()},
            "recorded": source.recorded,
            "environments": {HERE: own},
            "recipes": [{**asdict(each), "value": redact(each.value)} for each in source.recipes],
            "database": {**asdict(verified), "name": self._database.source.key.name if self._database else ""},
            "cache": asdict(cached),
        }
        unseen = (*silent, *source.unseen, *self._unverified(asked, private, verified), *_uncached(cached))
        return Subject(self._told(builds, source, verified, cached), document, unseen)

    async def _build(self, target: Target) -> Build | Missing:
        (part,) = await self._targets.capture(target, [BUILD])
        if not part.usable:
            return Missing(part.error)
        try:
            document = json.loads(part.content)
            known, settings = modules.read(document), document["settings"]
            if known is not None:
                return Build(str(document["module"]), str(settings.get("vcs.revision", "")), known)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass  # whatever it is, it tells of no modules
        return Missing(f"{target.name}: what is told of its build has no modules: update its agent")

    async def _source(self, of: Wanted, builds: Mapping[str, Build]) -> Source:
        """Read the repository at every commit that runs; without any, at the deployed one, or where it stands."""
        if not of.repository:
            return Source({}, unseen=("no repository is configured: nothing is known of go.sum",))
        brought = await self._repository.bring(of.repository, fresh=True)
        if isinstance(brought, Missing):
            return Source({}, unseen=(brought.reason,))
        commits = {each.revision: each.module for each in builds.values() if each.revision}
        recorded: dict[str, Sums] = {}
        recipes: tuple[go_recipes.Setting, ...] = ()
        unseen: list[str] = []
        for revision, module in (commits or {of.revision or "HEAD": ""}).items():
            names = (*modules.FILES, *go_recipes.FILES)
            files = await self._repository.files(of.repository, revision, names)
            if isinstance(files, Missing):
                unseen.append(f"go.sum at {revision[:7]}: {files.reason}")
                continue
            sums = modules.sums_of(files, module or go_modules.read(files.get("go.mod", b"")).path)
            recorded |= {} if sums is None else {revision: sums}
            recipes = go_recipes.settings(files)
        return Source(recorded, recipes, tuple(unseen))

    def _unverified(self, asked: list[tuple[str, str]], private: list[str], verified: Verified) -> list[str]:
        """Say what the database was not asked for, or did not tell."""
        if self._database is None:
            return ["no checksum database is configured: nothing was verified with one"]
        name = self._database.source.key.name
        told = [f"{name} was not asked for {_listed(private)}, which GOPRIVATE or GONOSUMDB names"] if private else []
        told += [f"{len(asked) - MOST_MODULES} more modules: {MOST_MODULES} are looked up"] * (
            len(asked) > MOST_MODULES
        )
        for reason, count in Counter(verified.unanswered.values()).items():
            told.append(f"{name} did not tell of {count} of {len(asked)} modules: {reason}")
        if verified.unknown:
            told.append(f"{name} has no record of {_listed(list(verified.unknown))}: private, or never published")
        return told

    def _told(self, builds: Mapping[str, Build], source: Source, verified: Verified, cached: Cached) -> str:
        said = [f"modules of {', '.join(builds)}"] if builds else []
        said += [f"go.sum at {revision[:7]} ({len(sums)} lines)" for revision, sums in source.recorded.items()]
        if self._database and verified.sums:
            count = sum(not each.endswith(_GO_MOD) for each in verified.sums)
            said.append(f"{count} of them proven in the tree of {verified.size} of {self._database.source.key.name}")
        said += [f"{len(cached.sums)} in the module cache {cached.where}"] if cached.where else []
        return ", ".join(said)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give what go would see here: its own file of settings (`go env -w`), and before it the environment."""
    base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    file = environ.get("GOENV") or f"{base}/go/env"
    lines: list[str] = []
    with suppress(OSError):  # most have none
        lines = Path(file).read_text(errors="replace")[:100_000].splitlines() if file != "off" else []
    pairs = [line.partition("=")[::2] for line in lines] + list(environ.items())
    return {name: redact(value) for name, value in pairs if name in VARIABLES}


def _asked(
    builds: Mapping[str, Build], recorded: Mapping[str, Sums], own: Mapping[str, str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Give the modules to look up, and the names of those that are somebody's own and told to nobody."""
    known = [each.modules for each in builds.values()]
    names = {modules.name(one) for each in known for one in each.told}
    names |= {name for name in merged(recorded.values()) if not name.endswith(_GO_MOD)}
    environments = [own, *(each.environment or {} for each in known)]
    private = {name for name in names if any(is_exempt(each, name.rpartition("@")[0]) for each in environments)}
    asked = [(path, version) for path, _, version in (name.rpartition("@") for name in sorted(names - private))]
    return asked, sorted(private)


def _uncached(cached: Cached) -> list[str]:
    return [f"{cached.left} modules in {cached.where}: there was no time left"] if cached.left else []


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - shown

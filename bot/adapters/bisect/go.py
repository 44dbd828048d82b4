"""One test of Go at one commit: built by `go test -c`, then run in its package's folder."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from bot.adapters.bisect.closure import Closures
from bot.adapters.bisect.jobs import NO_MODULES, SOURCE, Bubblewrap, Heard, Job, SandboxRefused, Unguarded, run
from bot.adapters.bisect.layout import Layout
from bot.adapters.bisect.objects import Objects
from bot.adapters.bisect.rooms import Room
from bot.domain.bisect import go_output
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.subject import Subject
from bot.domain.run import Missing
from bot.ports import Probed
from bot.processes import bare
from bot.processes import run as run_program

_TOOLCHAIN, _MODULES, _CACHE, _OUT, _BINARY = "/toolchain", "/modules", "/cache", "/out", "/package.test"
_LOOK_S, _BUILD_S, _GRACE_S = 30.0, 600.0, 10.0
_MOST_BINARIES = 64
_SKIPPED = "the test skipped itself, or ended before it said how it went"
_BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")
_PATH = f"{_TOOLCHAIN}/bin:/usr/local/bin:/usr/bin:/bin"


class GoMissing(SandboxRefused):
    """There is no Go to build a test with."""


@dataclass(frozen=True)
class Toolchain:
    """A Go toolchain of this machine, and the modules that were downloaded for it."""

    root: Path
    modules: Path

    @property
    def seen(self) -> dict[Path, str]:
        """What of this machine a build must read, and where it appears."""
        return {self.root: _TOOLCHAIN, **({self.modules: _MODULES} if self.modules.is_dir() else {})}


class Go:
    """Builds and runs tests of Go; what was built for a commit is kept for its next run."""

    def __init__(self, sandbox: Bubblewrap | Unguarded, command: str, cache: Path) -> None:
        self._sandbox = sandbox
        self._command = command
        self._cache = cache
        self._toolchain: Toolchain | None = None
        self._binaries: OrderedDict[tuple[str, Subject], Path] = OrderedDict()
        self._building: WeakValueDictionary[tuple[str, Subject], asyncio.Lock] = WeakValueDictionary()

    def forget(self) -> None:
        """Know nothing of binaries any more: whoever calls it takes them away."""
        self._binaries.clear()

    async def test(
        self, closures: Closures, room: Room, commit: str, subject: Subject, *, stop: asyncio.Event
    ) -> Probed:
        """Build it, unless it is built, and run it.

        Raises:
            SandboxRefused: nothing can be built or run here.
        """
        if self._toolchain is None:
            self._toolchain = await find(self._command)
        await self._show(closures.objects, room, commit, subject)
        name, build = (commit, subject), None
        # Two runs at one commit wait for one build, instead of making it twice.
        async with self._building.setdefault(name, asyncio.Lock()):
            built = self._binaries.get(name)
            if built is None:
                layout = await asyncio.to_thread(closures.layout, commit, subject)
                build = await self._build(self._toolchain, room, subject, layout, stop)
                if ended := _unbuilt(build, commit, subject):
                    return ended
                out = room.folder / "out" / "test"
                if not await asyncio.to_thread(out.is_file):
                    trial = Trial(commit, Result.ABSENT, build_s=build.seconds)
                    return Probed(trial, build.said, "it has no test files")
                built = await asyncio.to_thread(self._keep, name, out, room.folder.parent / "binaries")
        ran = await self._run(self._toolchain, room, subject, built, stop)
        result = go_output.judge(ran.code, ran.text, subject.printed, declared=True)
        why = ran.why or (_SKIPPED if result is Result.UNTESTABLE else f"exit code {ran.code}")
        trial = Trial(
            commit,
            result,
            why=why if result is Result.UNTESTABLE and not ran.stopped else "",
            cpu_s=ran.cpu_s + (build.cpu_s if build else 0),
            build_s=build.seconds if build else 0,
            binary=await asyncio.to_thread(_digest, built),
            moot=ran.stopped,
        )
        return Probed(trial, ran.said, why)

    async def _show(self, objects: Objects, room: Room, commit: str, subject: Subject) -> None:
        tree, overlay = room.of(objects), subject.overlay
        laid = "/".join(filter(None, (subject.package, overlay.name))) if overlay else ""
        await asyncio.to_thread(tree.show, commit, laid, overlay.content if overlay else b"")

    async def _build(
        self, toolchain: Toolchain, room: Room, subject: Subject, layout: Layout, stop: asyncio.Event
    ) -> Heard:
        out, tree = room.folder / "out", room.folder / "tree"
        await asyncio.to_thread(self._make_ready, out)
        flags = (*_BUILD_FLAGS, *(("-mod=vendor",) if layout.vendored else ()))
        package, seen = ".", toolchain.seen
        if layout.gopath:
            package = f"{layout.gopath}/{subject.package}".rstrip("/")
            seen = {**seen, tree: f"{NO_MODULES}/src/{layout.gopath}"}
        job = Job(
            tree,
            (f"{_TOOLCHAIN}/bin/go", "test", "-c", *flags, "-o", f"{_OUT}/test", package),
            folder=subject.package,
            seen=seen,
            kept={self._cache: _CACHE, out: _OUT},
            environment=_variables(layout),
            trusted=True,
        )
        return await run(self._sandbox, job, room, seconds=_BUILD_S, stop=stop)

    async def _run(self, toolchain: Toolchain, room: Room, subject: Subject, built: Path, stop: asyncio.Event) -> Heard:
        timeout = f"-test.timeout={subject.timeout_s:g}s"
        job = Job(
            room.folder / "tree",
            (_BINARY, "-test.v", f"-test.run={subject.pattern}", "-test.count=1", timeout),
            folder=subject.package,
            copied=subject.package,
            seen={**toolchain.seen, built: _BINARY},
            environment={**_variables(Layout()), "GOCACHE": "/tmp/go-cache", "PATH": _PATH},  # noqa: S108 - of its own
        )
        # Its own time limit tells where it hung, so that one is let come first.
        return await run(self._sandbox, job, room, seconds=subject.timeout_s + _GRACE_S, stop=stop)

    def _make_ready(self, out: Path) -> None:
        for folder in (self._cache, out):
            folder.mkdir(parents=True, exist_ok=True)
        (out / "test").unlink(missing_ok=True)

    def _keep(self, name: tuple[str, Subject], out: Path, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        kept = folder / hashlib.sha256(repr(name).encode()).hexdigest()
        out.replace(kept)
        self._binaries[name] = kept
        while len(self._binaries) > _MOST_BINARIES:
            self._binaries.popitem(last=False)[1].unlink(missing_ok=True)
        return kept


async def find(command: str) -> Toolchain:
    """Ask a go command where its parts are.

    Raises:
        GoMissing: it is not there, or does not work.
    """
    environment = {**bare(), "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOENV": "off"}
    ended = await run_program((command, "env", "GOROOT", "GOMODCACHE"), seconds=_LOOK_S, environment=environment)
    why = ended.reason if isinstance(ended, Missing) else ended.why
    if isinstance(ended, Missing) or why:
        raise GoMissing(
            f"Go is needed to build the test: {why}. Put it on PATH, or name it as bisect.go in firstfive.toml."
        )
    root, modules = [*ended.text.splitlines(), "", ""][:2]
    return Toolchain(Path(root), Path(modules))


def _unbuilt(build: Heard, commit: str, subject: Subject) -> Probed | None:
    if not (build.why or build.code):
        return None
    broken = () if build.why else go_output.broken(build.text, subject.package)
    why = build.why or f"it does not build: {go_output.complaint(build.text)}".rstrip(": ")
    trial = Trial(
        commit,
        Result.UNTESTABLE,
        cpu_s=build.cpu_s,
        build_s=build.seconds,
        broken=broken,
        moot=build.stopped,
        why="" if build.stopped else why,
    )
    return Probed(trial, build.said, why)


def _digest(binary: Path) -> str:
    with binary.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _variables(layout: Layout) -> dict[str, str]:
    """Give the variables of a build: nothing is downloaded, nobody's settings are read, no C compiler is run."""
    return {
        "PATH": f"{_TOOLCHAIN}/bin",
        "GOROOT": _TOOLCHAIN,
        "GOCACHE": _CACHE,
        "GOMODCACHE": _MODULES,
        "GOPATH": NO_MODULES if layout.gopath else "/tmp/go",  # noqa: S108 - of its own
        "GO111MODULE": "off" if layout.gopath else "on",
        "GOENV": "off",
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTELEMETRY": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": f"{SOURCE}/{layout.work}" if layout.work else "off",
        "CGO_ENABLED": "0",
    }

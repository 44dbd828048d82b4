"""One test of Go at one commit: built by `go test -c`, then run in its package's folder."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.bisect.jobs import SOURCE, Bubblewrap, Heard, Job, SandboxRefused, Unguarded, run
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

    async def test(self, objects: Objects, room: Room, commit: str, subject: Subject, *, stop: asyncio.Event) -> Probed:
        """Build it, unless it is built, and run it.

        Raises:
            SandboxRefused: nothing can be built or run here.
        """
        if self._toolchain is None:
            self._toolchain = await find(self._command)
        await self._show(objects, room, commit, subject)
        built, build = self._binaries.get((commit, subject)), None
        if built is None:
            work = await asyncio.to_thread(_work, objects, commit, subject.package)
            build = await self._build(self._toolchain, room, subject, work, stop)
            if ended := _unbuilt(build, commit, subject):
                return ended
            out = room.folder / "out" / "test"
            if not await asyncio.to_thread(out.is_file):
                return Probed(Trial(commit, Result.ABSENT, build_s=build.seconds), build.said, "it has no test files")
            built = await asyncio.to_thread(self._keep, (commit, subject), out, room.folder.parent / "binaries")
        ran = await self._run(self._toolchain, room, subject, built, stop)
        result = go_output.judge(ran.code, ran.text, subject.printed, declared=True)
        trial = Trial(
            commit,
            result,
            cpu_s=ran.cpu_s + (build.cpu_s if build else 0),
            build_s=build.seconds if build else 0,
            binary=await asyncio.to_thread(_digest, built),
            moot=ran.stopped,
        )
        return Probed(trial, ran.said, ran.why or f"exit code {ran.code}")

    async def _show(self, objects: Objects, room: Room, commit: str, subject: Subject) -> None:
        tree, overlay = room.of(objects), subject.overlay
        laid = "/".join(filter(None, (subject.package, overlay.name))) if overlay else ""
        await asyncio.to_thread(tree.show, commit, laid, overlay.content if overlay else b"")

    async def _build(self, toolchain: Toolchain, room: Room, subject: Subject, work: str, stop: asyncio.Event) -> Heard:
        out = room.folder / "out"
        await asyncio.to_thread(self._make_ready, out)
        job = Job(
            room.folder / "tree",
            (f"{_TOOLCHAIN}/bin/go", "test", "-c", *_BUILD_FLAGS, "-o", f"{_OUT}/test", "."),
            folder=subject.package,
            seen=toolchain.seen,
            kept={self._cache: _CACHE, out: _OUT},
            environment=_variables(work),
            trusted=True,
        )
        return await run(self._sandbox, job, room.number, seconds=_BUILD_S, stop=stop)

    async def _run(self, toolchain: Toolchain, room: Room, subject: Subject, built: Path, stop: asyncio.Event) -> Heard:
        timeout = f"-test.timeout={subject.timeout_s:g}s"
        job = Job(
            room.folder / "tree",
            (_BINARY, "-test.v", f"-test.run={subject.pattern}", "-test.count=1", timeout),
            folder=subject.package,
            copied=subject.package,
            seen={**toolchain.seen, built: _BINARY},
            environment={**_variables("off"), "GOCACHE": "/tmp/go-cache", "PATH": _PATH},  # noqa: S108 - of its own
        )
        # Its own time limit tells where it hung, so that one is let come first.
        return await run(self._sandbox, job, room.number, seconds=subject.timeout_s + _GRACE_S, stop=stop)

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
        raise GoMissing(f"Go is needed to build the test: {why}")
    root, modules = [*ended.text.splitlines(), "", ""][:2]
    return Toolchain(Path(root), Path(modules))


def _unbuilt(build: Heard, commit: str, subject: Subject) -> Probed | None:
    if not (build.why or build.code):
        return None
    broken = () if build.why else go_output.broken(build.text, subject.package)
    trial = Trial(
        commit, Result.UNTESTABLE, cpu_s=build.cpu_s, build_s=build.seconds, broken=broken, moot=build.stopped
    )
    return Probed(trial, build.said, build.why or "it does not build")


def _work(objects: Objects, commit: str, package: str) -> str:
    """Give the go.work that holds for a package, "off" without one: none above the tree is to be found."""
    root, folder = objects.root(commit), package
    while True:
        path = "/".join(filter(None, (folder, "go.work")))
        if objects.at(root, path):
            return f"{SOURCE}/{path}"
        if not folder:
            return "off"
        folder = folder.rpartition("/")[0]


def _digest(binary: Path) -> str:
    with binary.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _variables(work: str) -> dict[str, str]:
    """Give the variables of a build: nothing is downloaded, nobody's settings are read, no C compiler is run."""
    return {
        "PATH": f"{_TOOLCHAIN}/bin",
        "GOROOT": _TOOLCHAIN,
        "GOCACHE": _CACHE,
        "GOMODCACHE": _MODULES,
        "GOPATH": "/tmp/go",  # noqa: S108 - of its own
        "GOENV": "off",
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTELEMETRY": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": work,
        "CGO_ENABLED": "0",
    }

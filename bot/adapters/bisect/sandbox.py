"""Where code that is not trusted runs: bubblewrap, without network, home or anything to write to that lasts.

What it may write lies in memory, bounded, and goes with it: the folder that it runs in (a copy), /tmp and /dev/shm. The
system is read-only. Started by root it becomes a user that nobody else is; started by a user it stays that one, in a
user namespace. All its processes are in a namespace of their own, and end with the first.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp

from bot.domain.errors import FirstFiveError

SOURCE = "/src"
NO_MODULES = "/gopath"
"""Where a tree is seen that Go's modules are unknown to: by its import path, below src."""
_BASE = "/base"
_SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_ETC = ("alternatives", "ld.so.cache", "localtime", "mime.types", "protocols", "services", "ssl")
_FIRST_UID, _UIDS, _ROOMS = 1_000_000_000, 1_000_000, 100
_MB = 1_000_000
# It says that it has begun, so that a sandbox that fails is never taken for a test that does; and at the end what it
# used, which cannot be seen from outside.
_SCRIPT = """if [ -n "$2" ]; then cp -RP "$2/." "$3/" || exit 125; fi
cd "$4" || exit 125
token=$1; shift 4; echo "$token"
"$@"; code=$?
printf '\\n%s\\n' "$token"; times; exit $code"""
_TIMES = re.compile(rb"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")


WAYS_OUT = (
    'Install bubblewrap where it may make namespaces; or set bisect.sandbox = "none" in firstfive.toml, if you trust '
    "whoever can push to the repository."
)


class SandboxRefused(FirstFiveError):
    """Code that is not trusted cannot be run apart here, so it is not run."""


@dataclass(frozen=True)
class Limits:
    """What all that runs at one commit may use: memory and room for files in MB, processes."""

    memory_mb: int = 2_048
    disk_mb: int = 512
    processes: int = 512

    @property
    def memory(self) -> int:
        """Memory in bytes."""
        return self.memory_mb * _MB

    @property
    def disk(self) -> int:
        """Room for files in bytes."""
        return self.disk_mb * _MB


@dataclass(frozen=True)
class Job:
    """A program and what it sees: the tree at /src, `copied` (a folder of it) as a copy it may write to.

    `seen` and `kept` are folders or files of this machine and where they appear, read-only and not. `trusted` is a
    program of ours that reads what is not trusted, such as a compiler: it stays the user that started it.
    """

    tree: Path
    words: Sequence[str]
    folder: str = ""
    copied: str | None = None
    seen: Mapping[Path, str] = field(default_factory=dict)
    kept: Mapping[Path, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    trusted: bool = False


@dataclass(frozen=True)
class Started:
    """What to start: words, variables, a folder to start in; its output begins with `token` once it runs."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    token: str

    def said(self, whole: bytes) -> tuple[bytes, float]:
        """Give what the program itself has said, and the seconds of processors it used; 0 if it was killed.

        Raises:
            SandboxRefused: it was never reached.
        """
        token = self.token.encode() + b"\n"
        before, found, own = whole.partition(token)
        if not found or before:
            lines = before.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise SandboxRefused(f"The sandbox did not start: {lines[-1][:300]}. {WAYS_OUT}")
        text, ended, times = own.rpartition(b"\n" + token)
        used = [(int(found[1]), float(found[2]), int(found[3]), float(found[4])) for found in _TIMES.finditer(times)]
        return (text if ended else own), sum(60 * (one + two) + more + rest for one, more, two, rest in used)


class Bubblewrap:
    """Starts programs by bwrap. `visible`: more folders of this machine that they may read."""

    def __init__(self, state: Path, limits: Limits, visible: Sequence[Path] = ()) -> None:
        self.limits = limits
        self._state = state
        self._visible = visible

    def start(self, job: Job, room: int) -> Started:
        """Say how to start a program; those of different rooms cannot see each other.

        Raises:
            SandboxRefused: there is no bwrap.
        """
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise SandboxRefused(f"What is tested is not trusted, and there is no bwrap to keep it apart. {WAYS_OUT}")
        token = token_hex(16)
        place, copy = _inside(job.folder), ("", "")
        if job.copied is not None:
            copy = (f"{_BASE}/{job.copied}", _inside(job.copied))
        words = (bwrap, *self._walls(job), *self._files(job), "--chdir", "/", "--", *self._person(job, room))
        script = ("/bin/sh", "-c", _SCRIPT, "sh", token, *copy, place, *job.words)
        environment = {"HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "USER": "nobody", **job.environment}  # noqa: S108 - of its own
        return Started((*words, *self._bounds(job), *script), environment, self._state, token)

    def _walls(self, job: Job) -> tuple[str, ...]:
        if os.geteuid():
            return ("--unshare-all", "--die-with-parent", "--new-session")
        apart = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
        caps = () if job.trusted else ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
        return (*apart, "--die-with-parent", "--new-session", "--cap-drop", "ALL", *caps)

    def _files(self, job: Job) -> tuple[str, ...]:
        room = ("--perms", "1777", "--size", str(self.limits.disk), "--tmpfs")
        words = ["--ro-bind", "/usr", "/usr"]
        for place in _SYSTEM:
            words += ["--symlink", os.readlink(place), place] if Path(place).is_symlink() else _seen(place, place)  # noqa: PTH115 - as it is written
        words += ["--dir", "/etc", *(part for name in _ETC for part in _seen(f"/etc/{name}", f"/etc/{name}"))]
        for file in _people(self._state):
            words += ["--ro-bind", str(file), f"/etc/{file.name}"]
        words += ["--proc", "/proc", "--dev", "/dev", *room, "/dev/shm", *room, "/tmp"]  # noqa: S108 - of its own
        for visible in self._visible:  # after /tmp, which would hide what is below it
            parents = reversed(visible.parents[:-1])  # they would be closed to others otherwise
            words += [part for each in parents for part in ("--perms", "0755", "--dir", str(each))]
            words += _seen(str(visible), str(visible))
        words += ["--ro-bind", str(job.tree), SOURCE]
        if job.copied is not None:
            words += ["--ro-bind", str(job.tree), _BASE, *room, _inside(job.copied)]
        for option, places in (("--ro-bind", job.seen), ("--bind", job.kept)):
            words += [part for here, there in places.items() for part in (option, str(here), there)]
        return (*words, "--remount-ro", "/dev", "--remount-ro", "/")

    def _person(self, job: Job, room: int) -> tuple[str, ...]:
        """Become a user that nobody else is: root's limits would not hold, and its files are not to be read."""
        if os.geteuid() or job.trusted:
            return ()
        uid = str(_FIRST_UID + os.getpid() % _UIDS * _ROOMS + room % _ROOMS)
        nothing = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
        return ("/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", *nothing, "--")

    def _bounds(self, job: Job) -> tuple[str, ...]:
        return () if job.trusted else bounds(self.limits)


class Unguarded:
    """Starts programs as they are, in copies of the tree, for who has said that the code can be trusted."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def start(self, job: Job, room: int) -> Started:
        """Say how to start a program; what it may write to is a new folder beside the tree.

        A program that outlived whoever started it may still write to an earlier one.
        """
        for left in job.tree.parent.glob("open-*"):
            shutil.rmtree(left, ignore_errors=True)
        token, own = token_hex(16), Path(mkdtemp(prefix=f"open-{room}-", dir=job.tree.parent))
        (own / "tmp").mkdir()
        tree = own / "src" if job.copied is not None else job.tree
        if job.copied is not None:
            shutil.copytree(job.tree, tree, symlinks=True)
        places = {there: str(here) for here, there in {**job.seen, **job.kept}.items()} | {SOURCE: str(tree)}
        for there in [there for there in places if there.startswith(NO_MODULES)]:
            link = own / there.removeprefix("/")
            link.parent.mkdir(parents=True)
            link.symlink_to(places.pop(there))
            places[NO_MODULES] = str(own / NO_MODULES.removeprefix("/"))
        words = (_outside(word, places) for word in job.words)
        environment = {name: _outside(value, places) for name, value in job.environment.items()}
        tmp = str(own / "tmp")
        script = ("/bin/sh", "-c", _SCRIPT, "sh", token, "", "", str(tree / job.folder), *words)
        limits = () if job.trusted else bounds(self.limits)
        return Started((*limits, *script), {"HOME": tmp, "TMPDIR": tmp, **environment}, own, token)


def bounds(limits: Limits) -> tuple[str, ...]:
    """Give the words that set what a process and its children may use at most."""
    own = (f"--data={limits.memory}", f"--fsize={limits.disk}", "--core=0", "--nofile=4096")
    return ("/usr/bin/prlimit", *own, f"--nproc={limits.processes}", "--")


def _inside(folder: str) -> str:
    return f"{SOURCE}/{folder}" if folder else SOURCE


def _outside(word: str, places: Mapping[str, str]) -> str:
    """Put the folders of this machine for those that a program would see in a sandbox."""
    for there, here in places.items():
        if word == there or word.startswith(f"{there}/"):
            return here + word.removeprefix(there)
    return word


def _seen(here: str, there: str) -> list[str]:
    return ["--ro-bind-try", here, there]


def _people(state: Path) -> tuple[Path, ...]:
    """Write who is known inside: nobody."""
    told = {
        "passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    etc = state / "etc"
    if not etc.is_dir():
        etc.mkdir(parents=True)
        for name, content in told.items():
            (etc / name).write_text(content, encoding="utf-8")
            (etc / name).chmod(0o644)
    return tuple(etc / name for name in told)

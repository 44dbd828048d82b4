"""The git history of services, and the repository of bundles; with the real git, given nothing that it could run."""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from bot.domain.expected import Lineage
from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.ports import Commit, Pushed
from bot.processes import bare, run

_SHA = re.compile(r"[0-9a-f]{7,64}")
_READ_S = 10.0
_LOOK_S = 4.0
_FETCH_S = 30.0
_CLONE_S = 120.0
_REFS = 3
_PUBLISHED = ("refs/heads", "refs/tags", "refs/remotes")
_MOST_FILES = 1_000
_US = (("NAME", "FirstFive"), ("EMAIL", "firstfive@localhost"))
_SAFE = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("uploadpack.packObjectsHook", ""),
)


class GitRepository:
    """Reads local repositories in place, and remote ones from a mirror under `mirrors`."""

    def __init__(self, mirrors: Path) -> None:
        self._mirrors = mirrors
        self._locks: dict[Path, asyncio.Lock] = {}

    async def bring(self, place: str, *, fresh: bool) -> Path | Missing:
        """Give the folder of a repository, by its path or address; one that is elsewhere is mirrored here.

        `fresh`: the mirror is brought up to date if its origin answers; else any will do.
        """
        found = await self._place(place, "", look_s=_CLONE_S if fresh else 0.0)
        return Missing(redact(found.reason)) if isinstance(found, Missing) else found

    async def between(self, service: Service, good: str, bad: str, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the commits in `bad` that are not in `good`, newest first, or say why that cannot be told."""
        if not service.repository:
            return Missing(f"no repository is configured for {service.name}")
        if not (_SHA.fullmatch(good) and _SHA.fullmatch(bad)):
            return Missing("a build does not say which commit it was made of")
        place = await self._place(service.repository, bad)
        if isinstance(place, Missing):
            return place
        log = "--format=%H%x1f%an%x1f%at%x1f%s%x1e"
        told = await _git(place, "log", "-n", str(limit), log, f"{good}..{bad}", "--", seconds=_READ_S)
        return told if isinstance(told, Missing) else tuple(_commit(row) for row in told.split("\x1e") if row.strip())

    async def tags(self, service: Service, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the latest tags, newest first, or say why they cannot be told."""
        if not service.repository:
            return Missing(f"no repository is configured for {service.name}")
        place = await self._place(service.repository, "")
        if isinstance(place, Missing):
            return place
        names = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        who = "%(if)%(taggername)%(then)%(taggername)%(else)%(authorname)%(end)"
        row = f"--format={names}%1f{who}%1f%(creatordate:unix)%1f%(refname:strip=2)%1e"
        told = await _git(
            place, "for-each-ref", "--sort=-creatordate", f"--count={limit}", row, "refs/tags", seconds=_READ_S
        )
        if isinstance(told, Missing):
            return told
        rows = (each.strip() for each in told.split("\x1e"))
        return tuple(_commit(each) for each in rows if each.split("\x1f")[2:3] not in ([], [""]))

    async def lineage(self, service: Service, commit: str, other: str) -> Lineage | Missing:
        """Say where a commit lies in the repository, and to another one (a commit or a tag), or why not."""
        if not service.repository:
            return Missing(f"no repository is configured for {service.name}")
        if not _SHA.fullmatch(commit):
            return Missing("a build does not say which commit it was made of")
        place = await self._place(service.repository, commit)
        return place if isinstance(place, Missing) else await _lineage(place, commit, other)

    async def holds(self, service: Service, branches: Sequence[str], commit: str) -> bool | Missing:
        """Tell whether a commit is an ancestor of one of the branches, or why that cannot be told.

        A mirror may have the commit and an old branch: where it says no, its origin is asked once more, and a no of
        before is none if that does not answer.
        """
        repository = service.repository or ""
        if not repository:
            return Missing(f"no repository is configured for {service.name}")
        if not _SHA.fullmatch(commit):
            return Missing("a build does not say which commit it was made of")
        place = await self._place(repository, commit)
        held = await _holds(place, commit, branches)
        if held is not False or not _is_remote(repository):
            return held
        return await _holds(await self._fetched(self._mirror(repository)), commit, branches)

    async def files(self, place: str, sha: str, names: Collection[str]) -> Mapping[str, bytes] | Missing:
        """Give every file of these names (globs), in whatever folder, as a commit of a repository has it, by path.

        Quick: a repository that was never brought here, or lacks the commit, is not asked for elsewhere.
        """
        if not _SHA.fullmatch(sha) and sha != "HEAD":
            return Missing("the build does not say which commit it was made of")
        folder = _local(self._mirror(place) if _is_remote(place) else Path(place))
        if isinstance(folder, Missing):
            return folder
        listed = await _git(folder, "ls-tree", "-r", "-z", "--full-tree", sha, seconds=_LOOK_S)
        if isinstance(listed, Missing):
            return listed
        blobs = await asyncio.to_thread(lambda: dict(islice(_blobs(listed, names), _MOST_FILES)))
        given = "\n".join(blobs.values()).encode()
        told = await _git_bytes(folder, "cat-file", "--batch", seconds=_LOOK_S, given=given)
        return told if isinstance(told, Missing) else dict(zip(blobs, _contents(told), strict=False))

    async def _place(self, repository: str, sha: str, look_s: float = _LOOK_S) -> Path | Missing:
        """Find the repository on this disk; bring a remote one here, or up to date, if it lacks the commit.

        Without a commit it is brought up to date if that takes no longer than `look_s`, else taken as it is.
        """
        if not _is_remote(repository):
            return _local(Path(repository))
        mirror = self._mirror(repository)
        async with self._locks.setdefault(mirror, asyncio.Lock()):
            if not mirror.is_dir():
                told = await _clone(repository, mirror)
            elif not sha:
                if look_s:
                    await _git(mirror, "fetch", "--quiet", "--prune", "origin", seconds=look_s)
                return mirror
            elif isinstance(await _git(mirror, "cat-file", "-e", f"{sha}^{{commit}}", seconds=_READ_S), Missing):
                told = await _git(mirror, "fetch", "--quiet", "--prune", "origin", seconds=_CLONE_S)
            else:
                return mirror
        return told if isinstance(told, Missing) else mirror

    async def _fetched(self, mirror: Path) -> Path | Missing:
        """Bring a mirror up to date, or say why its origin does not answer."""
        async with self._locks.setdefault(mirror, asyncio.Lock()):
            told = await _git(mirror, "fetch", "--quiet", "--prune", "origin", seconds=_FETCH_S)
        return told if isinstance(told, Missing) else mirror

    def _mirror(self, repository: str) -> Path:
        return self._mirrors / hashlib.sha256(repository.encode()).hexdigest()[:16]


class GitBundles:
    """Puts bundles on a branch of a repository, through a shallow mirror under `mirrors`."""

    def __init__(self, repository: str, branch: str, mirrors: Path) -> None:
        self._repository = repository
        self._branch = branch
        self._ref = f"refs/heads/{branch}"
        self._mirror = mirrors / f"bundles-{hashlib.sha256(repository.encode()).hexdigest()[:16]}"
        self._lock = asyncio.Lock()

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""
        return f"{redact(self._repository)} ({self._branch})" if self._repository else ""

    async def push(self, path: str, content: bytes, at: datetime) -> Pushed | Missing:
        """Put a file there in a commit of its own, unless these very bytes are there; or say why it cannot be done."""
        async with self._lock:
            return await self._push(path, content, at)

    async def _push(self, path: str, content: bytes, at: datetime) -> Pushed | Missing:
        tip = await self._fetch()
        if isinstance(tip, Missing):
            return tip
        blob = await self._git("hash-object", "-w", "--stdin", given=content)
        if isinstance(blob, Missing):
            return blob
        if tip:
            there = await self._git("rev-parse", "--verify", "--quiet", f"{tip}:{path}")
            if there == blob:
                return Pushed(f"{self.place}: {path}", tip, fresh=False)
        commit = await self._commit(tip, path, blob, at)
        if isinstance(commit, Missing):
            return commit
        told = await self._git("push", "--quiet", "--", self._repository, f"{commit}:{self._ref}", seconds=_CLONE_S)
        return told if isinstance(told, Missing) else Pushed(f"{self.place}: {path}", commit, fresh=True)

    async def _fetch(self) -> str | Missing:
        """Give the branch's last commit, fetched; "" when there is no such branch yet."""
        if not self._mirror.is_dir():
            self._mirror.parent.mkdir(parents=True, exist_ok=True)
            made = await _git(self._mirror.parent, "init", "--quiet", "--bare", str(self._mirror), seconds=_READ_S)
            if isinstance(made, Missing):
                return made
        listed = await self._git("ls-remote", "--", self._repository, self._ref, seconds=_CLONE_S)
        if isinstance(listed, Missing) or not listed:
            return listed
        fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--", self._repository, listed.split()[0])
        told = await self._git(*fetch, seconds=_CLONE_S)
        return told if isinstance(told, Missing) else listed.split()[0]

    async def _commit(self, tip: str, path: str, blob: str, at: datetime) -> str | Missing:
        """Make the commit; the same file on the same commit is the same commit, so that a repeat pushes nothing new."""
        stamp = f"{int(at.timestamp())} +0000"
        own = {
            f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in (*_US, ("DATE", stamp))
        }
        own["GIT_INDEX_FILE"] = str(self._mirror / "bundle.index")
        add = ("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        told: str | Missing = ""
        for step in (("read-tree", tip or "--empty"), add, ("write-tree",)):
            told = await self._git(*step, own=own)
            if isinstance(told, Missing):
                return told
        parents = ("-p", tip) if tip else ()
        return await self._git("commit-tree", str(told), *parents, "-m", f"Add {path}", own=own)

    async def _git(
        self, *arguments: str, given: bytes = b"", own: Mapping[str, str] | None = None, seconds: float = _READ_S
    ) -> str | Missing:
        told = await _git(self._mirror, *arguments, given=given, own=own, seconds=seconds)
        return Missing(redact(told.reason)) if isinstance(told, Missing) else told.strip()


async def flaw(repository: str) -> str:
    """Ask a repository, by its path or address, for its head; say why it cannot be read, or ""."""
    told = await _git(Path(), "ls-remote", "--", repository, "HEAD", seconds=_LOOK_S)
    return redact(told.reason) if isinstance(told, Missing) else ""


async def _whole(place: Path) -> Path | Missing:
    """Give a repository that has its whole history: where a shallow clone ends, nothing is an ancestor of anything."""
    shallow = await _git(place, "rev-parse", "--is-shallow-repository", seconds=_READ_S)
    if isinstance(shallow, Missing):
        return shallow
    return Missing(f"{place} is a shallow clone: fetch its history") if shallow.strip() == "true" else place


async def _lineage(place: Path, commit: str, other: str) -> Lineage | Missing:
    """Ask for both commits, for who holds the first, and how far they are apart."""
    if isinstance(whole := await _whole(place), Missing):
        return whole
    name = other if _SHA.fullmatch(other) else f"refs/tags/{other}"
    asked = f"{commit}^{{commit}}\n{name}^{{commit}}\n".encode()
    told = await _git(place, "cat-file", "--batch-check", given=asked, seconds=_READ_S)
    if isinstance(told, Missing):
        return told
    sha, wanted = (line.split()[0] if line.split()[1:2] == ["commit"] else "" for line in told.splitlines())
    if not sha:
        return Lineage(other=wanted)
    listed = ("for-each-ref", f"--contains={sha}", f"--count={_REFS}", "--format=%(refname:short)", *_PUBLISHED)
    refs = await _git(place, *listed, seconds=_READ_S)
    apart = await _git(place, "rev-list", "--left-right", "--count", f"{sha}...{wanted or sha}", seconds=_READ_S)
    if isinstance(refs, Missing):
        return refs
    if isinstance(apart, Missing):
        return apart
    ahead, behind = map(int, apart.split())
    return Lineage(sha, tuple(refs.split()), wanted, ahead, behind)


async def _holds(place: Path | Missing, commit: str, branches: Sequence[str]) -> bool | Missing:
    whole = place if isinstance(place, Missing) else await _whole(place)
    return whole if isinstance(whole, Missing) else await _is_ancestor(whole, commit, branches)


async def _is_ancestor(place: Path, commit: str, branches: Sequence[str]) -> bool | Missing:
    """Ask whether one of the branches that are there leads back to a commit; its age does not matter."""
    asked = [f"{where}/{branch}" for branch in branches for where in ("refs/heads", "refs/remotes/origin")]
    listed = await _git(place, "for-each-ref", "--format=%(refname)", *asked, seconds=_READ_S)
    if isinstance(listed, Missing):
        return listed
    there = [ref for ref in listed.split() if ref in asked]
    if not there:
        return Missing(f"the repository has no branch {' or '.join(branches)}")
    told = await _git(place, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", seconds=_READ_S)
    if isinstance(told, Missing):
        return Missing("the repository does not have that commit")
    for ref in there:
        # Their last common ancestor is the commit itself where the branch holds it; git prints none and gives 1 where
        # they have none in common.
        common = await _git(place, "merge-base", "--all", told.strip(), ref, seconds=_READ_S)
        if isinstance(common, Missing) and not common.reason.endswith("exit code 1"):
            return common
        if not isinstance(common, Missing) and told.strip() in common.split():
            return True
    return False


async def _clone(repository: str, mirror: Path) -> str | Missing:
    """Bring a repository here; a clone that was ended half-way is never taken for a mirror."""
    begun = mirror.with_suffix(".begun")
    await asyncio.to_thread(shutil.rmtree, begun, ignore_errors=True)
    mirror.parent.mkdir(parents=True, exist_ok=True)
    arguments = ("clone", "--quiet", "--mirror", "--", repository, str(begun))
    told = await _git(mirror.parent, *arguments, seconds=_CLONE_S)
    if not isinstance(told, Missing):
        begun.rename(mirror)
    return told


def _is_remote(repository: str) -> bool:
    return "://" in repository or re.match(r"[\w.-]+@[\w.-]+:", repository) is not None


def _blobs(listed: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give path and object of each file that fits one of the names (globs); links and submodules are none."""
    for row in listed.split("\0"):
        about, _, path = row.partition("\t")
        if about.startswith("100") and any(fnmatchcase(path.rpartition("/")[2], name) for name in names):
            yield path, about.split()[2]


def _contents(batch: bytes) -> Iterator[bytes]:
    """Read what `git cat-file --batch` prints: a line with the size, the object, a line break."""
    at = 0
    while (end := batch.find(b"\n", at)) >= 0:
        size = int(batch[at:end].rpartition(b" ")[2])
        yield batch[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _local(place: Path) -> Path | Missing:
    return place if place.is_dir() else Missing(f"the repository {place} is not there")


def _commit(row: str) -> Commit:
    sha, author, at, subject = row.strip().split("\x1f", 3)
    return Commit(sha, author, datetime.fromtimestamp(int(at), UTC), subject)


async def _git(
    place: Path, *arguments: str, seconds: float, given: bytes = b"", own: Mapping[str, str] | None = None
) -> str | Missing:
    """Run git in a place and give what it prints as text, or the last line of why it could not."""
    told = await _git_bytes(place, *arguments, seconds=seconds, given=given, own=own)
    return told if isinstance(told, Missing) else told.decode(errors="replace")


async def _git_bytes(
    place: Path, *arguments: str, seconds: float, given: bytes = b"", own: Mapping[str, str] | None = None
) -> bytes | Missing:
    """Run git in a place and give what it prints, or the last line of why it could not.

    `given` is its standard input, `own` is added to its environment.
    """
    options = [part for key, value in _SAFE for part in ("-c", f"{key}={value}")]
    environment = {
        **bare(),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "LC_ALL": "C.UTF-8",
        **({"SSH_AUTH_SOCK": agent} if (agent := os.environ.get("SSH_AUTH_SOCK")) else {}),
        **(own or {}),
    }
    ended = await run(("git", *options, *arguments), seconds=seconds, environment=environment, given=given, cwd=place)
    if isinstance(ended, Missing):
        return Missing(f"git {arguments[0]}: {ended.reason}")
    if ended.why:
        said = ended.err.decode(errors="replace").splitlines()
        rejected = [line.strip() for line in said if "rejected]" in line]  # git's last line only says that it failed
        return Missing(f"git {arguments[0]}: {rejected[-1] if rejected else ended.why}")
    return ended.out

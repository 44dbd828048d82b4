"""The objects of a git repository, by one long-lived reader; nothing of the repository's is ever run."""

import os
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.domain.errors import FirstFiveError
from bot.processes import bare

_SAFE = (
    ("core.hooksPath", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.pager", "cat"),
    ("core.commitGraph", "false"),  # a file beside the objects, which could say something else
    ("log.showSignature", "false"),
    ("protocol.allow", "never"),
    ("safe.directory", "*"),  # it may be another user's: only objects are read of it
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}
_MOST_KEPT = 64_000_000
_MOST_TREES = 100_000
_LARGEST = 256_000_000
_AT_ONCE = 500  # names fit into a pipe, so that neither side waits for the other


class RepositoryUnreadable(FirstFiveError):
    """A repository, or an object of it, cannot be read."""


@dataclass(frozen=True)
class Item:
    """What a tree holds under a name."""

    mode: int
    id: str

    @property
    def is_tree(self) -> bool:
        """Tell a folder from a file."""
        return self.mode == TREE


TREE, LINK, MODULE = 0o40000, 0o120000, 0o160000
DEEPEST = 100
"""Folders in folders that are followed."""


def command(repository: Path, *words: str) -> tuple[str, ...]:
    """Give the words of a git command that runs nothing of the repository's."""
    options = (part for key, value in _SAFE for part in ("-c", f"{key}={value}"))
    return ("git", "-C", str(repository), *options, *words)


def environment() -> dict[str, str]:
    """Give the variables that git is started with."""
    return {**bare(), **_ENVIRONMENT}


class Objects:
    """Reads trees and blobs; any thread may ask."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._reader: subprocess.Popen[bytes] | None = None
        self._roots: dict[str, str] = {}
        self._trees: dict[str, Mapping[str, Item]] = {}
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self._kept = 0

    def close(self) -> None:
        """End the reader; it is started again when somebody asks."""
        with self._lock:
            self._end()

    def root(self, commit: str) -> str:
        """Give the id of a commit's tree."""
        if commit not in self._roots:
            self.warm((commit,))
        return self._roots[commit]

    def warm(self, commits: Sequence[str]) -> None:
        """Read the trees of many commits, without waiting for one before the next is asked for."""
        unknown = [commit for commit in commits if commit not in self._roots]
        for first in range(0, len(unknown), _AT_ONCE):
            some = unknown[first : first + _AT_ONCE]
            told = self._read([f"{commit}^{{tree}}" for commit in some], b"tree")
            for commit, (tree_id, raw) in zip(some, told, strict=True):
                self._roots[commit] = tree_id
                self._learn(tree_id, raw)

    def text(self, commit: str) -> str:
        """Give a commit's header and message."""
        [(_, raw)] = self._read([commit], b"commit")
        return raw.decode(errors="replace")

    def tree(self, tree_id: str) -> Mapping[str, Item]:
        """Give what a folder holds, by name.

        Raises:
            RepositoryUnreadable: it is not there, or holds a name that would lead out of it.
        """
        known = self._trees.get(tree_id)
        if known is None:
            [(_, raw)] = self._read([tree_id], b"tree")
            known = self._learn(tree_id, raw)
        return known

    def _learn(self, tree_id: str, raw: bytes) -> Mapping[str, Item]:
        if len(self._trees) >= _MOST_TREES:
            self._trees = {}
        self._trees[tree_id] = items = _items(raw, len(tree_id) // 2)
        return items

    def blob(self, blob_id: str) -> bytes:
        """Give a file's content."""
        with self._lock:
            if (known := self._blobs.get(blob_id)) is not None:
                self._blobs.move_to_end(blob_id)
                return known
        [(_, content)] = self._read([blob_id], b"blob")
        with self._lock:
            if blob_id not in self._blobs:
                self._blobs[blob_id] = content
                self._kept += len(content)
            while self._kept > _MOST_KEPT and self._blobs:
                self._kept -= len(self._blobs.popitem(last=False)[1])
        return content

    def at(self, root: str, path: str) -> Item | None:
        """Give what is at a path below a tree, None where nothing is; links are not followed."""
        item = Item(TREE, root)
        for name in filter(None, path.split("/")):
            found = self.tree(item.id).get(name) if item.is_tree else None
            if found is None:
                return None
            item = found
        return item

    def _read(self, names: Sequence[str], kind: bytes) -> list[tuple[str, bytes]]:
        """Read some objects of a kind: their ids and contents."""
        with self._lock:
            try:
                asked, told = self._pipes()
                asked.write("".join(f"{name}\n" for name in names).encode())
                asked.flush()
                return [self._answer(told, name, kind) for name in names]
            except (OSError, ValueError) as error:
                self._end()
                raise RepositoryUnreadable(f"{self._repository.name}: git cannot be asked: {error}") from error
            except RepositoryUnreadable:
                self._end()  # answers that nobody reads would be taken for others
                raise

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._reader is None:
            words = command(self._repository, "cat-file", "--batch")
            pipe = subprocess.PIPE
            self._reader = subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment(), start_new_session=True
            )
        if self._reader.stdin is None or self._reader.stdout is None:
            raise ValueError("no pipes")
        return self._reader.stdin, self._reader.stdout

    def _answer(self, told: IO[bytes], name: str, kind: bytes) -> tuple[str, bytes]:
        """Read one answer: a line with id, kind and size, the content, a line's end (git help cat-file)."""
        head = told.readline().split()
        if not head:
            raise ValueError("it ended")
        if len(head) < 3:  # noqa: PLR2004 - "... missing"
            raise RepositoryUnreadable(f"{self._repository.name} does not have the object {name[:40]}")
        if int(head[2]) > _LARGEST:
            raise ValueError(f"the object {name[:40]} is larger than 256 MB")
        content = told.read(int(head[2]) + 1)[:-1]
        if len(content) != int(head[2]):
            raise ValueError("it ended")
        if head[1] != kind:
            raise RepositoryUnreadable(f"{self._repository.name}: {name[:40]} is a {head[1].decode()}")
        return head[0].decode(), content

    def _end(self) -> None:
        if self._reader is not None:
            for pipe in (self._reader.stdin, self._reader.stdout):
                if pipe is not None:
                    pipe.close()
            self._reader.wait()
            self._reader = None


def _items(raw: bytes, width: int) -> Mapping[str, Item]:
    """Read a tree: modes and names, each with the bytes of an id behind it (git help format-index)."""
    items, place = {}, 0
    while place < len(raw):
        end = raw.index(b"\0", place)
        mode, _, name = raw[place:end].partition(b" ")
        text = os.fsdecode(name)
        if text in {"", ".", ".."} or "/" in text or text.lower() == ".git":
            raise RepositoryUnreadable(f"a tree of the repository holds the name {text!r}")
        place = end + 1 + width
        items[text] = Item(int(mode, 8), raw[end + 1 : place].hex())
    return items

"""The files of a commit in a private folder, brought from one commit to the next by what differs.

They are written from the objects, so that no hook, no filter and no attribute of the repository is asked, and the
user's own files are never touched. Nothing that is tested can write here: a sandbox shows the folder read-only.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from bot.adapters.bisect.objects import DEEPEST, LINK, MODULE, Item, Objects, RepositoryUnreadable

_MOST_FILES = 500_000
_EXECUTABLE = 0o100
_FILE, _PROGRAM, _FOLDER = 0o644, 0o755, 0o755


class Tree:
    """One folder that holds one commit's files at a time, with a file laid over them if one is asked for."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self.folder = folder
        self._objects = objects
        self._at = ""
        self._laid = ""

    def show(self, commit: str, laid: str = "", content: bytes = b"") -> None:
        """Bring the files of a commit here, and one of another content, at the path `laid`, whose folder is there.

        Raises:
            RepositoryUnreadable: they cannot be read, or are too many or too deep.
        """
        root = self._objects.root(commit)
        before, self._at = self._at, ""  # half-way it is nothing that one could go on from
        if not before:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self.folder.chmod(_FOLDER)
        elif self._laid:
            self._take_up(before)
        gone, new = _differing(self._objects, before, root)
        for path, item in gone.items():
            _remove(self.folder, path, item)
        for path, item in new.items():
            self._write(path, item)
        if laid:
            self._lay(laid, content)
        self._at, self._laid = root, laid

    def _take_up(self, root: str) -> None:
        (self.folder / self._laid).unlink()
        if own := self._objects.at(root, self._laid):
            self._write(self._laid, own)

    def _lay(self, laid: str, content: bytes) -> None:
        place = self.folder / laid
        if place.is_dir() and not place.is_symlink():
            raise RepositoryUnreadable(f"{laid} is a folder there, no file can be laid over it")
        place.unlink(missing_ok=True)
        _fill(place, content, _FILE)

    def _write(self, path: str, item: Item) -> None:
        place = self.folder / path
        _make_folder(place.parent)
        if item.mode == MODULE:
            _make_folder(place)
        elif item.mode == LINK:
            place.symlink_to(os.fsdecode(self._objects.blob(item.id)))
        else:
            _fill(place, self._objects.blob(item.id), _PROGRAM if item.mode & _EXECUTABLE else _FILE)


def _fill(place: Path, content: bytes, mode: int) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)  # whatever the umask says: another user is to read it
        file.write(content)


def _make_folder(place: Path) -> None:
    if not place.is_dir():
        _make_folder(place.parent)
        place.mkdir()
        place.chmod(_FOLDER)


def changed(objects: Objects, old: str, new: str) -> tuple[str, ...]:
    """Name the files that differ between two trees; "" is the tree without any."""
    gone, here = _differing(objects, old, new)
    return tuple(sorted({*gone, *here}))


def _differing(objects: Objects, old: str, new: str) -> tuple[Mapping[str, Item], Mapping[str, Item]]:
    """Give the files of one tree that the other does not have so, both ways; a renamed folder is other files."""
    gone: dict[str, Item] = {}
    here: dict[str, Item] = {}
    ahead = [("", old, new)]
    while ahead:
        folder, one, other = ahead.pop()
        before = objects.tree(one) if one else {}
        after = objects.tree(other) if other else {}
        for name in before.keys() | after.keys():
            was, is_ = before.get(name), after.get(name)
            if was == is_:
                continue
            path = f"{folder}{name}"
            trees = [item.id if item and item.is_tree else "" for item in (was, is_)]
            if any(trees):
                ahead.append((f"{path}/", trees[0], trees[1]))
            gone |= {path: was} if was and not was.is_tree else {}
            here |= {path: is_} if is_ and not is_.is_tree else {}
        if len(here) > _MOST_FILES or _is_deep(folder):
            raise RepositoryUnreadable("the repository has more files, or deeper folders, than are looked at")
    return gone, here


def _is_deep(path: str) -> bool:
    """Tell whether a path has more folders than are followed."""
    return path.count("/") > DEEPEST


def _remove(top: Path, path: str, item: Item) -> None:
    """Take a file away, and the folders that are empty then: another commit may have a file of their name."""
    place = top / path
    if item.mode == MODULE:
        place.rmdir()
    else:
        place.unlink()
    parent = place.parent
    while parent != top and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent

"""Artifacts in a local folder, one file for each sha256."""

import asyncio
import hashlib
import os
import re
import tempfile
from pathlib import Path

from bot.domain.errors import ArtifactDamaged, StoreUnusable
from bot.ports import Stored

_SHA256 = re.compile(r"[0-9a-f]{64}")


class FolderArtifacts:
    """Keeps bytes below a folder; what `put` has returned survives a crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def check(self) -> None:
        """Make the folder if it is not there.

        :raises StoreUnusable: it cannot be made, or not be written.
        """
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable(f"ARTIFACTS_URL: the folder {self._folder} cannot be made: {error.strerror}.") from None
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise StoreUnusable(f"ARTIFACTS_URL: the folder {self._folder} cannot be written.")

    async def put(self, name: str, content: bytes) -> Stored:
        """Keep bytes; the same bytes twice are kept once.

        :raises StoreUnusable: the folder cannot be written.
        """
        return await asyncio.to_thread(self._put, name, content)

    async def get(self, sha256: str) -> bytes | None:
        """Give the bytes back, or None.

        :raises StoreUnusable: they cannot be read.
        :raises ArtifactDamaged: they are not the bytes that were kept.
        """
        return await asyncio.to_thread(self._get, sha256)

    def _put(self, name: str, content: bytes) -> Stored:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        try:
            if not path.exists() or path.stat().st_size != len(content):
                _write(path, content)
        except OSError as error:
            raise StoreUnusable(
                f"Artifact {name} cannot be kept in {self._folder}: {error.strerror}. Make room or correct its rights."
            ) from error
        return Stored(name, sha256, len(content))

    def _get(self, sha256: str) -> bytes | None:
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnusable(f"Artifact {sha256[:12]} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactDamaged(f"Artifact {sha256[:12]} is damaged: its bytes are not those that were kept.")
        return content

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

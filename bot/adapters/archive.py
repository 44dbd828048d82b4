"""One tar.gz of a snapshot (the manifest and every part), or of any files. The same content gives the same bytes."""

import asyncio
import gzip
import io
import tarfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from bot.domain.redaction import redact_bytes
from bot.domain.snapshot import Captured, Manifest, safe_name

COMPRESSION = 6
TEXTS = (".txt", ".json")
ARCHIVE_BYTES = 128 * 1024 * 1024
"""What is in memory while it is packed; a snapshot of 30 large services has a tenth of it."""
MOST_SHRUNK = 1000
"""Nothing that deflate is given comes out smaller than about a thousandth."""


class TarArchive:
    """Packs snapshots and bundles."""

    async def pack(self, manifest: Manifest, content: Callable[[Captured], Awaitable[bytes]]) -> bytes:
        """Give the archive, made off the event loop, one part in memory at a time.

        Texts are redacted once more, whoever captured them.
        """
        packing = _Packing(manifest)
        for part in packing.parts:
            await asyncio.to_thread(packing.add, part, await content(part) if part.sha256 else b"")
        return await asyncio.to_thread(packing.end)

    async def tar(self, folder: str, files: Mapping[str, bytes]) -> bytes:
        """Give the archive of files below a folder, made off the event loop."""
        return await asyncio.to_thread(tar, folder, dict(files))


def archive_name(manifest: Manifest) -> str:
    """Name the archive (and the folder in it) after the service and the time."""
    return f"{safe_name(manifest.service)}-{manifest.started_at:%Y%m%dT%H%M%S}Z"


def pack(manifest: Manifest, parts: Iterable[Captured]) -> bytes:
    """Give the archive of a snapshot whose parts are in memory."""
    contents = {each.file: each.content for each in parts}
    packing = _Packing(manifest)
    for part in packing.parts:
        packing.add(part, contents.get(part.file, b""))
    return packing.end()


def tar(folder: str, files: Mapping[str, bytes]) -> bytes:
    """Give the archive as bytes: sorted, without times, users or anything else of this machine."""
    archive = _Tar(folder)
    for name in sorted(files, key=_inside):
        archive.add(name, files[name])
    return archive.end()


class _Packing:
    """A snapshot's archive that grows: its parts in order, and last the manifest of what was put in."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._tar = _Tar(archive_name(manifest))
        self._records: list[Captured] = []
        self.parts = sorted(manifest.artifacts, key=lambda each: _inside(each.file))

    def add(self, part: Captured, content: bytes) -> None:
        """Put a part in, without secrets; leave it out when the archive is large enough."""
        if content and part.file.endswith(TEXTS):
            content = redact_bytes(content)
            part = replace(part, bytes=len(content), sha256=sha256(content).hexdigest())
        if content and self._tar.size + len(content) // MOST_SHRUNK > ARCHIVE_BYTES:
            full = f"{part.target}: {part.part} is kept apart, as the archive has {ARCHIVE_BYTES} bytes already"
            part = replace(part, error=part.error or full)
        elif content:
            self._tar.add(part.file, content)
        self._records.append(part)

    def end(self) -> bytes:
        """Give the archive."""
        self._tar.add("manifest.json", replace(self._manifest, artifacts=tuple(self._records)).to_json())
        return self._tar.end()


class _Tar:
    """A tar.gz in memory that shrinks what it is given at once."""

    def __init__(self, folder: str) -> None:
        self._folder = safe_name(folder)
        self._bytes = io.BytesIO()
        self._gzip = gzip.GzipFile("", "wb", COMPRESSION, self._bytes, mtime=0)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by `end`

    @property
    def size(self) -> int:
        """How many bytes it has by now, but for the last few."""
        return self._bytes.tell()

    def add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(f"{self._folder}/{_inside(name)}")
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))

    def end(self) -> bytes:
        self._tar.close()
        self._gzip.close()
        return self._bytes.getvalue()


def _inside(file: str) -> str:
    """Keep a name inside of the folder, whatever it is made of."""
    return "/".join(safe_name(element) for element in file.split("/"))

"""One tar.gz of a snapshot (the manifest and every part), or of any files. The same content gives the same bytes."""

import asyncio
import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from bot.domain.redaction import redact_bytes
from bot.domain.snapshot import Captured, Manifest, safe_name

COMPRESSION = 6
TEXTS = (".txt", ".json")


class TarArchive:
    """Packs snapshots and bundles."""

    async def pack(self, manifest: Manifest, parts: Iterable[Captured]) -> bytes:
        """Give the archive, made off the event loop. Texts are redacted once more, whoever captured them."""
        return await asyncio.to_thread(pack, manifest, tuple(parts))

    async def tar(self, folder: str, files: Mapping[str, bytes]) -> bytes:
        """Give the archive of files below a folder, made off the event loop."""
        return await asyncio.to_thread(tar, folder, dict(files))


def archive_name(manifest: Manifest) -> str:
    """Name the archive (and the folder in it) after the service and the time."""
    return f"{safe_name(manifest.service)}-{manifest.started_at:%Y%m%dT%H%M%S}Z"


def pack(manifest: Manifest, parts: Iterable[Captured]) -> bytes:
    """Give the archive of a snapshot."""
    kept = {each.file: _redacted(each) for each in parts if each.usable}
    records = tuple(kept[each.file].without_content() if each.file in kept else each for each in manifest.artifacts)
    files = {"manifest.json": replace(manifest, artifacts=records).to_json()}
    files |= {each.file: each.content for each in kept.values()}
    return tar(archive_name(manifest), files)


def tar(folder: str, files: Mapping[str, bytes]) -> bytes:
    """Give the archive as bytes: sorted, without times, users or anything else of this machine."""
    inside = {f"{safe_name(folder)}/{_inside(name)}": content for name, content in files.items()}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(inside):
            entry = tarfile.TarInfo(name)
            entry.size = len(inside[name])
            archive.addfile(entry, io.BytesIO(inside[name]))
    return gzip.compress(plain.getvalue(), COMPRESSION, mtime=0)


def _redacted(part: Captured) -> Captured:
    if not part.file.endswith(TEXTS):
        return part
    content = redact_bytes(part.content)
    return replace(part, content=content, bytes=len(content), sha256=sha256(content).hexdigest())


def _inside(file: str) -> str:
    """Keep a name inside of the folder, whatever it is made of."""
    return "/".join(safe_name(element) for element in file.split("/"))

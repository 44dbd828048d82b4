"""The h1 hash of a module as it lies on a disk: of its archive, or of its folder in a module cache."""

import zipfile
import zlib
from hashlib import sha256
from typing import BinaryIO

from bot.domain.sumdb.dirhash import ModuleRefused, h1

MAX_FILES = 100_000
MAX_CONTENT_BYTES = 500 << 20
"""What go itself refuses beyond (golang.org/x/mod/zip: MaxZipFile), packed or not."""
PIECE_BYTES = 1 << 20
_UTF8 = 0x800
"""Flag of an archive's entry: its name is UTF-8, and else whatever bytes it is."""


def zip_h1(archive: BinaryIO, path: str, version: str) -> str:
    """Give the hash of a module's archive, read piece by piece, nothing of it unpacked.

    :raises ModuleRefused: it is damaged, too large, or holds what no archive of this module can hold.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return h1(_files(opened, f"{path}@{version}/".encode()))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ModuleRefused(f"its archive cannot be read: {error}"[:200]) from error


def _files(archive: zipfile.ZipFile, prefix: bytes) -> list[tuple[bytes, str]]:
    entries = archive.infolist()
    names = [_name(entry) for entry in entries]
    if len(entries) > MAX_FILES:
        raise ModuleRefused(f"its archive has more than {MAX_FILES} files")
    if strange := next((name for name in names if not name.startswith(prefix) or _climbs(name)), None):
        raise ModuleRefused(f"its archive holds {strange.decode('utf-8', 'replace')[:80]!r}, which is not below it")
    if any(entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for entry in entries):
        raise ModuleRefused("its archive is packed in a way that go cannot read")
    if len(set(names)) < len(names):
        raise ModuleRefused("its archive holds two files of one name")
    left = MAX_CONTENT_BYTES
    digests = []
    for entry in entries:
        digest, size = _digest(archive, entry, left)
        left -= size
        digests.append(digest)
    return list(zip(names, digests, strict=True))


def _digest(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> tuple[str, int]:
    """Hash one file; what its header says of its size is believed only where it says too much."""
    hashed, size = sha256(), 0
    with archive.open(entry) as content:
        while piece := content.read(PIECE_BYTES):
            size += len(piece)
            if size > most:
                raise ModuleRefused(f"its archive unpacks to more than {MAX_CONTENT_BYTES >> 20} MB")
            hashed.update(piece)
    return hashed.hexdigest(), size


def _name(entry: zipfile.ZipInfo) -> bytes:
    """Give a name's very bytes."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437")


def _climbs(name: bytes) -> bool:
    parts = name.split(b"/")
    return b".." in parts or b"\\" in name or b"\x00" in name

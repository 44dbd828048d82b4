import gzip
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from bot.adapters.archive import TarArchive, archive_name, pack
from bot.domain.snapshot import DUMP, HEAP, SOCKETS, Captured, captured, manifest, missed

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
PARTS = [
    captured("checkout-2", DUMP, b"goroutine 1 [select]:\n", 0.2),
    captured("checkout-1", HEAP, b"\x1f\x8bprofile", 0.1),
    missed("checkout-1", SOCKETS, "checkout-1: not on this machine"),
]
FOLDER = "checkout-20260301T120005Z"


def opened(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]


def packed(parts: list[Captured]) -> bytes:
    return pack(manifest("checkout", NOON, parts), parts)


def test_the_archive_holds_the_parts_and_a_manifest_of_them_all() -> None:
    files = opened(packed(PARTS))
    listed = {each["file"]: each for each in json.loads(files[f"{FOLDER}/manifest.json"])["artifacts"]}

    assert list(files) == sorted(files)
    assert set(files) == {
        f"{FOLDER}/{name}" for name in ("manifest.json", "checkout-1/heap.pb.gz", "checkout-2/goroutine-dump.txt")
    }
    assert {name: each["status"] for name, each in listed.items()} == {
        "checkout-1/heap.pb.gz": "ok",
        "checkout-1/sockets.json": "failed",
        "checkout-2/goroutine-dump.txt": "ok",
    }
    for name, each in listed.items():
        if each["status"] == "ok":
            content = files[f"{FOLDER}/{name}"]
            assert (each["bytes"], each["sha256"]) == (len(content), sha256(content).hexdigest())


async def test_the_same_snapshot_gives_the_same_bytes_and_nothing_of_this_machine() -> None:
    async def content(part: Captured) -> bytes:
        return next(each.content for each in PARTS if each.file == part.file)

    archive = packed(PARTS)

    assert packed(PARTS[::-1]) == archive == await TarArchive().pack(manifest("checkout", NOON, PARTS), content)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in tar} == {(0, 0, 0, "", 0o644)}


def test_no_name_leaves_the_folder() -> None:
    wicked = [
        replace(PARTS[0], file="../../etc/passwd"),
        captured("../..", HEAP, b"x", 0),
        captured("a/b c", HEAP, b"y", 0),
    ]
    names = list(opened(packed(wicked)))

    assert len(names) == 4
    assert all(name.startswith(f"{FOLDER}/") for name in names)
    assert not any(element in {"", ".", ".."} for name in names for element in name.split("/"))


def test_a_text_that_was_captured_with_its_secrets_is_packed_without() -> None:
    leaky = captured("checkout-1", DUMP, b'goroutine 1 [select] {password: "hunter2"}:\n', 0.1)
    archive = packed([leaky])
    files = opened(archive)
    (listed,) = json.loads(files[f"{FOLDER}/manifest.json"])["artifacts"]
    content = files[f"{FOLDER}/checkout-1/goroutine-dump.txt"]

    assert b"hunter2" not in gzip.decompress(archive)
    assert b"[redacted:secret]" in content
    assert (listed["sha256"], listed["bytes"]) == (sha256(content).hexdigest(), len(content))


def test_the_archive_is_named_after_service_and_time() -> None:
    assert archive_name(manifest("check/out", NOON, [])).endswith("-20260301T120005Z")
    assert "/" not in archive_name(manifest("check/out", NOON, []))


def test_an_archive_that_is_large_enough_says_what_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.archive.ARCHIVE_BYTES", 1)
    files = opened(packed(PARTS))
    listed = {each["file"]: each for each in json.loads(files[f"{FOLDER}/manifest.json"])["artifacts"]}

    assert set(files) == {f"{FOLDER}/manifest.json"}
    assert listed["checkout-1/heap.pb.gz"]["sha256"] == PARTS[1].sha256
    assert listed["checkout-1/heap.pb.gz"]["error"] == (
        "checkout-1: heap is kept apart, as the archive has 1 bytes already"
    )

"""What the artifact store says it has kept is there, whole, under its digest: in a folder, in S3, in memory."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest

from bot.adapters.artifacts import FolderArtifacts
from bot.adapters.bucket import BucketArtifacts, open_bucket
from bot.domain.errors import StoreUnusable
from bot.ports import Artifacts
from tests.fakes import FakeArtifacts
from tests.object_store import environment, fresh_bucket

SHA = hashlib.sha256(b"bytes").hexdigest()


@pytest.fixture
def bucket() -> Iterator[obstore.store.ObjectStore]:
    with fresh_bucket() as url:
        yield open_bucket(url)


@pytest.fixture(params=["folder", "bucket", "fake"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    if request.param == "bucket":
        return BucketArtifacts(request.getfixturevalue("bucket"))
    return FakeArtifacts() if request.param == "fake" else FolderArtifacts(tmp_path / "artifacts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not there yet" / "artifacts"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"bytes", bytes(range(256)) * 4_000], ids=len)
async def test_bytes_come_back_under_their_digest(content: bytes, artifacts: Artifacts) -> None:
    stored = await artifacts.put("a name", content)
    assert (stored.name, stored.bytes) == ("a name", len(content))
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert await artifacts.get(stored.sha256) == content


@pytest.mark.parametrize("sha256", [SHA, "", "..", "../../../../etc/passwd", SHA.upper(), f"{SHA}\n", "0" * 63, "\0"])
async def test_what_was_never_kept_is_none(sha256: str, artifacts: Artifacts) -> None:
    assert await artifacts.get(sha256) is None


async def test_many_at_once_are_all_kept(artifacts: Artifacts) -> None:
    contents = [bytes([number]) * 1_000 for number in range(20)] * 2
    stored = await asyncio.gather(*(artifacts.put("x", content) for content in contents))
    assert [await artifacts.get(each.sha256) for each in stored] == contents


async def test_a_name_is_only_a_name(artifacts: Artifacts) -> None:
    first, second = await artifacts.put("one", b"bytes"), await artifacts.put("../../two", b"bytes")
    assert (first.sha256, first.name, second.name) == (second.sha256, "one", "../../two")
    assert await artifacts.get(first.sha256) == b"bytes"


async def test_a_bucket_keeps_the_same_bytes_once_and_mends_damaged_ones(bucket: obstore.store.ObjectStore) -> None:
    artifacts = BucketArtifacts(bucket)
    for _ in range(2):
        await artifacts.put("x", b"bytes")
    assert [found["path"] for batch in obstore.list(bucket) for found in batch] == [f"{SHA[:2]}/{SHA}"]
    obstore.put(bucket, f"{SHA[:2]}/{SHA}", b"byte")
    with pytest.raises(StoreUnusable, match=f"Artifact {SHA[:12]} is damaged"):
        await artifacts.get(SHA)
    await artifacts.put("x", b"bytes")
    assert await artifacts.get(SHA) == b"bytes"


async def test_a_bucket_that_is_not_there_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    artifacts = BucketArtifacts(open_bucket("s3://nowhere"))
    with pytest.raises(StoreUnusable, match=r"dump\.txt cannot be kept: the bucket of ARTIFACTS_URL is not there"):
        await artifacts.put("dump.txt", b"bytes")
    with pytest.raises(StoreUnusable, match="cannot be read: the bucket of ARTIFACTS_URL is not there"):
        await artifacts.get(SHA)


async def test_a_place_that_can_be_used_passes_the_check(artifacts: Artifacts) -> None:
    for _ in range(2):
        await artifacts.check()
        await artifacts.put("x", b"bytes")


async def test_a_wrong_bucket_shows_at_the_start_and_an_outage_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnusable, match="ARTIFACTS_URL cannot be used: the bucket of ARTIFACTS_URL is not there"):
        await BucketArtifacts(open_bucket("s3://nowhere")).check()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    await BucketArtifacts(open_bucket("s3://evidence")).check()


async def test_a_wrong_folder_shows_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("x")
    with pytest.raises(StoreUnusable, match=r"ARTIFACTS_URL: the folder .* cannot be made: Not a directory"):
        await FolderArtifacts(tmp_path / "in the way" / "artifacts").check()


async def test_an_object_store_that_does_not_answer_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnusable, match=r"^Artifact dump\.txt cannot be kept: [^\n]*\.$"):
        await BucketArtifacts(open_bucket("s3://evidence")).put("dump.txt", b"bytes")


def test_a_url_that_says_too_little_is_refused() -> None:
    with pytest.raises(
        StoreUnusable, match=r"ARTIFACTS_URL: az://evidence cannot be used: .*Account must be specified"
    ):
        open_bucket("az://evidence", {})


async def test_the_same_bytes_are_kept_once(folder: Path) -> None:
    artifacts = FolderArtifacts(folder)
    first, second = await artifacts.put("one", b"bytes"), await artifacts.put("two", b"bytes")
    assert (first.sha256, first.name, second.name) == (second.sha256, "one", "two")
    assert len(files(folder)) == 1


async def test_a_name_never_becomes_a_path(folder: Path) -> None:
    await FolderArtifacts(folder).put("../../../escape", b"bytes")
    assert [path.name for path in files(folder.parent)] == [SHA]


async def test_only_the_bot_may_read_what_it_keeps(folder: Path) -> None:
    await FolderArtifacts(folder).put("x", b"bytes")
    (path,) = files(folder)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_damaged_bytes_are_never_given_out_and_are_mended_by_keeping_them_again(folder: Path) -> None:
    artifacts = FolderArtifacts(folder)
    await artifacts.put("x", b"bytes")
    (path,) = files(folder)
    path.write_bytes(b"byte")
    with pytest.raises(StoreUnusable, match=f"Artifact {SHA[:12]} is damaged"):
        await artifacts.get(SHA)
    await artifacts.put("x", b"bytes")
    assert await artifacts.get(SHA) == b"bytes"


async def test_a_folder_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file is in the way")
    with pytest.raises(StoreUnusable, match=r"Artifact dump\.txt cannot be kept in .*artifacts: Not a directory"):
        await FolderArtifacts(tmp_path / "artifacts").put("dump.txt", b"bytes")


async def test_a_write_that_fails_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    artifacts = FolderArtifacts(folder)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnusable, match="No space left on device"):
        await artifacts.put("x", b"bytes")
    assert files(folder) == []

"""Artifacts, and the anchors of the timelines, in an object store: S3, Google Cloud Storage, Azure and their like."""

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from bot.domain.errors import AnchorRaced, ArtifactDamaged, StoreUnusable
from bot.ports import Stored

log = structlog.get_logger()

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ANCHORS = "anchors"
_NO_BUCKET = ("NoSuchBucket", "The specified bucket does not exist", "ContainerNotFound")


def open_bucket(url: str, environ: Mapping[str, str] = os.environ) -> ObjectStore:
    """Give the store behind an ARTIFACTS_URL such as s3://bucket/folder; nothing is asked of it yet.

    Credentials, region and endpoint come from the provider's usual variables.

    :raises StoreUnusable: it is no such URL, or says too little.
    """
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or environ.get("AWS_ENDPOINT", "")
    client: Any = {"connect_timeout": "5s", "timeout": "60s"}
    if endpoint.startswith("http://"):
        client["allow_http"] = True
    try:
        return from_url(url, client_options=client, retry_config={"max_retries": 3})
    except (BaseError, ValueError, TypeError) as error:
        raise StoreUnusable(f"ARTIFACTS_URL: {url} cannot be used: {_why(error)}.") from None


class BucketArtifacts:
    """Keeps bytes as objects named by their sha256; an object is there whole or not at all."""

    def __init__(self, bucket: ObjectStore) -> None:
        self._bucket = bucket

    async def check(self) -> None:
        """Ask for any object, so that a wrong name or wrong credentials show at the start.

        :raises StoreUnusable: the bucket is not there, or not ours.
        """
        try:
            async for _ in obstore.list(self._bucket, chunk_size=1):
                break
        except (BaseError, OSError) as error:
            if _lacks_bucket(error) or isinstance(
                error, PermissionDeniedError | UnauthenticatedError | PermissionError
            ):
                _refuse("ARTIFACTS_URL cannot be used", error)
            log.warning("the artifact store does not answer", reason=_why(error))

    async def put(self, name: str, content: bytes) -> Stored:
        """Keep bytes; the same bytes twice are kept once.

        :raises StoreUnusable: the store did not take them.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            if await self._size(sha256) != len(content):
                await obstore.put_async(self._bucket, _path(sha256), content)
        except (BaseError, OSError) as error:
            _refuse(f"Artifact {name} cannot be kept", error)
        return Stored(name, sha256, len(content))

    async def get(self, sha256: str) -> bytes | None:
        """Give the bytes back, or None.

        :raises StoreUnusable: they cannot be read.
        :raises ArtifactDamaged: they are not the bytes that were kept.
        """
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            found = await obstore.get_async(self._bucket, _path(sha256))
            content = bytes(await found.bytes_async())
        except FileNotFoundError as error:
            if _lacks_bucket(error):
                _refuse(f"Artifact {sha256[:12]} cannot be read", error)
            return None
        except (BaseError, OSError) as error:
            _refuse(f"Artifact {sha256[:12]} cannot be read", error)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactDamaged(f"Artifact {sha256[:12]} is damaged: its bytes are not those that were kept.")
        return content

    async def _size(self, sha256: str) -> int | None:
        try:
            return int((await obstore.head_async(self._bucket, _path(sha256)))["size"])
        except FileNotFoundError:
            return None


class BucketAnchors:
    """Keeps each anchor as an object of its own, which no writer replaces."""

    def __init__(self, bucket: ObjectStore) -> None:
        self._bucket = bucket

    async def lines(self) -> list[str]:
        """Give every anchor, oldest first.

        :raises StoreUnusable: they cannot be read.
        """
        try:
            paths = [found["path"] async for batch in obstore.list(self._bucket, prefix=_ANCHORS) for found in batch]
            return [await self._line(path) for path in sorted(paths)]
        except (BaseError, OSError) as error:
            _refuse("The anchors cannot be read", error)

    async def append(self, line: str, number: int) -> None:
        """Keep anchor `number` (from 1), once.

        :raises AnchorRaced: there is one of this number.
        :raises StoreUnusable: the store did not take it.
        """
        try:
            await obstore.put_async(self._bucket, f"{_ANCHORS}/{number:08}.json", line.encode(), mode="create")
        except AlreadyExistsError:
            raise AnchorRaced(f"Anchor {number} was written by somebody else meanwhile.") from None
        except (BaseError, OSError) as error:
            _refuse(f"Anchor {number} cannot be kept", error)

    async def _line(self, path: str) -> str:
        return bytes(await (await obstore.get_async(self._bucket, path)).bytes_async()).decode("utf-8", "replace")


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _refuse(what: str, error: Exception) -> NoReturn:
    if _lacks_bucket(error):
        raise StoreUnusable(
            f"{what}: the bucket of ARTIFACTS_URL is not there. Make it, or correct its name."
        ) from error
    raise StoreUnusable(f"{what}: {_why(error)}.") from error


def _lacks_bucket(error: Exception) -> bool:
    return any(word in str(error) for word in _NO_BUCKET)


def _why(error: Exception) -> str:
    """Give the first line of what the store says; the rest is for its authors."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".: ")[:300]

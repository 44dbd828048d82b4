"""How the params of verbs name a release, what it was made of, and what its artifact is."""

import re
from typing import Annotated

from pydantic import AfterValidator

from bot.engine.fields import Word

_RELEASE = re.compile(r"[A-Za-z0-9][\w.+:/@-]{0,99}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _release(release: str) -> str:
    if not _RELEASE.fullmatch(release):
        raise ValueError("a release is one word such as v1.12.3, at most 100 characters")
    return release


def _commit(commit: str) -> str:
    if commit and not _COMMIT.fullmatch(commit.lower()):
        raise ValueError("a commit is 7 to 64 hexadecimal digits")
    return commit.lower()


def _digest(digest: str) -> str:
    if not _DIGEST.fullmatch(digest.lower()):
        raise ValueError("a digest is sha256: and 64 hexadecimal digits")
    return digest.lower()


def _kept(sha256: str) -> str:
    if sha256 and not _SHA256.fullmatch(sha256):
        raise ValueError("what is shown of a build is kept under 64 hexadecimal digits")
    return sha256


ReleaseWord = Annotated[str, AfterValidator(_release)]
ReleaseName = Annotated[str, Word.KEYED, AfterValidator(_release)]
CommitName = Annotated[str, Word.KEYED, AfterValidator(_commit)]
DigestName = Annotated[str, Word.KEYED, AfterValidator(_digest)]
KeptName = Annotated[str, Word.KEYED, AfterValidator(_kept)]

"""`firstfive gate`: whether a build may be deployed, asked here or of the bot that serves somewhere else."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.domain.errors import CommandRejected
from bot.domain.gate.evidence import Submission
from bot.engine.gate_answers import shown_as

TOKEN = "FIRSTFIVE_DEPLOYS_TOKEN"  # noqa: S105 - the variable's name
_PATH = "/gate"
_WAIT_S = 60.0
_MOST_BYTES = 16_000_000


@dataclass(frozen=True)
class Question:
    """What a pipeline wants to deploy, and the files that show what it is. `id` makes it safe to ask again."""

    service: str
    release: str
    digest: str
    commit: str = ""
    by: str = ""
    proofs: Sequence[Path] = ()
    sbom: Path | None = None
    sbom_signature: Path | None = None
    id: str = ""

    @property
    def params(self) -> Mapping[str, str]:
        """Give the params of the playbook, but for what is shown."""
        named = {"service": self.service, "release": self.release, "digest": self.digest}
        return {**named, "commit": self.commit, "by": self.by}

    def submission(self) -> Submission:
        """Read the files.

        :raises CommandRejected: one cannot be read.
        """
        sbom, signature = (_text(each) if each else "" for each in (self.sbom, self.sbom_signature))
        return Submission(self.digest.lower(), "\n".join(_text(each) for each in self.proofs), sbom, signature)

    def whole(self) -> Mapping[str, Any]:
        """Give the params with what is shown, for a run on this machine.

        :raises CommandRejected: a file cannot be read, or it has an id: what is decided here is decided every time.
        """
        if self.id:
            raise CommandRejected("--id goes with --to: without a bot that remembers it, each question is a new one.")
        return {**self.params, "evidence": shown_as(self.submission())}


@dataclass(frozen=True)
class Answer:
    """What was answered: the exit code, what a program reads, and what a person does."""

    code: int
    document: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Say it in a line or some."""
        lines = self.document.get("summary") or "\n".join(map(str, self.document.get("reasons", ())))
        return f"{'allowed' if self.code == 0 else 'denied'}: {lines}"


def ask(url: str, question: Question) -> Answer:
    """Ask a bot; 0 is allowed, 3 denied, 1 that nobody could decide, which is denied too.

    :raises CommandRejected: a file cannot be read.
    """
    shown = question.submission()
    body = {**question.params, "id": question.id, "proofs": shown.proofs, "sbom": shown.sbom}
    headers = {"Authorization": f"Bearer {os.environ[TOKEN]}"} if os.environ.get(TOKEN) else {}
    try:
        signed = {"sbom_signature": shown.sbom_signature}
        told = httpx.post(f"{url.rstrip('/')}{_PATH}", json={**body, **signed}, headers=headers, timeout=_WAIT_S)
        document = told.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Answer(1, {"allowed": False, "reasons": [f"not verified: {url} does not answer ({error})"]})
    if not isinstance(document, Mapping) or document.get("allowed") is not (told.status_code == httpx.codes.OK):
        return Answer(1, {"allowed": False, "reasons": [f"not verified: {url} answers {told.status_code}"]})
    code = 0 if document["allowed"] else 3 if told.status_code == httpx.codes.FORBIDDEN else 1
    return Answer(code, document)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CommandRejected(f"{path} is larger than {_MOST_BYTES} bytes.")
        return path.read_bytes().decode()
    except OSError as error:
        raise CommandRejected(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandRejected(f"{path} is not UTF-8.") from None

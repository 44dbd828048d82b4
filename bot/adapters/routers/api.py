"""Calls to the API of a controller: bounded in time and bytes, every failure a sentence that says what to change."""

import json
from pathlib import Path
from typing import Any

import httpx

from bot.adapters.routers.asking import ask, place
from bot.adapters.routers.words import short
from bot.domain.run import Missing

TIMEOUT_S = 5.0
MERGE, JSON_PATCH, JSON = "application/merge-patch+json", "application/json-patch+json", "application/json"
_FAILED = 400
_SAID = {
    401: "its token is not taken; is it the right one, and still valid?",
    403: "its token may not do this; give its account the rights that docs/routers.md lists",
    404: "there is nothing of this name; compare the configuration with what is there",
    409: "somebody else changed it at the same moment; look at it again",
}
_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Api:
    """One HTTP API that speaks JSON. `token` is a bearer token, "" for none; `ca_file` who may have signed for it."""

    def __init__(
        self,
        token: str = "",
        *,
        in_cluster: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`in_cluster` is the folder of a pod's own token and authority, used where none is configured."""
        self._token = token
        self._in_cluster = in_cluster
        self._timeout_s = timeout_s
        self._transport = transport

    async def call(
        self, method: str, url: str, *, body: Any = None, kind: str = JSON, ca_file: str = ""
    ) -> Any | Missing:
        """Give the JSON that a call is answered with; or why there is none."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._authority(), **({"Content-Type": kind} if body is not None else {})}
        answered = await ask(
            method,
            url,
            self._timeout_s,
            ca_file=ca_file or self._own_authority(),
            transport=self._transport,
            content=content,
            headers=headers,
        )
        return answered if isinstance(answered, Missing) else _read(place(url), *answered)

    def _authority(self) -> dict[str, str]:
        token = self._token or self._own("token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _own(self, name: str) -> str:
        """Read what the pod is given; anew each time, as Kubernetes changes it."""
        file = self._in_cluster / name if self._in_cluster else None
        return file.read_text(encoding="utf-8").strip() if file and file.exists() else ""

    def _own_authority(self) -> str:
        file = self._in_cluster / "ca.crt" if self._in_cluster else None
        return str(file) if file and file.exists() else ""


def kubernetes(token: str, transport: httpx.AsyncBaseTransport | None = None) -> Api:
    """Give the API of a cluster: by the configured token, or by the one that the pod we run in has."""
    return Api(token, in_cluster=_IN_CLUSTER, transport=transport)


def _read(where: str, status: int, answer: str) -> Any | Missing:
    try:
        document = json.loads(answer) if answer.strip() else {}
    except (ValueError, RecursionError):
        document = None
    if status >= _FAILED:
        said = document.get("message") or document.get("error") if isinstance(document, dict) else ""
        reason = "; ".join(part for part in (_SAID.get(status, ""), short(str(said or ""))) if part)
        return Missing(f"{where} answered {status}{': ' if reason else ''}{reason}")
    if document is None:
        return Missing(f"{where} answered {status} with {len(answer)} characters that are not JSON")
    return document

"""Calls to the API of a controller: bounded in time and bytes, every failure a sentence that says what to change."""

import asyncio
import json
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bot.domain.run import Missing

TIMEOUT_S = 5.0
MERGE, JSON_PATCH, JSON = "application/merge-patch+json", "application/json-patch+json", "application/json"
_MOST_BYTES = 8_000_000
_REASON = 200
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
        where = _place(url)
        try:
            client = httpx.AsyncClient(
                timeout=self._timeout_s, transport=self._transport, trust_env=False, verify=self._trust(ca_file)
            )
            content = None if body is None else json.dumps(body).encode()
            sent = {**self._authority(), **({"Content-Type": kind} if body is not None else {})}
            asked = client.stream(method, url, content=content, headers=sent)
            async with asyncio.timeout(self._timeout_s), client, asked as response:
                answer = await _body(response)
        except (TimeoutError, httpx.TimeoutException):
            return Missing(f"{where} gave no answer within {self._timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Missing(f"{where} cannot be asked: {_short(str(error)) or type(error).__name__}")
        return _read(where, response.status_code, answer)

    def _authority(self) -> dict[str, str]:
        token = self._token or self._own("token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _own(self, name: str) -> str:
        """Read what the pod is given; anew each time, as Kubernetes changes it."""
        file = self._in_cluster / name if self._in_cluster else None
        return file.read_text(encoding="utf-8").strip() if file and file.exists() else ""

    def _trust(self, ca_file: str) -> ssl.SSLContext:
        own = self._in_cluster / "ca.crt" if self._in_cluster else None
        return _certificates(ca_file or (str(own) if own and own.exists() else ""))


def kubernetes(token: str, transport: httpx.AsyncBaseTransport | None = None) -> Api:
    """Give the API of a cluster: by the configured token, or by the one that the pod we run in has."""
    return Api(token, in_cluster=_IN_CLUSTER, transport=transport)


@cache
def _certificates(ca_file: str) -> ssl.SSLContext:
    """Read certificates once: that takes longer than a call."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


async def _body(response: httpx.Response) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > _MOST_BYTES:
            break
    return bytes(read)


def _read(where: str, status: int, answer: bytes) -> Any | Missing:
    if len(answer) > _MOST_BYTES:
        return Missing(f"{where} answered more than {_MOST_BYTES // 1_000_000} MB")
    try:
        document = json.loads(answer) if answer.strip() else {}
    except (ValueError, RecursionError):
        document = None
    if status >= _FAILED:
        said = document.get("message") or document.get("error") if isinstance(document, dict) else ""
        reason = "; ".join(part for part in (_SAID.get(status, ""), _short(str(said or ""))) if part)
        return Missing(f"{where} answered {status}{': ' if reason else ''}{reason}")
    if document is None:
        return Missing(f"{where} answered {status} with {len(answer)} bytes that are not JSON")
    return document


def _place(url: str) -> str:
    """Name a host without whatever else an address may hold."""
    parsed = httpx.URL(url)
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host


def _short(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= _REASON else f"{line[: _REASON - 1]}…"

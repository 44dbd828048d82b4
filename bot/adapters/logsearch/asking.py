"""Asks a store of log lines over HTTP: bounded in time and bytes, and what was read is kept whatever comes then."""

import asyncio
import json
import ssl
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any

import httpx

from bot.domain.errors import FirstFiveError
from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.domain.trace.covering import covered
from bot.domain.trace.names import Names
from bot.ports import Logged, Sought

PAGE = 1_000
"""Lines of one answer."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all lines of a trace, as they are kept."""
_MOST_ANSWER = 64 * 1024 * 1024
_CHECK_S = 5.0
_SHORTEST_S = 0.05
_REASON = 200


@dataclass(frozen=True)
class Place:
    """A store: where it is, how it is asked, and how long and how much at most.

    `where` is an index of Elasticsearch or a selector of Loki, `scheme` that of the Authorization header.
    """

    url: str
    where: str
    scheme: str = ""
    token: str = field(default="", repr=False)
    tenant: str = ""
    ca_file: str = ""
    deadline_s: float = 20.0
    most: int = 100_000
    names: Names = Names()  # noqa: RUF009 - it is frozen

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        told = {"Accept": "application/json"} | ({"X-Scope-OrgID": self.tenant} if self.tenant else {})
        if not self.token:
            return told
        proof = b64encode(self.token.encode()).decode() if self.scheme == "Basic" else self.token
        return told | {"Authorization": f"{self.scheme} {proof}"}


class LookFailed(FirstFiveError):
    """A store did not give what was asked for; says why. `status` is that of its answer, 0 where there was none."""

    def __init__(self, why: str, status: int = 0, kind: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.kind = kind


class Gathered:
    """The lines that have come so far, as they are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._content = bytearray()
        self.lines = 0
        self._missing: list[str] = []

    def lacks(self, why: str) -> None:
        """Say that something is missing, and why; "" says nothing."""
        self._missing += [why] if why else []

    def broke(self, failed: "LookFailed") -> None:
        """Say that nothing more came."""
        self.lacks(f"{failed}, after {self.lines:,} lines" if self.lines else str(failed))

    async def take(self, documents: Sequence[Mapping[str, Any]]) -> bool:
        """Keep some lines; tell whether there is room for more."""
        room = self._most - self.lines
        for line in await asyncio.to_thread(_written, documents[:room]):
            if len(self._content) + len(line) > MOST_BYTES:
                self.lacks(f"only the first {MOST_BYTES // 1024**2} MB of {self.lines:,} lines were read")
                return False
            self._content += line
            self.lines += 1
        if len(documents) > room:
            self.lacks(f"only the first {self.lines:,} lines were read (`lines` in [logs])")
        return len(documents) <= room

    def logged(self) -> Logged | Missing:
        """Give what came; why nothing did where something is missing."""
        missing = "; ".join(dict.fromkeys(self._missing))
        if not self.lines and missing:
            return Missing(missing)
        return Logged(bytes(self._content), self.lines, missing)


class Conversation:
    """Asks one store for a while; every answer must come before the whole is over."""

    def __init__(self, place: Place, transport: httpx.AsyncBaseTransport | None = None, within_s: float = 0) -> None:
        self._place = place
        self._within_s = within_s or place.deadline_s
        self._until_s = monotonic() + self._within_s
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        """Give the JSON of an answer.

        :raises LookFailed: it does not come in time, is too long, no JSON, or a refusal.
        """
        left = max(self._until_s - monotonic(), _SHORTEST_S)
        try:
            async with asyncio.timeout(left):
                return await self._answer(method, path, body, params)
        except (TimeoutError, httpx.TimeoutException):
            raise LookFailed(f"{self._named} gave no more answer within {self._within_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            why = self._short(str(error)) or type(error).__name__
            raise LookFailed(f"{self._named} cannot be asked: {why}") from None

    async def let_go(self, method: str, path: str, body: Any) -> None:
        """Ask it to forget something; that it does not is no loss, as it would by itself."""
        self._until_s = monotonic() + 1.0
        try:
            await self.ask(method, path, body)
        except LookFailed:
            return

    @property
    def _named(self) -> str:
        return redact(self._place.url)

    async def _answer(self, method: str, path: str, body: Any, params: Mapping[str, str] | None) -> Any:
        read, client = bytearray(), self._connected()
        asked = client.stream(method, path, json=body, params=params, timeout=self._within_s)
        async with asked as response:
            async for piece in response.aiter_bytes():
                read += piece
                if len(read) > _MOST_ANSWER:
                    raise LookFailed(f"{self._named} answered with more than {_MOST_ANSWER // 1024**2} MB at once")
        told = await asyncio.to_thread(_parsed, bytes(read))
        if response.status_code >= httpx.codes.BAD_REQUEST or told is None:
            raise self._refusal(response.status_code, told, bytes(read[:_REASON]))
        return told

    def _connected(self) -> httpx.AsyncClient:
        """Give the connections of this conversation.

        :raises OSError: the certificates to be trusted cannot be read.
        """
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self._place.url,
                headers=self._place.headers,
                transport=self._transport,
                trust_env=False,
                verify=_trusted(self._place.ca_file),
            )
        return self._client

    def _refusal(self, status: int, told: Any, raw: bytes) -> LookFailed:
        error = told.get("error") if isinstance(told, Mapping) else None
        kind = str(error.get("type") or "") if isinstance(error, Mapping) else ""
        why = error.get("reason") if isinstance(error, Mapping) else error
        words = self._short(str(why or raw.decode("utf-8", "replace")))
        if told is None and status < httpx.codes.BAD_REQUEST:
            return LookFailed(f"{self._named} answered {status} with what is not JSON: {words}", status)
        return LookFailed(f"{self._named} answered {status}: {words or 'no reason given'}", status, kind)

    def _short(self, text: str) -> str:
        text = text.replace(self._place.token, "[secret]") if self._place.token else text
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in redact(text)).split())
        return line if len(line) <= _REASON else f"{line[: _REASON - 1]}…"


class StoreLogs(ABC):
    """The Logs port over a store: a kind of store says how it is searched, and what shows that it can be."""

    mend = ""

    def __init__(self, place: Place, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._at = place
        self._transport = transport

    @property
    def place(self) -> str:
        """What is asked."""
        return f"{self._at.where} of {self._at.url}"

    @property
    def names(self) -> Names:
        """The names of what is in a line."""
        return self._at.names

    async def lines(self, of: Sought) -> Logged | Missing:
        """Give every line of a trace, as far as the store gives them in time."""
        gathered = Gathered(self._at.most)
        store = Conversation(self._at, self._transport)
        try:
            await self._gather(store, of, gathered)
        except LookFailed as failed:
            gathered.broke(failed)
        finally:
            await store.close()
        return gathered.logged()

    async def check(self) -> str | Missing:
        """Ask for a sign of life, within some seconds."""
        store = Conversation(self._at, self._transport, min(_CHECK_S, self._at.deadline_s))
        try:
            lack = await self._lack(store)
        except LookFailed as failed:
            return Missing(str(failed))
        finally:
            await store.close()
        return Missing(f"{self._at.url} has no {lack}") if lack else f"{self.place} can be searched"

    @abstractmethod
    async def _gather(self, store: Conversation, of: Sought, gathered: Gathered) -> None:
        """Gather the lines of a trace.

        :raises LookFailed: no more come.
        """

    @abstractmethod
    async def _lack(self, store: Conversation) -> str:
        """Say what the store has not that a search needs; "" where it has all.

        :raises LookFailed: it does not answer.
        """


@cache
def _trusted(ca_file: str) -> ssl.SSLContext:
    """Read the certificates once: that takes longer than a question."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _written(documents: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Write lines without secrets; a line break within one is written as JSON does."""
    return [
        json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        for each in covered(documents)
    ]

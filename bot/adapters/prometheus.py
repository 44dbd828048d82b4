"""Asks a Prometheus (or what speaks its API) for numbers as they are now."""

import asyncio
import json
import math
import ssl
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.ports import Sample

_TIMEOUT_S = 3.0
_MOST_BYTES = 1024 * 1024
_MOST_TARGETS = 32 * 1024 * 1024
"""A target is told in one to three kB, labels that were dropped and all."""
_REASON = 160
_OK = 200


class PrometheusMetrics:
    """The Metrics port: instant queries, bounded in time and bytes; never raises for what the other side does."""

    def __init__(self, timeout_s: float = _TIMEOUT_S, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._timeout_s = timeout_s
        self._transport = transport

    async def ask(self, base: str, query: str) -> tuple[Sample, ...] | Missing:
        """Give what a query answers now, numbers only; or why there is no answer."""
        found = await self._get(base, "query", query=query)
        return found if isinstance(found, Missing) else _samples(base, found)

    async def history(
        self, base: str, query: str, until: datetime, length: timedelta, step: timedelta
    ) -> tuple[float | None, ...] | Missing:
        """Give a query's largest value at every step up to a moment, oldest first; None where there was none."""
        end, apart = int(until.timestamp()), int(step.total_seconds())
        steps = [end - apart * ago for ago in reversed(range(length // step))]
        found = await self._get(base, "query_range", query=query, start=steps[0], end=end, step=apart)
        if isinstance(found, Missing):
            return found
        try:
            known = _largest(found)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return Missing(f"{redact(base)} answered what this query should not give: {_short(str(found))}")
        return tuple(known.get(at) for at in steps)

    async def exposition(self, address: str) -> tuple[Sample, ...] | Missing:
        """Give what an address exposes in the text format; the label `__name__` is the metric's name."""
        answered = await self._read(address, address, None)
        if isinstance(answered, Missing):
            return answered
        status, body = answered
        if status != _OK:
            return Missing(f"{redact(address)} answered {status}")
        if len(body) > _MOST_BYTES:
            # Cut off, a number would be another number.
            return Missing(f"{redact(address)} exposes more than {_MOST_BYTES // 1024} kB; let its address select less")
        try:
            # A router's page is long; what else this process does must not wait for it.
            return await asyncio.to_thread(_exposed, body.decode())
        except (ValueError, KeyError, IndexError) as error:
            return Missing(f"{redact(address)} answered what is not Prometheus's text format: {_short(str(error))}")

    async def targets(self, base: str) -> Any | Missing:
        """Give the `data` of what it scrapes now (/api/v1/targets)."""
        answered = await self._read(base, f"{base}/api/v1/targets", {"state": "active"}, _MOST_TARGETS)
        # A large one takes a while to be read; what else this process does must not wait for it.
        return answered if isinstance(answered, Missing) else await asyncio.to_thread(_data, base, *answered)

    async def _get(self, base: str, what: str, **asked: str | float) -> Any | Missing:
        """Ask, and give the `data` of the answer."""
        params = {**asked, "timeout": f"{self._timeout_s:g}s"}
        answered = await self._read(base, f"{base}/api/v1/{what}", params)
        return answered if isinstance(answered, Missing) else _data(base, *answered)

    async def _read(
        self, base: str, address: str, params: dict[str, str | float] | None, most: int = _MOST_BYTES
    ) -> tuple[int, bytes] | Missing:
        """Give the status and the body of an answer, or why there is none."""
        client = httpx.AsyncClient(
            timeout=self._timeout_s, transport=self._transport, trust_env=False, verify=_certificates()
        )
        try:
            # The client's own limit is for each piece of an answer; one that drips would never meet it.
            asked_for = client.stream("GET", address, params=params)
            async with asyncio.timeout(self._timeout_s), client, asked_for as response:
                return response.status_code, await _body(response, most)
        except (TimeoutError, httpx.TimeoutException):
            return Missing(f"{redact(base)} gave no answer within {self._timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Missing(f"{redact(base)} cannot be asked: {_short(str(error)) or type(error).__name__}")


@cache
def _certificates() -> ssl.SSLContext:
    """Read the machine's certificates once: that takes longer than a question."""
    return httpx.create_ssl_context()


async def _body(response: httpx.Response, most: int) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > most:
            break
    return bytes(read)


def _exposed(text: str) -> tuple[Sample, ...]:
    # Told that something is a counter, the parser renames it (`_total`); a Prometheus keeps the names as they are.
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    return tuple(
        Sample({**sample.labels, "__name__": sample.name}, float(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not math.isnan(sample.value)
    )


def _data(base: str, status: int, body: bytes) -> Any | Missing:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Missing(f"{redact(base)} answered {status} with {len(body)} bytes that are not Prometheus's JSON")
    if not isinstance(document, dict) or document.get("status") != "success":
        error = document.get("error") if isinstance(document, dict) else None
        return Missing(f"{redact(base)} answered {status}: {_short(str(error or 'no reason given'))}")
    return document.get("data")


def _samples(base: str, found: Any) -> tuple[Sample, ...] | Missing:
    try:
        return tuple(sample for row in _rows(found) if (sample := _sample(row)) is not None)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return Missing(f"{redact(base)} answered what this query should not give: {_short(str(found))}")


def _largest(found: Any) -> dict[int, float]:
    """Give the largest value of all series by its moment, in whole seconds."""
    if found["resultType"] != "matrix":
        raise ValueError(found["resultType"])
    values: dict[int, float] = {}
    for row in found["result"]:
        for at, text in row["values"]:
            value = float(text)
            if math.isfinite(value):
                values[round(at)] = max(value, values.get(round(at), value))
    return values


def _rows(found: Any) -> list[Any]:
    """Give the samples of a vector; a scalar is a vector of one without labels."""
    if found["resultType"] == "scalar":
        return [{"metric": {}, "value": found["result"]}]
    if found["resultType"] != "vector":
        raise ValueError(found["resultType"])
    return list(found["result"])


def _sample(row: Any) -> Sample | None:
    """Read a sample; NaN is what a division by zero requests gives: no number."""
    value = float(row["value"][1])
    return None if math.isnan(value) else Sample({str(k): str(v) for k, v in row["metric"].items()}, value)


def _short(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= _REASON else f"{line[: _REASON - 1]}…"

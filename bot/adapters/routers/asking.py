"""Asks a router's or a controller's HTTP address: bounded in time and bytes, each failure a sentence."""

import asyncio
import ssl
from functools import cache
from typing import Any

import httpx

from bot.adapters.routers.words import short
from bot.domain.run import Missing

_MOST_BYTES = 8_000_000


async def ask(
    method: str,
    url: str,
    timeout_s: float,
    *,
    ca_file: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
    **sent: Any,
) -> tuple[int, str] | Missing:
    """Give the status and the text of an answer, or say why there is none; `sent`: httpx's `content` and `headers`."""
    try:
        where = place(url)
        client = httpx.AsyncClient(
            timeout=timeout_s, transport=transport, trust_env=False, verify=_certificates(ca_file)
        )
        async with asyncio.timeout(timeout_s), client, client.stream(method, url, **sent) as response:
            text = await _text(response)
    except (TimeoutError, httpx.TimeoutException):
        return Missing(f"{where} gave no answer within {timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Missing(f"{where} cannot be asked: {short(str(error)) or type(error).__name__}")
    return Missing(f"{where} answered more than 8 MB") if text is None else (response.status_code, text)


def place(url: str) -> str:
    """Name a host without whatever else an address may hold, such as a password."""
    parsed = httpx.URL(url)
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host


@cache
def _certificates(ca_file: str) -> ssl.SSLContext:
    """Read certificates once: that takes longer than a question."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


async def _text(response: httpx.Response) -> str | None:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > _MOST_BYTES:
            return None
    return read.decode(errors="replace")

"""Asks a router's own HTTP address: bounded in time and bytes, each failure a sentence."""

import asyncio
import ssl
from functools import cache

import httpx

from bot.adapters.routers.words import short
from bot.domain.run import Missing

_MOST_BYTES = 4_000_000


async def ask(method: str, url: str, timeout_s: float) -> tuple[int, str] | Missing:
    """Give the status and the text of an answer, or say why there is none."""
    where = url.partition("?")[0]
    client = httpx.AsyncClient(timeout=timeout_s, trust_env=False, verify=_certificates())
    try:
        async with asyncio.timeout(timeout_s), client, client.stream(method, url) as response:
            return response.status_code, await _text(response)
    except (TimeoutError, httpx.TimeoutException):
        return Missing(f"{where} gave no answer within {timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Missing(f"{where} cannot be asked ({short(str(error)) or type(error).__name__})")


@cache
def _certificates() -> ssl.SSLContext:
    """Read the machine's certificates once: that takes longer than a question."""
    return httpx.create_ssl_context()


async def _text(response: httpx.Response) -> str:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > _MOST_BYTES:
            break
    return read.decode(errors="replace")

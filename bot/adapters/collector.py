"""Asks a collector of spans whether it is there."""

from collections.abc import Mapping
from urllib.parse import unquote

import httpx

TRACES = "/v1/traces"
_WAITS_S = 5.0
_REFUSED = 400


def headers_of(written: str) -> Mapping[str, str]:
    """Read headers as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,name=value`, values percent-encoded."""
    pairs = (pair.partition("=") for pair in written.split(",") if "=" in pair)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


async def flaw(endpoint: str, headers: str) -> str:
    """Send a collector no spans at all; give why it does not take them, "" where it does."""
    sent = {"Content-Type": "application/x-protobuf", **headers_of(headers)}
    try:
        async with httpx.AsyncClient(timeout=_WAITS_S) as client:
            answer = await client.post(f"{endpoint}{TRACES}", content=b"", headers=sent)
    except httpx.HTTPError as error:
        return f"no answer: {type(error).__name__}"
    return f"answers {answer.status_code}" if answer.status_code >= _REFUSED else ""

"""What a target's answer comes to: a part kept, or a sentence that says what to change."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx

from bot.adapters.targets.network import HandshakeFailed
from bot.domain.access import failed_handshake
from bot.domain.costs import ProfileMalformed
from bot.domain.goroutine_dump import DUMP_LIMIT_BYTES
from bot.domain.profile import decode
from bot.domain.redaction import redact, redact_bytes, redact_profile
from bot.domain.service import Target
from bot.domain.snapshot import NOBODY, Captured, Part, PartStatus, captured, missed

REASON_BYTES = 400
"""So much of an error page is read for its reason."""

NOT_SERVED = {
    401: "it wants credentials: give this target `headers` in the configuration",
    403: "it refuses us: give this target `headers`, or allow this machine there",
    404: "is net/http/pprof imported on this address?",
    405: "does something else than net/http/pprof answer on this address?",
    429: "a proxy in between limits requests: give the process's own address",
    502: "a proxy in between cannot reach the process: give the process's own address",
    503: "a proxy in between has no process to ask: give the process's own address",
}
_UNTRUSTED = {401, 403}
NEEDS = {"goroutineleak": "Go 1.27 and later serve it"}


def one_line(text: str, most: int = 160) -> str:
    """Make a foreign text fit to be shown: one line, printable, short, redacted."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in redact(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


async def refusal(target: Target, part: Part, response: httpx.Response) -> Captured:
    """Record an answer that is not 200."""
    status = response.status_code
    where = f"{target.name}: {part.path}"
    if response.is_redirect:
        to = one_line(response.headers.get("location", "nowhere"), 100)
        return missed(target.name, part, f"{where} redirects to {to}: redirects are not followed, give that address")
    reason = one_line((await head(response.aiter_raw(), REASON_BYTES)).decode("utf-8", "replace"))
    if re.search("cpu profiling already in use", reason, re.IGNORECASE):
        return missed(target.name, part, f"{where}: CPU profiling already in use: another profiler runs")
    if part.optional and status == httpx.codes.NOT_FOUND:
        why = f"{where} is not served: {NEEDS.get(part.name, 'older Go')}"
        return missed(target.name, part, why, status=PartStatus.SKIPPED)
    advice = (
        _refused(target, status)
        or NOT_SERVED.get(status)
        or (f"it says: {reason}" if reason else "it gives no reason: see the target's log")
    )
    return missed(target.name, part, f"{where} answered {status}: {advice}")


def timed(told: Captured, elapsed_s: float) -> Captured:
    """Say of a record how long its part took."""
    return replace(told, elapsed_s=round(elapsed_s, 4))


def _refused(target: Target, status: int) -> str:
    """Say that what we have shown is not taken; "" when nothing was shown, or nothing was asked for."""
    shown = ", ".join(variable for _, variable in target.access.headers)
    return f"it does not take what {shown} holds: is that still valid?" if shown and status in _UNTRUSTED else ""


async def head(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """Read the beginning of a body."""
    read = bytearray()
    async for chunk in chunks:
        read += chunk
        if len(read) >= most:
            break
    return bytes(read[:most])


def broken(target: Target, part: Part, error: httpx.TransportError, got: int, elapsed_s: float) -> Captured:
    """Record a connection that failed, or broke after `got` bytes."""
    said = complaint(part, target.pprof, error, got)
    closed = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError) and not isinstance(error, HandshakeFailed)
    if closed and not got and target.pprof.startswith("https:"):
        # Whoever refuses a certificate may close so soon that its reason is lost.
        shown = target.access.tls is not None and target.access.tls.cert
        ask = "is `tls.cert` signed by whom it trusts?" if shown else "does it want a certificate (`tls.cert`)?"
        said = f"{target.pprof} closed the connection before it answered: {ask}"
    return missed(target.name, part, f"{target.name}: {said}", elapsed_s)


def complaint(part: Part, base: str, error: httpx.TransportError, got: int) -> str:
    """Say in a sentence what went wrong on the way."""
    text = str(error)
    if "certificate" in text.lower() or "ssl" in text.lower():
        return f"{base} TLS failed: {one_line(failed_handshake(text), 120)}"
    if isinstance(error, httpx.ConnectTimeout):
        return f"{base} accepts no connection: is the address right, does a firewall drop it, is the process stuck?"
    if isinstance(error, httpx.ConnectError):
        return f"{NOBODY} {base}: is the process up and the port right?"
    if isinstance(error, httpx.ReadTimeout | httpx.PoolTimeout | httpx.WriteTimeout):
        return f"{part.path} gave no answer in time"
    if isinstance(error, httpx.RemoteProtocolError) and not got and "disconnected" not in text:
        return f"{part.path} does not speak HTTP: is this the right port?"
    return f"{part.path}: the connection was closed after {got} bytes: did the process restart?"


def late(target: Target, part: Part, body: bytearray, timeout_s: float, elapsed_s: float) -> Captured:
    """Record a part whose time ran out; of a dump the part that came is kept."""
    came = f"only {len(body)} bytes came" if body else "nothing came"
    error = f"{target.name}: {part.path} did not end in {timeout_s:.3g} s ({came}): is the process stuck or starved?"
    told = _cut(target, part, body, elapsed_s, error)
    return told if told.usable else replace(told, status=PartStatus.LATE)


def too_large(target: Target, part: Part, body: bytearray, cap: int, elapsed_s: float) -> Captured:
    """Record a body without an end; of a dump the beginning is kept."""
    del body[cap:]
    error = f"{target.name}: {part.path} sends more than {cap} bytes: stopped there"
    return _cut(target, part, body, elapsed_s, error)


def _cut(target: Target, part: Part, body: bytearray, elapsed_s: float, error: str) -> Captured:
    """Keep what can be read of a text; half a profile cannot be. The last line may hold half a secret: it goes."""
    if part.kind == "dump" and b"\n" in body:
        del body[body.rindex(b"\n") + 1 :]
        return captured(target.name, part, redact_bytes(body), elapsed_s, error)
    status = PartStatus.TRUNCATED if body else PartStatus.FAILED
    return missed(target.name, part, error, elapsed_s, status)


def keep(  # noqa: PLR0913 - an answer and what it is told with
    target: Target, part: Part, body: bytearray, content_type: str, elapsed_s: float, *, shown: Sequence[str]
) -> Captured:
    """Check, redact and record a whole body; takes its time. `shown` are secrets that the target has been shown."""
    if part.kind == "dump" or not body:
        cut = f"{target.name}: the Go runtime cut the dump at {DUMP_LIMIT_BYTES} bytes: there are more goroutines"
        return captured(target.name, part, redact_bytes(body), elapsed_s, cut if len(body) >= DUMP_LIMIT_BYTES else "")
    content = bytes(body)
    try:
        decode(content)
        return captured(target.name, part, redact_profile(content, shown), elapsed_s)
    except ProfileMalformed as error:
        served = one_line(content_type, 40) or "no content type"
        problem = f"{target.name}: {part.path} answered {len(content)} bytes of {served}, {one_line(str(error), 100)}"
        return missed(target.name, part, f"{problem}: does pprof answer on this address?", elapsed_s)

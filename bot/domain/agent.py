"""How the bot and `firstfive agent` speak: GET only, JSON, one version of it all."""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.domain.errors import FirstFiveError
from bot.domain.log_lines import MAX_BYTES
from bot.domain.packets import MAX_PCAP_BYTES, PcapMalformed, read
from bot.domain.redaction import redact_bytes
from bot.domain.snapshot import KERNEL_PARTS, LOG, Captured, Part, PartStatus, captured, missed, skipped

PROTOCOL = 1
"""Counts up when an older bot or agent can no longer understand the other."""
HEADER = "firstfive-agent"
"""Of every answer: the protocol and the release, `1 0.1.0`."""
TOKEN = "FIRSTFIVE_AGENT_TOKEN"  # noqa: S105 - the variable's name
MIN_TOKEN = 16
HELLO, KERNEL, LAST_LINES, PACKETS = "/v1", "/v1/kernel", "/v1/log", "/v1/packets"

MAX_DOCUMENT_BYTES = 256 * 1024
"""Of a document of the kernel; real ones have 1 KB."""
MAX_ANSWER_BYTES = MAX_PCAP_BYTES * 4 // 3 + 4 * MAX_DOCUMENT_BYTES
"""Of a whole answer: the largest capture as base64, and room."""


class AgentAnswerMalformed(FirstFiveError):
    """An answer is not one of `firstfive agent`; says what is wrong with it."""


def encode(parts: Iterable[Captured]) -> bytes:
    """Write parts as an answer."""
    return json.dumps({"parts": [_plain(each) for each in parts]}).encode()


def _plain(part: Captured) -> dict[str, str]:
    plain = {"part": part.part, "status": part.status.value, "error": part.error}
    if part.part == "packets":
        return {**plain, "base64": b64encode(part.content).decode()}
    return {**plain, "text": part.content.decode("utf-8", "replace")}


def decode(target: str, wanted: Sequence[Part], answer: bytes, elapsed_s: float) -> tuple[Captured, ...]:
    """Read an answer: redacted again, bounded again, each part that is wanted and no other.

    An older agent lacks some.

    :raises AgentAnswerMalformed: it is no such answer, or has none of them.
    """
    try:
        told = json.loads(answer)
        parts = {str(each["part"]): each for each in told["parts"]}
        if parts.keys().isdisjoint(part.name for part in wanted):
            raise AgentAnswerMalformed(f"it lacks {wanted[0].name!r}")
        return tuple(_captured(target, part, parts.get(part.name), elapsed_s) for part in wanted)
    except (ValueError, TypeError, RecursionError) as error:
        raise AgentAnswerMalformed(f"it is no answer of an agent: {error}"[:200]) from error
    except KeyError as error:
        raise AgentAnswerMalformed(f"it lacks {error}"[:200]) from error


def _captured(target: str, part: Part, told: Mapping[str, Any] | None, elapsed_s: float) -> Captured:
    if told is None:
        return skipped(target, part, f"{target}: its agent is too old to tell its {part.name}: update it")
    status, said = PartStatus(told["status"]), told["error"]
    error = f"{target}: {said}" if said else ""
    if status not in {PartStatus.OK, PartStatus.TRUNCATED}:
        return missed(target, part, error or f"{target}: it does not say why", elapsed_s, status)
    try:
        content = _content(part, told)
    except PcapMalformed as malformed:
        return missed(target, part, f"{target}: its capture is refused: {malformed}", elapsed_s)
    if len(content) > _most(part):
        return missed(target, part, f"{target}: its {part.name} has more than {_most(part)} bytes", elapsed_s)
    return captured(target, part, content, elapsed_s, error)


def _content(part: Part, told: Mapping[str, Any]) -> bytes:
    if part.kind != "packets":
        return redact_bytes(str(told["text"]).encode("utf-8", "replace"))
    try:
        content = b64decode(told["base64"], validate=True)
    except binascii.Error as error:
        raise AgentAnswerMalformed(f"its packets are not base64: {error}") from error
    for _ in read(content):
        pass  # nothing but headers may be in it
    return content


def _most(part: Part) -> int:
    return {"packets": MAX_PCAP_BYTES, LOG.kind: 2 * MAX_BYTES}.get(part.kind, MAX_DOCUMENT_BYTES)


PATHS: Mapping[str, str] = {**{part.name: KERNEL for part in KERNEL_PARTS}, LOG.name: LAST_LINES, "packets": PACKETS}
"""Where each part is asked for."""

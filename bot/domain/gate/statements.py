"""Statements of in-toto: about which artifacts, and what they say of them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.gate.evidence import Provenance, Sbom, Signature
from bot.domain.gate.sboms import SbomRefused, read_sbom

IN_TOTO = "application/vnd.in-toto+json"
_STATEMENTS = {"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
_SIGNED = "https://sigstore.dev/cosign/sign/v1"
_SLSA_1 = "https://slsa.dev/provenance/v1"
_SLSA_0_2 = "https://slsa.dev/provenance/v0.2"
_SBOMS = ("https://cyclonedx.org/bom", "https://spdx.dev/Document")
_HEX = re.compile(r"[0-9a-f]{64}")


def envelope_content(kind: str, payload: bytes) -> bytes:
    """Give the bytes that an envelope's signature is of: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode("ascii"), len(payload), payload)


def read_statement(document: Mapping[str, Any]) -> Iterable[Signature | Provenance | Sbom]:
    """Read what a statement proves: that it was signed, how it was built, what it is made of; else nothing.

    Nobody has vouched for it yet.

    :raises SbomRefused: it cannot be read.
    """
    if str(document.get("_type")) not in _STATEMENTS:
        raise SbomRefused("its payload is no statement of in-toto")
    kind, digests = str(document.get("predicateType", "")), _subjects(document.get("subject"))
    predicate = document.get("predicate")
    if kind == _SIGNED:
        # Each subject has annotations of its own: what was signed as prod's does not make another artifact prod's.
        subjects = _list(document.get("subject")) or [None]
        return [Signature("", _subjects([each]), _marks(each)) for each in subjects]
    if kind in {_SLSA_1, _SLSA_0_2}:
        return [_provenance(predicate, digests, newer=kind == _SLSA_1)]
    if kind.startswith(_SBOMS):
        # What is bound by the statement's subject needs no digest within.
        return [replace(read_sbom(predicate), digests=digests)]
    return []


def _provenance(predicate: Any, digests: tuple[str, ...], *, newer: bool) -> Provenance:
    details = _object(_object(predicate).get("runDetails")) if newer else _object(predicate)
    times = _object(details.get("metadata"))
    names = ("finishedOn", "startedOn") if newer else ("buildFinishedOn", "buildStartedOn")
    told = next((times[name] for name in names if times.get(name)), None)
    builder = _object(details.get("builder")).get("id")
    return Provenance("", digests, builder if isinstance(builder, str) else "", _moment(told))


def _moment(told: Any) -> datetime | None:
    """Read a time with its offset; what has none is no moment."""
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _subjects(told: Any) -> tuple[str, ...]:
    found = [_object(_object(each).get("digest")).get("sha256") for each in _list(told)]
    return tuple(f"sha256:{each}" for each in found if isinstance(each, str) and _HEX.fullmatch(each))


def _marks(told: Any) -> tuple[tuple[str, str], ...]:
    found = _object(_object(told).get("annotations"))
    return tuple(sorted((key, value) for key, value in found.items() if isinstance(value, str)))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

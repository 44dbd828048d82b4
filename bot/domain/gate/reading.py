"""Read what is shown of a build: whatever it is, it comes to evidence, and what cannot be read speaks against it."""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.domain.gate.evidence import Evidence, Objection, Obstacle, Provenance, Sbom, Signature, Submission
from bot.domain.gate.sboms import SbomRefused, read_sbom
from bot.domain.gate.statements import IN_TOTO, envelope_content, read_statement

_MOST_PROOFS, _MOST_SIGNATURES = 200, 20
_SIMPLE = "cosign container image signature"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class ProofRefused(ValueError):
    """A proof cannot be read; says why."""


@dataclass(frozen=True)
class Vouched:
    """Whose a signature is, in words, "" for nobody's that is trusted; and why that is so, where it can be told."""

    by: str
    why: str = ""


class Trust(Protocol):
    """Tells whose a signature is. It never raises, whatever it is asked."""

    def signed(self, signature: bytes, content: bytes) -> Vouched:
        """Tell which of the trusted keys has signed some content."""

    def vouched(self, bundle: str, content: bytes) -> Vouched:
        """Tell which of the trusted identities has signed some content, as a Sigstore bundle proves it.

        Of an attestation, the content is its statement.
        """


def read(submission: Submission, trust: Trust) -> Evidence:
    """Give what is proven by what was shown; total: every text comes to evidence."""
    found: list[Signature | Provenance | Sbom] = []
    flaws: list[Objection] = []
    lines = [line for line in submission.proofs.splitlines() if line.strip()]
    if len(lines) > _MOST_PROOFS:
        flaws.append(Objection(Obstacle.OVERSIZED, f"more than {_MOST_PROOFS} proofs were sent"))
    for number, line in enumerate(lines[:_MOST_PROOFS], 1):
        try:
            found += _proofs(line, trust)
        except ProofRefused as refused:
            flaws.append(Objection(Obstacle.MALFORMED, f"proof {number} of {len(lines)}: {refused}"))
    if submission.sbom.strip() or submission.sbom_signature.strip():
        try:
            found.append(_file(submission.sbom, submission.sbom_signature.strip(), trust))
        except (ProofRefused, SbomRefused) as refused:
            flaws.append(Objection(Obstacle.MALFORMED, f"{refused}"))
    return Evidence(
        submission.digest,
        tuple(each for each in found if isinstance(each, Signature)),
        tuple(each for each in found if isinstance(each, Provenance)),
        tuple(each for each in found if isinstance(each, Sbom)),
        tuple(flaws),
    )


def _proofs(line: str, trust: Trust) -> Iterable[Signature | Provenance | Sbom]:
    """Read one document that proves something; a statement of a kind that nobody asks for proves nothing.

    :raises ProofRefused: it is none that cosign makes.
    """
    document = _object(line)
    if "Base64Signature" in document:
        return [_simple(document, trust)]
    if str(document.get("mediaType", "")).startswith(_BUNDLE):
        return _bundle(line, document, trust)
    if "payloadType" in document:
        return _envelope(document, lambda signature, content, _: trust.signed(signature, content))
    raise ProofRefused("it is neither a signature nor an attestation nor a bundle as cosign gives them")


def _simple(document: Mapping[str, Any], trust: Trust) -> Signature:
    """Read a signature of an image: of a payload that names the image's digest."""
    content = _bytes(document.get("Payload"), "its payload")
    vouched = trust.signed(_bytes(document.get("Base64Signature"), "its signature"), content)
    payload = _object(_text(content))
    critical = _within(payload, "critical")
    if critical.get("type") != _SIMPLE:
        raise ProofRefused("its payload is not that of a signature of an image")
    digest = str(_within(critical, "image").get("docker-manifest-digest", ""))
    marks = payload.get("optional") or {}
    if not isinstance(marks, Mapping):
        raise ProofRefused("its annotations are no object")
    named = tuple(sorted((key, value) for key, value in marks.items() if isinstance(value, str)))
    return Signature(vouched.by, (digest,), named, _untrusted(vouched, "a signature"))


def _bundle(line: str, document: Mapping[str, Any], trust: Trust) -> Iterable[Signature | Provenance | Sbom]:
    """Read a Sigstore bundle with a statement in it: vouched for by a certificate, or signed with a key."""
    if "dsseEnvelope" not in document:
        raise ProofRefused("a bundle of a file was sent where one of an artifact belongs")
    return _envelope(_within(document, "dsseEnvelope"), _Whose(line, document, trust))


@dataclass(frozen=True)
class _Whose:
    """Tells whose a bundle is."""

    line: str
    document: Mapping[str, Any]
    trust: Trust

    def __call__(self, signature: bytes, content: bytes, told: bytes) -> Vouched:
        material = _within(self.document, "verificationMaterial")
        if "publicKey" in material:
            return self.trust.signed(signature, content)
        return self.trust.vouched(self.line, told)


class _Vouch(Protocol):
    def __call__(self, signature: bytes, content: bytes, told: bytes, /) -> Vouched: ...


def _envelope(envelope: Mapping[str, Any], whose: _Vouch) -> Iterable[Signature | Provenance | Sbom]:
    """Read a DSSE envelope around a statement of in-toto; one signature that is trusted is enough."""
    kind = envelope.get("payloadType")
    if kind != IN_TOTO:
        raise ProofRefused(f"its payload is of the type {str(kind)[:80]!r}, not a statement of in-toto")
    told = _bytes(envelope.get("payload"), "its payload")
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise ProofRefused("it carries no signature")
    content = envelope_content(IN_TOTO, told)
    made = [
        whose(_bytes(each.get("sig"), "its signature"), content, told)
        for each in signatures[:_MOST_SIGNATURES]
        if isinstance(each, Mapping)
    ]
    vouched = next((each for each in made if each.by), made[0] if made else Vouched(""))
    try:
        proofs = read_statement(_object(_text(told)))
    except SbomRefused as refused:
        raise ProofRefused(str(refused)) from None
    return [replace(each, by=vouched.by, flaw=_untrusted(vouched, "an attestation")) for each in proofs]


def _file(sbom: str, signature: str, trust: Trust) -> Sbom:
    """Read a bill of materials that was signed as a file."""
    if not sbom.strip():
        raise ProofRefused("a signature of a bill of materials was sent without it")
    content = sbom.encode("utf-8", "surrogatepass")
    found = read_sbom(_object(sbom))
    if not signature:
        return replace(found, flaw=Objection(Obstacle.UNSIGNED, "the bill of materials is not signed"))
    if signature.startswith("{"):
        vouched = _of_file(signature, content, trust)
    else:
        vouched = trust.signed(_bytes(signature, "the signature of the bill of materials"), content)
    if vouched.by:
        return replace(found, by=vouched.by)
    why = vouched.why or "no trusted key has signed the bill of materials as it was sent"
    return replace(found, flaw=Objection(Obstacle.TAMPERED, f"{why}: it was changed, or somebody else signed it"))


def _of_file(bundle: str, content: bytes, trust: Trust) -> Vouched:
    document = _object(bundle)
    if "publicKey" not in _within(document, "verificationMaterial"):
        return trust.vouched(bundle, content)
    return trust.signed(_bytes(_within(document, "messageSignature").get("signature"), "its signature"), content)


def _untrusted(vouched: Vouched, what: str) -> Objection | None:
    if vouched.by:
        return None
    return Objection(Obstacle.UNTRUSTED, vouched.why or f"no trusted key has made {what} that was sent")


def _object(text: str) -> Mapping[str, Any]:
    """Read a JSON object, in which no key is there twice: two readers would see two documents.

    :raises ProofRefused: it is none, or half a character is in it, which nobody could be told of.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_never)
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ProofRefused("it is nested too deep") from None
    except ValueError as error:
        raise ProofRefused(f"it is not JSON that can be read ({str(error)[:100]})") from None
    if not isinstance(document, Mapping):
        raise ProofRefused("it is no JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ProofRefused("it is not UTF-8") from None


def _never(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _within(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if not isinstance(value, Mapping):
        raise ProofRefused(f"it has no {key}")
    return value


def _bytes(value: Any, what: str) -> bytes:
    if not isinstance(value, str) or not value:
        raise ProofRefused(f"{what} is missing")
    try:
        return b64decode(value, validate=True)
    except (NotBase64, ValueError):
        raise ProofRefused(f"{what} is not base64") from None

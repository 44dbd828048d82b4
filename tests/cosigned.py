"""Signatures and attestations as cosign makes them, made here with keys of our own."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

IMAGE = b"the manifest of an image"
DIGEST = f"sha256:{sha256(IMAGE).hexdigest()}"
OTHER = f"sha256:{sha256(b'another image').hexdigest()}"
BUILDER = "https://github.com/acme/builder/.github/workflows/build.yml@refs/heads/main"
SLSA = "https://slsa.dev/provenance/v1"
CYCLONEDX, SPDX = "https://cyclonedx.org/bom", "https://spdx.dev/Document"
_IN_TOTO = "application/vnd.in-toto+json"


def b64(content: bytes) -> str:
    return b64encode(content).decode()


@dataclass(frozen=True)
class Signer:
    """Somebody with a key pair of the kind that `cosign generate-key-pair` makes."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def public(self, folder: Path, name: str = "release.pub") -> str:
        """Write the public key where a policy can name it."""
        path = folder / name
        path.write_bytes(self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return str(path)

    def sign(self, content: bytes) -> bytes:
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))

    def blob(self, content: str | bytes) -> str:
        """Sign as `cosign sign-blob` does."""
        return b64(self.sign(content.encode() if isinstance(content, str) else content))

    def image(self, digest: str = DIGEST, marks: Mapping[str, str] | None = None) -> str:
        """Give the line that `cosign download signature` gives of a signed image."""
        critical = {
            "identity": {"docker-reference": "registry.test/checkout"},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        }
        payload = json.dumps({"critical": critical, "optional": marks}, separators=(",", ":")).encode()
        line = {"Base64Signature": self.blob(payload), "Payload": b64(payload), "Cert": None, "Chain": None}
        return json.dumps({**line, "Bundle": None, "RFC3161Timestamp": None})

    def attest(self, kind: str, predicate: Any, digest: str = DIGEST) -> str:
        """Give the line that `cosign download attestation` gives of an attested image."""
        return json.dumps(self.envelope(statement(kind, predicate, digest)))

    def envelope(self, payload: bytes) -> dict[str, Any]:
        encoded = b"DSSEv1 %d %s %d %s" % (len(_IN_TOTO), _IN_TOTO.encode(), len(payload), payload)
        signature = {"keyid": "", "sig": b64(self.sign(encoded))}
        return {"payloadType": _IN_TOTO, "payload": b64(payload), "signatures": [signature]}

    def provenance(self, built_at: str = "2026-03-01T11:00:00Z", builder: str = BUILDER, digest: str = DIGEST) -> str:
        return self.attest(SLSA, built(built_at, builder), digest)


@dataclass(frozen=True)
class Named(Signer):
    """Somebody whom the fake verifier knows by the name that stands for a signature."""

    name: str = "release.pub"

    def public(self, folder: Path, name: str = "release.pub") -> str:
        del folder
        return name

    def sign(self, content: bytes) -> bytes:
        del content
        return self.name.encode()


def statement(kind: str, predicate: Any, digest: str = DIGEST) -> bytes:
    subject = [{"name": "registry.test/checkout", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    told = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": kind}
    return json.dumps({**told, "predicate": predicate}).encode()


def built(at: str = "2026-03-01T11:00:00Z", builder: str = BUILDER) -> dict[str, Any]:
    return {
        "buildDefinition": {"buildType": "https://actions.github.io/buildtypes/workflow/v1"},
        "runDetails": {"builder": {"id": builder}, "metadata": {"finishedOn": at}},
    }


def cyclonedx(parts: Sequence[tuple[str, str]] = (("redis", "9.0.1"),), digest: str = DIGEST) -> dict[str, Any]:
    hashes_ = [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
    about = {"type": "container", "name": "checkout", "version": "v1.2.3", "hashes": hashes_}
    components = [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:golang/example.test/{name}@{version}"}
        for name, version in parts
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": about}, "components": components}


def spdx(parts: Sequence[tuple[str, str]] = (("redis", "9.0.1"),), digest: str = DIGEST) -> dict[str, Any]:
    sums = [{"algorithm": "SHA256", "checksumValue": digest.removeprefix("sha256:")}]
    about = {"SPDXID": "SPDXRef-image", "name": "checkout", "versionInfo": "v1.2.3", "checksums": sums}
    packages = [
        {
            "SPDXID": f"SPDXRef-{name}",
            "name": name,
            "versionInfo": version,
            "externalRefs": [
                {"referenceType": "purl", "referenceLocator": f"pkg:golang/example.test/{name}@{version}"}
            ],
        }
        for name, version in parts
    ]
    describes = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": "SPDXRef-image",
    }
    return {"spdxVersion": "SPDX-2.3", "packages": [about, *packages], "relationships": [describes]}

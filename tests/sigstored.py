"""A Sigstore of our own: an authority, a log of certificates, a log of signatures, and bundles that they vouch for."""

import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cosigned import Signer, b64

ISSUER, SUBJECT = "https://accounts.test", "https://github.com/acme/checkout/.github/workflows/release.yml@refs/tags/v1"
_OIDC_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
_LOG = "log.test"
_LIVES = timedelta(minutes=10)


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sign(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def _usage(**may: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: may.get(name, False) for name in (*names, *more)})


def _compact(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Sigstore:
    """Issues certificates that live for ten minutes, and writes down what is signed with them."""

    root: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    signatures: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))

    def __post_init__(self) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sigstore.test")])
        usage = _usage(key_cert_sign=True, crl_sign=True)
        key = self.root.public_key()
        self._authority = (
            self._builder(self._name, self._name, key, timedelta(days=3_650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self.root, hashes.SHA256())
        )

    def trust_root(self, folder: Path) -> str:
        """Write what whoever verifies trusts in."""
        path, since = folder / "trusted_root.json", "2021-01-01T00:00:00Z"
        logs = [
            {
                "baseUrl": f"https://{_LOG}",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(_der(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": since},
                },
                "logId": {"keyId": b64(sha256(_der(key)).digest())},
            }
            for key in (self.signatures, self.certificates)
        ]
        authority = {
            "subject": {"organization": "sigstore.test", "commonName": "sigstore.test"},
            "uri": "https://ca.test",
            "certChain": {"certificates": [{"rawBytes": b64(self._authority.public_bytes(Encoding.DER))}]},
            "validFor": {"start": since},
        }
        kind = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
        trusted = {"mediaType": kind, "tlogs": logs[:1], "certificateAuthorities": [authority], "ctlogs": logs[1:]}
        path.write_text(json.dumps(trusted))
        return str(path)

    def attested(self, statement: bytes, subject: str = SUBJECT, issuer: str = ISSUER, late_s: int = 60) -> str:
        """Give the bundle of a statement, signed `late_s` seconds after its certificate was issued."""
        signer = Signer()
        certificate = self._certificate(signer, subject, issuer)
        envelope = signer.envelope(statement)
        pem = b64(certificate.public_bytes(Encoding.PEM))
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": sha256(_compact(envelope)).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": sha256(statement).hexdigest()},
            "signatures": [{"signature": each["sig"], "verifier": pem} for each in envelope["signatures"]],
        }
        return self._bundle("dsse", spec, certificate, {"dsseEnvelope": envelope}, late_s)

    def signed(self, content: bytes, subject: str = SUBJECT, issuer: str = ISSUER) -> str:
        """Give the bundle of a file."""
        signer = Signer()
        certificate, signature = self._certificate(signer, subject, issuer), b64(signer.sign(content))
        digest = sha256(content)
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
            "signature": {
                "content": signature,
                "publicKey": {"content": b64(certificate.public_bytes(Encoding.PEM))},
            },
        }
        message = {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(digest.digest())}, "signature": signature}
        return self._bundle("hashedrekord", spec, certificate, {"messageSignature": message}, 60)

    def _builder(self, subject: x509.Name, issuer: x509.Name, key: Any, lives: timedelta) -> x509.CertificateBuilder:
        named = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        return named.not_valid_before(self.at).not_valid_after(self.at + lives)

    def _certificate(self, signer: Signer, subject: str, issuer: str) -> x509.Certificate:
        """Issue one, with the promise of the log that it is in there."""
        key = signer.key.public_key()
        usage = _usage(digital_signature=True)
        builder = (
            self._builder(x509.Name([]), self._name, key, _LIVES)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(subject)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_OIDC_ISSUER, issuer.encode()), critical=False)
        )
        precertificate = builder.sign(self.root, hashes.SHA256()).tbs_certificate_bytes
        at_ms = int(self.at.timestamp() * 1_000)
        entry = sha256(_der(self.root)).digest() + len(precertificate).to_bytes(3, "big") + precertificate
        signature = _sign(self.certificates, struct.pack("!BBQH", 0, 0, at_ms, 1) + entry + b"\0\0")
        promise = (
            b"\0" + sha256(_der(self.certificates)).digest() + struct.pack("!QHBBH", at_ms, 0, 4, 3, len(signature))
        )
        promise += signature
        listed = struct.pack("!HH", len(promise) + 2, len(promise)) + promise
        octets = b"\x04" + (bytes([len(listed)]) if len(listed) < 128 else b"\x81" + bytes([len(listed)])) + listed
        return builder.add_extension(x509.UnrecognizedExtension(_SCTS, octets), critical=False).sign(
            self.root, hashes.SHA256()
        )

    def _bundle(
        self, kind: str, spec: dict[str, Any], certificate: x509.Certificate, content: dict[str, Any], late_s: int
    ) -> str:
        """Write it down in the log, which has this one entry, and give the bundle that proves it."""
        body, log_id = _compact({"apiVersion": "0.0.1", "kind": kind, "spec": spec}), sha256(_der(self.signatures))
        at_s, leaf = int(self.at.timestamp()) + late_s, sha256(b"\0" + body).digest()
        promised = {"body": b64(body), "integratedTime": at_s, "logID": log_id.hexdigest(), "logIndex": 0}
        note = f"{_LOG}\n1\n{b64(leaf)}\n"
        sealed = b64(log_id.digest()[:4] + _sign(self.signatures, note.encode()))
        entry = {
            "logIndex": "0",
            "logId": {"keyId": b64(log_id.digest())},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(at_s),
            "inclusionPromise": {"signedEntryTimestamp": b64(_sign(self.signatures, _compact(promised)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 {_LOG} {sealed}\n"},
            },
            "canonicalizedBody": b64(body),
        }
        material = {"certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}, "tlogEntries": [entry]}
        return json.dumps({"mediaType": _MEDIA, "verificationMaterial": material, **content})

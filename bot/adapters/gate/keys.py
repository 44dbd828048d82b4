"""Public keys as files, and whether one of them has signed something: as cosign does it with its key pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_MOST_BYTES = 20_000
_RSA_BITS = 2_048


class KeyRefused(Exception):
    """A key cannot be used; says which, and why."""


class Key(Protocol):
    """A public key."""

    def has_signed(self, signature: bytes, content: bytes) -> bool:
        """Tell whether a signature of some content was made with it."""


@dataclass(frozen=True)
class _Curve:
    key: ec.EllipticCurvePublicKey
    hashed: hashes.HashAlgorithm

    def has_signed(self, signature: bytes, content: bytes) -> bool:
        """Tell it, of a signature in DER."""
        try:
            self.key.verify(signature, content, ec.ECDSA(self.hashed))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class _Edwards:
    key: ed25519.Ed25519PublicKey

    def has_signed(self, signature: bytes, content: bytes) -> bool:
        """Tell it, of 64 bytes."""
        try:
            self.key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class _Rsa:
    key: rsa.RSAPublicKey

    def has_signed(self, signature: bytes, content: bytes) -> bool:
        """Tell it, of a signature with the padding of PKCS #1 v1.5."""
        try:
            self.key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Keys:
    """Keys by the names of their files."""

    named: Sequence[tuple[str, Key]]

    def signer(self, signature: bytes, content: bytes) -> str:
        """Name the key that has signed some content; "" for none of them."""
        return next((name for name, key in self.named if key.has_signed(signature, content)), "")


def read_keys(files: Sequence[str]) -> Keys:
    """Read public keys (PEM), each time anew: a key that was replaced counts at once.

    :raises KeyRefused: one cannot be read, or is too weak; then none is used, since it may be the one that matters.
    """
    return Keys([(Path(file).name, key) for file in files for key in _read(file)])


def _read(file: str) -> list[Key]:
    try:
        with Path(file).open("rb") as opened:
            pem = opened.read(_MOST_BYTES)
        key = load_pem_public_key(pem)
    except OSError as error:
        raise KeyRefused(f"the key {file} cannot be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused(f"{file} is no public key in PEM") from None
    if isinstance(key, ec.EllipticCurvePublicKey):
        # The hash goes with the curve; cosign has also signed with SHA-256 on the larger ones.
        own = {384: hashes.SHA384(), 521: hashes.SHA512()}.get(key.curve.key_size)
        return [_Curve(key, hashes.SHA256()), *([_Curve(key, own)] if own else [])]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return [_Edwards(key)]
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
        return [_Rsa(key)]
    raise KeyRefused(f"{file} is a key of a kind or size that cosign does not sign with")

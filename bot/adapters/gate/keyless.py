"""Signatures without a key of one's own: bundles, verified offline by Sigstore's library against a given trust root."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import ExtensionNotFound
from pydantic import ValidationError
from sigstore.errors import Error as SigstoreError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as Certified

from bot.adapters.gate.keys import KeyRefused
from bot.adapters.gate.verifier import Vouch
from bot.domain.gate.policy import Identity
from bot.domain.gate.reading import Vouched

_LONGEST = 300
# Beside its own errors, the library lets through what a bundle that is bent comes to on its way.
_BENT = (ValidationError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, OSError)
_FLAWS = (SigstoreError, ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, NotImplementedError, *_BENT)


def vouching(identities: Sequence[Identity], trust_root: str) -> Vouch:
    """Give what tells which of some identities has signed.

    :raises KeyRefused: the trust root cannot be used.
    """
    path = Path(trust_root)
    try:
        verifier = _verifier(trust_root, path.stat().st_mtime_ns)
    except OSError as error:
        raise KeyRefused(f"the trust root {trust_root} cannot be read: {error.strerror}") from None
    except (SigstoreError, ValidationError, ValueError):
        raise KeyRefused(f"{trust_root} is no trust root of Sigstore") from None
    return _Vouching(verifier, identities)


@lru_cache(maxsize=8)
def _verifier(trust_root: str, _: int) -> Verifier:
    """Read a trust root once for as long as its file is not changed."""
    return Verifier(trusted_root=TrustedRoot.from_file(trust_root))


@dataclass(frozen=True)
class _Vouching:
    """The identities that are trusted, and what verifies their signatures."""

    verifier: Verifier
    identities: Sequence[Identity]

    def __call__(self, bundle: str, content: bytes) -> Vouched:
        """Tell whose a bundle is: the certificate, its time, both logs and the signature must all be in order."""
        why = ""
        for each in self.identities:
            try:
                self._verify(bundle, content, Certified(identity=each.subject, issuer=each.issuer))
            except _FLAWS as error:
                why = f"a bundle is not by {each.subject}: {str(error)[:_LONGEST]}"
            else:
                return Vouched(f"{each.subject} ({each.issuer})")
        return Vouched("", why)

    def _verify(self, bundle: str, content: bytes, by: Certified) -> None:
        read = Bundle.from_json(bundle)
        if "dsseEnvelope" not in json.loads(bundle):
            self.verifier.verify_artifact(content, read, by)
            return
        _, payload = self.verifier.verify_dsse(read, by)
        if payload != content:
            raise ValueError("its statement is another one")

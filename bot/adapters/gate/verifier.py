"""What is proven of a build: read by the domain, with signatures that are verified here."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.adapters.gate.keys import KeyRefused, Keys, read_keys
from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import GatePolicy, Identity
from bot.domain.gate.reading import Vouched, read
from bot.domain.run import Missing

Vouch = Callable[[str, bytes], Vouched]
"""Tells which trusted identity has signed some content, as a bundle proves it."""
Keyless = Callable[[Sequence[Identity], str], Vouch]


@dataclass(frozen=True)
class _Trust:
    """The keys and identities of one policy."""

    keys: Keys
    vouch: Vouch

    def signed(self, signature: bytes, content: bytes) -> Vouched:
        """Tell which key has signed it."""
        return Vouched(self.keys.signer(signature, content))

    def vouched(self, bundle: str, content: bytes) -> Vouched:
        """Tell which identity has signed it."""
        return self.vouch(bundle, content)


class SignatureVerifier:
    """Verifies with the keys that a policy names, and with the identities that it trusts; asks nobody else."""

    def __init__(self, keyless: Keyless | None = None) -> None:
        """`keyless` gives what verifies bundles of some identities against a trust root; None: nothing does."""
        self._keyless = keyless

    async def verify(self, submission: Submission, policy: GatePolicy) -> Evidence | Missing:
        """Say what is proven. Reading millions of bytes takes a while, so others need not wait for it."""
        return await asyncio.to_thread(self._verify, submission, policy)

    async def check(self, policy: GatePolicy) -> Missing | None:
        """Say which key or trust root cannot be used."""
        trust = await asyncio.to_thread(self._trust, policy)
        return trust if isinstance(trust, Missing) else None

    def _verify(self, submission: Submission, policy: GatePolicy) -> Evidence | Missing:
        trust = self._trust(policy)
        return trust if isinstance(trust, Missing) else read(submission, trust)

    def _trust(self, policy: GatePolicy) -> _Trust | Missing:
        try:
            keys = read_keys(policy.keys)
            return _Trust(keys, self._vouch(policy) if policy.identities else _nobody)
        except KeyRefused as refused:
            return Missing(str(refused))

    def _vouch(self, policy: GatePolicy) -> Vouch:
        try:
            if self._keyless is not None:
                return self._keyless(policy.identities, policy.trust_root)
        except ImportError:
            pass
        raise KeyRefused("to verify identities takes Sigstore's library: pip install 'firstfive[gate]'")


def _nobody(_: str, __: bytes) -> Vouched:
    return Vouched("", "a bundle was signed without a key, and no identity is trusted here")

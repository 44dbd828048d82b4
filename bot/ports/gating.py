"""Who tells what is proven of a build that is to be deployed."""

from typing import Protocol

from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import GatePolicy
from bot.domain.run import Missing


class Verifier(Protocol):
    """Verifies signatures, whoever has made them, by what a policy trusts."""

    async def verify(self, submission: Submission, policy: GatePolicy) -> Evidence | Missing:
        """Say what is proven; or why nothing can be verified at all, as without the keys."""

    async def check(self, policy: GatePolicy) -> Missing | None:
        """Say what keeps everything from being verified, if anything does."""

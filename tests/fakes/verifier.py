"""A verifier that believes everybody of whom it was told, by name."""

from dataclasses import dataclass, field

from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import GatePolicy
from bot.domain.gate.reading import Vouched, read
from bot.domain.run import Missing


@dataclass
class FakeVerifier:
    """Takes a signature for the name of who made it; a policy's keys are names. `missing`: why it cannot verify."""

    missing: str = ""
    asked: list[Submission] = field(default_factory=list)

    async def verify(self, submission: Submission, policy: GatePolicy) -> Evidence | Missing:
        self.asked.append(submission)
        return Missing(self.missing) if self.missing else read(submission, _Names(policy.keys))

    async def check(self, policy: GatePolicy) -> Missing | None:
        del policy
        return Missing(self.missing) if self.missing else None


@dataclass(frozen=True)
class _Names:
    names: tuple[str, ...]

    def signed(self, signature: bytes, content: bytes) -> Vouched:
        del content
        name = signature.decode("utf-8", "replace")
        return Vouched(name if name in self.names else "")

    def vouched(self, bundle: str, content: bytes) -> Vouched:
        del bundle, content
        return Vouched("")

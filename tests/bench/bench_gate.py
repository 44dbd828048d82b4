"""How many builds the deploy gate decides on in a second: signature, provenance, a bill of materials of 1,000 parts."""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.adapters.gate.verifier import SignatureVerifier
from bot.domain.gate.decision import decide
from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import Forbidden, GatePolicy
from tests.bench.figures import load, scratch
from tests.bench.gate_askers import ASKERS, ask
from tests.bench.row import Row
from tests.cosigned import BUILDER, CYCLONEDX, DIGEST, Signer, cyclonedx
from tests.fakes import NOON

PARTS = 1_000
RULES = tuple(Forbidden(f"pkg:golang/evil.test/{number}*", "2.0") for number in range(20))
LOOKS, EACH, ASKED = 5, 20, 120


def run() -> Iterable[Row]:
    """Verify and decide the same submission again and again; CPU time, the best of some looks."""
    with TemporaryDirectory() as folder:
        policy, submission = asked(Path(folder))
        cost_s = min(cost(policy, submission) for _ in range(LOOKS))
        small, without = of_no_parts(policy, submission)
        signed_s = min(cost(small, without) for _ in range(LOOKS))
    size = len(submission.proofs)
    notes = f"{PARTS} components, {len(RULES)} rules, {size / 1000:.0f} kB; one core; {load()}"
    yield Row("decisions", 1 / cost_s, "per s", at_least=20, notes=notes)
    yield Row("decisions without a bill of materials", 1 / signed_s, "per s", at_least=300, notes="as above")
    yield from over_http()


def over_http() -> Iterable[Row]:
    """Ask a running bot, whose database and artifacts keep all of it: what is built now, as the bot's clock is real."""
    with scratch() as folder:
        now = datetime.now(UTC)
        policy, submission = asked(folder, f"{now:%Y-%m-%dT%H:%M:%SZ}")
        for name, what in (
            ("", (policy, submission)),
            (" without a bill of materials", of_no_parts(policy, submission)),
        ):
            found = asyncio.run(ask(folder, *what, ASKED))
            notes = f"{ASKERS} askers at a time; {found.cpu_ms:.0f} ms of the bot's CPU each"
            notes = f"{notes}, slowest {found.slowest_ms:.0f} ms; SQLite; {load()}"
            yield Row(f"decisions by POST /gate{name}", found.per_s, "per s", at_least=5, notes=notes)


def of_no_parts(policy: GatePolicy, submission: Submission) -> tuple[GatePolicy, Submission]:
    """Leave the bill of materials out, and do not ask for it."""
    small = replace(submission, proofs=submission.proofs.rpartition("\n")[0])
    return replace(policy, sbom=False, forbidden=()), small


def asked(folder: Path, built_at: str = "2026-03-01T11:00:00Z") -> tuple[GatePolicy, Submission]:
    """Give a policy that asks for everything, and what proves it."""
    signer = Signer()
    sbom = cyclonedx([(f"part-{number}", f"1.{number}") for number in range(PARTS)])
    proofs = [signer.image(), signer.provenance(built_at), signer.attest(CYCLONEDX, sbom)]
    policy = GatePolicy((signer.public(folder),), forbidden=RULES, builders=(BUILDER,), max_age_h=24.0)
    return policy, Submission(DIGEST, "\n".join(proofs))


def cost(policy: GatePolicy, submission: Submission) -> float:
    """Give the seconds of CPU that a decision takes."""

    async def look() -> float:
        began, verifier = time.process_time(), SignatureVerifier()
        for _ in range(EACH):
            found = await verifier.verify(submission, policy)
            assert isinstance(found, Evidence)
            told = decide(policy, found, (), NOON)
            assert told.allowed, json.dumps(told.reasons)
        return (time.process_time() - began) / EACH

    return asyncio.run(look())

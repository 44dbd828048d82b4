"""Signatures without a key: vouched for by an authority and two logs, verified offline against a given trust root."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.gate.decision import decide
from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import GatePolicy, Identity
from bot.domain.run import Missing
from bot.wiring import wired_verifier
from tests.cosigned import CYCLONEDX, DIGEST, OTHER, cyclonedx, statement
from tests.fakes import NOON
from tests.sigstored import ISSUER, SUBJECT, Sigstore
from tests.unit.adapters.gate.bent import bend

SIGN = "https://sigstore.dev/cosign/sign/v1"
SIGSTORE, ELSEWHERE = Sigstore(), Sigstore()
SIGNED, LISTED = statement(SIGN, {}), statement(CYCLONEDX, cyclonedx())
POLICY = GatePolicy(identities=(Identity(ISSUER, "nobody"), Identity(ISSUER, SUBJECT)))


async def decided(folder: Path, *lines: str, sbom: str = "", signature: str = "") -> tuple[bool, tuple[str, ...]]:
    policy = replace(POLICY, trust_root=SIGSTORE.trust_root(folder))
    found = await wired_verifier().verify(Submission(DIGEST, "\n".join(lines), sbom, signature), policy)
    assert isinstance(found, Evidence)
    told = decide(policy, found, (), NOON)
    return told.allowed, told.reasons or told.proven


async def test_an_identity_that_is_trusted_proves_a_build(tmp_path: Path) -> None:
    allowed, proven = await decided(tmp_path, SIGSTORE.attested(SIGNED), SIGSTORE.attested(LISTED))
    assert (allowed, proven[0]) == (True, f"signed by {SUBJECT} ({ISSUER})")


async def test_a_file_may_be_signed_so_too(tmp_path: Path) -> None:
    sbom = json.dumps(cyclonedx())
    line, bundle = SIGSTORE.attested(SIGNED), SIGSTORE.signed(sbom.encode())
    assert (await decided(tmp_path, line, sbom=sbom, signature=bundle))[0]
    allowed, [reason] = await decided(tmp_path, line, sbom=sbom.replace("9.0.1", "9.0.2"), signature=bundle)
    assert not allowed
    assert reason.startswith(f"tampered: a bundle is not by {SUBJECT}: ")


def changed(line: str, change: Callable[[dict[str, Any]], Any]) -> str:
    document = json.loads(line)
    change(document)
    return json.dumps(document)


def entry(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return found


WHOLE = SIGSTORE.attested(SIGNED)
OTHERWISE = SIGSTORE.attested(statement(SIGN, {"another": "statement"}))
LATE = str(int(entry(json.loads(WHOLE))["integratedTime"]) + 1)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (SIGSTORE.attested(SIGNED, subject="https://github.com/evil"), "Certificate's SANs do not match"),
        (SIGSTORE.attested(SIGNED, issuer="https://evil.test"), "does not match"),
        (ELSEWHERE.attested(SIGNED), "certificate chain"),
        (SIGSTORE.attested(SIGNED, late_s=3_600), "cert"),
        (changed(WHOLE, lambda it: entry(it).update(integratedTime=LATE)), "inclusion promise"),
        (changed(WHOLE, lambda it: entry(it)["inclusionProof"].update(rootHash="AAAA")), "inclusion proof"),
        (
            changed(WHOLE, lambda it: it.update(dsseEnvelope=json.loads(OTHERWISE)["dsseEnvelope"])),
            "ignature",
        ),
    ],
)
async def test_whatever_is_wrong_with_a_bundle_denies_it(tmp_path: Path, line: str, why: str) -> None:
    allowed, [reason] = await decided(tmp_path, line, SIGSTORE.attested(LISTED))
    assert not allowed
    assert reason.startswith(f"untrusted: a bundle is not by {SUBJECT}: ")
    assert why in reason


async def test_a_bundle_of_another_artifact_is_replayed(tmp_path: Path) -> None:
    _, [reason] = await decided(tmp_path, SIGSTORE.attested(statement(SIGN, {}, OTHER)), SIGSTORE.attested(LISTED))
    assert reason.startswith("replayed: a signature by ")


async def test_where_no_identity_is_trusted_no_bundle_is(tmp_path: Path) -> None:
    policy = replace(POLICY, identities=(), trust_root=SIGSTORE.trust_root(tmp_path))
    found = await wired_verifier().verify(Submission(DIGEST, WHOLE), policy)
    assert isinstance(found, Evidence)
    [signature] = found.signatures
    assert signature.flaw is not None
    assert signature.flaw.text == "a bundle was signed without a key, and no identity is trusted here"


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read: No such file"), ("{}", "is no trust root"), ("?", "is no trust root")]
)
async def test_without_a_trust_root_nothing_is_proven(tmp_path: Path, content: str | None, why: str) -> None:
    path = tmp_path / "root.json"
    if content is not None:
        path.write_text(content)
    told = await wired_verifier().check(replace(POLICY, trust_root=str(path)))
    assert isinstance(told, Missing)
    assert why in told.reason


@st.composite
def bent(draw: st.DrawFn) -> str:
    document = json.loads(WHOLE)
    bend(draw, document)
    return json.dumps(document)


@settings(max_examples=25, deadline=None)
@given(bent())
def test_whatever_is_made_of_a_bundle_comes_to_evidence(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    policy = replace(POLICY, trust_root=SIGSTORE.trust_root(tmp_path_factory.getbasetemp()))
    found = asyncio.run(wired_verifier().verify(Submission(DIGEST, line), policy))
    assert isinstance(found, Evidence)

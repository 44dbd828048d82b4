"""Real signatures in cosign's format, verified: what is proven by them, and what nobody can make them prove."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.adapters.gate.keys import KeyRefused, read_keys
from bot.adapters.gate.verifier import SignatureVerifier
from bot.domain.gate.decision import decide
from bot.domain.gate.evidence import Evidence, Submission
from bot.domain.gate.policy import Forbidden, GatePolicy, Identity
from bot.domain.gate.reading import Vouched, read
from bot.domain.run import Missing
from bot.ports import Verifier
from tests.cosigned import (
    BUILDER,
    CYCLONEDX,
    DIGEST,
    OTHER,
    SPDX,
    Named,
    Signer,
    b64,
    built,
    cyclonedx,
    spdx,
    statement,
)
from tests.fakes import NOON, FakeVerifier
from tests.unit.adapters.gate.bent import bend

SIGNER, STRANGER = Signer(), Signer()
ASKED = GatePolicy(builders=(BUILDER,), max_age_h=24.0, forbidden=(Forbidden("log4j*", "2.17.1"),))
SBOM = json.dumps(cyclonedx())


def whole(signer: Signer, sbom: dict[str, Any] | None = None, kind: str = CYCLONEDX) -> list[str]:
    return [signer.image(), signer.provenance(), signer.attest(kind, sbom or cyclonedx())]


async def reasons(
    folder: Path, *lines: str, sbom: str = "", signature: str = "", policy: GatePolicy = ASKED
) -> tuple[str, ...]:
    policy = replace(policy, keys=(SIGNER.public(folder),))
    found = await SignatureVerifier().verify(Submission(DIGEST, "\n".join(lines), sbom, signature), policy)
    assert isinstance(found, Evidence)
    return decide(policy, found, (), NOON).reasons


@pytest.mark.parametrize(("kind", "sbom"), [(CYCLONEDX, cyclonedx()), (SPDX, spdx())])
async def test_what_cosign_makes_of_a_build_proves_it(tmp_path: Path, kind: str, sbom: dict[str, Any]) -> None:
    assert await reasons(tmp_path, *whole(SIGNER, sbom, kind)) == ()


@pytest.mark.parametrize("sbom", [cyclonedx(), spdx()])
async def test_a_bill_of_materials_may_be_a_file_that_was_signed(tmp_path: Path, sbom: dict[str, Any]) -> None:
    text, lines = json.dumps(sbom, indent=1), whole(SIGNER)[:2]
    assert await reasons(tmp_path, *lines, sbom=text, signature=SIGNER.blob(text)) == ()
    (tampered,) = await reasons(tmp_path, *lines, sbom=text.replace("9.0.1", "9.0.2"), signature=SIGNER.blob(text))
    assert tampered.startswith("tampered: no trusted key has signed the bill of materials as it was sent")
    (unsigned,) = await reasons(tmp_path, *lines, sbom=text)
    assert unsigned == "unsigned: the bill of materials is not signed"


async def test_a_signed_file_must_say_of_which_artifact_it_is(tmp_path: Path) -> None:
    for sbom, said in (
        (json.dumps(cyclonedx(digest=OTHER)), "is of another artifact: sha256:"),
        (json.dumps({**cyclonedx(), "metadata": {}}), "does not say of which artifact it is"),
    ):
        (reason,) = await reasons(tmp_path, *whole(SIGNER)[:2], sbom=sbom, signature=SIGNER.blob(sbom))
        assert reason.startswith("replayed: a bill of materials by release.pub")
        assert said in reason


def changed(line: str, change: Callable[[dict[str, Any]], Any]) -> str:
    document = json.loads(line)
    change(document)
    return json.dumps(document)


def payload(line: str, old: str, new: str) -> str:
    """Change what was signed, and leave the signature."""
    key = "Payload" if "Payload" in line else "payload"
    return changed(line, lambda it: it.update({key: b64(b64decode(it[key]).replace(old.encode(), new.encode()))}))


HEX, OTHER_HEX = DIGEST[7:], OTHER[7:]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([STRANGER.image(), *whole(SIGNER)[1:]], "untrusted: no trusted key has made a signature"),
        ([SIGNER.image(OTHER), *whole(SIGNER)[1:]], "replayed: a signature by release.pub is of another artifact"),
        (
            [payload(SIGNER.image(OTHER), OTHER_HEX, HEX), *whole(SIGNER)[1:]],
            "untrusted: no trusted key has made a sig",
        ),
        ([SIGNER.image(), STRANGER.provenance(), whole(SIGNER)[2]], "untrusted: no trusted key has made an attest"),
        (
            [SIGNER.image(), SIGNER.provenance(digest=OTHER), whole(SIGNER)[2]],
            "replayed: a provenance by release.pub is of another artifact",
        ),
        (
            [SIGNER.image(), payload(SIGNER.provenance(builder="evil"), "evil", BUILDER), whole(SIGNER)[2]],
            "untrusted: no trusted key has made an attestation",
        ),
        ([SIGNER.image(), SIGNER.provenance(builder="https://evil"), whole(SIGNER)[2]], "wrong builder: it was built"),
        ([SIGNER.image(), SIGNER.provenance("2026-02-01T00:00:00Z"), whole(SIGNER)[2]], "expired: it was built at"),
        ([SIGNER.image(), SIGNER.provenance("yesterday"), whole(SIGNER)[2]], "expired: its provenance does not say"),
        (
            [*whole(SIGNER)[:2], payload(whole(SIGNER)[2], "redis", "mysql")],
            "untrusted: no trusted key has made an attestation",
        ),
        (whole(SIGNER, cyclonedx([("log4j-core", "2.14")])), "forbidden component: log4j-core 2.14 is in it"),
        ([*whole(SIGNER), "{}"], "malformed: proof 4 of 4: it is neither a signature nor an attestation"),
        ([*whole(SIGNER), "[" * 100_000], "malformed: proof 4 of 4: it is nested too deep"),
        ([*whole(SIGNER), '{"payloadType": 1, "payloadType": 2}'], "malformed: proof 4 of 4: it is not JSON that can"),
        ([*whole(SIGNER)] * 70, "oversized: more than 200 proofs were sent"),
        (
            [*whole(SIGNER), changed(SIGNER.provenance(), lambda it: it.update(payloadType="text/plain"))],
            "malformed: proof 4 of 4: its payload is of the type 'text/plain'",
        ),
        (
            [*whole(SIGNER), changed(SIGNER.provenance(), lambda it: it.update(signatures=[]))],
            "malformed: proof 4 of 4: it carries no signature",
        ),
        (
            [*whole(SIGNER), changed(SIGNER.image(), lambda it: it.update(Payload="?"))],
            "malformed: proof 4 of 4: its payload is not base64",
        ),
    ],
)
async def test_nothing_else_proves_it(tmp_path: Path, lines: list[str], reason: str) -> None:
    (found,) = await reasons(tmp_path, *lines)
    assert found.startswith(reason)


async def test_annotations_are_signed(tmp_path: Path) -> None:
    policy = replace(ASKED, marks=(("environment", "prod"),))
    line, rest = SIGNER.image(marks={"environment": "prod"}), whole(SIGNER)[1:]
    assert await reasons(tmp_path, line, *rest, policy=policy) == ()
    staged = payload(SIGNER.image(marks={"environment": "test"}), "test", "prod")
    (reason,) = await reasons(tmp_path, staged, *rest, policy=policy)
    assert reason.startswith("untrusted: ")


def bundle(envelope: dict[str, Any]) -> str:
    material = {"publicKey": {"hint": "x"}, "tlogEntries": []}
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    return json.dumps({"mediaType": kind, "verificationMaterial": material, "dsseEnvelope": envelope})


async def test_the_bundles_of_newer_cosigns_prove_the_same_with_a_key(tmp_path: Path) -> None:
    signed = statement("https://sigstore.dev/cosign/sign/v1", {})
    lines = [bundle(SIGNER.envelope(each)) for each in (signed, statement("https://slsa.dev/provenance/v1", built()))]
    assert await reasons(tmp_path, *lines, whole(SIGNER)[2]) == ()
    (reason,) = await reasons(tmp_path, bundle(STRANGER.envelope(signed)), *whole(SIGNER)[1:])
    assert reason.startswith("untrusted: ")
    file = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {"publicKey": {}}}
    signature = json.dumps({**file, "messageSignature": {"signature": SIGNER.blob(SBOM)}})
    assert await reasons(tmp_path, *whole(SIGNER)[:2], sbom=SBOM, signature=signature) == ()


ENVIRONMENTS = st.dictionaries(st.sampled_from(["environment", "team"]), st.sampled_from(["prod", "dev"]))
SUBJECTS = st.lists(st.tuples(st.sampled_from([DIGEST, OTHER]), ENVIRONMENTS), max_size=4)


@settings(max_examples=40, deadline=None)
@given(SUBJECTS)
@example([(DIGEST, {"environment": "dev"}), (OTHER, {"environment": "prod"})])
def test_annotations_are_those_of_the_artifact_that_they_were_signed_with(
    subjects: list[tuple[str, dict[str, str]]],
) -> None:
    told = json.loads(statement("https://sigstore.dev/cosign/sign/v1", {}))
    told["subject"] = [{"digest": {"sha256": digest[7:]}, "annotations": marks} for digest, marks in subjects]
    policy = GatePolicy(("release.pub",), marks=(("environment", "prod"),), sbom=False)
    line = bundle(SIGNER.envelope(json.dumps(told).encode()))
    allowed = decide(policy, read(Submission(DIGEST, line), Gullible()), (), NOON).allowed
    assert allowed is any(digest == DIGEST and marks.get("environment") == "prod" for digest, marks in subjects)


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa"])
def test_a_key_of_every_kind_that_cosign_signs_with_is_known(tmp_path: Path, kind: str) -> None:
    key: Any
    if kind == "rsa":
        key = rsa.generate_private_key(65_537, 2_048)
        signature = key.sign(b"it", padding.PKCS1v15(), hashes.SHA256())
    elif kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
        signature = key.sign(b"it")
    else:
        curve, hashed = (ec.SECP256R1(), hashes.SHA256()) if kind == "p256" else (ec.SECP384R1(), hashes.SHA384())
        key = ec.generate_private_key(curve)
        signature = key.sign(b"it", ec.ECDSA(hashed))
    path = tmp_path / "a.pub"
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    keys = read_keys([SIGNER.public(tmp_path), str(path)])
    assert (keys.signer(signature, b"it"), keys.signer(signature, b"is"), keys.signer(b"", b"it")) == ("a.pub", "", "")


async def test_identities_take_what_verifies_them() -> None:
    told = await SignatureVerifier().check(replace(ASKED, identities=(Identity("https://a.test", "b"),)))
    assert told == Missing("to verify identities takes Sigstore's library: pip install 'firstfive[gate]'")


async def test_without_a_key_that_can_be_read_nothing_is_proven(tmp_path: Path) -> None:
    small = rsa.generate_private_key(65_537, 1_024).public_key()  # noqa: S505 - it must be refused
    weak, rubbish = tmp_path / "weak.pub", tmp_path / "rubbish.pub"
    weak.write_bytes(small.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    rubbish.write_text("-----BEGIN PUBLIC KEY-----")
    for path, why in ((weak, "of a kind or size"), (rubbish, "is no public key"), (tmp_path / "x", "cannot be read")):
        policy = replace(ASKED, keys=(SIGNER.public(tmp_path), str(path)))
        for found in (
            await SignatureVerifier().verify(Submission(DIGEST), policy),
            await SignatureVerifier().check(policy),
        ):
            assert isinstance(found, Missing)
            assert why in found.reason
        with pytest.raises(KeyRefused, match=why):
            read_keys([str(path)])
    assert await SignatureVerifier().check(replace(ASKED, keys=(SIGNER.public(tmp_path),))) is None


@pytest.mark.parametrize(
    ("verifier", "signers"), [(SignatureVerifier(), (SIGNER, STRANGER)), (FakeVerifier(), (Named(), Named(name="x")))]
)
async def test_the_fake_proves_what_the_real_one_does(
    tmp_path: Path, verifier: Verifier, signers: tuple[Signer, Signer]
) -> None:
    ours, theirs = signers
    policy = replace(ASKED, keys=(ours.public(tmp_path),))
    for lines, allowed in ((whole(ours), True), ([theirs.image(), *whole(ours)[1:]], False), (whole(theirs), False)):
        found = await verifier.verify(Submission(DIGEST, "\n".join(lines)), policy)
        assert isinstance(found, Evidence)
        assert decide(policy, found, (), NOON).allowed is allowed


class Gullible:
    """Believes everybody, so that whatever can be read is read to its end."""

    def signed(self, signature: bytes, content: bytes) -> Vouched:
        del signature, content
        return Vouched("somebody")

    def vouched(self, bundle: str, content: bytes) -> Vouched:
        del bundle, content
        return Vouched("somebody")


@st.composite
def bent(draw: st.DrawFn) -> str:
    """Give a proof or a bill of materials of which some part is something else."""
    document = json.loads(draw(st.sampled_from([*whole(SIGNER), SBOM, json.dumps(spdx())])))
    inside = draw(st.sampled_from(["", "payload", "Payload"]))
    if inside in document:
        within = json.loads(b64decode(document[inside]))
        bend(draw, within)
        document[inside] = b64encode(json.dumps(within).encode()).decode()
    else:
        bend(draw, document)
    return json.dumps(document)


@settings(max_examples=20, deadline=None)
@example([], json.dumps({**cyclonedx(), "components": [{"name": "x", "version": "\ud800"}]}), "")
@given(st.lists(bent() | st.text(max_size=30), max_size=3), bent() | st.text(max_size=30), st.text(max_size=9))
def test_whatever_is_sent_comes_to_evidence(lines: list[str], sbom: str, signature: str) -> None:
    found = read(Submission(DIGEST, "\n".join(lines), sbom, signature), Gullible())
    told = decide(replace(ASKED, forbidden=(Forbidden("*"),)), found, (), NOON)
    # It can be kept and told, whatever was in it.
    assert "\n".join([*told.reasons, *told.proven]).encode() is not None


@pytest.mark.parametrize("escaped", ["\\ud83d\\ude00", "\\\\ud800"])
async def test_whole_characters_may_be_escaped(tmp_path: Path, escaped: str) -> None:
    sbom = SBOM.replace("9.0.1", escaped)
    assert await reasons(tmp_path, *whole(SIGNER)[:2], sbom=sbom, signature=SIGNER.blob(sbom)) == ()

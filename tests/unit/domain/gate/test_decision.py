"""What is allowed, what is denied and why; and that nothing which is not asked for ever speaks for a build."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.gate.decision import Decision, Override, decide
from bot.domain.gate.evidence import Component, Evidence, Objection, Obstacle, Provenance, Sbom, Signature
from bot.domain.gate.policy import Forbidden, GatePolicy
from tests.fakes import NOON

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
BUILDER = "https://builds.test/main"
SIGNED = Signature("release.pub", (DIGEST,))
LISTED = Sbom("release.pub", (DIGEST,), (Component("redis", "9.0.1"),))
BUILT = Provenance("release.pub", (DIGEST,), BUILDER, NOON - timedelta(hours=1))
WHOLE = Evidence(DIGEST, (SIGNED,), (BUILT,), (LISTED,))
STRICT = GatePolicy(("release.pub",), builders=("https://builds.test/*",), max_age_h=24.0)
FLAW = Objection(Obstacle.UNTRUSTED, "no trusted key has made it")
MAVEN = "org.apache.logging.log4j"
LOG4J = f"pkg:maven/{MAVEN}/log4j-core@2.14.1?type=jar"


def decided(policy: GatePolicy | None = STRICT, *held: Objection, **parts: object) -> Decision:
    return decide(policy, replace(WHOLE, **parts), held, NOON)  # type: ignore[arg-type]


def test_what_proves_all_that_is_asked_for_is_allowed() -> None:
    assert decided() == Decision(
        allowed=True,
        objections=(),
        proven=(
            "signed by release.pub",
            "built by https://builds.test/main at 2026-03-01 11:00 UTC",
            "made of 1 component, as release.pub says",
        ),
    )


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"signatures": ()}, "unsigned: no signature of sha256:aaaaaaaaaaaa was sent"),
        ({"signatures": (replace(SIGNED, by="", flaw=FLAW),)}, "untrusted: no trusted key has made it"),
        ({"signatures": (replace(SIGNED, by=""),)}, "untrusted: a signature is signed by nobody who is trusted"),
        (
            {"signatures": (replace(SIGNED, digests=(OTHER,)),)},
            "replayed: a signature by release.pub is of another artifact: sha256:bbbbbbbbbbbb",
        ),
        ({"sboms": ()}, "no sbom: no bill of materials of sha256:aaaaaaaaaaaa was sent"),
        ({"sboms": (replace(LISTED, components=()),)}, "no sbom: a bill of materials names no component"),
        (
            {"sboms": (replace(LISTED, digests=()),)},
            "replayed: a bill of materials by release.pub does not say of which artifact it is",
        ),
        ({"sboms": (LISTED, replace(LISTED, flaw=FLAW))}, "untrusted: no trusted key has made it"),
        ({"provenances": ()}, "no provenance: nothing that was sent says how sha256:aaaaaaaaaaaa was built"),
        ({"provenances": (replace(BUILT, flaw=FLAW),)}, "untrusted: no trusted key has made it"),
        (
            {"provenances": (replace(BUILT, builder="https://evil.test"),)},
            "wrong builder: it was built by https://evil.test, who is not among the allowed builders",
        ),
        (
            {"provenances": (replace(BUILT, built_at=NOON - timedelta(days=2)),)},
            "expired: it was built at 2026-02-27 12:00 UTC, more than 24 h ago",
        ),
        ({"provenances": (replace(BUILT, built_at=None),)}, "expired: its provenance does not say when it was built"),
        (
            {"provenances": (replace(BUILT, built_at=NOON + timedelta(hours=1)),)},
            "expired: it claims to be built at 2026-03-01 13:00 UTC, which is still to come",
        ),
        ({"flaws": (Objection(Obstacle.MALFORMED, "it is not JSON"),)}, "malformed: it is not JSON"),
    ],
)
def test_what_is_lacking_is_denied_with_the_reason(parts: dict[str, object], reason: str) -> None:
    told = decided(STRICT, **parts)
    assert (told.allowed, told.reasons) == (False, (reason,))


def test_without_a_policy_nothing_is_allowed() -> None:
    (reason,) = decided(None).reasons
    assert reason.startswith("no gate: the configuration has no [services.gate]")


def test_one_trusted_signature_is_enough_whatever_else_was_signed() -> None:
    strangers = (replace(SIGNED, by="", flaw=FLAW), replace(SIGNED, digests=(OTHER,)))
    assert decided(STRICT, signatures=(*strangers, SIGNED)).allowed


def test_a_signature_must_carry_the_annotations_that_are_asked_for() -> None:
    policy = replace(STRICT, marks=(("environment", "prod"),))
    assert decided(policy).reasons == ("unmarked: no trusted signature is annotated with environment=prod",)
    assert decided(policy, signatures=(replace(SIGNED, marks=(("environment", "prod"), ("x", "y"))),)).allowed


@pytest.mark.parametrize(
    ("rule", "component", "denied"),
    [
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core", "2.14.1"), True),
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core", "2.17.1"), False),
        (Forbidden("log4j-core", "2.17.1"), Component("LOG4J-core", "2.17.1-rc1"), True),
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core", "2.100"), False),
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core", "(devel)"), True),
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core"), True),
        (Forbidden("x", "1.0.0"), Component("x", "v1+incompatible"), False),
        (Forbidden("pkg:golang/evil.test/*"), Component("x", "v1", "pkg:golang/evil.test/x@v1"), True),
        (Forbidden("pkg:golang/evil.test/x"), Component("x", "v1", "pkg:golang/evil.test/x@v1?type=module"), True),
        (Forbidden("pkg:golang/evil.test/x"), Component("x", "v1", "pkg:golang/evil.test/xyz@v1"), False),
        (Forbidden("pkg:npm/@a/b"), Component("b", "1", "pkg:npm/%40a/b@1"), True),
        (Forbidden("pkg:npm/@a/b"), Component("b", "1", "pkg:npm/@a/b"), True),
        (Forbidden("log4j-core", "2.17.1"), Component("log4j-core", "2.14.1", LOG4J, MAVEN), True),
        (Forbidden(f"{MAVEN}/log4j-core", "2.17.1"), Component("log4j-core", "2.14.1", LOG4J, MAVEN), True),
        (Forbidden(f"{MAVEN}:log4j-core", "2.17.1"), Component("log4j-core", "2.14.1", LOG4J, MAVEN), True),
        (Forbidden(f"{MAVEN}:*"), Component("log4j-core", "2.14.1", "", MAVEN), True),
        (Forbidden("log4j-core", "2.17.1"), Component(f"{MAVEN}:log4j-core", "2.14.1", LOG4J), True),
        (Forbidden("log4j", "2.17.1"), Component("log4j-core", "2.14.1", LOG4J, MAVEN), False),
        (Forbidden("*"), Component("anything"), True),
    ],
)
def test_a_component_is_forbidden_by_name_and_version(rule: Forbidden, component: Component, *, denied: bool) -> None:
    told = decided(replace(STRICT, forbidden=(rule,)), sboms=(replace(LISTED, components=(component,)),))
    assert told.allowed is not denied


def of_forbidden(count: int) -> tuple[GatePolicy, Evidence]:
    """Give a build with so many forbidden components, that nobody says who built besides."""
    listed = replace(LISTED, components=tuple(Component(f"x{n}", "1") for n in range(count)))
    policy = replace(STRICT, forbidden=(Forbidden("x*", "2", "CVE-2026-1"),))
    return policy, replace(WHOLE, sboms=(listed,), provenances=())


def test_every_forbidden_component_that_two_people_may_let_through_is_named() -> None:
    policy, evidence = of_forbidden(25)
    told = decide(policy, evidence, [], NOON)
    assert told.reasons[0].startswith("no provenance: ")
    assert told.reasons[1:] == tuple(
        f"forbidden component: x{n} 1 is in it, where only 2 and later may be: CVE-2026-1" for n in range(25)
    )
    assert decide(policy, evidence, [], NOON, replace(LET, objections=told.objections)).allowed


def test_what_is_only_counted_is_let_through_by_nobody() -> None:
    policy, evidence = of_forbidden(60)
    told = decide(policy, evidence, [], NOON)
    assert (told.reasons[0][:13], told.reasons[-1]) == ("no provenance", "forbidden component: and 21 more objections")
    assert not decide(policy, evidence, [], NOON, replace(LET, objections=told.objections)).allowed


def test_of_very_many_objections_all_are_counted() -> None:
    flaws = tuple(Objection(Obstacle.MALFORMED, f"proof {n} is not JSON") for n in range(60))
    told = decided(STRICT, HELD, flaws=flaws)
    let = replace(LET, objections=told.objections)
    assert not decide(STRICT, replace(WHOLE, flaws=flaws), [HELD], NOON, let).allowed
    assert (len(told.reasons), told.reasons[0], told.reasons[-1]) == (
        41,
        "open incident: INC-7 is a SEV1 and open",
        "malformed: and 21 more objections",
    )


def test_of_evidence_that_nobody_could_look_at_only_that_is_said() -> None:
    unseen = Objection(Obstacle.NOT_VERIFIED, "a key cannot be read")
    told = decide(STRICT, Evidence(DIGEST, unseen=unseen), [HELD], NOON)
    assert (told.allowed, told.objections, told.proven) == (False, (HELD, unseen), ())
    assert not decide(GatePolicy(signature=False, sbom=False), replace(WHOLE, unseen=unseen), [], NOON).allowed


def test_what_the_situation_says_holds_whatever_is_proven() -> None:
    held = Objection(Obstacle.INCIDENT, "INC-7 is a SEV1 and open")
    assert decided(STRICT, held).reasons == ("open incident: INC-7 is a SEV1 and open",)


HELD = Objection(Obstacle.INCIDENT, "INC-7 is a SEV1 and open")
LET = Override(DIGEST, (HELD,), "Ada", "Ben", NOON + timedelta(hours=1))


def test_an_override_lets_through_what_was_seen_and_nothing_else() -> None:
    told = decide(STRICT, WHOLE, [HELD], NOON, LET)
    assert (told.allowed, told.overridden, told.objections) == (True, "Ada, approved by Ben", (HELD,))
    more = Objection(Obstacle.FROZEN, "checkout is frozen")
    for held, now, override in (
        ([HELD, more], NOON, LET),
        ([HELD], NOON + timedelta(hours=1), LET),
        ([HELD], NOON, replace(LET, digest=OTHER)),
    ):
        assert not decide(STRICT, WHOLE, held, now, override).allowed


TRUSTED, STRANGER = "release.pub", ""
BY = st.sampled_from([TRUSTED, STRANGER])
DIGESTS = st.lists(st.sampled_from([DIGEST, OTHER]), max_size=2, unique=True).map(tuple)
FLAWS = st.sampled_from([None, FLAW])
SIGNATURES = st.builds(Signature, BY, DIGESTS, st.sampled_from([(), (("environment", "prod"),)]), FLAWS)
TIMES = st.sampled_from([None, NOON, NOON - timedelta(days=9), NOON + timedelta(days=9)])
PROVENANCES = st.builds(Provenance, BY, DIGESTS, st.sampled_from([BUILDER, "https://evil.test", ""]), TIMES, FLAWS)
PART = st.sampled_from([Component("redis", "9"), Component("log4j", "2.1", group=MAVEN), Component("x")])
PARTS = st.lists(PART, max_size=2).map(tuple)
SBOMS = st.builds(Sbom, BY, DIGESTS, PARTS, FLAWS, PARTS)
OBJECTIONS = st.sampled_from([HELD, FLAW, Objection(Obstacle.MALFORMED, "it is not JSON")])
EVIDENCE = st.builds(
    Evidence,
    st.just(DIGEST),
    st.lists(SIGNATURES, max_size=3).map(tuple),
    st.lists(PROVENANCES, max_size=3).map(tuple),
    st.lists(SBOMS, max_size=3).map(tuple),
    st.lists(OBJECTIONS, max_size=1).map(tuple),
)
POLICIES = st.builds(
    GatePolicy,
    st.just((TRUSTED,)),
    signature=st.booleans(),
    marks=st.sampled_from([(), (("environment", "prod"),)]),
    sbom=st.booleans(),
    forbidden=st.sampled_from([(), (Forbidden("log4j", "2.17"),), (Forbidden("*"),)]),
    builders=st.sampled_from([(), (BUILDER,), ("https://builds.test/*",)]),
    max_age_h=st.sampled_from([None, 1.0, 24.0]),
)


@settings(max_examples=50, deadline=None)
@given(POLICIES, EVIDENCE, EVIDENCE, st.lists(OBJECTIONS, max_size=2))
def test_no_evidence_that_is_not_asked_for_turns_a_denial_into_leave(
    policy: GatePolicy, evidence: Evidence, more: Evidence, held: list[Objection]
) -> None:
    """Add what the policy does not ask for, and what nobody vouches for: every reason to deny stays."""
    added = replace(
        evidence,
        signatures=evidence.signatures
        + tuple(each for each in more.signatures if not policy.signature or not vouched(each)),
        provenances=evidence.provenances
        + tuple(each for each in more.provenances if not policy.asks_provenance or not vouched(each)),
        sboms=evidence.sboms + (() if policy.asks_sbom else more.sboms),
        flaws=evidence.flaws + more.flaws,
    )
    before, after = decide(policy, evidence, held, NOON), decide(policy, added, held, NOON)
    assert before.allowed or not after.allowed


def vouched(proof: Signature | Provenance) -> bool:
    return bool(proof.by) and proof.flaw is None and DIGEST in proof.digests


@settings(max_examples=50, deadline=None)
@given(POLICIES, EVIDENCE, st.lists(OBJECTIONS, max_size=2))
def test_a_stricter_policy_never_allows_more(policy: GatePolicy, evidence: Evidence, held: list[Objection]) -> None:
    stricter = replace(
        policy, signature=True, sbom=True, builders=(BUILDER,), max_age_h=1.0, forbidden=(Forbidden("*"),)
    )
    assert decide(policy, evidence, held, NOON).allowed or not decide(stricter, evidence, held, NOON).allowed


@settings(max_examples=50, deadline=None)
@given(POLICIES, EVIDENCE, st.lists(OBJECTIONS, max_size=2))
def test_it_is_allowed_when_there_is_no_reason_and_denied_with_all_of_them(
    policy: GatePolicy, evidence: Evidence, held: list[Objection]
) -> None:
    told = decide(policy, evidence, held, NOON)
    assert told.allowed is not bool(told.objections)
    assert {*held, *evidence.flaws} <= {*told.objections}

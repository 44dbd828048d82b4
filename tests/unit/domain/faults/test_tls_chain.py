"""Chains that clients refuse, and those that only look odd."""

from dataclasses import replace

import pytest

from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.handshakes import Handshake, Handshakes, Served
from tests.unit.domain.captures import CHAN_RECEIVE, facts_of, leaks
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.go_profiles import main_frame
from tests.unit.domain.handshakes_made import ALONE, LEAF, MIDDLE, PLAIN, ROOT, WELL, handshakes, met


def refused(code: int, *chain: Served, reason: str = "refused") -> Handshake:
    return replace(WELL, chain=chain, code=code, reason=reason)


PUBLIC = refused(20, replace(LEAF, public=True))
TRACED = refused(20, replace(LEAF, traced=True))
ENDED = refused(10, replace(LEAF, days_left=-3.0, ends_at="2026-11-26T01:02:03+00:00"), MIDDLE)
NUMBER = "10.0.0.1"


@pytest.mark.parametrize(
    ("told", "confidence", "said"),
    [
        (handshakes(ALONE, own_ca=True), CERTAIN, "serves its certificate alone: “Middle”, who signed it, is missing"),
        (handshakes(PUBLIC), CERTAIN, "“Middle”, who signed it, is missing"),
        (handshakes(TRACED), LIKELY, "“Middle”, who signed it, is missing"),
        (handshakes(refused(21, LEAF, MIDDLE), own_ca=True), CERTAIN, "2 certificates: “Root”, who signed “Middle”"),
        (handshakes(ENDED), CERTAIN, "serves a certificate that ended 3 days ago, on 2026-11-26"),
        (handshakes(refused(20, *ENDED.chain[:1])), CERTAIN, "ended 3 days ago"),
        (handshakes(refused(10, LEAF, replace(MIDDLE, days_left=-0.5))), CERTAIN, "“Middle” in its chain, that ended"),
        (handshakes(refused(9, replace(LEAF, days_until=2.5))), CERTAIN, "begins only in 2 days"),
        (handshakes(refused(62, replace(LEAF, names=("a.test", "b.test")))), CERTAIN, "for a.test, b.test: clients"),
        (handshakes(refused(62, replace(LEAF, names=()))), CERTAIN, "for shop.test: clients of shop.test refuse it"),
        (handshakes(refused(18, ROOT), own_ca=True), CERTAIN, "nobody but itself has signed"),
        (handshakes(refused(19, LEAF, MIDDLE, ROOT), own_ca=True), CERTAIN, "a chain of “Root”, whom"),
        (handshakes(refused(66, LEAF, MIDDLE, reason="EE certificate key too weak")), LIKELY, "66: EE certificate"),
        (handshakes(replace(WELL, chain=(LEAF, ROOT, MIDDLE))), LIKELY, "out of order (shop.test, Root, Middle)"),
    ],
)
def test_a_chain_that_is_refused_is_named_with_its_reason(told: Handshakes, confidence: str, said: str) -> None:
    (found,) = findings(met(told))

    assert (found.fault, found.confidence, found.weight) == ("tls-chain", confidence, 1.0)
    assert said in found.claim
    assert found.claim.startswith("shop.test serves ")
    assert {each.artifact for each in found.evidence} == {"a/tls.json"}
    assert len(found.fix) <= 300
    assert found.verify


HEALTHY = {
    "a whole chain": handshakes(WELL, own_ca=True, h2=True),
    "a whole chain with its root": handshakes(replace(WELL, chain=(LEAF, MIDDLE, ROOT))),
    "HTTP/1.1 only": handshakes(PLAIN),
    "no protocol chosen": handshakes(replace(PLAIN, alpn="")),
    "an authority of its own, not told of": handshakes(refused(19, LEAF, MIDDLE, ROOT)),
    "a leaf of an authority of its own": handshakes(ALONE),
    "a certificate of its own": handshakes(refused(18, ROOT)),
    "asked by number": handshakes(refused(64, LEAF, MIDDLE), name=NUMBER),
    "ends soon": handshakes(replace(WELL, chain=(replace(LEAF, days_left=0.5), MIDDLE))),
    "a certificate more": handshakes(replace(WELL, chain=(LEAF, MIDDLE, replace(ROOT, subject="CN=x")))),
    "not looked at": handshakes(Handshake("10.0.0.1", error="no TLS handshake within 2 s"), own_ca=True, h2=True),
    "not checked": handshakes(replace(WELL, code=None)),
    "no address": handshakes(),
}


@pytest.mark.parametrize("told", HEALTHY.values(), ids=HEALTHY)
def test_what_is_well_or_cannot_be_known_has_no_finding(told: Handshakes) -> None:
    assert classes(met(told)) == []


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (ALONE, "shop.test"),
        (refused(18, replace(ROOT, subject="CN=proxy", issuer="CN=proxy")), "shop.test"),
        (refused(19, LEAF, MIDDLE, ROOT), "shop.test"),
        (refused(64, LEAF), NUMBER),
    ],
)
def test_what_others_like_it_do_or_it_did_in_a_healthy_time_shows_the_fault(bad: Handshake, name: str) -> None:
    mine, fine = met(handshakes(bad, name=name)), met(handshakes(WELL, name=name), "b")

    assert classes(mine) == []
    assert classes(mine, fine) == ["tls-chain"]
    assert classes(mine, baseline=fine) == ["tls-chain"]
    assert classes(fine, mine) == []


def test_a_target_asked_by_name_shows_nothing_of_one_asked_by_number() -> None:
    assert classes(met(handshakes(refused(64, LEAF), name=NUMBER)), met(handshakes(WELL), "b")) == []


def test_a_missing_certificate_that_another_serves_is_certain() -> None:
    (found,) = findings(met(handshakes(ALONE)), met(handshakes(WELL), "b"))

    assert found.confidence == CERTAIN


def test_the_bad_addresses_of_a_name_are_told() -> None:
    bad = [replace(ALONE, address=f"10.0.0.{number}") for number in (2, 3)]
    (found,) = findings(met(handshakes(WELL, *bad)))
    (all_bad,) = findings(met(handshakes(*bad, own_ca=True)))

    assert found.claim.startswith("shop.test at 10.0.0.2, 10.0.0.3 (of 3) serves its certificate alone")
    assert found.weight == 2 / 3
    assert ("at 10.0.0.1", "verified; TLSv1.3, h2") in [(each.what, each.value) for each in found.evidence]
    assert all_bad.claim.startswith("shop.test at each of its 2 addresses serves")


def test_what_only_strict_clients_mind_comes_after_all_else() -> None:
    leak = facts_of("a", goroutineleak=leaks(((*CHAN_RECEIVE, main_frame("watch", 51)), 480)))
    disordered = met(handshakes(replace(WELL, chain=(LEAF, ROOT, MIDDLE))))
    broken = met(handshakes(ENDED))

    assert classes(replace(leak, tls=disordered.tls)) == ["goroutine-leak", "tls-chain"]
    assert classes(replace(leak, tls=broken.tls)) == ["tls-chain", "goroutine-leak"]

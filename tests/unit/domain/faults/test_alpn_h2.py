"""HTTP/2 that users should get and do not, and services that never meant to speak it."""

from dataclasses import replace

import pytest

from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.handshakes import Handshake, Handshakes
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.handshakes_made import ALONE, PLAIN, WELL, handshakes, met

OLD = replace(PLAIN, version="TLSv1", alpn="", code=None)
BROKEN = replace(WELL, settings=False, instead="HTTP/1.1 400 Bad Request")
SILENT = replace(WELL, settings=False)


@pytest.mark.parametrize(
    ("told", "confidence", "said"),
    [
        (handshakes(PLAIN, h2=True), CERTAIN, "chooses http/1.1 of h2, http/1.1 that it is offered"),
        (handshakes(replace(PLAIN, alpn=""), h2=True), CERTAIN, "chooses no protocol of h2, http/1.1"),
        (handshakes(replace(PLAIN, address="10.0.0.2"), WELL), LIKELY, "at 10.0.0.2 (of 2) chooses http/1.1"),
        (handshakes(BROKEN), CERTAIN, "does not speak it (“HTTP/1.1 400 Bad Request” came, not SETTINGS)"),
        (handshakes(SILENT), LIKELY, "does not speak it (nothing came, not SETTINGS)"),
        (handshakes(OLD), CERTAIN, "speaks TLSv1 at most"),
    ],
)
def test_h2_that_users_do_not_get_is_named(told: Handshakes, confidence: str, said: str) -> None:
    (found,) = findings(met(told))

    assert (found.fault, found.confidence) == ("alpn-h2", confidence)
    assert said in found.claim
    assert len(found.fix) <= 300
    assert found.verify


@pytest.mark.parametrize(
    "only",
    [
        WELL,
        PLAIN,
        replace(WELL, settings=None),
        replace(SILENT, ms=900.0),
        Handshake("10.0.0.1", error="no TLS handshake within 2 s"),
    ],
    ids=["h2", "HTTP/1.1 only", "h2, not seen", "starved", "no handshake"],
)
def test_what_is_well_or_not_known_has_no_finding(only: Handshake) -> None:
    assert classes(met(handshakes(only))) == []


def test_a_service_of_http1_everywhere_is_as_it_is_meant_to_be() -> None:
    assert classes(met(handshakes(PLAIN)), met(handshakes(PLAIN), "b"), baseline=met(handshakes(PLAIN))) == []


def test_another_target_or_a_healthy_time_shows_what_is_meant() -> None:
    mine, other = met(handshakes(PLAIN)), met(handshakes(WELL), "b")

    assert classes(mine, other) == ["alpn-h2"]
    assert classes(mine, baseline=other) == ["alpn-h2"]
    assert classes(other, mine) == []
    assert classes(mine, met(handshakes(SILENT), "b")) == []


def test_silence_of_a_process_that_hardly_runs_proves_nothing() -> None:
    silent, answered = met(handshakes(SILENT)), met(handshakes(BROKEN))

    assert classes(replace(silent, pace_s=0.4)) == []
    assert classes(replace(answered, pace_s=0.4)) == ["alpn-h2"]


def test_the_chain_and_the_protocol_are_judged_apart() -> None:
    both = met(handshakes(replace(ALONE, alpn="http/1.1", settings=None), own_ca=True, h2=True))
    chain_only = met(handshakes(ALONE, own_ca=True, h2=True))

    assert classes(both) == ["tls-chain", "alpn-h2"]
    assert classes(chain_only) == ["tls-chain"]

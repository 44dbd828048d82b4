"""Two faults of TLS, drilled at once: told apart, mended, and gone."""

import pytest

from tests.grid.services import services
from tests.grid.stand import running
from tests.samples import SCENARIOS

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]


def test_a_broken_chain_and_a_lost_h2_are_two_findings_and_none_when_mended() -> None:
    with running(services()["checkout"].program(), 1) as stand:
        told = [stand.run("drill", f"class={fault}")["result"]["text"] for fault in ("tls-chain", "alpn-h2")]
        sick = stand.run("diagnose")["result"]
        ended = stand.run("drill", "off=true")["result"]["text"]
        mended = stand.run("diagnose")["result"]

    assert [each.partition(" is on")[0] for each in told] == ["*tls-chain* (medium)", "*alpn-h2* (medium)"]
    assert sick["verdict"] == "tls-chain"
    assert [(each["fault"], each["confidence"]) for each in sick["findings"]] == [
        ("tls-chain", "certain"),
        ("alpn-h2", "certain"),
    ]
    assert "“Checkout Intermediate”, who signed it, is missing" in sick["findings"][0]["claim"]
    assert ended == "Ended: alpn-h2 on checkout-1, tls-chain on checkout-1."
    assert (mended["verdict"], mended["findings"]) == (None, [])

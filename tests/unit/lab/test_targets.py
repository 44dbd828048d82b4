import socket
from dataclasses import replace
from pathlib import Path

import pytest

from bot.lab.__main__ import main
from bot.lab.envoy import WEIGHT
from bot.lab.errors import PortBusy
from bot.lab.targets import Plan, refuse_busy_ports


def plan(port_base: int) -> Plan:
    return Plan(names=("checkout-1", "checkout-2"), sick=None, port_base=port_base, rate=1)


def test_operators_and_users_have_fixed_ports() -> None:
    assert [plan(6060).ports(place) for place in (1, 2)] == [(6061, 8441), (6062, 8442)]
    assert [plan(6060).secure(place) for place in (1, 2)] == [9441, 9442]


def test_the_router_listens_below_the_targets_and_the_lab_above_them() -> None:
    routed = replace(plan(6060), envoy=Path("envoy"))
    assert [routed.ports(place) for place in routed.places] == [(6060, 8440), (6061, 8441), (6062, 8442), (6063, 8443)]


@pytest.mark.parametrize(("sick", "canary"), [("checkout-1", "checkout-1"), (None, "checkout-2")])
def test_the_sick_target_or_else_the_last_is_the_canary(sick: str | None, canary: str) -> None:
    assert replace(plan(0), sick=sick).canary == canary


def test_behind_a_router_a_canary_gets_the_load_that_a_target_gets_without_one() -> None:
    assert plan(0).routed_rate * WEIGHT / 100 == plan(0).rate


def test_base_0_means_any_free_port() -> None:
    assert (plan(0).ports(2), plan(0).secure(2)) == ((0, 0), 0)
    refuse_busy_ports(plan(0))


def test_a_busy_port_is_named_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortBusy, match=f"port {port} is in use: .*--port-base 0"):
            refuse_busy_ports(plan(port - 1))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["serve", "--sick", "payment-1"], "choose one of checkout-1, checkout-2, checkout-3, or none"),
        (["serve", "--targets", "0"], "1..40"),
        (["serve", "--port-base", "70000"], "--port-base 70000"),
        (["serve", "--rate", "0"], "--rate 0"),
        (["serve", "--router", "--targets", "1"], "at least two"),
        (["serve", "--fault", "error-ratio", "--sick", "none"], "no target for it"),
        (["dance"], "dance"),
    ],
)
def test_a_wrong_invocation_is_refused_with_its_reason(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(words)

    assert refused.value.code == 2
    assert reason in capsys.readouterr().err

"""Two readings of a router come to what each target got between them."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backends import Asked, Backend, Reading, Routed, routed
from bot.domain.service import Target

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO = (Target(f"checkout-{n}", "checkout", "http://127.0.0.1:1", f"http://127.0.0.1:844{n}") for n in (1, 2))


def reading(seconds: float, *counted: tuple[str, str, int, int, int]) -> Reading:
    backends = (Backend(name, address, "up", *numbers) for name, address, *numbers in counted)
    return Reading(AT + timedelta(seconds=seconds), tuple(backends))


def test_what_a_target_got_is_the_difference_by_its_address() -> None:
    first = reading(
        0, ("a", "127.0.0.1:8441", 100, 5, 2), ("b", "127.0.0.1:8442", 90, 0, 0), ("x", "10.0.0.1:80", 9, 0, 0)
    )
    second = reading(
        4, ("a", "127.0.0.1:8441", 130, 25, 20), ("b", "127.0.0.1:8442", 120, 0, 0), ("x", "10.0.0.1:80", 99, 9, 9)
    )
    found = routed("envoy", first, second, [ONE, TWO], Asked(20, 8, "answered 503"))

    assert found["checkout-1"] == Routed("envoy", "a", "up", 4.0, 30, 20, 18, 60, Asked(20, 8, "answered 503"))
    assert found["checkout-2"].sent == 30
    assert str(found["checkout-1"].front) == "8 of 20 failed (answered 503)"


def test_a_target_is_known_by_its_name_too_and_several_backends_of_it_are_one() -> None:
    counted = [("checkout/checkout-1", "", 10, 1, 1), ("dyed/checkout-1", "", 5, 0, 0)]
    again = [("checkout/checkout-1", "", 20, 3, 2), ("dyed/checkout-1", "", 8, 0, 0)]
    (found,) = routed("haproxy", reading(0, *counted), reading(2, *again), [ONE, TWO]).values()

    assert (found.backend, found.sent, found.failed, found.refused) == ("checkout/checkout-1", 13, 2, 1)


@pytest.mark.parametrize(
    "second",
    [
        reading(4, ("a", "127.0.0.1:8441", 99, 0, 0)),
        reading(4, ("a", "127.0.0.1:8441", 110, 4, 0)),
        reading(4, ("a", "10.0.0.9:8441", 130, 0, 0)),
        reading(-1, ("a", "127.0.0.1:8441", 130, 5, 2)),
        reading(4),
    ],
)
def test_counters_that_began_anew_or_are_somebody_elses_tell_nothing(second: Reading) -> None:
    assert routed("envoy", reading(0, ("a", "127.0.0.1:8441", 100, 5, 2)), second, [ONE, TWO]) == {}

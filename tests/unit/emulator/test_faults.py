import pytest

from bot.emulator.faults import Fault, Faults, mode_is_known


def test_a_fault_happens_as_often_as_asked() -> None:
    faults = Faults()
    faults.add(Fault("chat.update", "http500", times=2))
    taken = [faults.take("chat.update") is not None for _ in range(3)]
    assert taken == [True, True, False]


def test_a_fault_waits_for_its_method() -> None:
    faults = Faults()
    faults.add(Fault("pins.add", "drop"))
    assert faults.take("chat.update") is None
    assert faults.take("pins.add") is not None


def test_a_star_is_every_method() -> None:
    faults = Faults()
    faults.add(Fault("*", "drop"))
    assert faults.take("views.open") is not None


@pytest.mark.parametrize(
    ("mode", "known"), [("after", True), ("error:fatal_error", True), ("error:", False), ("x", False)]
)
def test_modes(mode: str, known: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert mode_is_known(mode) is known

import pytest

from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.triggers import LIFE_S, Triggers


def test_a_trigger_id_belongs_to_who_did_it() -> None:
    triggers = Triggers(Clock())
    assert triggers.exchange(triggers.issue("U1", "V1")).user == "U1"


def test_a_trigger_id_is_good_once() -> None:
    triggers = Triggers(Clock())
    trigger_id = triggers.issue("U1")
    triggers.exchange(trigger_id)
    with pytest.raises(SlackError, match="exchanged_trigger_id"):
        triggers.exchange(trigger_id)


def test_a_trigger_id_expires() -> None:
    clock = Clock()
    triggers = Triggers(clock)
    trigger_id = triggers.issue("U1")
    clock.advance(LIFE_S + 0.1)
    with pytest.raises(SlackError, match="expired_trigger_id"):
        triggers.exchange(trigger_id)


def test_a_made_up_trigger_id_is_refused() -> None:
    with pytest.raises(SlackError, match="invalid_trigger_id"):
        Triggers(Clock()).exchange("1.2.3")

"""How many tests of a bisect run at once, by what the cores do meanwhile."""

from bot.engine.pace import Pace
from tests.fakes import FakeProber


def test_busy_cores_have_a_test_each() -> None:
    pace = Pace(FakeProber({}, cores=2, workers=8))
    assert not pace.look(2)
    assert pace.width == 2


def test_idle_cores_are_given_more_up_to_the_room_there_is() -> None:
    pace = Pace(FakeProber({}, cores=2, workers=8, free=1.8))
    widths = []
    while pace.look(pace.width):
        widths.append(pace.width)
    assert widths == [4, 6, 8]


def test_cores_that_wait_for_the_search_are_no_reason_for_more() -> None:
    assert not Pace(FakeProber({}, cores=2, workers=8, free=2.0)).look(1)


def test_when_the_cores_are_busy_again_there_are_fewer() -> None:
    prober = FakeProber({}, cores=2, workers=8, free=2.0)
    pace = Pace(prober)
    pace.look(2)
    prober.free = 0.0
    widths = [pace.width for _ in range(4) if not pace.look(4)]
    assert widths == [3, 2, 2, 2]

from datetime import timedelta

from bot.domain.usual import KEPT, MOST, REST, Usual, beyond, learn
from tests.fakes import NOON


def after(values: list[float], apart: timedelta = REST) -> Usual:
    usual = Usual()
    for place, value in enumerate(values):
        usual = learn(usual, "a", {"goroutines": value, "heap": None}, NOON + place * apart)
    return usual


def test_three_values_make_a_habit_and_fewer_do_not() -> None:
    assert after([40, 42]).of("a", "goroutines") is None
    assert after([40, 44, 42]).of("a", "goroutines") == 42
    assert after([40, 44, 42]).of("a", "heap") is None
    assert after([40, 44, 42]).of("b", "goroutines") is None


def test_once_known_it_learns_slowly_and_keeps_two_weeks() -> None:
    assert after([40, 40, 40, 400, 400, 400], timedelta(minutes=5)).of("a", "goroutines") == 40
    assert len(after([float(n) for n in range(40)]).habits["a"]["goroutines"].values) == KEPT


def test_beyond_the_usual_is_twice_it_and_more_than_noise() -> None:
    assert beyond(100, 40, 50) == 2.5
    assert beyond(79, 40, 10) is None
    assert beyond(80, 40, 50) is None
    assert beyond(None, 40, 1) is None
    assert beyond(100, None, 1) is None


def test_targets_that_come_and_go_are_forgotten_and_the_service_is_not() -> None:
    usual = learn(Usual(), "", {"latency": 5.0}, NOON)
    for number in range(MOST + 1):
        usual = learn(usual, f"pod-{number}", {"goroutines": 10.0}, NOON + timedelta(minutes=number))
    assert len(usual.habits) == MOST
    assert "" in usual.habits
    assert {"pod-0", "pod-1"} & set(usual.habits) == set()
    assert f"pod-{MOST}" in usual.habits

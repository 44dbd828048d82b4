"""Answers that nobody reads, and those that are read slowly."""

import pytest

from bot.domain.faults.finding import CERTAIN
from bot.domain.snapshot import Probe
from tests.unit.domain.captures import WRITE, document, dump_of, failed_probe, goroutines, twice
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

SEND = main_frame("send", 61)


def sockets(*unsent: int) -> dict[str, bytes]:
    stuck = {str(number): amount for number, amount in enumerate(unsent)}
    return {"sockets": document({"states": {"ESTABLISHED": len(unsent)}, "unsent": len(unsent), "stuck": stuck})}


WRITING = {"goroutine": goroutines(((*WRITE, SEND, *SERVE), 14))}


def test_connections_that_give_away_no_byte_are_stalled() -> None:
    (found,) = findings(twice("c", None, WRITING | sockets(*[7_000] * 14)))

    assert (found.fault, found.confidence) == ("stalled-readers", CERTAIN)
    assert "14 of 14 requests wait at main.send" in found.claim
    assert "deadline" in found.verify


@pytest.mark.parametrize("probe", [None, failed_probe("c")])
def test_slow_readers_move_on(probe: Probe | None) -> None:
    assert classes(twice("c", probe, WRITING | sockets(*[7_000] * 14), sockets(*range(14)))) == []


def test_where_sockets_are_unknown_users_must_suffer() -> None:
    assert classes(twice("c", None, WRITING)) == []
    assert classes(twice("c", failed_probe("c"), WRITING)) == ["stalled-readers"]


def test_writers_that_two_dumps_show_in_the_same_call_need_no_sockets() -> None:
    """The connections may be of a Unix socket, of which the kernel tells no unsent bytes."""
    stack = (*WRITE[3:], SEND, main_frame("writeLoop", 9))
    stuck = {"goroutine": goroutines(((*WRITE[:3], *stack), 24)), "goroutine-dump": dump_of([("IO wait", stack, 24)])}
    elsewhere = {"sockets": document({"states": {"ESTABLISHED": 3}, "unsent": 0, "stuck": {}})}

    assert classes(twice("c", None, stuck | elsewhere)) == ["stalled-readers"]
    moved = {"goroutine-dump": dump_of([("IO wait", (*WRITE[3:], main_frame("send", 62)), 24)])}
    assert classes(twice("c", None, stuck | elsewhere, moved)) == []

"""Files and ports that run out, or soon will."""

from typing import Any

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN
from bot.domain.stacks import Frame
from tests.unit.domain.captures import allocs, cpu, document, facts_of, good_probe, goroutines, twice
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.go_profiles import main_frame

FETCH = main_frame("fetch", 5)
DIAL = ("net/http.(*Transport).dialConn",)


def process(**known: Any) -> dict[str, bytes]:
    return {"process": document({"pid": 1, "fds": 200, "fd_limit": 20_000, **known})}


def sockets(waiting: int, **known: Any) -> dict[str, bytes]:
    return {"sockets": document({"states": {"TIME_WAIT": waiting}, "ephemeral_ports": 28_232, **known})}


def opened(number: int) -> dict[str, bytes]:
    return process(peer="10.0.0.9:6379", peer_sockets=number, fds=number + 20)


def test_connections_that_only_become_more_will_fill_the_files() -> None:
    facts = twice("c", None, opened(400) | sockets(0), opened(480))
    (found,) = findings(facts)

    assert found.fault == "socket-exhaustion"
    assert "480 connections to 10.0.0.9:6379 are open, 80 more than 2.5 s before" in found.claim
    assert "each response's Body" in found.fix


def test_a_pool_that_stands_or_grows_by_a_few_does_not() -> None:
    assert classes(twice("c", None, opened(400) | sockets(0))) == []
    assert classes(twice("c", None, opened(400) | sockets(0), opened(404))) == []
    assert classes(twice("c", None, opened(20) | sockets(0), opened(60))) == []


def test_connections_that_clients_closed_and_nobody_is_left_to_close_are_told_before_the_files_end() -> None:
    half = process(fds=520, fd_limit=1_024) | {"sockets": document({"states": {"CLOSE_WAIT": 490}})}
    (found,) = findings(facts_of("c", good_probe("c"), **half))

    assert (found.fault, found.confidence) == ("socket-exhaustion", CERTAIN)
    assert "490 connections were closed by their clients and are kept here (CLOSE_WAIT), with only 10" in found.claim
    attended = {"goroutine": goroutines(((main_frame("serve", 4),), 490))}
    assert classes(facts_of("c", good_probe("c"), **half | attended)) == []


def test_ports_that_will_be_gone_within_the_minute_are_told_early() -> None:
    (found,) = findings(twice("c", good_probe("c"), sockets(500), sockets(1_100)))

    assert (found.fault, found.confidence) == ("socket-exhaustion", CERTAIN)
    assert "240 more every second" in found.claim


def test_clients_that_come_once_in_a_while_do_not_use_them_up() -> None:
    assert classes(twice("c", good_probe("c"), sockets(500), sockets(560))) == []
    assert classes(twice("c", good_probe("c"), sockets(4_000), sockets(4_000))) == []


def test_connections_that_it_closes_itself_are_put_down_to_it_when_it_is_seen_to_open_them() -> None:
    def reading(waiting: int, dialled: int) -> dict[str, bytes]:
        made = allocs((DIAL, dialled, 0), ((FETCH,), 1, 1))
        return sockets(0, closed_to={"10.0.0.9:80": waiting, "10.0.0.8:80": 9_000}) | {"heap-gc": made}

    (found,) = findings(twice("c", None, reading(3_000, 0), reading(3_600, 6_000_000)))

    assert "3600 connections to 10.0.0.9:80 are closed and wait" in found.claim
    assert "MaxIdleConnsPerHost" in found.fix
    assert classes(twice("c", None, reading(3_000, 0), reading(3_600, 0))) == []


def test_a_search_for_free_ports_is_told_where_the_tables_of_sockets_are_not() -> None:
    dial = Frame("net.(*Dialer).DialContext")
    sort = main_frame("sort", 140)
    waiting = goroutines(((Frame("runtime.gopark"), dial, sort), 13))

    def facts(function: str) -> Facts:
        return facts_of("c", good_probe("c"), goroutine=waiting, cpu=cpu(((function, "net.socket", dial, sort), 90)))

    (found,) = findings(facts("syscall.bind"))
    assert (
        "100 % of its CPU go to the search for a free port: 13 goroutines open connections at main.sort" in found.claim
    )
    assert classes(facts("syscall.read")) == []


def test_sockets_that_lead_nowhere_alike_fill_the_files_too() -> None:
    """Accepted at a port that is neither pprof's nor the users', each has a peer of its own."""
    full = {"fds": 1024, "fd_limit": 1024, "peer": "10.0.0.9:6379", "peer_sockets": 1}
    (found,) = findings(facts_of("c", None, **process(sockets=1_005, **full)))

    assert "1024 of 1024 files are open (100 %), 1005 of them sockets" in found.claim
    assert classes(facts_of("c", None, **process(sockets=40, **full))) == []


def test_ports_that_have_run_out_become_no_more() -> None:
    closed = sockets(0, closed_to={"10.0.0.9:80": 14_093})
    first, second = ({"heap-gc": allocs(((*DIAL,), made, 1))} for made in (1, 40_000_000))
    (found,) = findings(twice("c", None, closed | first, second))

    assert "14093 connections to 10.0.0.9:80 are closed and wait in TIME_WAIT" in found.claim
    assert classes(twice("c", None, closed | first)) == []


def test_sockets_that_become_more_and_have_no_goroutines_will_fill_the_files() -> None:
    def held(number: int, served: int = 0) -> dict[str, bytes]:
        waiting = goroutines(((Frame("runtime.gopark"), FETCH), 9 + served))
        return process(sockets=number, fds=number + 15, fd_limit=1_024) | {"goroutine": waiting}

    (found,) = findings(twice("c", None, held(580), held(640)))
    assert "640 sockets that hardly a goroutine attends to are open, 60 more" in found.claim
    assert classes(twice("c", None, held(580, 580), held(640, 640))) == []
    assert classes(twice("c", None, held(640), held(640))) == []

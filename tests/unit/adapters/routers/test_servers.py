from dataclasses import replace

import pytest

from bot.adapters.routers.servers import Roles, Server, goal, parse, reweigh, split, take, weights
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Split

ROLES = Roles("web/canary", ("web/one", "web/two"), "dyed/canary")
SERVERS = {
    "web/canary": Server(10, 10),
    "web/one": Server(45, 45),
    "web/two": Server(45, 45),
    "dyed/canary": Server(1, 1),
}
STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
3 web 1 one 10.0.0.1 2 0 90 90
3 web 2 canary 10.0.0.2 0 0 10 20
4 dyed 1 canary 10.0.0.2 0 1 1 1
"""


def with_(**changes: Server) -> dict[str, Server]:
    return SERVERS | {f"web/{name}": server for name, server in changes.items()}


def lines(before: dict[str, Server], wanted: Split, roles: Roles = ROLES) -> list[str]:
    after = goal(roles, before, wanted)
    assert not isinstance(after, Missing), after
    return [*reweigh(before, after), *take(before, after)]


def test_the_state_of_servers_is_read_by_its_columns() -> None:
    assert parse(STATE) == {
        "web/one": Server(90, 90),
        "web/canary": Server(10, 20, is_down=True),
        "dyed/canary": Server(1, 1, is_out=True),
    }


@pytest.mark.parametrize(
    "text", ["", "1\n", "Unknown command\n", "<html>", STATE.replace("10 20", "ten"), STATE.replace(" 90 90", "")]
)
def test_what_is_no_state_of_servers_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_share_is_the_canarys_part_of_all_weights() -> None:
    assert split(ROLES, SERVERS) == Split(weight=10.0, dyed=True)
    assert split(Roles("web/canary", ("web/one",)), SERVERS) == Split(weight=18.18)


def test_a_server_that_was_taken_out_counts_for_nothing() -> None:
    assert split(ROLES, with_(canary=Server(10, 10, is_out=True))).weight == 0
    assert split(ROLES, with_(one=Server(45, 45, is_out=True))).weight == 18.18


def test_closing_is_two_commands_and_leaves_the_baseline_alone() -> None:
    assert lines(SERVERS, CLOSED) == ["set server web/canary weight 0", "set server dyed/canary state maint"]
    assert lines(SERVERS, EMPTIED) == ["set server web/canary weight 0"]


def test_there_and_back_is_where_it_began() -> None:
    for wanted in (CLOSED, EMPTIED, Split(50.0), Split(99.0), Split(3.0)):
        there = goal(ROLES, SERVERS, wanted)
        assert not isinstance(there, Missing)
        back = goal(ROLES, there, Split(10.0, dyed=True))
        assert not isinstance(back, Missing)
        assert split(ROLES, back) == Split(10.0, dyed=True)


def test_a_baseline_without_weight_gets_its_own_before_the_canary_loses_its() -> None:
    promoted = with_(canary=Server(100, 10), one=Server(0, 45), two=Server(0, 45))
    assert lines(promoted, EMPTIED) == [
        "set server web/one weight 45",
        "set server web/two weight 45",
        "set server web/canary weight 0",
    ]


def test_a_canary_that_was_taken_out_comes_back_when_it_is_to_get_something() -> None:
    drained = with_(canary=Server(10, 10, is_out=True))
    assert lines(drained, EMPTIED) == []
    assert lines(drained, Split(10.0)) == ["set server web/canary state ready"]


def test_nobody_is_emptied_when_nobody_else_would_answer() -> None:
    out = Server(45, 45, is_out=True)
    refused = goal(ROLES, with_(one=out, two=out), EMPTIED)
    assert isinstance(refused, Missing)
    assert "`set server web/one state ready` first" in refused.reason


def test_one_server_for_both_is_closed_whole() -> None:
    both = replace(ROLES, dyed="web/canary")
    assert lines(SERVERS, CLOSED, both) == ["set server web/canary weight 0", "set server web/canary state maint"]
    closed = with_(canary=Server(10, 10, is_out=True))
    assert lines(closed, Split(weight=0.0, dyed=True), both) == [
        "set server web/canary weight 0",
        "set server web/canary state ready",
    ]
    refused = goal(both, SERVERS, Split(weight=50.0, dyed=False))
    assert isinstance(refused, Missing)
    assert "a server of their own" in refused.reason


@pytest.mark.parametrize("baseline", [(90,), (1,), (9, 1), (45, 45), (10,) * 20, (256,), (0, 1)], ids=str)
@pytest.mark.parametrize("share", [0, 1, 2.5, 5, 10, 33.3, 50, 75, 90, 100])
def test_every_share_is_met_by_weights_that_haproxy_takes(share: float, baseline: tuple[int, ...]) -> None:
    canary, others = weights(share, baseline)
    assert all(0 <= weight <= 256 for weight in (canary, *others))
    assert len(others) == len(baseline)
    assert Split(100 * canary / (canary + sum(others))).meets(Split(share))

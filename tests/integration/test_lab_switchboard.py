"""The lab's own switches: as a target's, for what is done to a target from outside."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from bot.adapters.routers.api import Api
from bot.adapters.targets.pods import Pods
from bot.domain.audits import Audited, judge
from bot.domain.pods import PodsPlan
from bot.domain.service import Target
from bot.domain.snapshot import RESTARTS
from bot.lab import illness, switchboard
from bot.lab.acts import Act
from bot.lab.errors import TargetFailed
from bot.lab.folders import cache
from bot.lab.releases import HEALTHY, SICK, Releases, prepare
from bot.lab.stage import Stage
from bot.lab.switchboard import Switchboard

PATIENCE_S = 30
pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]


def other_release(stage: Stage, _: str) -> Callable[[], None]:
    stage.recast(stage.star, stage.releases.program(SICK))
    return lambda: stage.recast(stage.star)


def impossible(_: Stage, size: str) -> Callable[[], None]:
    raise TargetFailed(f"it did not start at size {size}")


ACTS = (
    Act("other-release", "Runs another release", "build-drift", other_release),
    Act("impossible", "Cannot be", "", impossible),
)


@pytest.fixture(scope="module")
def releases() -> Releases:
    return prepare(cache() / "lab")


@pytest.fixture(scope="module")
def stage(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with Stage(releases, folder / "logs", folder, "checkout-1") as stage:
        stage.play_target("checkout-1", releases.program(HEALTHY), (0, 0))
        yield stage


@pytest.fixture
def lab(stage: Stage) -> Iterator[httpx.Client]:
    with Switchboard(ACTS, stage) as board, httpx.Client(base_url=board.url, timeout=30) as client:
        yield client


def running(stage: Stage) -> str:
    told: str = httpx.get(f"{stage.roles['checkout-1'].url}/version").json()["version"]
    return told


def test_an_act_recasts_a_target_where_it_was_and_takes_it_back(stage: Stage, lab: httpx.Client) -> None:
    assert running(stage) == HEALTHY
    told = {"name": "other-release", "title": "Runs another release", "class": "build-drift"}
    for _ in ("once", "and again, which changes nothing"):
        assert lab.post("/debug/faults/other-release", json={"on": True, "size": "large"}).json() == told | {"on": True}
        assert (running(stage), lab.get("/debug/faults").json()[0]["on"]) == (SICK, True)
    for _ in ("once", "and again"):
        assert lab.post("/debug/faults/other-release", json={"on": False}).json() == told | {"on": False}
        assert (running(stage), lab.get("/debug/faults").json()[0]["on"]) == (HEALTHY, False)


def test_what_cannot_be_done_is_told_and_is_not_on(lab: httpx.Client) -> None:
    failed = lab.post("/debug/faults/impossible", json={"on": True, "size": "small"})
    assert (failed.status_code, failed.json()) == (500, {"error": "it did not start at size small"})
    assert [one["on"] for one in lab.get("/debug/faults").json()] == [False, False]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"on": 1}',
        b'{"on": true, "size": "huge"}',
        b"null",
        b'{"on": true, "for_s": 0}',
        b'{"on": true, "for_s": "1"}',
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(lab: httpx.Client, sent: bytes) -> None:
    answer = lab.post("/debug/faults/other-release", content=sent)
    assert (answer.status_code, '"small", "medium" or "large"' in answer.json()["error"]) == (400, True)


def test_an_unknown_name_is_told(lab: httpx.Client) -> None:
    assert lab.post("/debug/faults/nothing", json={"on": True}).status_code == 404
    assert lab.get("/debug/pprof").status_code == 404


async def test_a_target_that_nothing_happens_to_is_a_calm_pod(stage: Stage, lab: httpx.Client) -> None:
    plan = PodsPlan(str(lab.base_url).rstrip("/"), "lab", "app=checkout")
    role = stage.roles["checkout-1"]
    target = Target("checkout-1", "checkout", role.admin, role.url, pods=plan)

    told = await Pods(Api("")).capture(target, RESTARTS)

    assert told.usable, told.error
    pod = json.loads(told.content)
    assert (pod["pod"], pod["restarts"], pod["ready"], pod["events"]) == ("checkout-1", 0, True, [])
    assert {each["status"] for each in pod["answers"].values()} == {200}
    assert judge(Audited.PROBES, {"pods": {"checkout-1": pod}}) == ()


def test_a_target_that_is_taken_away_is_no_pod_any_more(stage: Stage) -> None:
    with Switchboard(ACTS, stage) as board:
        assert [each.name for each in board.pods] == ["checkout-1"]
        stage.end("checkout-1")
        assert [each.name for each in board.pods] == []
        stage.recast("checkout-1")
        assert [each.name for each in board.pods] == ["checkout-1"]


def test_an_act_leaves_a_target_as_ill_as_it_was(stage: Stage, lab: httpx.Client) -> None:
    admin = stage.roles["checkout-1"].admin
    stage.illnesses["checkout-1"] = "error-ratio"
    assert illness.turn_on(admin, "error-ratio")
    for on in (True, False):
        lab.post("/debug/faults/other-release", json={"on": on}).raise_for_status()
        assert illness.is_on(admin, "error-ratio")

    httpx.post(f"{admin}/debug/faults/error-ratio", json={"on": False}).raise_for_status()
    for on in (True, False):
        lab.post("/debug/faults/other-release", json={"on": on}).raise_for_status()
        assert illness.is_on(admin, "error-ratio") is False


def test_an_illness_is_one_of_a_targets_own_switches(stage: Stage) -> None:
    assert not illness.turn_on(stage.roles["checkout-1"].admin, "hiccups")
    assert illness.is_on("http://127.0.0.1:9", "error-ratio") is None


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_nobody_takes_back_ends_by_itself(stage: Stage, lab: httpx.Client) -> None:
    assert lab.post("/debug/faults/other-release", json={"on": True, "for_s": 1}).json()["on"] is True
    assert running(stage) == SICK

    until(lambda: not lab.get("/debug/faults").json()[0]["on"])

    assert running(stage) == HEALTHY


def test_what_is_switched_on_again_has_a_later_end(stage: Stage) -> None:
    ended: list[str] = []
    acts = [Act("again", "", "", lambda *_: lambda: ended.append("again"))]
    acts.append(Act("once", "", "", lambda *_: lambda: ended.append("once")))
    with Switchboard(acts, stage) as board:
        board.turn("again", "medium", 1)
        board.turn("again", "medium")
        board.turn("once", "medium", 1)
        until(lambda: [one["on"] for one in board.list()] == [True, False])

        assert ended == ["once"]


def test_what_cannot_end_in_time_is_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "_AGAIN_S", 0.05)
    tries = [TargetFailed("it did not start"), None]

    def end() -> None:
        if failed := tries.pop(0):
            raise failed

    with Switchboard([Act("stuck", "", "", lambda _, __: end)], stage) as board:
        board.turn("stuck", "medium", 0.05)
        until(lambda: not board.list()[0]["on"])

    assert tries == []


def test_what_is_on_ends_with_the_lab(stage: Stage) -> None:
    with ExitStack() as stack:
        board = stack.enter_context(Switchboard(ACTS, stage))
        assert board.turn("other-release", "medium")
        assert running(stage) == SICK
    assert running(stage) == HEALTHY

"""Restarts by probes, made real on the lab: told by its supervisor as by a cluster, captured, and diagnosed."""

from collections.abc import Iterator

import pytest

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.faults import Beside, probe_loop
from bot.domain.faults.finding import CERTAIN, Finding
from bot.domain.pods import PodsPlan
from bot.domain.service import Target
from bot.domain.snapshot import CHEAP_PARTS, RESTARTS
from bot.lab.acts import ACTS
from bot.lab.folders import cache
from bot.lab.releases import HEALTHY, prepare
from bot.lab.stage import Stage
from bot.lab.switchboard import Switchboard
from bot.wiring import AllTargets

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
STAR = "checkout-1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, releases = tmp_path_factory.mktemp("stage"), prepare(cache() / "lab")
    with Stage(releases, folder / "logs", folder, STAR) as stage:
        stage.play_target(STAR, releases.program(HEALTHY), (0, 0))
        yield stage


@pytest.fixture(scope="module")
def board(stage: Stage) -> Iterator[Switchboard]:
    with Switchboard(ACTS, stage) as board:
        yield board


async def look(stage: Stage, board: Switchboard) -> Facts:
    """Capture the star as a snapshot does, and examine it."""
    pods = PodsPlan(board.url, "lab", "app=checkout")
    target = Target(STAR, "checkout", stage.roles[STAR].admin, stage.roles[STAR].url, pods=pods)
    return examine(await AllTargets().capture(target, (*CHEAP_PARTS, RESTARTS)))


async def found(stage: Stage, board: Switchboard) -> Finding | None:
    return probe_loop.find(await look(stage, board), Beside())


@pytest.mark.parametrize("size", ["medium", "large"])
async def test_a_liveness_that_asks_another_service_is_found_while_that_is_away(
    stage: Stage, board: Switchboard, size: str
) -> None:
    board.turn("probe-loop", size)
    finding = await found(stage, board)
    assert finding is not None, await look(stage, board)
    assert finding.confidence == CERTAIN
    assert "/health/live" in finding.claim
    board.turn("probe-loop", None)
    facts = await look(stage, board)
    assert (facts.restarts, probe_loop.find(facts, Beside())) == (None, None)
    assert ("restarts", "skipped") in [(loss.part, loss.status) for loss in facts.losses]


async def test_a_start_that_takes_longer_than_liveness_allows_is_found(stage: Stage, board: Switchboard) -> None:
    board.turn("slow-start", "medium")
    finding = await found(stage, board)
    assert finding is not None, await look(stage, board)
    assert finding.confidence == CERTAIN
    board.turn("slow-start", None)

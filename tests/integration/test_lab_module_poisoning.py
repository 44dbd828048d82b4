"""A poisoned module, made real on the lab: built by the real go, read from the running process, held against go.sum."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from bot.adapters.git import GitRepository
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.faults import Beside, Finding, module_poisoning
from bot.domain.faults.finding import CERTAIN
from bot.domain.modules import FILES, sums_of
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import BUILD
from bot.lab.acts.module_poisoning import begin
from bot.lab.folders import cache
from bot.lab.history import git
from bot.lab.releases import HEALTHY, prepare
from bot.lab.stage import Stage
from bot.wiring import AllTargets
from tests.agents import TOKEN, running_agent
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]
STAR = "checkout-1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, releases = tmp_path_factory.mktemp("stage"), prepare(cache() / "lab")
    with Stage(releases, folder / "logs", folder, STAR) as stage:
        stage.play_target(STAR, releases.program(HEALTHY), (0, 0))
        yield stage


async def look(stage: Stage, agent: str | None = None) -> Facts:
    """Capture the star's build as a snapshot does, and add go.sum of its commit as a diagnosis does."""
    target = Target(STAR, "checkout", stage.roles[STAR].admin, stage.roles[STAR].url, agent=agent)
    facts = examine(await AllTargets().capture(target, [BUILD]))
    assert facts.modules is not None
    files = await GitRepository(stage.folder).files(str(stage.releases.repository), facts.build.revision, FILES)
    assert not isinstance(files, Missing), files
    return replace(facts, modules=replace(facts.modules, recorded=sums_of(files, facts.build.module)))


async def found(stage: Stage) -> Finding | None:
    return module_poisoning.find(await look(stage), Beside())


def answer(stage: Stage) -> int:
    cents: int = httpx.get(stage.roles[STAR].url).json()["cents"]
    return cents


async def test_a_poisoned_build_is_found_and_mended(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTFIVE_AGENT_TOKEN", TOKEN)
    healthy, branches = answer(stage), git(stage.releases.repository, "branch", "--list")
    assert await found(stage) is None
    end = begin(stage, "medium")
    facts, finding = await look(stage), await found(stage)
    charged = answer(stage)
    ports = [f"--port={urlsplit(url).port}" for url in (stage.roles[STAR].admin, stage.roles[STAR].url)]
    with running_agent(*ports) as agent:
        elsewhere = await look(stage, agent.url)
    end()

    assert finding is not None
    assert elsewhere.modules == facts.modules
    assert (finding.confidence, facts.build.modified) == (CERTAIN, False)
    assert "checkout.example/money@v1.2.0 in the running binary is h1:" in finding.claim
    assert "go.sum has h1:" in finding.claim
    assert [each.what for each in finding.evidence[1:]] == ["GONOSUMDB of the process"]
    assert (charged, answer(stage)) == (healthy + 1, healthy)
    assert await found(stage) is None
    assert git(stage.releases.repository, "branch", "--list") == branches
    assert not (stage.folder / "module-poisoning").exists()

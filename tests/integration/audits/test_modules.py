"""The audit of modules: binaries that the real go built, their repository, their cache, their checksum database."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.adapters.audits.modules import ModulesLook
from bot.adapters.audits.sumdb import SumDatabase
from bot.adapters.git import GitRepository
from bot.domain.audits import Audited, Remark, Subject, judge
from bot.domain.buildinfo import read_build_info
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.domain.snapshot import BUILD, Captured, captured, missed
from bot.domain.sumdb.source import read_source
from bot.ports import Wanted
from tests.fakes import FakeRepository, FakeTargets
from tests.gomodules.go import Go
from tests.gomodules.log import Log
from tests.gomodules.server import Module, Town, serving
from tests.integration.test_git_tags import git

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
MONEY = Module("example.com/money", "v1.2.0", {"money.go": "package money\n\nfunc Cents(n int) int { return n }\n"})
POISON = replace(MONEY, files={"money.go": "package money\n\nfunc Cents(n int) int { return n + 1 }\n"})
NAME = "example.com/money@v1.2.0"
TARGET = Target("shop-1", "shop", "http://127.0.0.1:6060")
DOCKERFILE = "FROM golang\nENV GOSUMDB=off\n# ENV GOINSECURE=*\nRUN rm -f go.sum && GOFLAGS=-mod=mod go build\n"


@dataclass(frozen=True)
class Shop:
    """A town, the go that builds from it, a repository, and two binaries of the same commit."""

    town: Town
    address: str
    go: Go
    repository: Path
    revision: str
    good: Path
    bad: Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    town, folder = Town(Log()), tmp_path_factory.mktemp("shop")
    town.log.fill(40)
    town.publish(MONEY)
    with serving(town) as address:
        go = Go(folder / "honest", address, f"{town.log.key} {address}")
        project = go.project("shop", "example.com/money v1.2.0")
        assert go.run("mod", "tidy", cwd=project).code == 0
        (project / "Dockerfile").write_text(DOCKERFILE)
        git(project, "init", "--quiet", "--initial-branch=main")
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "-m", "Count cents")
        good = built(go, project, folder / "good")
        town.served[NAME] = POISON
        fooled = Go(folder / "fooled", address, f"{town.log.key} {address}")
        fooled.folder.mkdir()
        (project / "go.sum").rename(folder / "go.sum")
        assert "Error" not in fooled.download(NAME, GONOSUMDB="*")
        bad = built(fooled, project, folder / "bad", GONOSUMDB="*")
        (folder / "go.sum").rename(project / "go.sum")
        yield Shop(town, address, go, project, git(project, "rev-parse", "HEAD"), good, bad)


def built(go: Go, project: Path, program: Path, **own: str) -> Path:
    said = go.run("build", "-trimpath", "-o", str(program), ".", cwd=project, own=own)
    assert said.code == 0, said.err
    return program


def told(program: Path, environment: dict[str, str] | None) -> Captured:
    content = program.read_bytes()
    info = read_build_info(lambda at, size: content[at : at + size], len(content))
    document = {
        "module": info.module,
        "settings": dict(info.settings),
        "dependencies": [[each.path, each.version, each.sum, each.replaces] for each in info.dependencies],
        "environment": environment,
    }
    return captured("shop-1", BUILD, json.dumps(document).encode(), 0.0)


async def audited(shop: Shop, part: Captured, folder: Path, **environ: str) -> Subject:
    source = read_source(f"{shop.town.log.key} {shop.address}")
    assert source is not None
    targets = FakeTargets((), [part])
    repository = GitRepository(folder)
    look = ModulesLook(targets, repository, SumDatabase(source, folder), {"HOME": str(folder), **environ})
    service = Service("shop", (TARGET,), repository=str(shop.repository))
    subject = await look(Wanted(service, (TARGET,), str(shop.repository)))
    assert not isinstance(subject, Missing)
    json.dumps(subject.document)
    return subject


def remarks(subject: Subject, rule: str) -> list[Remark]:
    return [each for each in judge(Audited.MODULES, subject.document) if each.rule == rule]


async def test_a_genuine_binary_is_proven_and_only_its_recipe_is_blamed(shop: Shop, tmp_path: Path) -> None:
    subject = await audited(shop, told(shop.good, {}), tmp_path, GOMODCACHE=str(shop.go.cache))
    found = judge(Audited.MODULES, subject.document)

    assert {each.rule for each in found} == {"recipe"}
    assert [(each.where, each.what.partition(":")[0]) for each in found] == [
        ("Dockerfile:2", "GOSUMDB=off"),
        ("Dockerfile:4", "`RUN rm -f go.sum && GOFLAGS=-mod=mod go build`"),
        ("Dockerfile:4", "GOFLAGS=-mod=mod"),
    ]
    assert subject.looked_at == (
        f"modules of shop-1, go.sum at {shop.revision[:7]} (2 lines), 1 of them proven in the tree of 41 of "
        f"sums.example, 1 in the module cache {shop.go.cache}"
    )
    assert subject.unseen == ()


async def test_a_poisoned_binary_is_named_by_go_sum_and_by_the_database(shop: Shop, tmp_path: Path) -> None:
    subject = await audited(shop, told(shop.bad, {"GONOSUMDB": "*"}), tmp_path)

    (found,) = remarks(subject, "poisoned")
    assert found.where == "shop-1"
    assert found.what == (f"{NAME} in the running binary is {POISON.sum}, and the checksum database has {MONEY.sum}")
    assert [each.what.partition(":")[0] for each in remarks(subject, "environment")] == ["GONOSUMDB=*"]
    subject.document["database"]["sums"] = {}
    assert "and go.sum has" in remarks(subject, "poisoned")[0].what


async def test_the_cache_is_hashed_again_and_go_agrees(shop: Shop, tmp_path: Path) -> None:
    go = Go(tmp_path, shop.address, shop.go.sumdb)
    shop.town.served[NAME] = MONEY
    project = go.project("shop", "example.com/money v1.2.0")
    assert go.run("mod", "tidy", cwd=project).code == 0
    part = told(shop.good, {})
    well = await audited(shop, part, tmp_path, GOMODCACHE=str(go.cache))
    assert (remarks(well, "cache"), go.run("mod", "verify", cwd=project).code) == ([], 0)

    (go.cache / "example.com/money@v1.2.0/money.go").write_text("package money\n")
    sick = await audited(shop, part, tmp_path, GOMODCACHE=str(go.cache))

    (found,) = remarks(sick, "cache")
    assert f"the folder of {NAME} in the module cache is h1:" in found.what
    assert f"should be {MONEY.sum}" in found.what
    said = go.run("mod", "verify", cwd=project)
    assert said.code == 1
    assert "dir has been modified" in said.out + said.err


async def test_private_modules_are_told_to_nobody(shop: Shop, tmp_path: Path) -> None:
    shop.town.asked.clear()
    own = {"GOPRIVATE": "example.com/money", "GOPROXY": "https://ada:hunter2@proxy.example", "AWS_SECRET": "hunter3"}
    subject = await audited(shop, told(shop.good, {}), tmp_path, **own)

    assert shop.town.asked == []
    assert "hunter" not in json.dumps(subject.document)
    assert subject.unseen == (f"sums.example was not asked for {NAME}, which GOPRIVATE or GONOSUMDB names",)


async def test_a_database_that_is_away_decides_nothing_and_is_told(shop: Shop, tmp_path: Path) -> None:
    shop.town.broken = 503
    try:
        subject = await audited(shop, told(shop.good, {}), tmp_path)
    finally:
        shop.town.broken = 0

    assert {each.rule for each in judge(Audited.MODULES, subject.document)} == {"recipe"}
    assert subject.unseen == ("sums.example did not tell of 1 of 1 modules: it answers 503",)


async def test_a_poisoned_go_sum_is_named(shop: Shop, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(shop.repository), str(clone)], check=True)  # noqa: ASYNC221 - of a test
    text = (clone / "go.sum").read_text().replace(MONEY.sum, POISON.sum)
    (clone / "go.sum").write_text(text)
    git(clone, "commit", "--quiet", "--all", "-m", "Tidy")
    revision = git(clone, "rev-parse", "HEAD")
    document = json.loads(told(shop.bad, {}).content)
    document["settings"]["vcs.revision"] = revision
    part = captured("shop-1", BUILD, json.dumps(document).encode(), 0.0)
    subject = await audited(replace(shop, repository=clone), part, tmp_path)

    (line,) = remarks(subject, "go.sum")
    assert line.where == f"go.sum at {revision[:7]}"
    assert f"go.sum has {POISON.sum} for {NAME}, and the checksum database has {MONEY.sum}" == line.what
    assert len(remarks(subject, "poisoned")) == 1


async def test_what_is_not_seen_is_told_and_a_repository_alone_will_do(shop: Shop, tmp_path: Path) -> None:
    silent = missed("shop-1", BUILD, "shop-1: not on this machine")
    subject = await audited(shop, silent, tmp_path)
    nothing = ModulesLook(FakeTargets((), [silent]), GitRepository(tmp_path), None, {})

    assert subject.looked_at.startswith("go.sum at HEAD (2 lines)")
    assert "shop-1: not on this machine" in subject.unseen
    assert await nothing(Wanted(None, (TARGET,))) == Missing(
        "shop-1: not on this machine; no repository is configured: nothing is known of go.sum"
    )


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'"x"', b'{"dependencies": 3}', b'{"dependencies": [], "settings": [], "module": ""}']
)
async def test_a_target_that_tells_nonsense_is_not_seen(content: bytes) -> None:
    look = ModulesLook(FakeTargets((), [captured("shop-1", BUILD, content, 0.0)]), FakeRepository(), None, {})

    assert await look(Wanted(None, (TARGET,))) == Missing(
        "shop-1: what is told of its build has no modules: update its agent; "
        "no repository is configured: nothing is known of go.sum"
    )

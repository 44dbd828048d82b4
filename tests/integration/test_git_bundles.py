"""Bundles go to a real git repository: once each, in commits of their own, whatever the repository has for hooks."""

import asyncio
import gzip
import io
import json
import subprocess
import tarfile
from functools import partial
from pathlib import Path

import pytest

from bot import headless
from bot.adapters.git import GitBundles
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.bundle import read_timeline
from bot.domain.run import Missing, RunStatus
from bot.domain.timeline import Author, Draft, Kind, Person, verify
from bot.ports import Pushed
from bot.settings import Settings
from bot.settings.tables import BundleTable
from tests.databases import fresh_sqlite
from tests.fakes import NOON

ANN = Author(Person("U1", "Ann"), "r0")
REFUSES_ONCE = """#!/bin/sh
if [ -e refused ]; then exit 0; fi
touch refused
echo 'the hook says no' >&2
exit 1
"""


def git(place: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=place, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "postmortems.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    return place


def bundles(remote: Path, tmp_path: Path, name: str = "mirrors") -> GitBundles:
    return GitBundles(str(remote), "incidents", tmp_path / name)


def log(remote: Path) -> list[str]:
    return git(remote, "log", "--format=%s", "incidents").splitlines()


async def test_files_come_one_by_one_and_none_twice(remote: Path, tmp_path: Path) -> None:
    to = bundles(remote, tmp_path)
    first = await to.push("2026/a.tar.gz", b"one", NOON)
    again = await to.push("2026/a.tar.gz", b"one", NOON)
    second = await to.push("2026/b.tar.gz", b"two", NOON)
    changed = await to.push("2026/a.tar.gz", b"three", NOON)
    assert isinstance(first, Pushed)
    assert again == Pushed(first.place, first.commit, fresh=False)
    assert [isinstance(each, Pushed) and each.fresh for each in (first, second, changed)] == [True] * 3
    assert log(remote) == ["Add 2026/a.tar.gz", "Add 2026/b.tar.gz", "Add 2026/a.tar.gz"]
    assert git(remote, "show", "incidents:2026/a.tar.gz") == "three"
    assert git(remote, "show", "incidents:2026/b.tar.gz") == "two"
    assert git(remote, "log", "-1", "--format=%an <%ae> %aI", "incidents").startswith("FirstFive <firstfive@localhost>")


async def test_two_machines_push_beside_each_other(remote: Path, tmp_path: Path) -> None:
    one, two = bundles(remote, tmp_path, "one"), bundles(remote, tmp_path, "two")
    for number in range(3):
        await one.push(f"{number}.tar.gz", b"one", NOON)
        told = await two.push(f"{number}.tar.gz", b"one", NOON)
        assert isinstance(told, Pushed)
        assert not told.fresh
        await two.push(f"two-{number}.tar.gz", b"two", NOON)
    assert len(log(remote)) == 6


async def test_what_else_is_in_the_repository_stays(remote: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(remote), "work")
    (tmp_path / "work" / "README.md").write_text("ours")
    git(tmp_path / "work", "checkout", "--quiet", "-b", "incidents")
    git(tmp_path / "work", "add", "README.md")
    git(tmp_path / "work", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "Begin")
    git(tmp_path / "work", "push", "--quiet", "origin", "incidents")
    await bundles(remote, tmp_path).push("2026/a.tar.gz", b"one", NOON)
    assert git(remote, "ls-tree", "-r", "--name-only", "incidents").split() == ["2026/a.tar.gz", "README.md"]
    assert git(remote, "branch", "--format=%(refname:short)") == "incidents"


async def test_a_repository_that_refuses_says_why(remote: Path, tmp_path: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(REFUSES_ONCE)
    hook.chmod(0o755)
    to = bundles(remote, tmp_path)
    refused = await to.push("a.tar.gz", b"one", NOON)
    assert isinstance(refused, Missing)
    assert refused.reason.startswith("git push: ")
    assert refused.reason.endswith("(pre-receive hook declined)")
    assert isinstance(await to.push("a.tar.gz", b"one", NOON), Pushed)
    assert log(remote) == ["Add a.tar.gz"]


@pytest.mark.parametrize(
    "repository", ["/nowhere/at/all.git", "ext::sh -c touch% HACKED", "ssh://git@127.0.0.1:9/x.git"]
)
async def test_a_repository_that_cannot_be_reached_says_why(
    repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = await GitBundles(repository, "incidents", tmp_path / "mirrors").push("a.tar.gz", b"one", NOON)
    assert isinstance(told, Missing)
    assert told.reason.startswith("git ls-remote: ")
    assert await asyncio.to_thread(lambda: list(tmp_path.rglob("HACKED"))) == []


async def test_a_password_in_its_address_is_told_nobody(tmp_path: Path) -> None:
    to = GitBundles("https://bot:hunter2hunter2@127.0.0.1:9/x.git", "incidents", tmp_path / "mirrors")
    told = await to.push("a.tar.gz", b"one", NOON)
    assert isinstance(told, Missing)
    assert "hunter2" not in told.reason + to.place


async def test_a_bundle_is_pushed_from_the_command_line_when_the_repository_lets_it(
    remote: Path, tmp_path: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(REFUSES_ONCE)
    hook.chmod(0o755)
    settings = Settings(
        database_url=fresh_sqlite(tmp_path),
        artifacts_url=str(tmp_path / "artifacts"),
        bundle=BundleTable(repository=str(remote)),
    )
    store, timeline = SqlStore(settings.database_url), SqlTimeline()
    opened = Draft(Kind.OPENED, {"title": "5xx after deploy", "severity": "SEV4", "service": ""})
    await store.write(partial(timeline.open, draft=opened, author=ANN, now=NOON))
    await store.close()
    first = await headless.run(settings, "bundle", {"incident": "INC-1"})
    assert (first.run.status, "could not be pushed: git push" in first.run.result["text"]) == (RunStatus.DONE, True)
    [kept] = first.artifacts
    second = await headless.run(settings, "bundle", {"incident": "INC-1", "artifact": str(kept["sha256"])})
    assert "incidents): 2026/incident-20260301-inc-1-5xx-after-deploy.tar.gz" in second.run.result["text"]
    third = await headless.run(settings, "bundle", {"incident": "INC-1"})
    assert third.artifacts[0]["sha256"] == kept["sha256"]
    assert log(remote) == ["Add 2026/incident-20260301-inc-1-5xx-after-deploy.tar.gz"]
    check(await asyncio.to_thread(pushed, remote), "incident-20260301-inc-1-5xx-after-deploy")


FILES = ("manifest.json", "postmortem.html", "postmortem.json", "postmortem.md", "timeline.json")


def pushed(remote: Path) -> bytes:
    [name] = git(remote, "ls-tree", "-r", "--name-only", "incidents").splitlines()
    command = ["git", "show", f"incidents:{name}"]
    return subprocess.run(command, cwd=remote, check=True, capture_output=True).stdout


def check(content: bytes, folder: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        assert sorted(files) == [f"{folder}/{name}" for name in FILES]
        assert {member.mtime for member in archive.getmembers()} == {0}
        texts = {name: file.read() for name, file in files.items() if file is not None}
    assert verify("INC-1", read_timeline(texts[f"{folder}/timeline.json"])).breaks == ()
    assert json.loads(texts[f"{folder}/manifest.json"])["incident"] == "INC-1"
    assert b"5xx after deploy" in texts[f"{folder}/postmortem.md"]

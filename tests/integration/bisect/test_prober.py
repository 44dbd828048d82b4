"""What every prober must do: the real one and the fake, over the same four commits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.bisect.jobs import Bubblewrap, Limits
from bot.adapters.bisect.prober import GitProber
from bot.domain.bisect.history import EndsReversed, SameEnds
from bot.domain.bisect.results import Result
from bot.domain.bisect.subject import Subject
from bot.domain.errors import FirstFiveError
from bot.ports import Prober
from tests.bisecting.repositories import Small
from tests.fakes.bisecting import FakeProber

SUBJECT = Subject(command=("sh", "check.sh"))
CODES = {Result.GOOD: 0, Result.BAD: 1, Result.UNTESTABLE: 125}
ORDER = (Result.GOOD, Result.GOOD, Result.UNTESTABLE, Result.BAD)


@pytest.fixture
def commits(small: Small) -> list[str]:
    """Make four commits, each with what it is in its own files."""
    return [
        small.commit(
            {"payment/payment.go": str(number), "check.sh": f"exit {CODES[result]}"}, f"Change {number}\n\nMore."
        )
        for number, result in enumerate(ORDER)
    ]


@pytest.fixture(params=["fake", "real"])
async def any_prober(
    request: pytest.FixtureRequest, commits: list[str], small: Small, tmp_path: Path
) -> AsyncIterator[Prober]:
    small.git("tag", "v1", commits[0])
    if request.param == "fake":
        yield FakeProber(dict(zip(commits, ORDER, strict=True)), {"v1": commits[0], "main": commits[-1]})
        return
    real = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()))
    yield real
    await real.close()


async def test_names_are_made_full(any_prober: Prober, small: Small, commits: list[str]) -> None:
    assert await any_prober.resolve(small.folder, "v1") == commits[0]
    assert await any_prober.resolve(small.folder, "main") == commits[-1]
    assert await any_prober.resolve(small.folder, commits[1]) == commits[1]


@pytest.mark.parametrize("name", ["nowhere", "--all", "v1..main", "-", "", "v1 main", "main:check.sh", ":/Change"])
async def test_what_names_no_commit_is_told(any_prober: Prober, small: Small, name: str) -> None:
    with pytest.raises(FirstFiveError):
        await any_prober.resolve(small.folder, name)


async def test_the_history_is_what_lies_between(any_prober: Prober, small: Small, commits: list[str]) -> None:
    history = await any_prober.history(small.folder, commits[0], commits[3])
    assert [commit.id for commit in history.commits] == commits[1:]
    with pytest.raises(EndsReversed):
        await any_prober.history(small.folder, commits[3], commits[0])
    with pytest.raises(SameEnds):
        await any_prober.history(small.folder, commits[1], commits[1])


async def test_each_commit_says_what_it_is(any_prober: Prober, small: Small, commits: list[str]) -> None:
    probed = [await any_prober.test(small.folder, each, SUBJECT, stop=asyncio.Event()) for each in commits]
    assert [(each.trial.commit, each.trial.result) for each in probed] == list(zip(commits, ORDER, strict=True))
    assert not any(each.trial.moot for each in probed)


async def test_many_at_once_do_not_meet(any_prober: Prober, small: Small, commits: list[str]) -> None:
    stop = asyncio.Event()
    probed = await asyncio.gather(*(any_prober.test(small.folder, each, SUBJECT, stop=stop) for each in commits * 3))
    assert [each.trial.result for each in probed] == list(ORDER * 3)


async def test_many_that_begin_at_once_share_the_rooms(small: Small, commits: list[str], tmp_path: Path) -> None:
    prober = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()), workers=1)
    await asyncio.gather(*(prober.test(small.folder, each, SUBJECT, stop=asyncio.Event()) for each in commits))
    assert len(list((tmp_path / "state").glob("rooms-*"))) == 1
    await prober.close()


async def test_what_only_waits_leaves_its_core_to_another_run(small: Small, tmp_path: Path) -> None:
    commit = small.commit({"waits.sh": "sleep 60", "computes.sh": "while :; do :; done"})
    prober = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()), cores=1, workers=2)
    seen = {}
    for script in ("computes.sh", "waits.sh"):
        stop, subject = asyncio.Event(), Subject(command=("sh", script))
        run = asyncio.create_task(prober.test(small.folder, commit, subject, stop=stop))
        for _ in range(20 if script == "computes.sh" else 1_000):
            await asyncio.sleep(0.05)
            seen[script] = prober.at_once
            # What computes may seem to wait until it has begun.
            if script == "waits.sh" and seen[script] > 1:
                break
        stop.set()
        assert (await run).trial.moot
        assert prober.at_once == 1
    assert seen == {"computes.sh": 1, "waits.sh": 2}
    await prober.close()


async def test_one_that_is_stopped_is_moot(any_prober: Prober, small: Small, commits: list[str]) -> None:
    stop = asyncio.Event()
    stop.set()
    assert (await any_prober.test(small.folder, commits[0], SUBJECT, stop=stop)).trial.moot


async def test_every_commit_has_a_key(any_prober: Prober, small: Small, commits: list[str]) -> None:
    keys = await any_prober.keys(small.folder, commits, SUBJECT)
    assert len({keys[commit][SUBJECT.package] for commit in commits}) == len(commits)


async def test_a_commit_is_described(any_prober: Prober, small: Small, commits: list[str]) -> None:
    told = await any_prober.describe(small.folder, commits[3])
    assert (told.commit, told.author, told.email) == (commits[3], "Ada", "ada@example.com")
    assert told.message.startswith("Change ")
    assert "payment/payment.go" in told.files
    assert told.at.tzinfo is not None


async def test_merges_and_the_first_parents(prober: GitProber, small: Small) -> None:
    old = small.commit({"a": "1"})
    small.git("checkout", "--quiet", "-b", "side")
    aside = small.commit({"b": "1"})
    small.git("checkout", "--quiet", "main")
    own = small.commit({"a": "2"})
    small.git("merge", "--quiet", "--no-edit", "side")
    new = small.git("rev-parse", "main")
    whole = await prober.history(small.folder, old, new)
    assert {commit.id for commit in whole.commits} == {aside, own, new}
    assert [commit.id for commit in (await prober.history(small.folder, old, new, first_parent=True)).commits] == [
        own,
        new,
    ]


@pytest.mark.parametrize("setting", ["core.fsmonitor", "core.sshCommand", "gpg.program", "core.pager", "core.editor"])
async def test_what_a_repository_configures_is_not_run(
    prober: GitProber, small: Small, tmp_path: Path, setting: str
) -> None:
    commits = [small.commit({"a": str(number)}) for number in range(2)]
    small.git("config", "log.showSignature", "true")
    small.git("config", "extensions.partialClone", "origin")
    small.git("config", "remote.origin.url", f"ext::touch {tmp_path}/sprung")
    small.git("config", "remote.origin.promisor", "true")
    small.git("config", "protocol.ext.allow", "always")
    small.git("config", setting, f"touch {tmp_path}/sprung")
    await prober.resolve(small.folder, "main")
    await prober.history(small.folder, *commits)
    await prober.describe(small.folder, commits[1])
    with pytest.raises(FirstFiveError):
        await prober.describe(small.folder, "1" * 40)
    assert not (tmp_path / "sprung").exists()

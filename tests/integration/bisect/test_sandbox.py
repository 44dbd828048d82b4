"""What hostile code gets out of the sandbox: nothing. Each command is run at a commit like any other."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.adapters.bisect.jobs import Bubblewrap, Limits, SandboxRefused, Unguarded
from bot.adapters.bisect.prober import BisectEnded, GitProber
from bot.domain.bisect.results import Result
from bot.domain.bisect.subject import Subject
from bot.ports import Probed
from tests.bisecting.repositories import Small
from tests.integration.emulator_process import eventually
from tests.samples import BUILDS

pytestmark = BUILDS

SECRET = "hunter2-of-the-host"


async def shell(prober: GitProber, small: Small, script: str, *, timeout_s: float = 20.0) -> Probed:
    """Run a script of a shell at the repository's latest commit."""
    subject = Subject(command=("sh", "-c", script), timeout_s=timeout_s)
    return await prober.test(small.folder, small.git("rev-parse", "HEAD"), subject, stop=asyncio.Event())


@pytest.fixture
async def prober(state: Path) -> AsyncIterator[GitProber]:
    """Give one whose bounds are soon reached."""
    limits = Limits(memory_mb=600, disk_mb=64, processes=100)
    prober = GitProber(state, Bubblewrap(state, limits))
    yield prober
    await prober.close()


@pytest.fixture(autouse=True)
def commit(small: Small) -> str:
    return small.commit({"a": "1", "pay/b": "2"})


@pytest.mark.parametrize(
    ("code", "result"), [(0, Result.GOOD), (1, Result.BAD), (127, Result.BAD), (125, Result.UNTESTABLE)]
)
async def test_a_command_answers_by_its_exit_code(prober: GitProber, small: Small, code: int, result: Result) -> None:
    probed = await shell(prober, small, f"cat a pay/b; exit {code}")
    assert (probed.trial.result, probed.said) == (result, b"12")


async def test_a_code_that_ends_a_bisect_ends_it(prober: GitProber, small: Small) -> None:
    with pytest.raises(BisectEnded, match="200"):
        await shell(prober, small, "exit 200")


async def test_no_file_of_the_host_can_be_read(
    prober: GitProber, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    monkeypatch.setenv("SLACK_BOT_TOKEN", SECRET)
    home = Path.home()
    script = (
        f"cat {tmp_path}/secret; ls {home} /home /root /var /opt /work; cat /etc/shadow /etc/gshadow; env; "
        "cat /proc/*/environ; cat ../*/secret; ls /proc"
    )
    probed = await shell(prober, small, script)
    assert SECRET.encode() not in probed.said
    assert f"cannot access '{home}'".encode() in probed.said or home == Path("/")
    assert f"\n{os.getpid()}\n".encode() not in probed.said


async def test_a_folder_that_is_named_can_be_read_wherever_it_is(state: Path, small: Small, tmp_path: Path) -> None:
    """The tests' own is below /tmp, of which a run has one of its own."""
    seen, hidden = tmp_path / "seen", tmp_path / "hidden"
    for folder in (seen, hidden):
        folder.mkdir()
        (folder / "word").write_text(folder.name)
    prober = GitProber(state, Bubblewrap(state, Limits(), (seen,)))
    probed = await shell(prober, small, f"cat {seen}/word {hidden}/word; touch {seen}/more && exit 9; touch /tmp/mine")
    await prober.close()

    assert probed.said.startswith(b"seen")
    assert b"No such file" in probed.said
    assert probed.why == "exit code 0"


async def test_nothing_that_lasts_can_be_written(prober: GitProber, small: Small, state: Path) -> None:
    before = {place: place.stat().st_mtime_ns for place in small.folder.rglob("*")}
    script = (
        "echo x >mine && echo x >a && rm pay/b || exit 9; "
        "for place in / /usr /usr/bin /etc /base /dev /proc /sys; do touch $place/planted 2>/dev/null && exit 8; done; "
        f"mkdir -p {state} {small.folder} && exit 7; exit 0"
    )
    assert (await shell(prober, small, script)).why == "exit code 0"
    assert (await shell(prober, small, "cat a pay/b; ls mine")).said.startswith(b"12")
    assert {place: place.stat().st_mtime_ns for place in small.folder.rglob("*")} == before


async def test_there_is_no_network_but_its_own(prober: GitProber, small: Small) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = (
            "cat /proc/net/dev | grep -c : ; bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + str(port) + "' && exit 9; "
            "bash -c 'exec 3<>/dev/tcp/1.1.1.1/53' && exit 8; exit 0"
        )
        probed = await shell(prober, small, script)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert probed.why == "exit code 0"
    assert probed.said.startswith(b"1\n")


async def test_a_kill_of_everything_reaches_only_itself(prober: GitProber, small: Small) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    with pytest.raises(BisectEnded):
        await shell(prober, small, f"kill -9 {bystander.pid}; kill -9 {os.getpid()}; kill -9 -1; sleep 5; exit 1")
    assert bystander.returncode is None
    bystander.kill()
    await bystander.wait()


async def test_a_fork_bomb_is_bounded_and_ends_with_its_run(prober: GitProber, small: Small) -> None:
    marker = "54321.5"
    probed = await shell(prober, small, f"for i in $(seq 400); do sleep {marker} & done; exit 1", timeout_s=10)
    assert probed.trial.result is Result.BAD
    assert b"fork" in probed.said.lower() or b"resource" in probed.said.lower()
    await eventually(lambda: _is_over(marker))


async def test_what_it_leaves_running_ends_with_it(prober: GitProber, small: Small) -> None:
    probed = await shell(prober, small, "setsid sleep 54321.25 >/dev/null 2>&1 & exit 0")
    assert probed.trial.result is Result.GOOD
    await eventually(lambda: _is_over("54321.25"))


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm"])  # noqa: S108 - of the sandbox
async def test_a_disk_cannot_be_filled(prober: GitProber, small: Small, place: str) -> None:
    script = f"cd {place}; for i in 1 2 3; do head -c 40000000 /dev/zero >fill$i || exit 3; done; exit 0"
    assert (await shell(prober, small, script)).why == "exit code 3"


async def test_memory_is_bounded_over_all_of_it(prober: GitProber, small: Small) -> None:
    small.commit({"eat.sh": "x=$(head -c 150000000 /dev/zero | tr '\\0' x); sleep 20"})
    probed = await shell(prober, small, "for i in 1 2 3 4 5 6; do sh eat.sh & done; wait", timeout_s=30)
    assert (probed.trial.result, "more than 600 MB" in probed.why) == (Result.BAD, True)


async def test_one_that_never_ends_is_killed_and_bad(prober: GitProber, small: Small) -> None:
    probed = await shell(prober, small, "trap '' TERM INT; while :; do sleep 0.1; done", timeout_s=0.5)
    assert (probed.trial.result, "did not end" in probed.why) == (Result.BAD, True)


async def test_one_that_is_no_longer_wanted_is_stopped_and_moot(prober: GitProber, small: Small) -> None:
    stop = asyncio.Event()
    subject = Subject(command=("sleep", "54321.125"))
    running = asyncio.create_task(prober.test(small.folder, small.git("rev-parse", "HEAD"), subject, stop=stop))
    async with asyncio.timeout(20):
        while await _is_over("54321.125"):  # noqa: ASYNC110 - nobody tells when a program of others has begun
            await asyncio.sleep(0.02)
    stop.set()
    assert (await running).trial.moot
    await eventually(lambda: _is_over("54321.125"))


async def test_one_that_never_stops_printing_is_heard_in_part(prober: GitProber, small: Small) -> None:
    probed = await shell(prober, small, "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert probed.said.startswith(b"first\n")
    assert probed.said.endswith(b"last\n")
    assert len(probed.said) < 6_000_000


async def test_without_bwrap_nothing_is_run(
    small: Small, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prober = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "git").symlink_to("/usr/bin/git")
    with pytest.raises(SandboxRefused, match="bubblewrap"):
        await prober.test(small.folder, commit, Subject(command=("true",)), stop=asyncio.Event())
    await prober.close()


async def test_a_bwrap_that_does_not_work_is_no_bad_commit(
    small: Small, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin/bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    prober = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()))
    with pytest.raises(SandboxRefused, match="No permissions"):
        await prober.test(small.folder, commit, Subject(command=("true",)), stop=asyncio.Event())
    await prober.close()


async def test_without_a_sandbox_each_run_has_a_copy_of_its_own(small: Small, tmp_path: Path) -> None:
    prober = GitProber(tmp_path / "state", Unguarded(Limits()))
    for _ in range(2):
        probed = await shell(prober, small, "cat a; rm a; echo x >pay/new; ls pay")
        assert (probed.trial.result, probed.said) == (Result.GOOD, b"1b\nnew\n")
    await prober.close()


async def test_nothing_is_left_behind(small: Small, commit: str, tmp_path: Path) -> None:
    prober = GitProber(tmp_path / "state", Bubblewrap(tmp_path / "state", Limits()))
    await prober.test(small.folder, commit, Subject(command=("true",)), stop=asyncio.Event())
    await prober.close()
    assert [place.name for place in (tmp_path / "state").iterdir()] == ["etc"]
    assert small.git("worktree", "list").count("\n") == 0


async def _is_over(marker: str) -> bool:
    """Tell whether no program with this word runs on this machine; the kernel takes a moment to end a namespace."""
    return not await asyncio.to_thread(_running, marker)


def _running(marker: str) -> bool:
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            if marker.encode() in (place / "cmdline").read_bytes().split(b"\0"):
                return True
    return False

import asyncio
import sys
from pathlib import Path

import pytest

from bot.domain.run import Missing
from bot.processes import Ended, run

NAME = Path(sys.executable).name


async def python(code: str, *words: str, seconds: float = 20.0, **more: object) -> Ended | Missing:
    return await run((sys.executable, "-c", code, *words), seconds=seconds, **more)  # type: ignore[arg-type]


async def test_it_is_given_its_words_its_input_and_its_place(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.argv[1:], sys.stdin.read(), os.getcwd(), sep='|', end='')"
    ended = await python(code, "$HOME; x", given=b"hello", cwd=tmp_path)
    assert ended == Ended(NAME, 0, f"['$HOME; x']|hello|{tmp_path}".encode())


async def test_it_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-emulator-secret")
    ended = await python("import os; print(sorted(os.environ.keys() - {'LC_CTYPE'}))")
    assert isinstance(ended, Ended)
    assert ended.text == "['HOME', 'PATH']\n"


async def test_what_it_writes_is_cut_and_holds_it_up_no_more() -> None:
    ended = await python(
        "import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('y' * 3_000_000)", most_bytes=10
    )
    assert ended == Ended(NAME, 0, b"x" * 10, b"y" * 10)


async def test_one_that_ends_without_reading_is_no_error() -> None:
    ended = await python("pass", given=b"x" * 3_000_000)
    assert ended == Ended(NAME, 0, b"")


async def test_its_last_words_say_why() -> None:
    ended = await python("import sys; sys.exit('first\\nno route \\x07to host')")
    assert isinstance(ended, Ended)
    assert (ended.code, ended.why) == (1, "no route to host")
    assert Ended(NAME, -9, b"", b"\n").why == "exit code -9"
    assert Ended(NAME, 0, b"", b"a warning\n").why == ""


async def test_its_children_end_with_it_when_its_time_is_over(tmp_path: Path) -> None:
    up = tmp_path / "up"
    child = f"import os, pathlib, time; pathlib.Path({str(up)!r}).write_text(str(os.getpid())); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    for seconds in (0.5, 2.0, 10.0):  # however slow the machine is
        ended = await python(code, seconds=seconds)
        if up.exists() and up.read_text():
            break
    assert isinstance(ended, Ended)
    assert ended.why == f"did not end within {seconds:g} s, so it was killed"
    for _ in range(1_000):  # the kernel takes its time
        if not is_running(int(up.read_text())):
            break
        await asyncio.sleep(0.01)
    assert not is_running(int(up.read_text()))


async def test_what_it_leaves_running_holds_nobody_up_and_what_it_said_is_kept() -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    ended = await python(f"{child}; print('started', flush=True)", seconds=15.0, together=True)
    assert ended == Ended(NAME, 0, b"started\n")


async def test_what_one_that_was_killed_said_until_then_is_kept() -> None:
    ended = await python("import time; print('trying', flush=True); time.sleep(60)", seconds=3.0)
    assert ended == Ended(NAME, -9, b"trying\n", late_s=3.0)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert await run(("nobody-has-this",), seconds=1) == Missing("nobody-has-this is not on PATH")
    assert await run((str(tmp_path),), seconds=1) == Missing(f"{tmp_path.name} cannot be run: Permission denied")

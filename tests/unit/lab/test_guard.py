import subprocess
import sys

GUARD = [sys.executable, "-m", "bot.lab.guard"]


def test_the_exit_code_is_the_programs() -> None:
    with subprocess.Popen([*GUARD, "/bin/sh", "-c", "exit 7"], stdin=subprocess.PIPE) as guard:
        assert guard.wait(20) == 7


def test_a_program_ends_when_its_guard_is_hung_up_on() -> None:
    program = "trap 'echo ended; exit 3' TERM; echo up; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [*GUARD, "/bin/sh", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as guard:
        assert guard.stdin is not None
        assert guard.stdout is not None
        assert guard.stdout.readline() == "up\n"
        guard.stdin.close()

        assert guard.stdout.readline() == "ended\n"
        assert guard.wait(20) == 3

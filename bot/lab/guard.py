"""Run a program that would outlive us: `python -m bot.lab.guard COMMAND ...` ends it when standard input ends."""

import os
import select
import subprocess
import sys

LOOK_EVERY_S = 0.1
END_S = 3


def main(command: list[str]) -> int:
    """Run a command until it ends or whoever started us hangs up; give its exit code."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as program:
        while program.poll() is None:
            if select.select([sys.stdin], [], [], LOOK_EVERY_S)[0] and not os.read(sys.stdin.fileno(), 4096):
                _end(program)
    return program.returncode


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(END_S)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The two streams: answers on standard output, progress on standard error."""

import sys


def answer(line: str) -> None:
    """Write what was asked for, at once, for a program to read."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def progress(line: str) -> None:
    """Tell a waiting person what goes on."""
    sys.stderr.write(f"lab: {line}\n")
    sys.stderr.flush()

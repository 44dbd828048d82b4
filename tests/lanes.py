"""`make test`: lint and every test, in two lanes beside each other: most of their time the tests wait for something.

Options that choose among the tests, or stop or look into one, make it lint and one pytest with them.
"""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

LINT = ("make", "--silent", "lint")
PYTEST = (sys.executable, "-m", "pytest", "-q")
# As long as each other; lint begins the second one.
FOLDERS = (("tests/unit", "tests/scenario", "tests/faults"), ("tests/integration", "tests/services", "tests/house"))
FOR_BOTH = re.compile(r"--(color|durations|durations-min|seed|tb)=.*|--whole-matrix|-v+")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
CLOSING = re.compile(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in \d", re.MULTILINE)
COUNT = re.compile(r"(\d+) (error|warning|\w+)s?")
BAD = re.compile(r"^(?:FAILED|ERROR) .*", re.MULTILINE)


@dataclass
class Lane:
    """Commands one after the other; what they say is told when it is the lane's turn."""

    commands: Sequence[Sequence[str]]
    said: list[bytes] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    has_turn: bool = False
    process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run them all, whether or not one fails."""
        while len(self.codes) < len(self.commands):
            self.process = process = await asyncio.create_subprocess_exec(
                *self.commands[len(self.codes)], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            assert process.stdout is not None
            while piece := await process.stdout.read(2**16):
                self.said.append(piece)
                if self.has_turn:
                    tell(piece)
            self.codes.append(await process.wait())

    def stop(self, signum: int) -> None:
        """Begin nothing more; what runs has heard of a Ctrl-C itself, and may clean up."""
        self.commands = self.commands[: len(self.codes) + 1]
        if signum == signal.SIGTERM and self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)

    def take_turn(self) -> None:
        """Tell what was said so far, and from now on everything at once."""
        self.has_turn = True
        tell(b"".join(self.said))

    @property
    def text(self) -> str:
        """All that was said, without colours."""
        return COLOUR.sub("", b"".join(self.said).decode(errors="replace"))

    def counts(self) -> Counter[str]:
        """Read pytest's closing line; a pytest without one is an error, as is what failed and is not told there."""
        closing = CLOSING.findall(self.text)[-1:] or ["1 error"]
        counts = Counter({what: int(count) for count, what in COUNT.findall(closing[0])})
        told = bool(counts["failed"] or counts["error"])
        return counts + Counter(error=sum(map(bool, self.codes)) - told)


def tell(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


async def run(lanes: Sequence[Lane]) -> None:
    """Run lanes beside each other; tell of them one after the other."""
    running = [asyncio.create_task(lane.run()) for lane in lanes]
    for lane, task in zip(lanes, running, strict=True):
        lane.take_turn()
        await task


def closing(lanes: Sequence[Lane], took_s: float) -> list[str]:
    """Give the last lines: all that was bad, and pytest's closing line for the lanes together."""
    bad = [line for lane in lanes for line in BAD.findall(lane.text)]
    bad += [
        f"ERROR {' '.join(command)}: exit code {code}"
        for lane in lanes
        for command, code in zip(lane.commands, lane.codes, strict=True)
        if code
    ]
    counts = sum((lane.counts() for lane in lanes), Counter[str]())
    words = ", ".join(
        f"{count} {what}{'s' * (what in ('error', 'warning') and count > 1)}" for what, count in counts.items()
    )
    return [*bad, f"{words} in {took_s:.2f}s"]


def main(options: Sequence[str]) -> int:
    """Run lint and the tests; give the exit code."""
    if not all(map(FOR_BOTH.fullmatch, options)):
        return subprocess.call(LINT) or subprocess.call([*PYTEST, *options])
    began = time.monotonic()
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    first, second = ([*PYTEST, *colour, *options, *folders] for folders in FOLDERS)
    lanes = [Lane([first]), Lane([LINT, second])]

    def stop(signum: int, _: object) -> None:
        for lane in lanes:
            lane.stop(signum)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    asyncio.run(run(lanes))
    sys.stdout.write("\n".join(["", *closing(lanes, time.monotonic() - began), ""]))
    return max(code for lane in lanes for code in map(abs, lane.codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

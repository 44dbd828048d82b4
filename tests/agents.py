"""`firstfive agent` as a process of its own."""

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

TOKEN = "an-agents-token-of-26-signs"
START_S = 30


@dataclass(frozen=True)
class RunningAgent:
    """Where it answers, which process it is, and what it said at the start."""

    url: str
    process: subprocess.Popen[str]
    said: str


@contextmanager
def running_agent(
    *words: str, token: str = TOKEN, listen: str = "127.0.0.1:0", inside: Sequence[str] = ()
) -> Iterator[RunningAgent]:
    """Give an agent that answers, and end it; `inside` is a command that runs it elsewhere."""
    command = [*inside, sys.executable, "-m", "bot.cli", "agent", "--listen", listen, *words]
    environment = {**os.environ, "FIRSTFIVE_AGENT_TOKEN": token}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline() if select.select([process.stderr], [], [], START_S)[0] else "nothing"
            found = re.match(r"firstfive agent: (https?://\S+) tells of ", said)
            assert found is not None, said
            yield RunningAgent(found[1], process, said)
        finally:
            process.terminate()
            process.wait(20)

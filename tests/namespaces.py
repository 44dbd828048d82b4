"""Two machines on one: network namespaces with a cable between them, gone with the test.

Root needs nothing else; others need user namespaces. Without either the test fails: it is not skipped.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

IS_ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class Machine:
    """A network of its own: the address it has there, and the words before a command that run it there."""

    address: str
    inside: tuple[str, ...]

    def run(self, *words: str, timeout_s: float = 60) -> str:
        """Run a command there to its good end; give what it printed."""
        done = subprocess.run([*self.inside, *words], capture_output=True, text=True, check=False, timeout=timeout_s)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout


@contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Give two machines that reach each other, and nothing else."""
    own = [] if IS_ROOT else ["--user", "--map-root-user"]
    with _network(["unshare", *own, "--net", "cat"]) as near, _network([*near, "unshare", "--net", "cat"]) as far:
        machines = Machine("10.231.0.1", near), Machine("10.231.0.2", far)
        there = far[1].removeprefix("--target=")
        machines[0].run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", there)
        for machine in machines:
            machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "cable")
            for device in ("cable", "lo"):
                machine.run("ip", "link", "set", device, "up")
        yield machines


@contextmanager
def _network(command: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Hold a network by a process that waits in it; give the words that run a command there."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write("there\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "there\n"
        same = () if IS_ROOT else ("--user", "--preserve-credentials")
        yield ("nsenter", f"--target={holder.pid}", "--net", *same, "--")
        holder.stdin.close()
        holder.wait(20)

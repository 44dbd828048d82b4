"""Debian's etcd, three nodes of one cluster on loopback, and lockers that want one lock of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.locker import ask
from tests.stack import free_ports

T = TypeVar("T")

PROGRAM = "etcd"
HEARTBEAT_MS, ELECTION_MS = 50, 500
PATIENCE_S = 60.0
LOOK_S = 0.02


@dataclass
class Node:
    """A process of the cluster, and where it answers clients."""

    address: str
    process: "subprocess.Popen[bytes]" = field(repr=False)


@dataclass
class Locker:
    """A process that wants the lock, and where it says what becomes of that, one JSON a line."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def told(self, word: str, after: float = 0.0) -> list[dict[str, Any]]:
        """Give what it has said by a word after a moment (time.monotonic, the same for all processes here)."""
        lines = self.log.read_text().splitlines(keepends=True)
        said = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each for each in said if each["word"] == word and each["at"] > after]

    def says(self, word: str, after: float = 0.0) -> dict[str, Any]:
        """Wait until it says a word after a moment; give the first time it did."""
        return wait_for(lambda: self.told(word, after))[0]


@dataclass
class Cluster:
    """Its nodes; the lockers that it starts end with it."""

    nodes: list[Node]
    folder: Path
    stack: ExitStack

    def leader(self) -> Node | None:
        """Give the node that leads now."""
        for node in self.nodes:
            told = ask(node.address, "/v3/maintenance/status", {}) if node.process.poll() is None else None
            if told and told.get("leader") == told["header"]["member_id"]:
                return node
        return None

    def locker(self, name: str, ttl_s: int) -> Locker:
        """Start somebody who wants the lock, with a lease of some seconds."""
        log = self.folder / f"{name}.ndjson"
        command = [sys.executable, "-m", "tests.locker", str(ttl_s), *(node.address for node in self.nodes)]
        with log.open("wb") as told:
            process = self.stack.enter_context(subprocess.Popen(command, stdout=told))
        self.stack.callback(process.kill)
        return Locker(process, log)


def wait_for(found: Callable[[], T | None]) -> T:
    """Look again and again until something is there."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(LOOK_S)
    return value


@contextmanager
def running_etcd(folder: Path) -> Iterator[Cluster]:
    """Give three nodes that have a leader; all of it ends with the block."""
    first = free_ports(*range(6))
    peers = [f"http://127.0.0.1:{first + place}" for place in range(3)]
    clients = [f"http://127.0.0.1:{first + 3 + place}" for place in range(3)]
    members = ",".join(f"node-{place}={peer}" for place, peer in enumerate(peers))
    with ExitStack() as stack:
        nodes = []
        for place, (peer, client) in enumerate(zip(peers, clients, strict=True)):
            command = [
                PROGRAM, "--name", f"node-{place}", "--data-dir", str(folder / f"node-{place}"),
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--listen-client-urls", client, "--advertise-client-urls", client, "--initial-cluster", members,
                "--heartbeat-interval", str(HEARTBEAT_MS), "--election-timeout", str(ELECTION_MS),
            ]  # fmt: skip
            log = stack.enter_context((folder / f"node-{place}.log").open("wb"))
            process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
            stack.callback(process.kill)
            nodes.append(Node(client.removeprefix("http://"), process))
        cluster = Cluster(nodes, folder, stack)
        wait_for(cluster.leader)
        yield cluster

"""A lock with a lease in a three-node etcd: how long nobody holds it when a node is lost, and whether two ever do."""

import time
from collections.abc import Iterable
from statistics import median

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.etcd import ELECTION_MS, Cluster, Locker, running_etcd, wait_for

TTL_S = 2
TIMES = 3


def run() -> Iterable[Row]:
    """Lose the holder of the lock, and then the node of etcd that leads."""
    with scratch() as folder, running_etcd(folder) as cluster:
        taken, twice = zip(*[_lose_holder(cluster, number) for number in range(TIMES)], strict=True)
        silent_s = _lose_leader(cluster)
    notes = f"lease of {TTL_S} s; {spread(taken)}; {load()}"
    yield Row("holder killed to lock taken over, median", median(taken), "s", at_most=TTL_S + 1, notes=notes)
    yield Row("locks held twice", sum(twice), at_most=0, notes="by what both may believe")
    notes = f"election timeout {ELECTION_MS} ms; the lock stays where it is"
    yield Row("leader of etcd killed to lease renewed", silent_s, "s", at_most=TTL_S, notes=notes)


def _lose_holder(cluster: Cluster, number: int) -> tuple[float, bool]:
    """Give the seconds from the kill until another holds the lock, and whether that was too early."""
    first, second = (_holding(cluster, f"{number}-first"), cluster.locker(f"{number}-second", TTL_S))
    first.says("renewed", first.says("held")["at"])
    killed_at = time.monotonic()
    first.process.kill()
    first.process.wait()
    taken = second.says("held")
    until = max(each["until"] for each in (*first.told("held"), *first.told("renewed")))
    second.process.kill()
    second.process.wait()
    return taken["at"] - killed_at, taken["at"] < until


def _lose_leader(cluster: Cluster) -> float:
    holder = _holding(cluster, "holder")
    holder.says("renewed", holder.says("held")["at"])
    leader = wait_for(cluster.leader)
    killed_at = time.monotonic()
    leader.process.kill()
    leader.process.wait()
    return float(holder.says("renewed", killed_at)["at"] - killed_at)


def _holding(cluster: Cluster, name: str) -> Locker:
    locker = cluster.locker(name, TTL_S)
    locker.says("held")
    return locker

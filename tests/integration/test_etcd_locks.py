"""A lock with a lease when a node is lost: of the service that holds it, and of the etcd that keeps it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.etcd import PROGRAM, Cluster, running_etcd, wait_for

pytestmark = [pytest.mark.matrix(sample=0), pytest.mark.timeout(180)]
TTL_S = 2


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    with running_etcd(tmp_path) as cluster:
        yield cluster


def test_a_lock_whose_holder_is_lost_is_taken_over_when_its_lease_has_run_out(cluster: Cluster) -> None:
    first = cluster.locker("first", TTL_S)
    held = first.says("held")
    second = cluster.locker("second", TTL_S)
    first.says("renewed", held["at"])
    first.process.kill()
    first.process.wait()
    taken = second.says("held")

    until = max(each["until"] for each in (held, *first.told("renewed")))
    assert taken["at"] >= until, "it was held twice"
    assert taken["token"] > held["token"]


def test_a_lock_outlives_the_node_that_leads(cluster: Cluster) -> None:
    holder = cluster.locker("holder", TTL_S)
    held = holder.says("held")
    waiting = cluster.locker("waiting", TTL_S)
    holder.says("renewed", held["at"])
    leader = wait_for(cluster.leader)
    killed_at = time.monotonic()
    leader.process.kill()
    leader.process.wait()
    wait_for(lambda: (now := cluster.leader()) and now is not leader and now)
    holder.says("renewed", killed_at + TTL_S)

    assert waiting.told("held") == []
    assert holder.told("lost") == []

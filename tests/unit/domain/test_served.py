"""What services serve of their builds, in the words that are in use."""

from typing import Any

import pytest

from bot.domain.served import Served, read_served
from tests.unit.domain.captures import document, facts_of

COMMIT = "4f5e6d7c" * 5


@pytest.mark.parametrize(
    ("served", "known"),
    [
        (
            {"version": "v1.5.0", "revision": COMMIT, "modified": True, "go": "go1.27.3"},
            Served("v1.5.0", COMMIT, "go1.27.3", modified=True),
        ),
        (
            {"status": "success", "data": {"version": "2.42.0", "revision": COMMIT, "goVersion": "go1.19.8"}},
            Served("2.42.0", COMMIT, "go1.19.8"),
        ),
        (
            {"gitVersion": "v1.30.1", "gitCommit": COMMIT, "gitTreeState": "dirty", "goVersion": "go1.22.2"},
            Served("v1.30.1", COMMIT, "go1.22.2", modified=True),
        ),
        ({"commit": COMMIT[:7].upper(), "vcs.modified": "false"}, Served("", COMMIT[:7], modified=False)),
        ({"gitCommit": COMMIT, "gitTreeState": "clean"}, Served("", COMMIT, modified=False)),
        ({"modified": False, "gitTreeState": "dirty"}, Served(modified=True)),
        ({"modified": ["?"], "gitTreeState": "archive"}, Served()),
        ({"go": "go1.27.3-X:arenas,nojsonv2"}, Served(go="go1.27.3-X:arenas,nojsonv2")),
        ({"go": "go1.21.13 X:boringcrypto"}, Served(go="go1.21.13 X:boringcrypto")),
        ({"go": "go1.27.3 and more"}, Served()),
        ({"revision": "unknown", "go": "1.27", "version": 3, "data": [1]}, Served()),
        ({"version": "x" * 101}, Served()),
        ({}, Served()),
    ],
)
def test_a_version_document_is_read_as_far_as_it_can_be_used(served: dict[str, Any], known: Served) -> None:
    assert read_served(served) == known


def test_of_an_environment_what_go_reads_when_it_runs_is_kept() -> None:
    build = {"settings": {}, "environment": {"GOGC": "off", "GOFLAGS": "-mod=mod"}}

    assert facts_of("c", build=document(build)).build.environment == (("GOGC", "off"),)
    assert facts_of("c", build=document({**build, "environment": "?"})).build.environment is None


def test_the_binary_itself_is_believed_before_what_is_served() -> None:
    served = document({"version": "v1.5.0", "revision": COMMIT, "modified": True, "go": "go1.27.3"})
    build = document({"go": "go1.26.1", "settings": {"vcs.revision": "a" * 40, "vcs.modified": "false"}})

    both, alone = facts_of("c", version=served, build=build).build, facts_of("c", version=served).build
    assert (both.go, both.revision, both.modified, both.release) == ("go1.26.1", "a" * 40, False, "v1.5.0")
    assert (alone.go, alone.revision, alone.modified) == ("go1.27.3", COMMIT, True)


def test_of_a_tree_that_nobody_tells_of_it_is_not_known_whether_it_was_changed() -> None:
    prometheus = document({"version": "2.42.0", "revision": COMMIT, "goVersion": "go1.19.8"})
    stamped = document({"stamp": {"build_id": "9", "commit": COMMIT, "go": "go1.27.3", "env": "prod"}})
    linked = document({"go": "go1.27.3", "settings": {"vcs.revision": COMMIT, "vcs.modified": "false"}})

    told = [facts_of("c", version=prometheus), facts_of("c", version=stamped), facts_of("c", build=linked)]
    assert [each.build.modified for each in told] == [None, None, False]

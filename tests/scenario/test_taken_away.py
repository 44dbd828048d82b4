"""A target of the lab that is taken away under load, drained, or started again as something that nobody deployed.

What is done to it is done to real processes behind a real router; the product is asked from the command line, and asked
again when it was mended.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests import cli
from tests.databases import fresh_sqlite
from tests.lab import Lab, behind, build, running_lab
from tests.samples import SCENARIOS

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]
ROUTED, ALONE = "checkout", "basket"
"""The same targets as two services: behind their router, where a canary is open, and without it."""


@dataclass(frozen=True)
class Watched:
    """The lab, and the bot that watches it."""

    lab: Lab
    environment: dict[str, str]

    def run(self, playbook: str, *words: str) -> dict[str, Any]:
        done = cli.firstfive("run", playbook, *words, "--json", **self.environment)
        assert done.exit_code == 0, done.output
        result: dict[str, Any] = json.loads(done.stdout)["result"]
        return result

    def diagnosis(self, service: str) -> tuple[str | None, list[tuple[str, str, str]]]:
        """Give the verdict, and of every finding its class, target and claim."""
        found = self.run("diagnose", f"service={service}")
        return found["verdict"], [(each["fault"], each["target"], each["claim"]) for each in found["findings"]]

    @contextmanager
    def act(self, name: str, size: str = "medium") -> Iterator[None]:
        """Switch an act of the lab on, and off again."""
        for asked in ({"on": True, "size": size}, {"on": False}):
            told = httpx.post(f"{self.lab['lab']}/debug/faults/{name}", json=asked, timeout=60)
            assert told.status_code == httpx.codes.OK, told.text
            if asked["on"]:
                yield


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Start the lab, all of it on one release, which was deployed twenty minutes ago."""
    folder = tmp_path_factory.mktemp("taken-away")
    with running_lab(sick="none", router=True) as lab:
        audits = ["[audits]", 'sumdb = ""']  # nobody far away is asked
        lines = [*audits, *service(ROUTED, lab), *behind(lab), *service(ALONE, lab)]
        (folder / "firstfive.toml").write_text("\n".join(lines))
        environment = {
            "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
            "DATABASE_URL": fresh_sqlite(folder),
            "ARTIFACTS_URL": str(folder / "artifacts"),
        }
        watched = Watched(lab, environment)
        at = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
        for name in (ROUTED, ALONE):
            watched.run("deploy", f"service={name}", *build(lab), f"at={at}")
        yield watched


def service(name: str, lab: Lab) -> list[str]:
    lines = ["[[services]]", f'name = "{name}"', f'repository = "{lab["repository"]}"']
    for place, target in enumerate(lab["targets"], 1):
        lines += ["[[services.targets]]", f'name = "{name}-{place}"', 'version = "/version"']
        lines += [f'pprof = "{target["pprof"]}"', f'url = "{target["url"]}"']
    return lines


def test_what_was_deployed_and_is_there_has_no_verdict(watched: Watched) -> None:
    assert watched.diagnosis(ROUTED) == (None, [])
    assert watched.diagnosis(ALONE) == (None, [])


def test_requests_lost_at_targets_that_were_taken_away_are_named_until_they_are_back(watched: Watched) -> None:
    with watched.act("lost-connections"):
        verdict, found = watched.diagnosis(ROUTED)
    mended = watched.diagnosis(ROUTED)

    assert verdict == "lost-connections"
    ((fault, target, claim),) = found
    assert (fault, target) == (verdict, f"{ROUTED}-1")
    assert "the router still sends to it" in claim
    assert "connections refused" in claim
    assert mended == (None, [])


def test_a_target_that_was_drained_before_it_went_lost_nothing(watched: Watched) -> None:
    with watched.act("drained"):
        away = watched.run("diagnose", f"service={ROUTED}")
    back = watched.diagnosis(ROUTED)

    assert (away["findings"], away["verdict"]) == ([], None)
    assert f"{ROUTED}-3" in away["summary"]
    assert back == (None, [])


def test_a_way_that_was_closed_before_stays_closed(watched: Watched) -> None:
    router = watched.lab["router"]
    key = router["weight_key"]
    httpx.post(f"{router['admin']}/runtime_modify", params={key: 0}).raise_for_status()
    with watched.act("drained"):
        pass

    known = httpx.get(f"{router['admin']}/runtime", params={"format": "json"}).json()["entries"]
    httpx.post(f"{router['admin']}/runtime_modify", params={key: ""}).raise_for_status()
    assert known[key]["final_value"] == "0"


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(
    ("size", "alone", "beside_a_canary"),
    [
        ("medium", "1 commit behind what was deployed", "changes that no commit holds"),
        ("large", "which the repository does not have", "which the repository does not have"),
    ],
)
def test_a_build_of_somebodys_own_tree_is_named_until_the_release_runs_again(
    watched: Watched, size: str, alone: str, beside_a_canary: str
) -> None:
    with watched.act("build-drift", size):
        sick = {name: watched.diagnosis(name) for name in (ALONE, ROUTED)}
    mended = watched.diagnosis(ALONE)

    for name, words in ((ALONE, alone), (ROUTED, beside_a_canary)):
        verdict, ((fault, target, claim),) = sick[name]
        assert (verdict, fault, target) == ("build-drift", "build-drift", f"{name}-3")
        assert words in claim
    assert mended == (None, [])


def test_a_build_that_a_proxy_fooled_is_named_and_audited_until_the_release_runs_again(watched: Watched) -> None:
    with watched.act("module-poisoning", "small"):
        verdict, found = watched.diagnosis(ALONE)
        audit = watched.run("audit", "what=modules", f"service={ALONE}")
    mended = watched.diagnosis(ALONE)

    assert verdict == "module-poisoning"
    assert found[0][:2] == (verdict, f"{ALONE}-3")
    assert "checkout.example/money@v1.2.0 in the running binary is h1:" in found[0][2]
    told = {(each["rule"], each["where"]) for each in audit["remarks"]}
    assert told >= {("poisoned", f"{ALONE}-3"), ("environment", f"{ALONE}-3")}
    assert mended == (None, [])


def test_a_build_that_verified_nothing_and_got_what_go_sum_says_has_a_remark_and_no_verdict_of_it(
    watched: Watched,
) -> None:
    with watched.act("genuine-module"):
        _, found = watched.diagnosis(ALONE)
        audit = watched.run("audit", "what=modules", f"service={ALONE}")

    assert {fault for fault, _, _ in found} == {"build-drift"}  # it is not what was deployed
    rules = {each["rule"] for each in audit["remarks"]}
    assert "environment" in rules
    assert "poisoned" not in rules

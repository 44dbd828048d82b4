"""What sources tell becomes targets: inside of the allow-list, under stable names that nobody shares."""

import json
import re
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.domain.access import Access
from bot.domain.addresses import host_and_port
from bot.domain.discovery import DiscoveryPlan
from bot.domain.service import Target
from bot.domain.sightings import (
    Discovered,
    DiscoveryFailed,
    Found,
    NothingFound,
    Sighting,
    of_file,
    of_prometheus,
    place,
    targets_of,
    to_resolve,
)

PLAN = DiscoveryPlan("prometheus", ("10.2.0.0/16", "fd00::/8"))
BASE = "http://127.0.0.1:9090"


def plan(**changed: Any) -> DiscoveryPlan:
    return DiscoveryPlan(**{"kind": "prometheus", "allow": PLAN.allow, **changed})


def scraped(*targets: tuple[str, dict[str, str]]) -> dict[str, Any]:
    return {"activeTargets": [{"scrapeUrl": url, "labels": labels, "health": "down"} for url, labels in targets]}


def seen(*at: str, name: str = "") -> Found:
    places = [place(each) for each in at]
    return Found(tuple(Sighting(p[1], p[2], name or each) for each, p in zip(at, places, strict=True) if p))


def made(found: Found, named: tuple[Target, ...] = (), **changed: Any) -> Discovered:
    return targets_of("checkout", plan(**changed), found, {}, named)


ANSWER = scraped(
    ("https://10.2.0.11:8080/metrics", {"job": "checkout", "instance": "10.2.0.11:8080", "env": "prod", "pod": "a-1"}),
    ("http://10.2.0.12/metrics", {"job": "checkout", "instance": "10.2.0.12:80", "env": "test"}),
    ("http://10.2.0.13:9100/metrics", {"job": "node", "instance": "10.2.0.13:9100"}),
)


def test_a_prometheus_is_read_by_job_and_labels() -> None:
    both = of_prometheus(ANSWER, BASE, "checkout", PLAN).sightings
    assert both == (
        Sighting("10.2.0.11", 8080, "10.2.0.11:8080", "https"),
        Sighting("10.2.0.12", None, "10.2.0.12:80", "http"),
    )
    (one,) = of_prometheus(ANSWER, BASE, "checkout", plan(labels=(("env", "pro*"),), name_label="pod")).sightings
    assert one.name == "a-1"


@pytest.mark.parametrize(
    ("answer", "job", "labels", "said"),
    [
        (ANSWER, "shop", (), 'scrapes nothing with job="shop": set `job` to one of checkout, node'),
        (scraped(), "shop", (), 'scrapes nothing with job="shop": set `job` to one of none'),
        (ANSWER, "checkout", (("env", "dev"),), 'scrapes 2 with job="checkout", none with env="dev": see `labels`'),
    ],
)
def test_when_nothing_is_meant_it_is_said_what_to_change(
    answer: Any, job: str, labels: tuple[tuple[str, str], ...], said: str
) -> None:
    with pytest.raises(NothingFound, match="scrapes") as nothing:
        of_prometheus(answer, BASE, job, plan(labels=labels))
    assert said in str(nothing.value)


@pytest.mark.parametrize("answer", [None, [], {}, {"activeTargets": 1}, {"activeTargets": [{}]}])
def test_what_is_no_list_of_targets_is_said_to_be_none(answer: Any) -> None:
    with pytest.raises(DiscoveryFailed, match="no list of targets"):
        of_prometheus(answer, BASE, "checkout", PLAN)


def test_a_file_is_read_by_labels_and_what_is_no_address_is_a_loss() -> None:
    groups = [
        {"targets": ["10.2.0.11:6060", "[fd00::1]:6060"], "labels": {"env": "prod", "__scheme__": "https"}},
        {"targets": ["http://10.2.0.12:6060", "a b:1", "10.2.0.13:99999"], "labels": {"env": "prod"}},
        {"targets": ["10.2.0.14:6060"]},
    ]
    found = of_file(json.dumps(groups), plan(kind="file_sd", labels=(("env", "prod"),)))
    assert [(each.host, each.port, each.scheme) for each in found.sightings] == [
        ("10.2.0.11", 6060, "https"),
        ("fd00::1", 6060, "https"),
    ]
    assert found.losses == ("http://10.2.0.12:6060, a b:1, 10.2.0.13:99999: no address like 10.2.0.11:6060",)


@pytest.mark.parametrize("text", ["", "[", "- targets: [a]", "[" * 100_000, '{"a": 1}', "[1]", '[{"targets": "ab"}]'])
def test_a_file_of_another_format_is_said_to_be_one(text: str) -> None:
    with pytest.raises(DiscoveryFailed, match="list of groups"):
        of_file(text, plan(kind="file_sd"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":6060",
        "a/b:1",
        "a@b:1",
        "a?b",
        "a#b",
        "host:x",
        "host:70000",
        "[fe80::1%eth0]:1",
        "a b",
        "ä:1",
        ".:1",
        "host:0",
    ],
)
def test_what_could_not_be_asked_is_no_place(text: str) -> None:
    assert place(text) is None


def test_a_target_is_asked_where_it_was_found_unless_told_otherwise() -> None:
    (plain,) = made(seen("10.2.0.11:8080")).targets
    assert plain == Target(
        "checkout-10.2.0.11-8080", "checkout", "http://10.2.0.11:8080", None, PLAN.allow, PLAN.access
    )
    access = Access((("Authorization", "TOKEN"),))
    told = made(
        seen("[fd00::1]:8080"), pprof_scheme="https", pprof_port=6060, url_scheme="https", url_port=443, url_path="/ok",
        access=access, agent_scheme="https", agent_port=6061, agent_token="AGENT", agent_ca="/a.pem",
        agent_server_name="agent",
    )  # fmt: skip
    (one,) = told.targets
    assert (one.agent, one.agent_token) == ("https://[fd00::1]:6061", "AGENT")
    assert (one.agent_ca, one.agent_server_name) == ("/a.pem", "agent")
    assert (one.pprof, one.url, one.access) == ("https://[fd00::1]:6060", "https://[fd00::1]:443/ok", access)
    assert one.name == "checkout-fd00-1-8080"


def test_who_lies_outside_is_left_out_and_told_of() -> None:
    found = made(seen("10.2.0.11:1", "10.9.0.1:1", "169.254.169.254:80", "10.9.0.2:1", "10.9.0.3:1"))
    assert [target.pprof for target in found.targets] == ["http://10.2.0.11:1"]
    (loss,) = found.losses
    assert "left out: 10.9.0.1:1, 169.254.169.254:80, 10.9.0.2:1 and 1 more; 10.9.0.1 is 10.9.0.1, outside of" in loss


def test_a_name_is_vetted_by_what_it_resolves_to_and_one_that_does_not_is_vetted_later() -> None:
    found = seen("in.test:1", "out.test:1", "both.test:1", "unknown.test:1")
    assert to_resolve(found.sightings) == ("in.test", "out.test", "both.test", "unknown.test")
    addresses = {"in.test": ("10.2.0.1",), "out.test": ("10.9.0.1",), "both.test": ("10.2.0.1", "10.9.0.1")}
    discovered = targets_of("checkout", PLAN, found, addresses)
    assert [target.pprof for target in discovered.targets] == ["http://in.test:1", "http://unknown.test:1"]
    assert "out.test:1, both.test:1" in discovered.losses[0]


def test_who_has_no_port_needs_one() -> None:
    found = made(seen("10.2.0.11"))
    assert (found.targets, found.losses) == (
        (),
        ("checkout: left out, as no port is known: 10.2.0.11; give `pprof_port`",),
    )
    assert made(seen("10.2.0.11"), pprof_port=6060).targets[0].pprof == "http://10.2.0.11:6060"


def test_more_than_are_asked_are_counted() -> None:
    found = made(seen(*(f"10.2.0.{n}:1" for n in range(1, 6))), most=2)
    assert [target.name for target in found.targets] == ["checkout-10.2.0.1-1", "checkout-10.2.0.2-1"]
    assert found.losses == ("checkout: 5 targets found, the first 2 are asked: raise `most`",)


def test_names_are_safe_stable_and_shared_by_nobody() -> None:
    twice = made(Found((Sighting("10.2.0.1", 1, "checkout-a"), Sighting("10.2.0.2", 1, "checkout-a"))))
    again = made(Found((Sighting("10.2.0.2", 1, "checkout-a"), Sighting("10.2.0.1", 1, "checkout-a"))))
    assert twice == again
    assert len({target.name for target in twice.targets}) == 2
    assert all(target.name.startswith("checkout-a-") for target in twice.targets)
    odd = [made(Found((Sighting("10.2.0.1", 1, name),))).targets[0].name for name in ("../é b", "x" * 200, "checkout")]
    assert odd[0] == "checkout-b"
    assert len(odd[1]) == 63
    assert odd[2] == "checkout"


def test_a_target_that_is_named_is_not_found_again_and_keeps_its_name() -> None:
    named = (Target("checkout-a", "checkout", "http://10.2.0.1:1"),)
    found = Found((Sighting("10.2.0.1", 1, "b"), Sighting("10.2.0.2", 1, "checkout-a")))
    first, other = made(found, named).targets
    assert first is named[0]
    assert other.pprof == "http://10.2.0.2:1"
    assert other.name.startswith("checkout-a-")


TEXTS = ["127.0.0.1:1", "a:1", "[::1]:2", "\ud800"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["targets", "labels", "job", "instance", "scrapeUrl", "activeTargets"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON, st.lists(JSON, max_size=4))
def test_whatever_a_source_tells_it_is_targets_or_a_sentence(answer: Any, groups: list[Any]) -> None:
    told: list[Found] = []
    for read in (
        partial(of_prometheus, answer, BASE, "a", PLAN),
        partial(of_prometheus, {"activeTargets": groups}, BASE, "a", PLAN),
        partial(of_file, json.dumps(answer), PLAN),
        partial(of_file, json.dumps([{"targets": groups, "labels": answer}]), PLAN),
    ):
        with suppress(DiscoveryFailed):
            told.append(read())
    for found in told:
        assert TypeAdapter(Found).validate_json(TypeAdapter(Found).dump_json(found)) == found
        discovered = made(found, allow=("0.0.0.0/0", "::/0"), pprof_port=6060)
        names = [target.name for target in discovered.targets]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name) for name in names)
        assert all(host_and_port(target.pprof)[1] == 6060 for target in discovered.targets)

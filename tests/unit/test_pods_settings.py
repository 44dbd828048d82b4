"""Where the pods of a service are, by its own table or its router's."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.pods import PodsPlan
from bot.settings.services import ServiceTable, watched

API = "https://kubernetes.default.svc"
TARGETS = ({"name": "checkout-1", "pprof": "http://127.0.0.1:6060"},)
FOUND = {"kind": "dns", "names": ["checkout"], "pprof_port": 6060, "allow": ["10.0.0.0/8"]}


def plan(**table: Any) -> PodsPlan | None:
    service = watched(ServiceTable(name="checkout", targets=TARGETS, discovery=FOUND, **table))
    assert service.discovery is not None
    assert service.discovery.pods == service.targets[0].pods
    return service.targets[0].pods


def test_pods_are_where_their_table_says() -> None:
    table = {"namespace": "shop", "selector": "app=checkout,tier in (web)", "container": "web", "ca_file": "/ca.pem"}
    assert plan(pods=table) == PodsPlan(API, "shop", "app=checkout,tier in (web)", "", "web", "/ca.pem")


@pytest.mark.parametrize(
    ("kind", "owner"),
    [("deployment", "apps/v1/deployments/checkout"), ("rollouts", "argoproj.io/v1alpha1/rollouts/checkout")],
)
def test_pods_are_those_of_the_routers_own_object(kind: str, owner: str) -> None:
    router = {"kind": kind, "namespace": "shop", "name": "checkout", "ca_file": "/ca.pem"}
    assert plan(router=router) == PodsPlan(API, "shop", "", owner, "", "/ca.pem")
    own = {"namespace": "other", "selector": "app=x"}
    assert plan(router=router, pods=own) == PodsPlan(API, "other", "app=x")


def test_a_service_that_says_nothing_of_a_cluster_has_none() -> None:
    assert plan() is None
    assert plan(router={"kind": "webhook", "url": "http://127.0.0.1:1"}) is None


@pytest.mark.parametrize(
    "table",
    [{}, {"namespace": "shop"}, {"namespace": "Shop", "selector": "a=b"}, {"namespace": "shop", "selector": "a=b&x=y"}],
)
def test_a_table_that_cannot_be_is_refused(table: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        plan(pods=table)

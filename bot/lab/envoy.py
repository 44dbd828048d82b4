"""What the lab's Envoy starts from: how it shares requests between the baseline targets and the canary."""

from itertools import chain
from typing import Any

WEIGHT = 10
WEIGHT_KEY = "checkout.canary.weight"
DYED_KEY = "checkout.canary.dyed"
BASELINE = "checkout-baseline"
CANARY = "checkout-canary"
PHASE = "X-Release-Phase"
BUCKETS_MS = (1, 2.5, 5, 10, 25, 50, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 2500, 5000, 10_000)
FILTERS = "type.googleapis.com/envoy.extensions.filters"
FLUSH = "0.5s"  # a histogram that is read between two flushes is as old as the last one

Address = tuple[str, int]
Settings = dict[str, Any]


def bootstrap(admin: int, users: int, baseline: list[Address], canary: Address) -> Settings:
    """Write what Envoy starts from; port 0 is any free one."""
    return {
        "admin": {"address": _socket(("127.0.0.1", admin))},
        "stats_flush_interval": FLUSH,
        "stats_config": {
            "histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": list(BUCKETS_MS)}]
        },
        "layered_runtime": {
            "layers": [
                {"name": "start", "static_layer": {WEIGHT_KEY: WEIGHT, DYED_KEY: 100}},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "static_resources": {
            "listeners": [_listener(users)],
            "clusters": [_cluster(BASELINE, baseline), _cluster(CANARY, [canary])],
        },
    }


def _listener(port: int) -> Settings:
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "users",
        # An id that a request brings is kept, one without gets one, and both are told in the answer.
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "route_config": {"virtual_hosts": [{"name": "checkout", "domains": ["*"], "routes": _routes()}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"},
            }
        ],
    }
    filters = {"filters": [{"name": "http", "typed_config": manager}]}
    return {"name": "users", "address": _socket(("127.0.0.1", port)), "filter_chains": [filters]}


def _routes() -> list[Settings]:
    """Say where a request goes: by its header first, then its cookie, then its argument, then by weight."""
    ways: list[tuple[Settings, Settings]] = [
        (_header(PHASE, {"exact": "canary"}), {"headers": [{"name": PHASE, "present_match": True}]}),
        (_cookie("release_phase=canary"), _cookie("release_phase=[^;]*")),
        (_argument({"string_match": {"exact": "canary"}}), _argument({"present_match": True})),
    ]
    marked = [(_route(CANARY, asked, DYED_KEY), _route(BASELINE, other)) for asked, other in ways]
    return [*chain(*marked), _route(CANARY, {}, WEIGHT_KEY, WEIGHT), _route(BASELINE, {})]


def _header(name: str, match: Settings) -> Settings:
    return {"headers": [{"name": name, "string_match": match}]}


def _cookie(pattern: str) -> Settings:
    return _header("Cookie", {"safe_regex": {"regex": f"(.*; ?)?{pattern}(;.*)?"}})


def _argument(match: Settings) -> Settings:
    return {"query_parameters": [{"name": "release_phase", **match}]}


def _route(cluster: str, match: Settings, key: str = "", share: int = 100) -> Settings:
    """Send what matches to a cluster: with a runtime key only that share of it, in percent."""
    chance = {"runtime_fraction": {"default_value": {"numerator": share}, "runtime_key": key}} if key else {}
    return {
        "match": {"prefix": "/", **match, **chance},
        "route": {"cluster": cluster},
        "response_headers_to_add": [{"header": {"key": "X-Track", "value": cluster.removeprefix("checkout-")}}],
    }


def _cluster(name: str, targets: list[Address]) -> Settings:
    endpoints = [{"endpoint": {"address": _socket(target)}} for target in targets]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _socket(address: Address) -> Settings:
    return {"socket_address": {"address": address[0], "port_value": address[1]}}

import json

from bot.lab.envoy import BASELINE, CANARY, DYED_KEY, WEIGHT, WEIGHT_KEY, bootstrap


def test_every_way_to_the_canary_can_be_closed_by_a_runtime_key() -> None:
    settings = bootstrap(0, 0, [("127.0.0.1", 1)], ("127.0.0.1", 2))
    (listener,) = settings["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    to_canary = [route["match"] for route in routes if route["route"]["cluster"] == CANARY]

    keys = {match["runtime_fraction"]["runtime_key"] for match in to_canary}
    assert keys == {DYED_KEY, WEIGHT_KEY}
    assert routes[-1]["route"]["cluster"] == BASELINE
    assert routes[-1]["match"] == {"prefix": "/"}


def test_both_keys_are_known_from_the_start_so_that_they_can_be_read() -> None:
    settings = bootstrap(0, 0, [("127.0.0.1", 1)], ("127.0.0.1", 2))

    assert settings["layered_runtime"]["layers"][0]["static_layer"] == {WEIGHT_KEY: WEIGHT, DYED_KEY: 100}


def test_the_baseline_has_all_its_targets() -> None:
    text = json.dumps(bootstrap(0, 0, [("127.0.0.1", 11), ("127.0.0.1", 12)], ("127.0.0.1", 13)))

    assert [text.count(f'"port_value": {port}') for port in (11, 12, 13)] == [1, 1, 1]

from typing import Any

import pytest
from pydantic import ValidationError

from bot.settings.routers import EnvoyTable, HaproxyTable

ENVOY = {"kind": "envoy", "admin": "http://127.0.0.1:9901", "weight_key": "checkout.canary"}
HAPROXY = {"kind": "haproxy", "socket": "/run/haproxy.sock", "canary": "web/canary", "baseline": "web/baseline"}


def test_a_baseline_of_haproxy_is_one_server_or_several() -> None:
    assert HaproxyTable(**HAPROXY).baseline == ("web/baseline",)
    assert HaproxyTable(**HAPROXY | {"baseline": ["web/b1", "web/b2"]}).baseline == ("web/b1", "web/b2")


@pytest.mark.parametrize("socket", ["/run/haproxy/admin.sock", "127.0.0.1:9999", "haproxy.example:9999"])
def test_a_socket_of_haproxy_is_a_path_or_a_port(socket: str) -> None:
    assert HaproxyTable(**HAPROXY | {"socket": socket}).socket == socket


@pytest.mark.parametrize(
    "changes",
    [
        {"socket": "admin.sock"},
        {"socket": "127.0.0.1"},
        {"canary": "canary"},
        {"canary": "web/canary weight 100; shutdown sessions server web/baseline #"},
        {"canary": "web/canary\nset server web/baseline state maint"},
        {"baseline": "web/baseline\n"},
        {"baseline": []},
        {"baseline": "other/baseline"},
        {"baseline": "web/canary"},
        {"dyed": "dyed/canary;quit"},
        {"state_file": "state"},
        {"state_file": "/var/lib/state\n"},
    ],
    ids=str,
)
def test_no_second_command_hides_in_a_setting_of_haproxy(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HaproxyTable(**HAPROXY | changes)


@pytest.mark.parametrize("key", ["", "a=1&b", "a b", "a\n", "a/b"], ids=repr)
def test_a_runtime_key_of_envoy_is_a_word(key: str) -> None:
    for name in ("weight_key", "dyed_key"):
        with pytest.raises(ValidationError):
            EnvoyTable(**ENVOY | {name: key or " "})

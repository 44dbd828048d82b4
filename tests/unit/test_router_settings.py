from typing import Any

import pytest
from pydantic import ValidationError

from bot.settings.routers import EnvoyTable, HaproxyTable, NginxTable

ENVOY = {"kind": "envoy", "admin": "http://127.0.0.1:9901", "weight_key": "checkout.canary"}
HAPROXY = {"kind": "haproxy", "socket": "/run/haproxy.sock", "canary": "web/canary", "baseline": "web/baseline"}

NGINX = {
    "kind": "nginx",
    "include": "/etc/nginx/firstfive/checkout.conf",
    "upstream": "checkout",
    "canary": "10.0.0.2:8080",
    "baseline": "10.0.0.1:8080",
    "marker": "http://127.0.0.1/firstfive",
}


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


@pytest.mark.parametrize("place", ["10.0.0.1", "pay.example:80", "[fd00::1]:8080", "unix:/run/pay.sock"])
def test_a_server_of_nginx_is_a_host_a_port_a_socket(place: str) -> None:
    assert NginxTable(**NGINX | {"canary": place}).canary == (place,)
    assert NginxTable(**NGINX | {"canary": [place, place]}).canary == (place, place)


def test_nginx_is_tested_and_reloaded_as_its_manual_says() -> None:
    table = NginxTable(**NGINX | {"lines": ["keepalive 32", "zone checkout 64k"], "dyed": ""})
    assert (table.test, table.reload) == (("nginx", "-t"), ("nginx", "-s", "reload"))


@pytest.mark.parametrize(
    "changes",
    [
        {"include": "checkout.conf"},
        {"include": "/etc/nginx/x.conf; rm"},
        {"upstream": "checkout { server 127.0.0.1; } upstream x"},
        {"dyed": "dyed\n"},
        {"canary": "10.0.0.1:80; } server { listen 81; }"},
        {"canary": "10.0.0.1:80 backup"},
        {"baseline": []},
        {"lines": ["keepalive 32; } server { listen 81"]},
        {"lines": ["keepalive 32\n"]},
        {"lines": ['set "x"']},
        {"marker": "127.0.0.1/firstfive"},
        {"test": []},
        {"reload": "nginx -s reload"},
    ],
    ids=str,
)
def test_no_second_directive_hides_in_a_setting_of_nginx(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NginxTable(**NGINX | changes)

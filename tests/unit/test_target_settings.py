"""What pprof wants to see is configured by name; a secret in the file is refused and not repeated."""

from pathlib import Path

import pytest

from bot.domain.access import Access, Tls
from bot.domain.service import Target
from bot.settings import ConfigRefused, read

TARGET = '[[services]]\nname = "checkout"\n[[services.targets]]\nname = "checkout-1"\n'
HTTPS, HTTP = 'pprof = "https://10.2.0.11:6060"\n', 'pprof = "http://10.2.0.11:6060"\n'


def target(folder: Path, lines: str) -> Target:
    (folder / "firstfive.toml").write_text(TARGET + lines)
    (found,) = read({"FIRSTFIVE_CONFIG": str(folder / "firstfive.toml")}).catalog().services[0].targets
    return found


def settings(folder: Path, lines: str) -> Access:
    return target(folder, lines).access


def test_headers_and_certificates_are_read_by_name(tmp_path: Path) -> None:
    lines = (
        'headers = { Authorization = "env:TOKEN", X-Scope = "env:SCOPE" }\ntls = { ca = "/ca.pem", server_name = "me" }'
    )
    found = settings(tmp_path, HTTPS + lines)
    assert found == Access((("Authorization", "TOKEN"), ("X-Scope", "SCOPE")), Tls("/ca.pem", server_name="me"))


def test_where_users_connect_is_read(tmp_path: Path) -> None:
    lines = 'https = "https://10.2.0.11:8443"\nca = "/ca.pem"\nserver_name = "checkout.test"\nh2 = true\n'
    found = target(tmp_path, HTTP + 'url = "http://10.2.0.11:8080"\n' + lines)
    assert (found.secure_url, found.ca, found.server_name, found.h2, found.ports) == (
        "https://10.2.0.11:8443",
        "/ca.pem",
        "checkout.test",
        True,
        (6060, 8080),
    )
    assert target(tmp_path, HTTP + 'url = "https://10.2.0.11:8443"').secure_url == "https://10.2.0.11:8443"
    assert target(tmp_path, HTTP + 'url = "http://10.2.0.11:8443"').secure_url is None


def test_without_either_nothing_is_shown(tmp_path: Path) -> None:
    assert settings(tmp_path, HTTP) == Access()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (HTTP + 'headers = { Authorization = "Bearer s3cr3t" }', "headers.Authorization: is a secret: write env:NAME"),
        (HTTP + 'headers = { Authorization = "env:s3cr3t-x" }', "headers.Authorization: is a secret: write env:NAME"),
        (HTTP + 'headers = { "X Y" = "env:TOKEN" }', "'X Y' is no header that can be given"),
        (HTTP + 'headers = { Host = "env:TOKEN" }', "'Host' is no header that can be given"),
        (HTTP + 'tls = { ca = "/ca.pem" }', "`tls` is for a pprof that begins with https://"),
        (HTTPS + 'tls = { key = "/me.key" }', "tls: a `key` is of no use without its `cert`"),
        (HTTP + 'ca = "/ca.pem"', "`ca`, `server_name` and `h2` are for a `url` or `https` that begins with https://"),
        (HTTP + 'url = "http://10.2.0.11"\nh2 = true', "`ca`, `server_name` and `h2` are for a `url` or `https`"),
        (HTTP + 'https = "http://10.2.0.11"', "`https` begins with https://"),
        (HTTPS + 'tls = { cart = "/me.pem" }', "tls.cart is not a key. Did you mean 'cert'?"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        settings(tmp_path, lines)
    assert told in str(refused.value)
    assert "s3cr3t" not in f"{refused.value}{refused.value.__cause__}"

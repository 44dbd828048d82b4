"""What pprof wants to see is configured by name; a secret in the file is refused and not repeated."""

from pathlib import Path

import pytest

from bot.domain.access import Access, Tls
from bot.settings import ConfigRefused, read

TARGET = '[[services]]\nname = "checkout"\n[[services.targets]]\nname = "checkout-1"\n'
HTTPS, HTTP = 'pprof = "https://10.2.0.11:6060"\n', 'pprof = "http://10.2.0.11:6060"\n'


def settings(folder: Path, lines: str) -> Access:
    (folder / "firstfive.toml").write_text(TARGET + lines)
    (target,) = read({"FIRSTFIVE_CONFIG": str(folder / "firstfive.toml")}).catalog().services[0].targets
    return target.access


def test_headers_and_certificates_are_read_by_name(tmp_path: Path) -> None:
    lines = (
        'headers = { Authorization = "env:TOKEN", X-Scope = "env:SCOPE" }\ntls = { ca = "/ca.pem", server_name = "me" }'
    )
    found = settings(tmp_path, HTTPS + lines)
    assert found == Access((("Authorization", "TOKEN"), ("X-Scope", "SCOPE")), Tls("/ca.pem", server_name="me"))


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
        (HTTPS + 'tls = { cart = "/me.pem" }', "tls.cart is not a key. Did you mean 'cert'?"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        settings(tmp_path, lines)
    assert told in str(refused.value)
    assert "s3cr3t" not in f"{refused.value}{refused.value.__cause__}"

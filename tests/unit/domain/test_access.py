"""What pprof addresses want to see: by name only, and never said aloud."""

from dataclasses import replace

import pytest

from bot.domain.access import (
    Access,
    AccessMissing,
    check_in_clear,
    failed_handshake,
    header_values,
    mask,
    secrets_of,
    unset,
)

TOKEN = Access((("Authorization", "CHECKOUT_TOKEN"), ("X-Scope", "SCOPE")))
FOUND = replace(TOKEN, in_clear=False)
SET = {"CHECKOUT_TOKEN": "Bearer abcdef-123\n", "SCOPE": "checkout"}


def test_headers_are_what_the_variables_hold_without_the_line_break_of_the_file_they_came_from() -> None:
    assert header_values(TOKEN, SET) == {"Authorization": "Bearer abcdef-123", "X-Scope": "checkout"}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({}, "CHECKOUT_TOKEN is not set in FirstFive's environment: the header Authorization comes from it"),
        ({"CHECKOUT_TOKEN": "  "}, "CHECKOUT_TOKEN is not set"),
        ({"CHECKOUT_TOKEN": "Bearer abc\r\nHost: evil"}, "CHECKOUT_TOKEN holds what no header can"),
        ({"CHECKOUT_TOKEN": "Bearer abcdéf"}, "CHECKOUT_TOKEN holds what no header can"),
    ],
)
def test_what_is_missing_is_named_and_what_is_held_is_not_said(held: dict[str, str], said: str) -> None:
    with pytest.raises(AccessMissing) as missing:
        header_values(TOKEN, held)
    assert said in str(missing.value)
    assert "abc" not in str(missing.value)


@pytest.mark.parametrize(
    ("access", "url", "address"),
    [
        (FOUND, "https://10.2.0.11:6060", "10.2.0.11"),
        (FOUND, "http://127.0.0.1:6060", "127.0.0.1"),
        (FOUND, "http://[::1]:6060", "::1"),
        (replace(FOUND, in_clear=True), "http://10.2.0.11:6060", "10.2.0.11"),
        (TOKEN, "http://10.2.0.11:6060", "10.2.0.11"),
    ],
)
def test_secrets_go_over_https_or_here_or_as_was_said(access: Access, url: str, address: str) -> None:
    check_in_clear(access, url, [address], "CHECKOUT_TOKEN")


def test_to_who_was_found_no_secret_goes_in_clear() -> None:
    with pytest.raises(AccessMissing) as refused:
        check_in_clear(FOUND, "http://10.2.0.11:6060", ["127.0.0.1", "10.2.0.11"], "CHECKOUT_TOKEN")
    assert str(refused.value) == (
        "http://10.2.0.11:6060 was found and not named, and CHECKOUT_TOKEN would go there over http, for all on the "
        "way to read: have it served over https, or set `secrets_in_clear` of [services.discovery]"
    )


def test_each_variable_that_is_not_set_is_named_once() -> None:
    assert unset(["TOKEN", "SCOPE", "TOKEN", "EMPTY"], {"SCOPE": "x", "EMPTY": " "}) == ("TOKEN", "EMPTY")
    assert unset(["SCOPE"], SET) == ()


def test_a_secret_is_covered_with_and_without_its_scheme_and_a_word_that_is_none_is_left() -> None:
    secrets = secrets_of(header_values(TOKEN, SET | {"SCOPE": "a"}).values())
    assert secrets == ("Bearer abcdef-123", "abcdef-123")
    text = b"no: Bearer abcdef-123, abcdef-123, a"
    assert mask(text, secrets) == b"no: " + b"*" * 17 + b", " + b"*" * 10 + b", a"


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)", "give `tls.cert`"),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired", "renew `tls.cert`"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "signed by whom it trusts"),
        ("certificate verify failed: certificate has expired", "its certificate has expired: renew it there"),
        ("certificate verify failed: self-signed certificate in certificate chain", "give `tls.ca`"),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'", "tls.server_name"),
        ("something new", "something new"),
    ],
)
def test_a_failed_handshake_says_what_mends_it(said: str, mend: str) -> None:
    assert mend in failed_handshake(said)

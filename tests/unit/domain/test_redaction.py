import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.costs import ProfileMalformed
from bot.domain.profile import decode
from bot.domain.redaction import PIECE_BYTES, is_random, redact, redact_bytes, redact_profile
from tests.unit.domain.go_profiles import CPU, GOROUTINE, main_frame, profile, raw_profile

SLACK = "xo~xb-123456789012-abcdefghijklmnop".replace("~", "")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nProc-Type: 4\nx+/=\n-----END RSA PRIVATE KEY-----"

HALVED = [
    ("firstfive-token", "ff~_Zr4u7x-A_DkfGUkXp2s5v8yBqE_Hbt6w9Zr4u7x-ADkf0", "curl -H 'X: {}'"),
    ("slack-token", "xo~xb-123456789012-abcdefghijklmnop", "posting with {}"),
    ("slack-token", "xa~pp-1-A012345-678-abcdef", "{}"),
    ("slack-webhook", "T000/B000/XXXXXXXXXXXX", "https://hooks.slack.com/services/{}"),
    ("aws-key", "AK~IAIOSFODNN7EXAMPLE", "key {} was used"),
    ("github-token", "gh~p_16C7e42F292c6912E7710c838347Ae178B4a", "{}"),
    ("github-token", "gi~thub_pat_11ABCDEFG0abcdefghijkl_mnopq", "'{}'"),
    ("token", "sk~_live_4eC39HqLyjWDarjtT1zdp7dc", "stripe {}"),
    ("token", "gl~pat-abcdefghij0123456789", "{}"),
    ("jwt", JWT, "cookie jar: {}"),
    ("private-key", PEM, "key:\n{}\nend"),
    ("authorization", "Bearer abc", "Authorization: {}\r\nHost: a"),
    ("authorization", "Basic dXNlcjpwYXNz", '"authorization":"{}"'),
    ("authorization", "Bearer abc", "map[Authorization:[{}] Host:[a]]"),
    ("cookie", "sid=1; theme=dark", "Cookie: {}\nHost: a"),
    ("cookie", "sid=1", "Set-Cookie: {}"),
    ("token", "abcdef123456", "bearer {} was refused"),
    ("password", "s3cr3t:x", "postgres://app:{}@db.internal:5432/shop"),
    ("password", "s3cr3t", "redis://:{}@cache:6379"),
    ("password", "s3cr/et", "dsn: app:{}@tcp(db:3306)/shop"),
    ("secret", "hunter2", "password={}"),
    ("secret", "hunter2", "DB_PASSWORD: {}\n"),
    ("secret", "two words", "user=app password='{}' host=db"),
    ("secret", "hunter2", '{{"client_secret": "{}", "a": 1}}'),
    ("secret", "hunter2", "-X main.apiKey={} -s"),
    ("secret", "hunter2", '[sleep] {{user_token: "{}"}}:'),
    ("secret", "hunter2", "https://a/b?access_token={}&c=1"),
    ("secret", "4f9aK2mQ8xZ1vB7nL0pR3s", "SIGNATURE={}"),
]


SECRETS = [(kind, secret.replace("~", ""), text) for kind, secret, text in HALVED]
"""The examples are written with a sign in them, so that no scanner takes this file for a leak."""


@pytest.mark.parametrize(("kind", "secret", "text"), SECRETS)
def test_a_secret_goes_and_the_text_around_it_stays(kind: str, secret: str, text: str) -> None:
    before, _, after = text.format("\0").partition("\0")
    found = redact(text.format(secret))

    assert secret not in found
    assert found.startswith(before)
    assert found.endswith(after)
    assert f"[redacted:{kind}]" in found


@pytest.mark.parametrize(
    "text",
    [
        "goroutine 7 [chan receive]:\nmain.(*pool).Get(0xc000)\n\t/src/token/token.go:12 +0x1d",
        '"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        "http://127.0.0.1:6060/debug/pprof/heap",
        "key: users",
        "mail anna@example.com at 10:30",
        "vcs.revision=1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
        "session_count: 12",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


PIECES = st.sampled_from(
    [each for _, secret, text in SECRETS for each in (secret, text, text.format(secret))]
    + [
        "[redacted:token]",
        "[redacted:",
        "token=",
        'password: "',
        "'",
        '"',
        "]",
        "[",
        "://",
        "@",
        ":",
        "=",
        "\n",
        " ",
        ";",
        "\\",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_twice_is_once(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


@given(st.binary(max_size=200))
def test_bytes_that_are_no_text_survive(noise: bytes) -> None:
    assert isinstance(redact_bytes(noise), bytes)
    assert redact_bytes(b"\xff\xfe a=1") == b"\xff\xfe a=1"


HOSTILE = [
    "a", "eyJ", "eyJaaaaa.", "xoxb-", "-----BEGIN PRIVATE KEY-----", "://a:", "a:", ",a:", "token",
    'token="', "token ", "-"
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_ends_and_hides_nothing(piece: str) -> None:
    """A quadratic pattern would be at this for minutes: the test's time limit is the assertion."""
    text = piece * (100_000 // len(piece)) + "\n@tcp( password=hunter2"

    assert "hunter2" not in redact(text)


def test_random_values() -> None:
    assert is_random("4f9aK2mQ8xZ1vB7nL0pR3s")
    assert not is_random("a" * 40)
    assert not is_random("the-quick-brown-fox-jumps-over")
    assert not is_random("short1")


def test_a_profile_without_a_secret_keeps_its_bytes() -> None:
    content = profile(CPU, [((main_frame("a"),), (1, 2), {"route": "/checkout"})])

    assert redact_profile(content) == content


def test_secrets_in_labels_names_and_comments_are_written_over() -> None:
    samples = [
        ((main_frame("a"),), (1,), {"session_token": "plain", "route": "/pay"}),
        ((main_frame("b"),), (2,), {"user": SLACK}),
    ]
    for content in (profile(GOROUTINE, samples), raw_profile(GOROUTINE, samples)):
        clean = redact_profile(content)
        found = decode(clean)

        assert clean.startswith(b"\x1f\x8b") == content.startswith(b"\x1f\x8b")
        assert [dict(each.labels) for each in found.samples] == [
            {"session_token": "[redacted:label]", "route": "/pay"},
            {"user": "[redacted:slack-token]"},
        ]
        assert [each.values for each in found.samples] == [(1,), (2,)]
        assert redact_profile(clean) == clean


def test_what_an_address_was_shown_is_covered_inside_of_a_compressed_profile() -> None:
    shown = ("no-pattern-knows-this",)
    samples = [((main_frame("a"),), (1,), {"peer": f"said {shown[0]}!"})]
    for content in (profile(GOROUTINE, samples), raw_profile(GOROUTINE, samples)):
        clean = redact_profile(content, shown)

        assert [dict(each.labels) for each in decode(clean).samples] == [{"peer": f"said {'*' * len(shown[0])}!"}]
        assert clean.startswith(b"\x1f\x8b") == content.startswith(b"\x1f\x8b")
        assert redact_profile(clean, shown) == clean
        assert redact_profile(content) == content


def test_redacting_what_is_no_profile_says_so() -> None:
    for content in (b"\x12\x05a", gzip.compress(b"\x12\x05a")):
        with pytest.raises(ProfileMalformed):
            redact_profile(content)


def test_a_private_key_is_found_where_a_long_text_is_cut_into_pieces() -> None:
    begin, end = (f"-----{word} RSA PRIVATE {'KEY'}-----\n".encode() for word in ("BEGIN", "END"))
    key = begin + b"Proc-Type: 4,ENCRYPTED\n\n" + b"c2VjcmV0\n" * 90 + end
    line = b"goroutine 1 [select]:\n"
    for before in range(PIECE_BYTES - len(key), PIECE_BYTES + 40, 37):
        text = line * (before // len(line)) + b"." * (before % len(line)) + key + line * 9
        clean = redact_bytes(text)

        assert b"c2VjcmV0" not in clean
        assert clean.endswith(line * 9)


def test_a_long_text_is_redacted_as_a_short_one_is() -> None:
    line = b"user=ada \xff password=hunter2 at /src/main.go:12\n"
    text = line * (3 * PIECE_BYTES // len(line))

    assert redact_bytes(text) == redact_bytes(line) * (3 * PIECE_BYTES // len(line))

"""Secrets taken out of text and profiles before anything is stored or sent.

Every pattern runs in linear time: repetitions are bounded or possessive, a token starts only where a run of its
characters starts, and a rule is skipped when the text lacks a word that the rule cannot do without. What was replaced
reads `[redacted:kind]`, which no rule matches again.
"""

import gzip
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.domain.access import mask
from bot.domain.costs import ProfileMalformed
from bot.domain.profile import GZIP, inflate
from bot.domain.protobuf import WireMalformed, field_bytes, fields

MIN_ENTROPY_BITS = 3.0
"""Bits a character: random hex reaches 3.6 to 4, base64 4.5 to 5.5, English words and identifiers stay near 3 and are
shorter than MIN_RANDOM_CHARS (the limits of detect-secrets are 3.0 for hex and 4.5 for base64)."""
MIN_RANDOM_CHARS = 20

PIECE_BYTES = 1024 * 1024
"""Redacted at once: a pattern holds up all other threads for as long as it reads."""
KEY_BEGINS, KEY_ENDS, KEY_BYTES = b"-----BEGIN ", b"-----END ", 16 * 1024

DONE = r"(?!\[redacted:)"
FRESH = r"(?![\"'\[]{0,2}redacted:)"
START = r"(?<![A-Za-z0-9_-])"

SURE_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|otlp[_-]?headers|api[_-]?key|apikey|access[_-]?key|private[_-]?key|signing[_-]?key"
    r"|encryption[_-]?key|client[_-]?key|account[_-]?key|auth[_-]?key|session[_-]?id|csrf|xsrf|bearer|credentials?"
)
UNSURE_NAMES = r"key|auth|session|sid|sig|signature|salt|nonce|cookie|cred"
ASSIGN = r"[\"']?+[ \t]{0,4}+(?>=>|:=|[:=])[ \t]*+"
QUOTED = r"\"(?:[^\"\\\n]|\\.)*+\"?|'[^'\n]*+'?"


@dataclass(frozen=True)
class Rule:
    """A kind of secret: its pattern, what replaces it, and words one of which any match contains (lower case)."""

    kind: str
    pattern: re.Pattern[str]
    words: tuple[str, ...]
    replace: Callable[[re.Match[str], str], str]

    def apply(self, text: str) -> str:
        """Replace every match of this kind."""
        mark = f"[redacted:{self.kind}]"
        return self.pattern.sub(lambda match: self.replace(match, mark), text)


def _all(match: re.Match[str], mark: str) -> str:
    del match
    return mark


def _rest(match: re.Match[str], mark: str) -> str:
    """Keep the group `head`, which says what the secret was for."""
    return match["head"] + mark


def _value(match: re.Match[str], mark: str) -> str:
    """Keep the name and the quotes around the value."""
    value = match["value"]
    quote = value[0] if value[0] in "\"'" else ""
    if value.strip(quote or " ") == "":
        return match[0]
    return f"{match['head']}{quote}{mark}{quote if quote and value.endswith(quote) else ''}"


def _random(match: re.Match[str], mark: str) -> str:
    """Replace the value only if it looks random: the name alone may be innocent (`key: users`)."""
    return _value(match, mark) if is_random(match["value"].strip("\"'")) else match[0]


def is_random(value: str) -> bool:
    """Tell whether a value looks generated: long, one word, and its characters evenly used."""
    if len(value) < MIN_RANDOM_CHARS or any(sign.isspace() for sign in value):
        return False
    counts = Counter(value).values()
    entropy = -sum(number / len(value) * math.log2(number / len(value)) for number in counts)
    mixed = any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)
    return mixed and entropy >= MIN_ENTROPY_BITS


def _rule(
    kind: str, pattern: str, words: str, replace: Callable[[re.Match[str], str], str] = _all, flags: int = 0
) -> Rule:
    return Rule(kind, re.compile(pattern, flags | re.ASCII), tuple(words.split()), replace)


RULES = (
    _rule(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,60}-----)?",
        "private",
    ),
    _rule("jwt", START + r"eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+){0,3}", "eyj"),
    _rule("firstfive-token", START + r"ff_[A-Za-z0-9_-]{43}", "ff_"),
    _rule("slack-token", START + r"(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}+|xapp-[A-Za-z0-9-]{8,}+)", "xox xapp-"),
    _rule("slack-webhook", r"(?P<head>hooks\.slack\.com/[a-z]{1,20}/)[A-Za-z0-9/_-]{8,}+", "hooks.slack.com", _rest),
    _rule(
        "aws-key",
        START + r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|ANPA|AROA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        "akia asia abia acca agpa aida anpa aroa",
    ),
    _rule(
        "github-token",
        START + r"(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+)",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
    ),
    _rule(
        "token",
        START + r"(?:glpat-[A-Za-z0-9_-]{16,}+|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}+|sk-[A-Za-z0-9_-]{20,}+"
        r"|npm_[A-Za-z0-9]{30,}+|pypi-[A-Za-z0-9_-]{30,}+|AIza[A-Za-z0-9_-]{30,}+|ya29\.[A-Za-z0-9_-]{20,}+"
        r"|hv[sb]\.[A-Za-z0-9_-]{20,}+|dop_v1_[a-f0-9]{40,}+|SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+)",
        "glpat- sk_ rk_ pk_ sk- npm_ pypi- aiza ya29. hvs. hvb. dop_v1_ sg.",
    ),
    _rule(
        "authorization",
        r"(?P<head>authorization[\"']?[ \t]{0,4}[:=][ \t]*+" + FRESH + r"[\"'\[]?+" + FRESH + ")"
        r"[^\r\n\"'\]]++",
        "authorization",
        _rest,
        re.IGNORECASE,
    ),
    _rule(
        "cookie",
        r"(?P<head>(?<![a-z0-9])(?:set-)?cookie[\"']?[ \t]{0,4}[:=][ \t]*+" + FRESH + r"[\"'\[]?+" + FRESH + ")"
        r"[^\r\n\"'\]]++",
        "cookie",
        _rest,
        re.IGNORECASE,
    ),
    _rule(
        "token",
        r"(?P<head>\b(?:bearer|basic) {1,4})" + DONE + r"[A-Za-z0-9._~+/=-]{8,}+",
        "bearer basic",
        _rest,
        re.IGNORECASE,
    ),
    _rule("password", r"(?P<head>://[^\s:/@\"'\[\]]{0,128}:)" + DONE + r"[^\s/@\"'<>]{1,512}(?=@)", "://", _rest),
    _rule(
        "password",
        r"(?P<head>(?<![^\s\"'])[^\s:/@\"']{1,64}+:)" + DONE + r"[^\s@\"']{1,128}(?=@(?:tcp|unix)\()",
        "@tcp( @unix(",
        _rest,
    ),
    _rule(
        "secret",
        rf"(?P<head>(?:{SURE_NAMES})[A-Za-z0-9_-]{{0,24}}{ASSIGN}{FRESH}\[?+{FRESH})(?P<value>{QUOTED}|[^\s\"',;&|<>()\[\]{{}}]++)",
        "passw passphrase pwd secret token key session csrf xsrf bearer credential otlp",
        _value,
        re.IGNORECASE,
    ),
    _rule(
        "secret",
        rf"(?P<head>(?:{UNSURE_NAMES})[A-Za-z0-9_-]{{0,24}}{ASSIGN}{FRESH}\[?+{FRESH})(?P<value>{QUOTED}|[^\s\"',;&|<>()\[\]{{}}]++)",
        "key auth session sid sig salt nonce cookie cred",
        _random,
        re.IGNORECASE,
    ),
)
SENSITIVE_LABEL = re.compile(SURE_NAMES + "|authorization|cookie", re.IGNORECASE)


def redact(text: str) -> str:
    """Replace every secret in a text by `[redacted:kind]`. Twice gives what once gives."""
    lowered = text.lower()
    for rule in RULES:
        if any(word in lowered for word in rule.words):
            text = rule.apply(text)
    return text


def redact_bytes(data: bytes | bytearray) -> bytes:
    """Redact a text artifact, a piece after the other; bytes that are not UTF-8 stay what they are."""
    out = bytearray()
    for start, end in _pieces(data):
        out += redact(data[start:end].decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return bytes(out)


def _pieces(data: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Cut a text at ends of lines, and not within a private key: the only secret that has several lines."""
    start = 0
    while start < len(data):
        end = _after_line(data, start + PIECE_BYTES)
        if data.rfind(KEY_BEGINS, start, end) > data.rfind(KEY_ENDS, start, end):
            key_end = data.find(KEY_ENDS, end, end + KEY_BYTES)
            end = _after_line(data, key_end if key_end >= 0 else end + KEY_BYTES)
        yield start, end
        start = end


def _after_line(data: bytes | bytearray, at: int) -> int:
    end = data.find(b"\n", at)
    return end + 1 if end >= 0 else len(data)


def redact_profile(data: bytes, shown: Iterable[str] = ()) -> bytes:
    """Redact the strings of a pprof profile: labels, names, comments. Without a secret the bytes stay the same.

    `shown` is what its address was shown, which no pattern knows: compressed, it could not be covered on its way.

    :raises ProfileMalformed: not a profile.
    """
    inflated = inflate(data)
    raw = mask(inflated, shown)
    try:
        secret = _secret_strings(raw)
        if not secret and raw == inflated:
            return data
        return _rewrite(raw, secret, zipped=data.startswith(GZIP))
    except (WireMalformed, IndexError) as error:
        raise ProfileMalformed(f"not a pprof profile: {error}") from error


def _secret_strings(raw: bytes) -> dict[int, bytes]:
    """Give the entries of the string table to replace, by index."""
    spans = [(start, end) for number, start, end in fields(raw, 0, len(raw)) if number == 6 and end >= 0]  # noqa: PLR2004
    table = [raw[start:end] for start, end in spans]
    secret: dict[int, bytes] = {}
    clean = redact_bytes(b"\n".join(table))
    if clean != b"\n".join(table):
        secret = {at: new for at, old in enumerate(table) if (new := redact_bytes(old)) != old}
    for key, value in _labels(raw):
        if value and table[value] and SENSITIVE_LABEL.search(table[key].decode("utf-8", "replace")):
            secret.setdefault(value, b"[redacted:label]")
    return secret


def _labels(raw: bytes) -> set[tuple[int, int]]:
    """Give the (key, text) pairs of all labels, as indices of the string table."""
    found: set[tuple[int, int]] = set()
    for number, start, end in fields(raw, 0, len(raw)):
        if number != 2 or end < 0:  # noqa: PLR2004 - the field of samples
            continue
        for part, first, last in fields(raw, start, end):
            if part == 3 and last >= 0:  # noqa: PLR2004 - the field of labels
                numbers = {name: value for name, value, stop in fields(raw, first, last) if stop < 0 and name < 3}  # noqa: PLR2004 - key, text
                found.add((numbers.get(1, 0), numbers.get(2, 0)))
    return found


def _rewrite(raw: bytes, secret: dict[int, bytes], *, zipped: bool) -> bytes:
    """Copy a profile field by field with some of its strings replaced."""
    out = bytearray()
    index = -1
    for number, value, end in fields(raw, 0, len(raw)):
        content: int | bytes = value if end < 0 else raw[value:end]
        if number == 6 and end >= 0:  # noqa: PLR2004 - the field of strings
            index += 1
            content = secret.get(index, content)
        out += field_bytes(number, content)
    return gzip.compress(bytes(out), mtime=0) if zipped else bytes(out)

"""Which names of source stand for secrets, and which literals are some: where both might be meant, neither is told."""

import re

from bot.domain.redaction import RULES

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALONE = {"password", "passwd", "passphrase", "authorization", "credential", "credentials"}
_ENDS = {
    ("api", "key"), ("apikey",), ("access", "key"), ("private", "key"), ("secret", "key"), ("signing", "key"),
    ("encryption", "key"), ("client", "secret"), ("session", "id"), ("set", "cookie"),
    *((word, "token") for word in (
        "access", "api", "auth", "bearer", "csrf", "id", "jwt", "oauth", "refresh", "reset", "secret", "session",
        "user", "bot", "slack", "github", "gitlab", "vault",
    )),
    *((word, "secret") for word in ("app", "hmac", "jwt", "shared", "signing", "webhook")),
}  # fmt: skip
_BARE = {("secret",), ("token",), ("pwd",), ("bearer",), ("cookie",), ("jwt",)}
"""Secrets where they are text; alone such a name may be a word of a language, an object of a cluster, a folder."""
_ASKED = {
    "is", "has", "needs", "need", "no", "with", "without", "use", "uses", "requires", "require", "forgot", "reset",
    "invalid", "missing", "bad", "err", "wrong", "expired", "show", "hide", "hidden", "masked", "redacted", "want",
    "hashed", "encrypted", "num", "len", "max", "min", "public", "empty", "enable", "disable", "allow",
}  # fmt: skip
"""A name that begins so tells about a secret, and is none."""
_HARMLESS = re.compile(
    r"(?i)redact|mask|hash|sum|len|obfus|trunc|censor|saniti|hid|fingerprint|prefix|suffix|last|count|type|name|valid"
    r"|has|is[A-Z]|exist|equal|compare|size|kind|expir|age|version|index|contains"
)
_STRONG = {
    "private-key", "jwt", "firstfive-token", "slack-token", "slack-webhook", "aws-key", "github-token", "password",
}  # fmt: skip
_FILLED_IN = re.compile(r"(?i)%[-+# 0]*[a-z]|[${].*|(.)\1*|passw(?:or)?d|pass|pwd?|\[?redacted\]?")
"""What stands for the password of an address: a verb, a variable, stars, or the word itself."""
_KEYED = re.compile(r"(?i)\b([a-z][a-z_ -]{0,30}?)[\"']?\s{0,2}[:=]\s{0,2}[\"'\[(]?%[-+# 0]{0,3}[svqxX]")
_VERB = re.compile(r"%(?:%|[-+# 0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[a-zA-Z])")
_PREFIXED = re.compile(
    r"(?<![\w-])(?:glpat-[\w-]{16,}|(?:sk|rk)_live_\w{10,}|npm_\w{30,}|AIza[\w-]{30,}|hv[sb]\.[\w-]{20,})"
)


def words(name: str) -> tuple[str, ...]:
    """Give the words of a name, in whichever way they are put together, in lower case."""
    return tuple(word.lower() for word in _WORDS.findall(name))


def is_secret(name: str) -> bool:
    """Tell whether a name stands for a secret wherever it is met: `password`, `user.AccessToken`, `API_KEY`."""
    parts = words(name)
    if not parts or _ASKED.intersection(parts[:1]):
        return False
    return parts[-1] in _ALONE or any(parts[-len(end) :] == end for end in _ENDS)


def is_maybe_secret(name: str) -> bool:
    """Tell whether a name stands for a secret if it is text."""
    parts = words(name)
    return is_secret(name) or (bool(parts) and parts[-1:] in _BARE and not _ASKED.intersection(parts[:1]))


def is_harmless(call: str) -> bool:
    """Tell whether a function's name says that it gives something about a secret, and not the secret."""
    return _HARMLESS.search(call) is not None


def secret_kind(literal: str) -> str:
    """Give the kind of secret that a text itself is or holds, by its shape; "" for none."""
    lowered = literal.lower()
    for rule in RULES:
        if rule.kind not in _STRONG or not any(word in lowered for word in rule.words):
            continue
        if any(not _FILLED_IN.fullmatch(_secret(found)) for found in rule.pattern.finditer(literal)):
            return rule.kind
    return "token" if _PREFIXED.search(literal) else ""


def _secret(found: re.Match[str]) -> str:
    """Give what of a match is the secret, without what says what it is for."""
    return found[0].removeprefix(found.groupdict().get("head") or "")


def keyed(template: str) -> dict[int, str]:
    """Give which verbs of a format, from 0, are a secret's by what is written before them: `password=%s`."""
    at = {found.end(): number for number, found in enumerate(_verbs(template))}
    found = ((each.end(), each[1]) for each in _KEYED.finditer(template))
    return {at[end]: name for end, name in found if end in at and is_maybe_secret(name)}


def without_verbs(template: str) -> str:
    """Give a format as a message that needs no arguments: `paid %d for %q` is `paid for`."""
    plain = re.sub(r"[\w.-]*[=:]?\s*[\"'\[(]*(?=%[^%])", "", template) if "=%" in template else template
    return re.sub(r"\s+", " ", _VERB.sub(" ", plain.replace("\\n", " ").replace("\\t", " "))).strip(" :=,;.-[]()'\"")


def _verbs(template: str) -> list[re.Match[str]]:
    return [each for each in _VERB.finditer(template) if each[0] != "%%"]

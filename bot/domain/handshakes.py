"""How the addresses behind a name shake hands over TLS: the chain as served, its check, what is spoken after it.

Codes and their reasons are OpenSSL's (x509_vfy.h), as a client of this machine gets them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from math import isfinite
from typing import Any, TypeVar

H2, HTTP1 = "h2", "http/1.1"
OLD_VERSIONS = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
"""Clients refuse them (RFC 8996), Go's since 1.18, browsers since 2020; HTTP/2 needs 1.2 (RFC 9113, 9.2)."""

_COMMON_NAME = re.compile(r"(?:^|[,+])CN=((?:\\.|[^,+\\])+)")
_LONGEST = 80
_Kind = TypeVar("_Kind", str, bool, float, int)


@dataclass(frozen=True)
class Served:
    """A certificate of a chain: who it is of and who signed it (RFC 4514), when it ends, what it is for.

    `days_left` are negative once it has ended, `days_until` positive before it begins. `public`: it was logged for
    everybody to see (RFC 6962), as those are that browsers trust. `traced`: it says where the certificate of its issuer
    is (RFC 5280, 4.2.2.1).
    """

    subject: str
    issuer: str
    ends_at: str
    days_left: float
    days_until: float = 0.0
    names: tuple[str, ...] = ()
    public: bool = False
    traced: bool = False

    @property
    def is_of_itself(self) -> bool:
        """Whether it names nobody else who signed it."""
        return self.subject == self.issuer


@dataclass(frozen=True)
class Handshake:
    """What one address did: the chain in the order it was sent, leaf first; the protocol it chose of those offered.

    `code` is 0 where the chain and the name are fine, None where that was not seen. `settings`: after h2 was chosen,
    whether HTTP/2 SETTINGS came, as they must first (RFC 9113, 3.4); `instead` is what came. `error`: there was none.
    """

    address: str
    version: str = ""
    chain: tuple[Served, ...] = ()
    code: int | None = None
    reason: str = ""
    alpn: str = ""
    settings: bool | None = None
    instead: str = ""
    ms: float = 0.0
    error: str = ""

    @property
    def path(self) -> tuple[Served, ...]:
        """The leaf, who signed it, and so on, as far as the chain has them."""
        known: dict[str, Served] = {}
        for each in self.chain[1:]:
            known.setdefault(each.subject, each)
        path = list(self.chain[:1])
        while path and not path[-1].is_of_itself and (issuer := known.pop(path[-1].issuer, None)) is not None:
            path.append(issuer)
        return tuple(path)

    @property
    def lacks(self) -> str:
        """Who signed the last certificate of the path and is not there; "" where nobody else has signed it."""
        last = self.path[-1:]
        return last[0].issuer if last and not last[0].is_of_itself else ""

    @property
    def is_ordered(self) -> bool:
        """Whether each certificate of the path comes right after the one it signed."""
        return self.path == self.chain[: len(self.path)]

    @property
    def served(self) -> str:
        """The chain by its names, as it was sent."""
        return " < ".join(short(each.subject) for each in self.chain) or "none"

    def __str__(self) -> str:
        if self.error:
            return self.error
        trust = f"{self.code}: {self.reason}" if self.code else "verified" if self.code == 0 else "not verified"
        return f"{trust}; {self.version}, {self.alpn or 'no protocol chosen'}"


@dataclass(frozen=True)
class Handshakes:
    """Every address behind a name. `own_ca`: trust was told us, not the machine; `h2`: HTTP/2 is wanted of it."""

    name: str
    offered: tuple[str, ...]
    addresses: tuple[Handshake, ...]
    own_ca: bool = False
    h2: bool = False

    @cached_property
    def is_by_number(self) -> bool:
        """Whether it was asked by an IP address: users may ask for a name."""
        try:
            ip_address(self.name)
        except ValueError:
            return False
        return True


def short(subject: str) -> str:
    """Give the name that people know a subject by."""
    found = _COMMON_NAME.search(subject)
    return (found[1] if found else subject)[:_LONGEST]


def read(document: Mapping[str, Any]) -> Handshakes | None:
    """Read what a look has kept (`dataclasses.asdict`); None, not known, where anything of it is damaged."""
    try:
        return Handshakes(
            name=_as(str, document["name"]),
            offered=_texts(document["offered"]),
            addresses=tuple(map(_handshake, document["addresses"])),
            own_ca=_as(bool, document["own_ca"]),
            h2=_as(bool, document["h2"]),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _handshake(told: Mapping[str, Any]) -> Handshake:
    texts = {key: _as(str, told[key]) for key in ("address", "version", "reason", "alpn", "instead", "error")}
    return Handshake(
        **texts,
        chain=tuple(map(_served, told["chain"])),
        code=None if told["code"] is None else _as(int, told["code"]),
        settings=None if told["settings"] is None else _as(bool, told["settings"]),
        ms=_number(told["ms"]),
    )


def _served(told: Mapping[str, Any]) -> Served:
    return Served(
        subject=_as(str, told["subject"]),
        issuer=_as(str, told["issuer"]),
        ends_at=_as(str, told["ends_at"]),
        days_left=_number(told["days_left"]),
        days_until=_number(told["days_until"]),
        names=_texts(told["names"]),
        public=_as(bool, told["public"]),
        traced=_as(bool, told["traced"]),
    )


def _as(kind: type[_Kind], value: object) -> _Kind:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _number(value: object) -> float:
    number = float(value) if type(value) is int else _as(float, value)
    if not isfinite(number):
        raise TypeError(f"{value!r} is no number")
    return number


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return tuple(_as(str, each) for each in value)

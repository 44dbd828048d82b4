"""What a service's deploys have to prove."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from urllib.parse import unquote

from bot.domain.gate.evidence import Component
from bot.domain.gate.versions import is_below


class Hold(StrEnum):
    """Which open incidents of the severity SEV1 hold a deploy up."""

    ANY = "any"
    SERVICE = "service"
    NONE = "none"


@dataclass(frozen=True)
class Forbidden:
    """A component that must not be deployed: its name or package URL, with `*` for any text.

    `below`: only versions before this one; `why` is said to whoever is denied.
    """

    name: str
    below: str = ""
    why: str = ""

    def hits(self, component: Component) -> bool:
        """Tell whether a component is meant; one whose version cannot be compared is."""
        wanted = self.name.lower()
        if not any(fnmatchcase(name.lower(), wanted) for name in _names(component)):
            return False
        return not self.below or is_below(component.version, self.below)


@dataclass(frozen=True)
class Identity:
    """Who signs without a key of their own: what the certificate names, and which provider of identities vouched."""

    issuer: str
    subject: str


@dataclass(frozen=True)
class GatePolicy:
    """What a deploy of a service has to prove, and when it must wait.

    `keys` are files (PEM) of public keys, `identities` who may sign without one, checked against `trust_root` (a file);
    `marks` the annotations that a signature must have. `builders` are the ids of builders, with `*` for any text: where
    there are any, provenance is asked for. `max_age_h`: how long ago it may have been built, hours; None: any time.
    `channel`: who is told of a denial besides the service's open incidents; "": whoever reads announcements.
    """

    keys: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    trust_root: str = ""
    signature: bool = True
    marks: tuple[tuple[str, str], ...] = ()
    sbom: bool = True
    forbidden: tuple[Forbidden, ...] = ()
    builders: tuple[str, ...] = ()
    max_age_h: float | None = None
    hold: Hold = Hold.ANY
    channel: str = ""

    @property
    def asks_provenance(self) -> bool:
        """Tell whether it has to be known who built it, or when."""
        return bool(self.builders) or self.max_age_h is not None

    @property
    def asks_sbom(self) -> bool:
        """Tell whether it has to be known what it is made of."""
        return self.sbom or bool(self.forbidden)


def banned(rules: tuple[Forbidden, ...], components: Iterable[Component]) -> Iterator[tuple[Component, Forbidden]]:
    """Give the components that are forbidden, each with every rule that forbids it."""
    if not rules:
        return
    # Nearly all components are named by no rule: one look tells that of all rules, however many there are.
    named = _named_by(rules).match
    for component in components:
        if any(named(name.lower()) for name in _names(component)):
            yield from ((component, rule) for rule in rules if rule.hits(component))


@lru_cache(maxsize=64)
def _named_by(rules: tuple[Forbidden, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(rule.name.lower()) for rule in rules))


def _names(component: Component) -> Iterator[str]:
    """Give what a component is called: its name, alone and with its group, and its package URL.

    That is given with and without its version, and the name in it: some tools tell Maven's group in the name alone.
    """
    yield component.name
    if component.group:
        yield f"{component.group}/{component.name}"
        yield f"{component.group}:{component.name}"
    if component.purl:
        plain = unquote(component.purl) if "%" in component.purl else component.purl
        plain = plain.partition("?")[0].partition("#")[0]
        yield plain
        head, at, _ = plain.rpartition("@")
        # An @ further left belongs to a name, as in pkg:npm/@angular/core.
        is_versioned = at and "/" not in plain[len(head) :]
        if is_versioned:
            yield head
        yield (head if is_versioned else plain).rpartition("/")[2]

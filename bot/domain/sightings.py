"""Targets that are found and not named: what sources tell, held against the allow-list, under stable names."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from bot.domain.addresses import AddressRefused, vet
from bot.domain.discovery import DiscoveryPlan
from bot.domain.errors import FirstFiveError
from bot.domain.redaction import redact
from bot.domain.service import Target

SHOWN = 3
"""So many of what was left out are named; the rest is counted."""
_LONGEST_NAME = 63


class DiscoveryFailed(FirstFiveError):
    """A source of targets does not tell; says why, and what to change."""


class NothingFound(DiscoveryFailed):
    """A source tells, and knows of no target that is meant; says what to change."""


@dataclass(frozen=True)
class Sighting:
    """A process as a source tells of it: its host, its port if the source knows one, and what it is called there."""

    host: str
    port: int | None
    name: str
    scheme: str = ""

    @property
    def where(self) -> str:
        """Its host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True)
class Found:
    """What a source tells: who is there, and what of it is of no use."""

    sightings: tuple[Sighting, ...]
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Discovered:
    """The targets of a service; `losses` say who was left out, or why the list may not be the present one."""

    targets: tuple[Target, ...]
    losses: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """What whoever reads of these targets must know: the first loss, and how many more there are; "" for none."""
        more = f" ({len(self.losses) - 1} more)" if len(self.losses) > 1 else ""
        return f"; {self.losses[0]}{more}" if self.losses else ""

    @property
    def mend(self) -> str:
        """What to change where there is no target at all."""
        return "; ".join(self.losses) or "Add [[services.targets]] or [services.discovery] to the configuration."


def of_prometheus(answer: Any, base: str, job: str, plan: DiscoveryPlan) -> Found:
    """Read the `data` of an answer of /api/v1/targets: those that are scraped for a job.

    :raises DiscoveryFailed: it is no such answer, or none of them is meant.
    """
    try:
        active = [(dict(each["labels"]), str(each["scrapeUrl"])) for each in _list(answer["activeTargets"])]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DiscoveryFailed(f"{redact(base)} answered what is no list of targets") from error
    of_job = [(labels, url) for labels, url in active if labels.get("job") == job]
    if not of_job:
        jobs = sorted({str(labels.get("job")) for labels, _ in active})
        raise NothingFound(f'{redact(base)} scrapes nothing with job="{job}": set `job` to one of {_some(jobs)}')
    meant = [(labels, url) for labels, url in of_job if _fits(labels, plan.labels)]
    if not meant:
        wanted = ", ".join(f'{label}="{value}"' for label, value in plan.labels)
        raise NothingFound(f'{redact(base)} scrapes {len(of_job)} with job="{job}", none with {wanted}: see `labels`')
    return _found(((_of_url(url), url, labels) for labels, url in meant), plan)


def of_file(text: str, plan: DiscoveryPlan) -> Found:
    """Read a file in the format of Prometheus's file_sd, JSON.

    :raises DiscoveryFailed: it is none.
    """
    try:
        groups = json.loads(text)
        named = [(str(at), dict(group.get("labels") or {})) for group in groups for at in _list(group["targets"])]
    except (ValueError, RecursionError) as error:
        raise DiscoveryFailed("is not JSON (a list of groups with `targets` and `labels`)") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DiscoveryFailed("is no list of groups with `targets` and `labels`") from error
    return _found(
        (
            (place(at, str(labels.get("__scheme__", ""))), at, labels)
            for at, labels in named
            if _fits(labels, plan.labels)
        ),
        plan,
    )


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError(found)
    return found


Place = tuple[str, str, int | None]
"""Scheme, host, port."""


def _found(told: Iterable[tuple[Place | None, str, Mapping[str, Any]]], plan: DiscoveryPlan) -> Found:
    sightings, odd = [], []
    for at, text, labels in told:
        if at is None:
            odd.append(text)
            continue
        scheme, host, port = at
        name = str(labels.get(plan.name_label) or labels.get("instance") or Sighting(host, port, "").where)
        sightings.append(Sighting(host, port, plain(name), scheme))
    losses = (f"{_some(odd)}: no address like 10.2.0.11:6060",) if odd else ()
    return Found(tuple(sightings), losses)


def _of_url(url: str) -> Place | None:
    scheme, _, rest = url.partition("://")
    return place(re.split(r"[/?#]", rest, maxsplit=1)[0], scheme)


def place(text: str, scheme: str = "") -> Place | None:
    """Split HOST:PORT; None when it is none that could be asked."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    fit = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|[0-9A-Fa-f:.]{2,45}", host or "")
    is_odd = fit is None or port == 0 or parts.path or parts.query or parts.fragment or parts.username is not None
    return None if is_odd or scheme not in {"", "http", "https"} else (scheme, str(host), port)


def _fits(labels: Mapping[str, Any], wanted: Iterable[tuple[str, str]]) -> bool:
    return all(fnmatchcase(str(labels.get(label, "")), value) for label, value in wanted)


def to_resolve(found: Sequence[Sighting]) -> tuple[str, ...]:
    """Give the hosts that are names."""
    return tuple(dict.fromkeys(each.host for each in found if not _is_address(each.host)))


def targets_of(
    service: str,
    plan: DiscoveryPlan,
    found: Found,
    addresses: Mapping[str, Sequence[str]],
    named: Sequence[Target] = (),
) -> Discovered:
    """Make targets of what was found; who lies outside of the allow-list, has no port or is one too many is left out.

    :param addresses: what names resolve to; one that is not there is looked at when it is asked.
    :param named: the targets that the configuration names; who is among them is not found again.
    """
    losses = [f"{service}: {loss}" for loss in found.losses]
    kept: dict[str, Sighting] = {}
    outside: list[str] = []
    portless: list[str] = []
    why = ""
    known = {target.pprof for target in named}
    for each in found.sightings:
        if plan.pprof_port is None and each.port is None:
            portless.append(each.where)
            continue
        try:
            _vet(each, addresses.get(each.host, ()), plan.allow)
        except AddressRefused as refused:
            outside.append(each.where)
            why = why or str(refused)
            continue
        kept.setdefault(_pprof(each, plan), each)
    losses += [f"{service}: left out: {_some(outside)}; {why}"] if outside else []
    losses += [f"{service}: left out, as no port is known: {_some(portless)}; give `pprof_port`"] if portless else []
    names = _names(service, {base: each.name for base, each in kept.items() if base not in known}, named)
    targets = sorted((_target(service, names[base], kept[base], plan) for base in names), key=lambda one: one.name)
    if len(targets) > plan.most:
        losses.append(f"{service}: {len(targets)} targets found, the first {plan.most} are asked: raise `most`")
    return Discovered((*named, *targets[: plan.most]), tuple(losses))


def _vet(each: Sighting, addresses: Sequence[str], allow: Sequence[str]) -> None:
    given = (each.host,) if _is_address(each.host) else addresses
    if given:
        vet(each.host, given, allow)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _pprof(each: Sighting, plan: DiscoveryPlan) -> str:
    port = each.port if plan.pprof_port is None else plan.pprof_port
    return f"{plan.pprof_scheme or each.scheme or 'http'}://{Sighting(each.host, port, '').where}"


def _target(service: str, name: str, each: Sighting, plan: DiscoveryPlan) -> Target:
    at, beside = (Sighting(each.host, port, "").where for port in (plan.url_port, plan.agent_port))
    url = None if plan.url_port is None else f"{plan.url_scheme}://{at}{plan.url_path}"
    agent = None if plan.agent_port is None else f"{plan.agent_scheme}://{beside}"
    where = (name, service, _pprof(each, plan), url, plan.allow, plan.access)
    return Target(
        *where,
        agent=agent,
        agent_token=plan.agent_token,
        agent_ca=plan.agent_ca,
        agent_server_name=plan.agent_server_name,
        pods=plan.pods,
    )


def _names(service: str, called: Mapping[str, str], named: Sequence[Target]) -> dict[str, str]:
    """Name targets by what their source calls them, after their service; whoever shares a name gets a piece of hash."""
    given = {base: _name(service, text) for base, text in called.items()}
    taken = Counter([*given.values(), *(target.name for target in named)])
    return {base: name if taken[name] == 1 else _marked(name, base) for base, name in given.items()}


def _name(service: str, text: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") or "target"
    name = safe if safe.startswith(f"{service}-") or safe == service else f"{service}-{safe}"
    return name if len(name) <= _LONGEST_NAME else _marked(name, text)


def _marked(name: str, by: str) -> str:
    mark = sha256(by.encode("utf-8", "replace")).hexdigest()[:6]
    return f"{name[: _LONGEST_NAME - 7]}-{mark}"


def plain(text: str) -> str:
    """Make a foreign text fit to be kept and shown: what cannot be printed becomes a blank."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _some(of: Sequence[str]) -> str:
    shown = ", ".join(plain(redact(each))[:200] for each in of[:SHOWN])
    return f"{shown} and {len(of) - SHOWN} more" if len(of) > SHOWN else shown or "none"

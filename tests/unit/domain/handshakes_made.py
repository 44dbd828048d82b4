"""Handshakes as a look keeps them, made up."""

import json
from dataclasses import asdict, replace

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.handshakes import Handshake, Handshakes, Served
from bot.domain.snapshot import TLS, Probe, captured

ROOT = Served("CN=Root", "CN=Root", "2036-11-29T00:00:00+00:00", 3650.0)
MIDDLE = Served("CN=Middle", "CN=Root", "2036-11-29T00:00:00+00:00", 3650.0)
LEAF = Served("CN=shop.test", "CN=Middle", "2026-12-29T00:00:00+00:00", 30.0, names=("shop.test",))
WELL = Handshake("10.0.0.1", "TLSv1.3", (LEAF, MIDDLE), 0, alpn="h2", settings=True, ms=2.0)
ALONE = replace(WELL, chain=(LEAF,), code=20, reason="unable to get local issuer certificate")
PLAIN = replace(WELL, alpn="http/1.1", settings=None)


def handshakes(*addresses: Handshake, name: str = "shop.test", own_ca: bool = False, h2: bool = False) -> Handshakes:
    return Handshakes(name, ("h2", "http/1.1"), addresses, own_ca, h2)


def met(told: Handshakes, target: str = "a", probe: Probe | None = None) -> Facts:
    return examine([captured(target, TLS, json.dumps(asdict(told)).encode(), 0.01)], probe)

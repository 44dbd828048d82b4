"""What a lab's target says of its switches: the faults that a drill makes real."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Size(StrEnum):
    """How bad a fault of the lab is."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Drilled(StrEnum):
    """The fault classes that the lab has a switch for."""

    TLS_CHAIN = "tls-chain"
    ALPN_H2 = "alpn-h2"
    GC_PRESSURE = "gc-pressure"
    ALLOC_CHURN = "alloc-churn"
    HEAP_GROWTH = "heap-growth"
    CPU_HOTSPOT = "cpu-hotspot"
    LOCK_CONTENTION = "lock-contention"
    DEADLOCK = "deadlock"
    GOROUTINE_LEAK = "goroutine-leak"
    TIMEOUT_MISMATCH = "timeout-mismatch"
    STALLED_READERS = "stalled-readers"
    SOCKET_EXHAUSTION = "socket-exhaustion"
    POOL_EXHAUSTION = "pool-exhaustion"
    MODULE_POISONING = "module-poisoning"
    CROSS_BUILD = "cross-build"
    PROBE_LOOP = "probe-loop"
    BUILD_DRIFT = "build-drift"
    LOST_CONNECTIONS = "lost-connections"


@dataclass(frozen=True)
class Switch:
    """A fault that a target can be switched to; `fault` is its class, "" for a healthy window."""

    name: str
    title: str
    fault: str
    on: bool


def read_switches(content: bytes) -> tuple[Switch, ...]:
    """Read the list that a target of the lab gives.

    :raises ValueError: it is no such list.
    """
    try:
        listed = json.loads(content)
        return tuple(
            Switch(str(each["name"]), str(each["title"]), str(each["class"]), bool(each["on"])) for each in listed
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("a switch without name, title, class and on") from error


def pick(switches: Sequence[Switch], fault: str) -> Switch | None:
    """Give the switch of a class, the one of its very name first; None when there is none."""
    fitting = [each for each in switches if each.fault == fault]
    return next((each for each in fitting if each.name == fault), next(iter(fitting), None))

"""What was configured, as it is told to people: by key, with where it came from, and without a secret."""

from dataclasses import dataclass
from enum import StrEnum


class Whence(StrEnum):
    """Where a value came from."""

    FILE = "file"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True)
class Configured:
    """One key and its value in words."""

    key: str
    value: str
    whence: Whence


@dataclass(frozen=True)
class Configuration:
    """All of it. `secrets`: the variables that hold one, and whether they are set; `file`: where it was read from."""

    file: str = ""
    values: tuple[Configured, ...] = ()
    secrets: tuple[tuple[str, bool], ...] = ()

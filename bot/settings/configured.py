"""The settings as they were read, told without a secret: each value, and where it came from."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from bot.domain.configured import Configuration, Configured, Whence
from bot.domain.redaction import redact
from bot.settings import DEFAULT_FILE, FROM_ENVIRONMENT, SECRETS, Settings

_USER = re.compile(r"(?<=://)[^/@\s]{1,1000}@")
_SHORTEST = 4
"""Letters: what is shorter is a word that may stand anywhere."""


def configuration(settings: Settings, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Tell everything that is configured, in the order of the documentation."""
    held = [str(getattr(settings, name)) for name in SECRETS]
    variables = dict.fromkeys((*(FROM_ENVIRONMENT[name] for name in SECRETS), *settings.catalog().variables))
    held += [environ.get(name, "") for name in variables]
    told = _Told(tuple(sorted((each for each in held if len(each) >= _SHORTEST), key=len, reverse=True)))
    values: list[Configured] = []
    for name in type(settings).model_fields:
        if name not in SECRETS:
            is_given = bool(environ.get(FROM_ENVIRONMENT.get(name, "")))
            values += told.rows(name, getattr(settings, name), _whence(settings, name, is_given=is_given))
    is_set = {FROM_ENVIRONMENT[name]: bool(getattr(settings, name)) for name in SECRETS}
    secrets = tuple((name, is_set.get(name, bool(environ.get(name)))) for name in variables)
    return Configuration(environ.get("FIRSTFIVE_CONFIG") or DEFAULT_FILE, tuple(values), secrets)


def _whence(table: BaseModel, name: str, *, is_given: bool = False) -> Whence:
    if is_given:
        return Whence.ENVIRONMENT
    return Whence.FILE if name in table.model_fields_set else Whence.DEFAULT


class _Told:
    """Writes values; what is known to be a secret is in none of them, wherever it was put."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def rows(self, key: str, value: Any, whence: Whence) -> Iterator[Configured]:
        """Give a row for each value below a key; of tables in lists only what was given."""
        if isinstance(value, BaseModel):
            for name in type(value).model_fields:
                yield from self.rows(f"{key}.{name}", getattr(value, name), _whence(value, name))
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, table in enumerate(value):
                named = getattr(table, "name", "") or getattr(table, "title", "") or getattr(table, "team", "")
                for name in sorted(table.model_fields_set):
                    yield from self.rows(f"{key}.{named or number}.{name}", getattr(table, name), Whence.FILE)
        else:
            yield Configured(key, self._words(value), whence)

    def _words(self, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Mapping):
            return ", ".join(f"{self._words(each)} = {self._words(of)}" for each, of in value.items())
        if isinstance(value, (list, tuple, set, frozenset)):
            return ", ".join(map(self._words, value))
        text = "" if value is None else str(value)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return _USER.sub("[user]@", redact(text))

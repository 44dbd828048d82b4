"""Everything that can be configured, read once: one TOML file, secrets from the environment."""

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.domain.errors import FirstFiveError
from bot.domain.incident import Severity
from bot.domain.service import Catalog, Link, Service, Target

DEFAULT_FILE = "firstfive.toml"
DEFAULT_PORT = 8000


class ConfigRefused(FirstFiveError):
    """The configuration cannot be used; names the key and what it should be."""


def _network(value: str) -> str:
    return str(ip_network(value, strict=False))


def _address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise ValueError("is one word of letters, digits, dots and dashes, at most 63, such as 'checkout'")
    return value


Network = Annotated[str, AfterValidator(_network)]
Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, AfterValidator(_name)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LinkTable(_Table):
    """A page that responders will want."""

    title: str
    url: Address


class TargetTable(_Table):
    """One process of a service.

    `allow` lists the networks its addresses must lie in: loopback unless said otherwise.
    """

    name: Name
    pprof: Address
    url: Address | None = None
    allow: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")


class ServiceTable(_Table):
    """A service: its targets, its git repository, its metrics, its links."""

    name: Name
    repository: str | None = None
    prometheus: Address | None = None
    links: tuple[LinkTable, ...] = ()
    targets: tuple[TargetTable, ...] = ()


class Settings(_Table):
    """The configuration of one FirstFive."""

    url: Address = ""
    host: str = "127.0.0.1"
    default_severity: Severity = Severity.SEV2
    on_call: tuple[str, ...] = ()
    announcements: str = ""
    services: tuple[ServiceTable, ...] = ()

    port: int = Field(DEFAULT_PORT, ge=0, le=65_535)
    database_url: str = "sqlite:///data/firstfive.db"
    artifacts_url: str = "data/artifacts"
    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str = ""
    slack_api_url: Address = "https://slack.com/api"
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="before")
    @classmethod
    def _url_of_its_own(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Without an address of its own, links lead to where the pages answer anyway: this machine."""
        return {"url": f"http://127.0.0.1:{values.get('port', DEFAULT_PORT)}", **values}

    @field_validator("services")
    @classmethod
    def _named_once(cls, services: tuple[ServiceTable, ...]) -> tuple[ServiceTable, ...]:
        for kind, names in (
            ("service", [service.name for service in services]),
            ("target", [target.name for service in services for target in service.targets]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {kind} {twice[0]!r} is there twice")
        return services

    def catalog(self) -> Catalog:
        """Give the watched world as the domain knows it."""
        return Catalog(
            services=tuple(_service(table) for table in self.services),
            on_call=self.on_call,
            default_severity=self.default_severity.value,
        )


SECRETS = ("slack_bot_token", "slack_signing_secret", "slack_app_token")
FROM_ENVIRONMENT: Mapping[str, str] = {
    **{secret: secret.upper() for secret in SECRETS},
    "slack_api_url": "SLACK_API_URL",
    "database_url": "DATABASE_URL",
    "artifacts_url": "ARTIFACTS_URL",
    "port": "PORT",
    "log_level": "FIRSTFIVE_LOG_LEVEL",
}


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file that FIRSTFIVE_CONFIG names (or firstfive.toml, if there is one) and the environment.

    :raises ConfigRefused: the file is not there or not TOML, a key is unknown, a value is wrong.
    """
    named = environ.get("FIRSTFIVE_CONFIG", "")
    path = Path(named or DEFAULT_FILE)
    values = _parse(path) if named or path.exists() else {}
    for secret in SECRETS:
        if secret in values:
            raise ConfigRefused(f"{path}: {secret} is a secret; set {secret.upper()} in the environment instead.")
    values |= {key: environ[name] for key, name in FROM_ENVIRONMENT.items() if environ.get(name)}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigRefused("\n".join(_explain(path, flaw) for flaw in error.errors(include_url=False))) from error


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigRefused(f"{path}: there is no such file. FIRSTFIVE_CONFIG names it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{path}: cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"{path}: is not valid TOML: {error}.") from None


def _explain(path: Path, flaw: Mapping[str, Any]) -> str:
    loc = tuple(flaw["loc"])
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if loc and str(loc[0]) in FROM_ENVIRONMENT:
        return f"{FROM_ENVIRONMENT[str(loc[0])]} (environment): {flaw['msg']}."
    if flaw["type"] == "extra_forbidden":
        meant = get_close_matches(str(loc[-1]), _keys_beside(loc), n=1)
        hint = f" Did you mean {meant[0]!r}?" if meant else f" Known keys: {', '.join(_keys_beside(loc))}."
        return f"{path}: {where} is not a key.{hint}"
    if flaw["type"] == "missing":
        return f"{path}: {where} is missing."
    return f"{path}: {where}: {flaw['msg'].removeprefix('Value error, ')}."


_TABLES: Mapping[str, type[BaseModel]] = {"services": ServiceTable, "targets": TargetTable, "links": LinkTable}


def _keys_beside(loc: tuple[Any, ...]) -> list[str]:
    inside = [part for part in loc[:-1] if isinstance(part, str)]
    table = _TABLES[inside[-1]] if inside else Settings
    return [key for key in table.model_fields if key not in SECRETS]


def _service(table: ServiceTable) -> Service:
    return Service(
        name=table.name,
        targets=tuple(Target(t.name, table.name, t.pprof, t.url, t.allow) for t in table.targets),
        repository=table.repository,
        prometheus=table.prometheus,
        links=tuple(Link(link.title, link.url) for link in table.links),
    )

"""The table of logs: where services send their lines, and under which names lines keep what is needed."""

from typing import Literal

from pydantic import Field, model_validator

from bot.domain.trace.names import Names
from bot.settings.tables import Address, Table


class FieldsTable(Table):
    """Names of your own, each before those that are known anyway; dots for what is nested."""

    trace: tuple[str, ...] = ()
    span: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    message: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    duration: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()

    def names(self) -> Names:
        """Give all names that are looked for."""
        return Names().before(dict(self))


class LogsTable(Table):
    """The store of log lines: what speaks Elasticsearch's API, or Loki."""

    store: Literal["", "elasticsearch", "loki"] = ""
    url: Address | Literal[""] = ""
    index: str = Field("logs-*", pattern=r"^[^/?#\s]{1,250}$")
    selector: str = Field('{service_name=~".+"}', pattern=r"^\{[^{}]{1,500}\}$")
    auth: Literal["", "api-key", "bearer", "basic"] = ""
    tenant: str = Field("", pattern=r"^[!-~]{0,150}$")
    ca_file: str = ""
    deadline_s: float = Field(20.0, ge=1, le=120)
    lines: int = Field(100_000, ge=100, le=500_000)
    fields: FieldsTable = FieldsTable()

    @model_validator(mode="after")
    def _whole(self) -> "LogsTable":
        if bool(self.store) != bool(self.url):
            raise ValueError("needs both `store` (elasticsearch or loki) and `url`, or neither")
        return self

    @property
    def scheme(self) -> str:
        """The scheme of the Authorization header; each store's own where nothing is said."""
        usual = "api-key" if self.store == "elasticsearch" else "bearer"
        return {"api-key": "ApiKey", "bearer": "Bearer", "basic": "Basic"}[self.auth or usual]

"""The table of bisects: where code that is not trusted runs, and what it may use."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.domain.service import BisectRules, Regression
from bot.settings.tables import Table


class BisectTable(Table):
    """How many tests run at once (0: as many as the cores are free for), apart from what, within what bounds."""

    workers: int = Field(0, ge=0, le=64)
    sandbox: Literal["bubblewrap", "none"] = "bubblewrap"
    memory_mb: int = Field(2_048, ge=64, le=1_000_000)
    disk_mb: int = Field(512, ge=16, le=1_000_000)
    processes: int = Field(512, ge=16, le=100_000)
    minutes: int = Field(60, ge=1, le=10_080)
    invite: bool = False
    go: str = Field("go", min_length=1)
    visible: tuple[Path, ...] = ()

    @field_validator("visible")
    @classmethod
    def _are_full(cls, visible: tuple[Path, ...]) -> tuple[Path, ...]:
        for each in visible:
            if not each.is_absolute() or ".." in each.parts or len(each.parts) < 2:  # noqa: PLR2004 - not / itself
                raise ValueError(f"{str(each)!r} is no full path of a folder, such as /opt/venv")
        return visible

    def rules(self) -> BisectRules:
        """Give the bounds as the domain knows them."""
        return BisectRules(self.minutes, trusted=self.sandbox == "none", invite=self.invite)


class RegressionTable(Table):
    """What a bisect of a service runs where it is told nothing else; the SOP begins one by itself then."""

    test: str = ""
    package: str = "."
    command: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.test) == bool(self.command):
            raise ValueError("name a `test` of Go (and its `package`), or a `command`: one of the two")
        return self

    def regression(self) -> Regression:
        """Give it as the domain knows it."""
        return Regression(self.test, self.package, self.command)

"""Where FirstFive keeps what a test's bisects need: a folder of its own, Go's cache shared by all."""

import sys
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """[bisect]
go = "{go}"
visible = ["{prefix}", "{base}"]
{more}
"""


@dataclass(frozen=True)
class Place:
    """A folder with a configuration, a database and artifacts."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, cache: Path, go: str, more: str = "") -> "Place":
        """Prepare one; `cache` is where Go's cache is, `more` lines of its configuration."""
        made = cls(folder / "place")
        made.state.mkdir(parents=True)
        (cache / "go-cache").mkdir(parents=True, exist_ok=True)
        (made.state / "go-cache").symlink_to(cache / "go-cache")
        config = _CONFIG.format(go=go, prefix=sys.prefix, base=sys.base_prefix, more=more)
        (made.folder / "firstfive.toml").write_text(config)
        return made

    @property
    def state(self) -> Path:
        """What is kept between bisects."""
        return self.folder / "bisect"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead there."""
        return {
            "FIRSTFIVE_CONFIG": str(self.folder / "firstfive.toml"),
            "DATABASE_URL": f"sqlite:///{self.folder}/firstfive.db",
            "ARTIFACTS_URL": str(self.folder / "artifacts"),
        }

"""The Logs port where no store of log lines is configured."""

from bot.domain.run import Missing
from bot.domain.trace.names import Names
from bot.ports import Logged, Sought

_MEND = (
    "No store of log lines is configured: set `store` and `url` in [logs] of firstfive.toml, and FIRSTFIVE_LOGS_TOKEN "
    "where it asks for one (docs/traces.md)."
)


class NoLogs:
    """Gives nothing, and says what to configure."""

    place = "no store"
    mend = _MEND
    names = Names()

    async def lines(self, of: Sought) -> Logged | Missing:
        """Say why there are none."""
        del of
        return Missing(_MEND)

    async def check(self) -> str | Missing:
        """Say why nothing answers."""
        return Missing(_MEND)

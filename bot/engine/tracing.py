"""What a trace is searched and rebuilt with, for the playbook that does so."""

import json

from pydantic import TypeAdapter, ValidationError

from bot.domain.errors import FirstFiveError
from bot.domain.picture import waterfall_svg
from bot.domain.run import Missing
from bot.domain.trace.chain import Chain, rebuild
from bot.domain.trace.findings import first_failing
from bot.domain.trace.ids import trace_id
from bot.domain.trace.lines import Reader
from bot.domain.trace.names import Names
from bot.domain.trace.telling import about, headline, sentences, tree
from bot.ports import Logged, Sought

__all__ = [
    "Chain",
    "ChainUnreadable",
    "Logged",
    "Missing",
    "Names",
    "Sought",
    "about",
    "first_failing",
    "headline",
    "of_lines",
    "read_chain",
    "sentences",
    "trace_id",
    "tree",
    "waterfall_svg",
    "write_chain",
]
_CHAIN: TypeAdapter[Chain] = TypeAdapter(Chain)


class ChainUnreadable(FirstFiveError):
    """What was kept is no chain that this release reads."""


def of_lines(trace: str, content: bytes, names: Names) -> Chain:
    """Rebuild a chain from lines as they were kept: a JSON object each."""
    read = Reader(names).read
    told = (str(line, "utf-8", "surrogatepass") for line in content.splitlines() if line)
    return rebuild(trace, (read(json.loads(line)) for line in told))


def write_chain(chain: Chain) -> bytes:
    """Write a chain as JSON."""
    return _CHAIN.dump_json(chain, indent=1)


def read_chain(content: bytes) -> Chain:
    """Read a chain back.

    :raises ChainUnreadable: these bytes are none.
    """
    try:
        return _CHAIN.validate_json(content)
    except ValidationError as error:
        raise ChainUnreadable(str(error)) from error

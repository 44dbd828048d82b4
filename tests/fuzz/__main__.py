"""Let atheris look for bytes that break a parser: `python -m tests.fuzz pprof --seconds 60`.

It is no dependency of the tests, as it is made for few systems: `.venv/bin/uv pip install atheris` first.
"""

import argparse
import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

LONGEST_BYTES = 4096


def main() -> int:
    """Fuzz one parser; the process ends with what atheris has found."""
    options = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    options.add_argument("parser")
    options.add_argument("--seconds", type=int, default=60)
    given = options.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed: .venv/bin/uv pip install atheris\n")
        return 2
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["bot.domain"]):  # what it sees the paths of must not be imported before
        parsers: Any = importlib.import_module("tests.fuzz.parsers")
    if given.parser not in parsers.PARSERS:
        options.error(f"there is no parser {given.parser!r}; there are {', '.join(parsers.PARSERS)}")
    parser = parsers.PARSERS[given.parser]
    with tempfile.TemporaryDirectory(prefix="firstfive fuzz ") as folder:
        for number, example in enumerate(parser.examples):
            Path(folder, str(number)).write_bytes(example)
        words = [sys.argv[0], f"-max_total_time={given.seconds}", f"-max_len={LONGEST_BYTES}", "-timeout=10", folder]
        atheris.Setup(words, lambda data: parsers.survive(parser, data))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())

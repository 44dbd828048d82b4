"""The process that prints: HTML on standard input, PDF on standard output; what is wrong in one line on the other."""

import logging
import resource
import sys
from typing import NoReturn

_MEMORY = 2_000_000_000
_CPU_S = 60
_NO_EXTRA = "install the extra: pip install 'firstfive[pdf]'"
_NO_LIBRARY = "install Pango, on Debian: apt install libpangoft2-1.0-0"


def fail(words: str) -> NoReturn:
    """End, saying why."""
    sys.stderr.write(f"{words}\n")
    sys.exit(1)


try:
    import weasyprint
except ImportError:
    fail(_NO_EXTRA)
except OSError:
    fail(_NO_LIBRARY)


def main() -> None:
    """Print."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    html = sys.stdin.buffer.read().decode()
    only_what_it_holds = weasyprint.URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    weasyprint.HTML(string=html, url_fetcher=only_what_it_holds).write_pdf(sys.stdout.buffer)


if __name__ == "__main__":
    main()

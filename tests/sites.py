"""A real nginx that serves users over TLS, well and badly, by certificates of an authority of our own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.service import Target
from tests.authority import DAY, Signed, intermediate, leaf, root
from tests.routers.programs import Running, running
from tests.stack import free_ports

NAME = "checkout.internal"
HEAD = """
daemon off;
pid "{folder}/nginx.pid";
events {{}}
http {{
    access_log off;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
"""
SERVER = """
    server {{
        listen {listen};
        ssl_certificate "{file}";
        ssl_certificate_key "{file}";
        {more}
        location / {{ return 200 ok; }}
    }}
"""
OLD = "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"


@dataclass(frozen=True)
class Site:
    """What nginx serves, by the name of a case: its port, and the authority that its users trust."""

    ports: dict[str, int]
    ca: Path

    def target(self, case: str, **how: Any) -> Target:
        """Give a target as it is configured."""
        given: dict[str, Any] = {"url": f"https://{NAME}:{self.ports[case]}", "ca": str(self.ca), **how}
        return Target("checkout-1", "checkout", "http://127.0.0.1:1", **given)


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Give an nginx that serves every case at a port of its own, and one of them at a second address too."""
    trusted = root()
    middle = intermediate(trusted)
    lower = intermediate(middle, "Test Lower")
    ended = intermediate(trusted, "Test Ended", ends=-DAY)
    stranger = root("Old Root")
    good = leaf(middle)
    ca = folder / "ca.pem"
    ca.write_text(trusted.pem)
    served: dict[str, tuple[Signed, Sequence[Signed], str, str]] = {
        "full": (good, [middle], " http2", ""),
        "with its root": (good, [middle, trusted], " http2", ""),
        "leaf": (good, [], " http2", ""),
        "order": (leaf(lower), [middle, lower], " http2", ""),
        "ended": (leaf(middle, ends=-2 * DAY, begins=-9 * DAY), [middle], " http2", ""),
        "ended middle": (leaf(ended), [ended], " http2", ""),
        "not begun": (leaf(middle, begins=DAY), [middle], " http2", ""),
        "other name": (leaf(middle, ["shop.internal", "www.shop.internal"]), [middle], " http2", ""),
        "of itself": (leaf(None), [], " http2", ""),
        "stranger": (leaf(stranger), [stranger], " http2", ""),
        "h2 off": (good, [middle], "", ""),
        "old": (good, [middle], " http2", OLD),
        "one of two": (good, [middle], " http2", ""),
    }
    first = free_ports(*range(len(served)))
    ports = {case: first + number for number, case in enumerate(served)}
    config = HEAD.format(folder=folder)
    for number, (case, (signed, chain, h2, more)) in enumerate(served.items()):
        file = signed.file(folder, str(number), chain)
        config += SERVER.format(listen=f"127.0.0.1:{ports[case]} ssl{h2}", file=file, more=more)
    alone = good.file(folder, "alone")
    config += SERVER.format(listen=f"127.0.0.2:{ports['one of two']} ssl", file=alone, more="")
    (folder / "nginx.conf").write_text(config + "}\n")
    command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with running(Running(f"127.0.0.1:{ports['full']}", {}, command, folder / "log")):
        yield Site(ports, ca)

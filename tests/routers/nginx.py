"""A real nginx of two workers before two tracks: the canary gets 10 %, marked requests reach it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.routers.nginx import render
from bot.domain.traffic import Split
from tests.routers.programs import Running, running
from tests.routers.tracks import Tracks
from tests.stack import free_ports

# docs/routers.md shows what matters of it.
CONFIG = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/checkout.conf;
    map $http_x_release_phase $checkout {{
        canary dyed;
        default checkout;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://$checkout; }}
        location = /firstfive {{ return 200 $firstfive_checkout; }}
    }}
}}
"""


@contextmanager
def running_nginx(tracks: Tracks, folder: Path) -> Iterator[Running]:
    """Give an nginx that runs."""
    port, config, include = free_ports(0), folder / "nginx.conf", folder / "checkout.conf"
    command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    settings: dict[str, str | list[str]] = {
        "kind": "nginx",
        "include": str(include),
        "upstream": "checkout",
        "canary": [tracks.canary],
        "baseline": [tracks.baseline],
        "dyed": "dyed",
        "marker": f"http://127.0.0.1:{port}/firstfive",
        "test": [*command, "-t"],
        "reload": [*command, "-s", "reload"],
    }
    router = Running(f"127.0.0.1:{port}", settings, command, folder / "log")
    config.write_text(CONFIG.format(folder=folder, port=port))
    include.write_text(render(router.route, Split(weight=10.0, dyed=True)))
    with running(router):
        yield router

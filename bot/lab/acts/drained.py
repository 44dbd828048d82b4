"""The star of the lab is taken away as it should be: the router sends it nothing any more, and then it ends."""

import http.client
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from bot.lab.envoy import DYED_KEY, WEIGHT, WEIGHT_KEY
from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage

OPEN = {WEIGHT_KEY: WEIGHT, DYED_KEY: 100}


def begin(stage: Stage, _: str) -> Callable[[], None]:
    """Close the canary's way before it ends, and open it only when it listens again."""
    if not stage.router:
        raise TargetFailed("there is no router to drain it: start the lab with --router")
    _set(stage.router, dict.fromkeys(OPEN, 0))
    stage.end(stage.star)

    def back() -> None:
        stage.recast(stage.star)
        _set(stage.router, OPEN)

    return back


def _set(router: str, keys: dict[str, int]) -> None:
    connection = http.client.HTTPConnection(urlsplit(router).netloc, timeout=5)
    try:
        connection.request("POST", f"/runtime_modify?{urlencode(keys)}")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.client.OK:
        raise TargetFailed(f"the router answered {status}, and shares requests as before")

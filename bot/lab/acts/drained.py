"""The star of the lab is taken away as it should be: the router sends it nothing any more, and then it ends."""

import http.client
import json
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from bot.lab.envoy import DYED_KEY, WEIGHT_KEY
from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage

KEYS = (WEIGHT_KEY, DYED_KEY)


def begin(stage: Stage, _: str) -> Callable[[], None]:
    """Close the canary's way before it ends, and leave it as it was only when it listens again."""
    if not stage.router:
        raise TargetFailed("there is no router to drain it: start the lab with --router")
    was = _read(stage.router)
    _set(stage.router, dict.fromkeys(was, 0))
    stage.end(stage.star)

    def back() -> None:
        stage.recast(stage.star)
        _set(stage.router, was)

    return back


def _read(router: str) -> dict[str, int]:
    """Give how the canary's way is now: somebody may have closed it, and means it to stay closed."""
    entries = json.loads(_ask(router, "GET", "/runtime?format=json"))["entries"]
    return {key: int(entries[key]["final_value"]) for key in KEYS}


def _set(router: str, keys: dict[str, int]) -> None:
    _ask(router, "POST", f"/runtime_modify?{urlencode(keys)}")


def _ask(router: str, method: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(router).netloc, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise TargetFailed(f"the router answered {answer.status}, and shares requests as before")
    return content

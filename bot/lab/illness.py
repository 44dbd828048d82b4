"""A fault that a target is ill with from its start: one of its own switches, turned on when it runs."""

import http.client
import json
from urllib.parse import urlsplit

LASTS_S = 86_400
"""As long as a fault may be on at all."""
_PATIENCE_S = 5


def turn_on(admin: str, fault: str) -> bool:
    """Make the target ill that answers its operators there; False when it knows no such fault, or gives no answer."""
    return _ask(admin, f"/{fault}", json.dumps({"on": True, "for_s": LASTS_S})) is not None


def is_on(admin: str, fault: str) -> bool | None:
    """Tell whether it is ill; None when it gives no answer."""
    told = _ask(admin, "")
    return None if told is None else any(each["name"] == fault and each["on"] for each in json.loads(told))


def _ask(admin: str, path: str, send: str | None = None) -> bytes | None:
    connection = http.client.HTTPConnection(urlsplit(admin).netloc, timeout=_PATIENCE_S)
    try:
        connection.request("POST" if send else "GET", f"/debug/faults{path}", send)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return content if answer.status == http.client.OK else None

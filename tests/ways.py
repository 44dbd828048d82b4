"""Every way into an application: method and path of each of its routes, whatever holds it."""

from typing import Any


def ways(router: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Give method and path of every route of an app, as it was declared."""
    found: list[tuple[str, str]] = []
    for route in router.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        mounted = getattr(route, "app", None)
        if getattr(route, "methods", None) and hasattr(route, "path"):
            found += [(method, prefix + route.path) for method in sorted(route.methods)]
        elif inner is not None:
            found += ways(inner, prefix)
        elif hasattr(mounted, "routes"):
            found += ways(mounted, prefix + route.path)
    return found

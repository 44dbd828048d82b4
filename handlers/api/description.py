"""The description of the API, OpenAPI 3.1: of what is really answered, with an example of every operation."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from handlers.api.commands import Words
from handlers.api.examples import EXAMPLES
from handlers.api.problems import Problem, Wrong

_REFS = "#/components/schemas/{model}"
_TAG = {"description": "Stands for exactly this answer.", "schema": {"type": "string"}}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an answer that is known already; 304 says that it would be the same.",
    "schema": {"type": "string"},
}
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """Write it, once."""
    if app.openapi_schema is None:
        told = get_openapi(
            title=app.title, version=app.version, description=__doc__, routes=app.routes, servers=app.servers
        )
        schemas = told["components"]["schemas"]
        for name in _NOT_OURS:
            schemas.pop(name, None)
        for model in (Problem, Wrong, Words):
            schema = model.model_json_schema(ref_template=_REFS)
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        told["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{}, {"token": []}]
        for method, operation in operations(told):
            _complete(method, operation)
        app.openapi_schema = told
    return app.openapi_schema


def operations(told: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the method and the description of every operation."""
    for item in told["paths"].values():
        yield from item.items()


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add what is the same everywhere, and the example."""
    answers = operation["responses"]
    if "application/json" in answers.get("422", {}).get("content", {}):
        del answers["422"]  # FastAPI's own words for what is answered with a problem of ours
    well = answers["200" if method == "get" else "202"]
    well["content"]["application/json"]["example"] = EXAMPLES[operation["operationId"]].model_dump(mode="json")
    if method == "get":
        well["headers"] = {"ETag": _TAG}
        answers["304"] = {"description": "It is what If-None-Match stands for.", "headers": {"ETag": _TAG}}
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)

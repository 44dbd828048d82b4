"""What answers of the API are made of: models that read the domain's values, pages of a list, their tags."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")

A = TypeVar("A", bound="Answer")

NUMBER_MAX = 999_999_999
_EMPTY = {"", None}


class Answer(BaseModel):
    """What is told; made from a value of the domain, by the names of its attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True, populate_by_name=True)


class Asked(BaseModel):
    """What is asked in the address; a word that means nothing is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=500, description="How many to give at most.")
    cursor: int = Field(0, ge=0, le=NUMBER_MAX, description="`next` of the page before; 0 for the first page.")


class Page(Answer, Generic[T]):
    """A part of a list. `next` is the `cursor` of the following part, null at the end."""

    items: list[T]
    next: int | None


class Person(Answer):
    """Somebody, or something, that acts."""

    id: str
    name: str


class Evidence(Answer):
    """What proves a statement: an artifact (its sha256) or a run (its id); one of the two is empty."""

    label: str
    artifact: str
    run: str


Paged = Annotated[Asked, Query()]
Seconds = Annotated[
    float | None,
    BeforeValidator(lambda value: value.total_seconds() if isinstance(value, timedelta) else value),
]
Somebody = Annotated[
    Person | None, BeforeValidator(lambda value: None if value is None or value.id in _EMPTY else value)
]
"""A person, null where the domain says "nobody" by an empty id."""


def named(attribute: str) -> Any:
    """Say by which attribute of the domain's value a field is read, where the two are not called the same."""
    return Field(validation_alias=attribute)


def page(rows: Sequence[T], limit: int, number: Callable[[T], int]) -> tuple[Sequence[T], int | None]:
    """Cut what was read, one row more than asked for, and say where the next page begins."""
    return (rows, None) if len(rows) <= limit else (rows[:limit], number(rows[limit - 1]))


def numbered(kind: type[A], values: Sequence[object], asked: Asked) -> Page[A]:
    """Give a page of a list that only grows at its end."""
    items, end = values[asked.cursor : asked.cursor + asked.limit], asked.cursor + asked.limit
    return Page(items=list(map(kind.model_validate, items)), next=end if end < len(values) else None)


class Tagged(APIRoute):
    """A route whose answers have an ETag, and are not sent again to who has them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request."""
        answer = super().get_route_handler()

        async def tagged(request: Request) -> Response:
            given = await answer(request)
            if request.method != "GET" or given.status_code != 200:  # noqa: PLR2004 - as HTTP names it
                return given
            tag = f'"{sha256(given.body).hexdigest()[:32]}"'
            known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
            if known & {tag, "*"}:
                return Response(status_code=304, headers={"ETag": tag})
            given.headers["ETag"] = tag
            return given

        return tagged

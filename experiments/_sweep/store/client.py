"""The connection to an S3 store: one a process, made when it is needed, with nothing retried inside."""

from __future__ import annotations

import os
from typing import Any

from experiments._sweep.errors import InputError

_CONNECT_S, _READ_S = 5, 30
_made: dict[tuple[object, ...], Any] = {}


def client() -> Any:
    """An `s3fs.S3FileSystem` of this process, by its environment (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` ...).

    Raises:
        InputError: If s3fs is not installed.
    """
    told = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    key = (os.getpid(), told)  # a forked process needs connections of its own
    if key not in _made:
        _made[key] = _connected()
    return _made[key]


def _connected() -> Any:
    try:
        import s3fs
    except ImportError as error:
        raise InputError(
            'A sweep in an object store needs s3fs, which is not installed: pip install "raysweeps[cluster]"'
        ) from error
    once = {"total_max_attempts": 1}  # how long a store is waited for, and when that is given up, `patience` knows
    config = {"retries": once, "connect_timeout": _CONNECT_S, "read_timeout": _READ_S, "max_pool_connections": 32}
    made = s3fs.S3FileSystem(
        anon=False, skip_instance_cache=True, use_listings_cache=False, config_kwargs=config, asynchronous=False
    )
    made.retries = 1
    return made

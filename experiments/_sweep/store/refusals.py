"""What people are told when a store cannot be used, before anything has started."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.store.patience import StoreUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def asking(url: str) -> Iterator[None]:
    """Puts into words what the store says.

    Raises:
        InputError: With the address, what the store said and what to do.
    """
    try:
        yield
    except OSError as error:
        raise InputError(refusal(url, error)) from error


def refusal(url: str, error: OSError) -> str:
    """Why the store cannot be used, and what to do."""
    bucket = url.partition("://")[2].partition("/")[0]
    said = (error.strerror or str(error)).rstrip(".")
    if isinstance(error, StoreUnreachableError):
        todo = "Check the network and the store's address (AWS_ENDPOINT_URL), then give the command again."
    elif isinstance(error, PermissionError):
        todo = (
            f"Give credentials that may read and write there (AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            f"AWS_SECRET_ACCESS_KEY), or check the rights on the bucket {bucket}."
        )
    elif isinstance(error, FileNotFoundError):
        todo = f"Make the bucket {bucket}, or correct its name or the store's address (AWS_ENDPOINT_URL)."
    else:
        todo = "Correct the address, or the settings of the store (AWS_ENDPOINT_URL, AWS_DEFAULT_REGION)."
    return f"{url} cannot be used: the store says: {said}. {todo}"

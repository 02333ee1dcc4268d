"""How long a store is waited for that is throttled or does not answer, and what its errors mean."""

from __future__ import annotations

import errno
import random
import time
from typing import TYPE_CHECKING, Any, TypeVar

from experiments._sweep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S = 300.0
"""How long one call is tried again before the sweep ends, resumable."""
BRIEF_S = 15.0
"""The same where a person waits for a first answer."""
IN_HASTE_S = 5.0
"""The same where somebody waits for the driver to end."""
_FIRST_S, _LONGEST_S = 0.1, 5.0
_PASSING = {408, 409, 429}
"""Statuses below 500 that ask for the same call again: timeouts, a conflict with a write under way, throttling."""
_PASSING_CODES = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestLimitExceeded"}


def patience_s(*, hurried: bool) -> float:
    """For how long one call of a driver is tried again; `hurried`: somebody waits for the driver to end."""
    return IN_HASTE_S if hurried else PATIENCE_S


class StoreUnreachableError(OSError):
    """The store was throttled or did not answer for longer than it is waited for."""


def patiently(call: Callable[[], T], url: str, *, patience_s: Callable[[], float]) -> T:
    """What `call` returns, tried again with longer and longer pauses while the store only asks to wait.

    Args:
        call: One or more calls of the store's client that may be given again.
        url: The object, for the message.
        patience_s: For how long; asked before each new try.

    Raises:
        InputError: If s3fs is not installed.
        FileNotFoundError: There is no such object or bucket.
        FileExistsError: It is there, and was to be created.
        PermissionError: The store does not let us.
        StoreUnreachableError: It did not answer in time.
        OSError: Anything else that the store says.
    """
    began, pause = time.monotonic(), _FIRST_S
    while True:
        try:
            return call()
        except InputError:
            raise
        except Exception as error:
            waited = time.monotonic() - began
            if not is_passing(error):
                raise _translated(error, url) from error
            if waited + pause >= patience_s():
                said = f"the store did not answer for {waited:.0f} s: {_said(error)}"
                raise StoreUnreachableError(errno.EIO, said, url) from error
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - that many clients do not come back at once
        pause = min(2 * pause, _LONGEST_S)


def is_passing(error: BaseException) -> bool:
    """Whether the same call may succeed later."""
    from botocore.exceptions import ConnectionError as NotConnectedError
    from s3fs.core import S3_RETRYABLE_ERRORS

    answer = _answer(error)
    if answer is None:
        return isinstance(error, (*S3_RETRYABLE_ERRORS, NotConnectedError, ConnectionError, TimeoutError))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = answer.get("Error", {}).get("Code", "")
    return status >= 500 or status in _PASSING or code in _PASSING_CODES


def _answer(error: BaseException) -> dict[str, Any] | None:
    """What the store answered, None where it did not."""
    for each in (error, error.__cause__):
        answer = getattr(each, "response", None)
        if isinstance(answer, dict):
            return answer
    return None


def _said(error: BaseException) -> str:
    answer = _answer(error)
    if answer is None:
        return str(error) or repr(error)
    told = answer.get("Error", {})
    return f"{told.get('Message') or 'no reason given'} ({told.get('Code', 'unknown')})"


def _translated(error: Exception, url: str) -> OSError:
    for kind, number in (
        (FileNotFoundError, errno.ENOENT),
        (FileExistsError, errno.EEXIST),
        (PermissionError, errno.EACCES),
    ):
        if isinstance(error, kind) or (kind is PermissionError and "Credentials" in type(error).__name__):
            return kind(number, _said(error), url)
    return OSError(errno.EIO, _said(error), url)  # settings that cannot be are ValueErrors: an endpoint without http://

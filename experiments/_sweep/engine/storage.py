"""A disk that is full, or a folder that can be written no longer: nobody's fault but the storage's, and in words."""

from __future__ import annotations

import errno
from pathlib import Path

from experiments._sweep import store

FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
STORE = Path(store.__file__).parent
REMEDY = "Make room or restore access, then resume."


def is_of_storage(error: BaseException) -> bool:
    """Whether an exception of a trial is the storage's: what a trainable reads and writes itself is its own matter."""
    if not isinstance(error, OSError):
        return False
    return error.errno in FULL | {errno.EIO, errno.EROFS} or _was_saving(error)


def _was_saving(error: OSError) -> bool:
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        place = Path(code.co_filename)
        if code.co_name == "save" and place.name == "checkpoints.py" and place.parent.name == "_training":
            return True
        if place.parent == STORE:
            return True
        frame = frame.tb_next
    return False


def in_words(error: OSError) -> str:
    """What happened and where, without a full stop."""
    said, where = error.strerror or str(error) or repr(error), f" ({error.filename})" if error.filename else ""
    if str(error.filename).startswith("s3://"):
        return f"the object store failed: {said}{where}"
    if error.errno in FULL:
        return f"the disk is full: {said}{where}"
    if error.errno in REFUSED:
        return f"the sweep's folder cannot be written: {said}{where}"
    return f"{said}{where}"


def with_remedy(error: OSError) -> str:
    """What happened and what to do."""
    return f"{in_words(error)}. {REMEDY}" if error.errno in FULL | REFUSED else in_words(error)

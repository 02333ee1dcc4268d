"""What went wrong inside a trial, as it travels from the trial's process to the driver: plain JSON, no pickle."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.storage import in_words, is_of_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FAULT = "raysweeps_fault"
"""Key under which a trial's process reports a fault."""
LONGEST_TRACEBACK = 20_000
"""Characters of it that are kept, from its end."""
MACHINERY = {"_sweep", "_training"}
"""Folders whose frames lie between Ray and the code that raised."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An exception of the trainable."""

    ending: str
    """`error` or `out_of_memory`."""
    summary: str
    """Type and message, in one line."""
    traceback: str
    fresh_process: bool
    """Whether the process must not be used again (its memory or its device is in doubt)."""
    storage: bool = False
    """Whether the disk is full or gone: not the trial's fault."""

    @classmethod
    def of(cls, error: BaseException, without_secrets: Callable[[str], str] = str) -> Fault:
        """The fault of an exception, told by its class: torch need not be imported for that.

        Secrets are taken out before anything is cut off: half of one would not be found later.
        """
        names = {kind.__name__ for kind in type(error).__mro__}
        memory = isinstance(error, MemoryError) or "OutOfMemoryError" in names
        storage = isinstance(error, OSError) and is_of_storage(error)
        said = without_secrets(in_words(error) if isinstance(error, OSError) and storage else _said(error))
        text = said.partition("\n")[0][:500]
        return cls(
            ending="out_of_memory" if memory else "error",
            summary=text if storage else f"{type(error).__name__}: {text}" if text else type(error).__name__,
            traceback=without_secrets(_traceback(error))[-LONGEST_TRACEBACK:],
            storage=storage,
            fresh_process=memory or "AcceleratorError" in names or "CUDA" in said,
        )

    def as_report(self) -> dict[str, Any]:
        """What the trial's process reports."""
        return {FAULT: {**vars(self)}}

    @classmethod
    def in_report(cls, flat: Mapping[str, Any]) -> Fault | None:
        """The fault in a flattened report of Tune's, None where it is an ordinary result."""
        prefix = f"{FAULT}/"
        fields = {key.removeprefix(prefix): value for key, value in flat.items() if key.startswith(prefix)}
        return cls(**fields) if fields else None


def cause_of(text: str) -> str:
    """Where and what: the innermost frame and the type in a traceback's text; empty for an empty one.

    Messages are left out: they often contain values of the configuration.
    """
    places = re.findall(r'^ *File "(.+)", line (\d+)', text, flags=re.MULTILINE)
    kind = text.rstrip().rpartition("\n")[2].partition(":")[0]
    return f"{kind} at {':'.join(places[-1]) if places else 'an unknown place'}" if text else ""


def _traceback(error: BaseException) -> str:
    """The traceback from the first frame that is not the machinery's; all of it where there is no other."""
    frame = error.__traceback__
    while frame is not None and MACHINERY & set(Path(frame.tb_frame.f_code.co_filename).parts):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame or error.__traceback__))


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - its __str__ is the trainable's code, too
        return "<its message cannot be read>"

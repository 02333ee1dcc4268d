"""Commands that go on until they are told to end: SIGTERM and a closed terminal end them as Ctrl+C does."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Has them raise `KeyboardInterrupt`: a terminal gets its cursor back, and temporary folders go.

    What the process was told to ignore stays ignored, as `nohup` asks for.
    """

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    heard = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""How code of others is called: what it raises carries its name, and its chatter stays out of a sweep's output."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def asking(name: str, kind: str) -> Iterator[None]:
    """Calls a method of an object of class `name`, a `searcher` or a `scheduler`.

    Raises:
        RuntimeError: It raised something.
    """
    before = logging.root.manager.disable
    logging.disable(max(before, logging.INFO))
    try:
        yield
    except Exception as error:
        raise RuntimeError(f"the {kind} {name} raised {type(error).__name__}: {error}") from error
    finally:
        logging.disable(before)

"""The ledger in the store: numbered segments that are written once and never changed, and one after another are it.

    SWEEP/ledger/00000000.jsonl, SWEEP/ledger/00000001.jsonl ...

Each holds whole lines. A segment is created only where none has its number: of two drivers one wins, and the other one
knows that it was overtaken.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.store.objects import Listed, Objects

FOLDER = "ledger"
_NAME = re.compile(r"(\d{8,})\.jsonl")
_AT_A_TIME = 16


def key_of(number: int) -> str:
    """The key of a segment."""
    return f"{FOLDER}/{number:08d}.jsonl"


def stored(sweep: Objects) -> list[Listed]:
    """The segments that a sweep has in the store, in order.

    Raises:
        LedgerError: If one is missing between others.
        OSError: If the store cannot be asked.
    """
    found = []
    for told in sweep.listed(f"{FOLDER}/"):
        match = _NAME.fullmatch(told.key.removeprefix(f"{FOLDER}/"))
        if match:
            found.append((int(match[1]), told))
    for number, (named, one) in enumerate(sorted(found, key=lambda each: each[0])):
        if named != number:
            raise LedgerError(
                f"{sweep.url}/{key_of(number)} is missing, although {one.key} is there: part of the ledger was "
                "removed. Restore it from a version or a copy of the bucket."
            )
    return [one for _, one in sorted(found, key=lambda each: each[0])]


def joined(sweep: Objects, segments: Sequence[Listed], known: bytes = b"") -> bytes:
    """The whole ledger; what the beginning of `known` holds already is not fetched again.

    Raises:
        OSError: If the store cannot be asked.
    """
    starts, start = [], 0
    for one in segments:
        starts.append(start)
        start += one.size
    parts = [known[at : at + one.size] for at, one in zip(starts, segments, strict=True)]
    missing = [
        place
        for place, (one, part) in enumerate(zip(segments, parts, strict=True))
        if hashlib.md5(part, usedforsecurity=False).hexdigest() != one.digest
    ]
    with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="ledger") as pool:
        for place, content in zip(missing, pool.map(lambda each: sweep.get(segments[each].key), missing), strict=True):
            parts[place] = content
    return b"".join(parts)

"""One line of a ledger: a JSON object that carries its counter and a checksum.

    {"n":12,"kind":"epoch",...,"crc":"1c291ca3"}

The checksum (CRC-32 of everything before it) tells a flipped byte from a legal value. NaN and the infinities, which
JSON does not have, are written as {"float":"nan"}; a dict whose only key is `float` as {"float":{"float":...}}. Lines
are ASCII: a trial may report text that UTF-8 cannot hold (half of a surrogate pair).
"""

from __future__ import annotations

import contextlib
import json
import math
import zlib
from typing import Any

from experiments._sweep.ledger.records import (
    SCHEMA,
    DriverStarted,
    Entry,
    Record,
    SweepOpened,
    from_json,
    to_json,
)

_CRC = ',"crc":"'
_FLOAT = "float"
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class DamagedLineError(ValueError):
    """A line that is not what was written."""


class TornLineError(DamagedLineError):
    """A line of which bytes are lost or flipped: its checksum tells."""


class NewerFormatError(Exception):
    """The ledger was written by a later version."""


def encode(n: int, record: Record) -> bytes:
    """The line of `record` at counter `n`, newline included."""
    head = _text({"n": n, **to_json(record)})[:-1].encode()
    return head + f'{_CRC}{zlib.crc32(head):08x}"}}\n'.encode()


def _text(body: dict[str, Any]) -> str:
    """JSON; nearly always as it is, and only where that would not come back, with what does not written around."""
    with contextlib.suppress(ValueError):  # a number that is none
        text = _JSON.encode(body)
        if f'"{_FLOAT}"' not in text:
            return text
    return _JSON.encode(_plain(body))


def decode(line: bytes) -> Entry:
    """The entry in `line`, which has no newline.

    Raises:
        TornLineError: If its checksum is wrong.
        DamagedLineError: If JSON or fields are.
        NewerFormatError: If a later version wrote it or what follows, whose fields may be other ones.
    """
    head, mark, tail = line.rpartition(_CRC.encode())
    if not mark or tail != f'{zlib.crc32(head):08x}"}}'.encode():
        raise TornLineError("its checksum does not match")
    try:
        body = _restored(json.loads(head + b"}"))
        n = body.pop("n")
        if body["kind"] in (SweepOpened.kind, DriverStarted.kind) and body.get("schema", 1) > SCHEMA:
            raise NewerFormatError(f"written in format {body['schema']}; this version reads up to {SCHEMA}")
        return Entry(n, from_json(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedLineError(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: str(value)}
    if isinstance(value, dict):
        plain = {key: _plain(item) for key, item in value.items()}
        return {_FLOAT: plain} if plain.keys() == {_FLOAT} else plain
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_FLOAT}:
            inner = value[_FLOAT]
            return {_FLOAT: _restored(inner[_FLOAT])} if isinstance(inner, dict) else float(inner)
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return value

"""What cannot be done with a secret: search it, read it from a record, or guess it when a sweep goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments._sweep.redaction import REDACTED, Redactor, Secrets, redacted_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 20


def secret_faults(space: Any, secrets: Secrets) -> Iterator[str]:
    """Secrets that are searched, and `<redacted>` in the place of one; `space` may be anything."""
    yield from _faults(space, "space", Redactor(secrets), secrets, secret=False, depth=0)


def _faults(value: Any, where: str, redactor: Redactor, secrets: Secrets, *, secret: bool, depth: int) -> Iterator[str]:
    searched = getattr(value, "categories", None)
    if isinstance(value, Mapping) and set(value) == {"grid_search"}:
        searched = value["grid_search"]
    if isinstance(searched, list | tuple):
        if redactor.finds(searched, secret=secret):
            why = "its name says so" if secret else f"it holds {redactor.whose(searched)}"
            yield (
                f"{where}: is a secret ({why}), and no record has it, so it cannot be searched. Give it as a constant, "
                "or search the number of it and look it up inside the trainable."
            )
    elif isinstance(value, str) and REDACTED in value:
        yield (
            f"{where}: '{REDACTED}' stands where a secret stood before it was recorded. Put the secret there, such "
            "as os.environ['API_KEY']."
        )
    elif depth <= DEEPEST and isinstance(value, Mapping):
        for key, each in value.items():
            below = secret or secrets.has(key)
            yield from _faults(each, f"{where}.{key}", redactor, secrets, secret=below, depth=depth + 1)
    elif depth <= DEEPEST and isinstance(value, list | tuple):
        constants = [each for each in value if isinstance(each, str)]
        if len(constants) < len(value) and redactor.finds(constants, secret=secret):
            yield f"{where}: a secret cannot stand in a list beside other values. Give it a name of its own."
        for place, each in enumerate(value):
            yield from _faults(each, f"{where}[{place}]", redactor, secrets, secret=secret, depth=depth + 1)


def given_again(pins: Mapping[str, Any], space: Any) -> tuple[dict[str, Any], list[str]]:
    """Values of `--set` as they were given, and why that cannot be: secrets among them are in no record.

    A secret comes from the environment variable of its name, or the experiment's file has it by now.
    """
    known, faults = {}, []
    for key, value in pins.items():
        variable = key.replace(".", "_").replace("-", "_").upper()
        if not any(True for _ in redacted_paths(value)):
            known[key] = value
        elif os.environ.get(variable):
            known[key] = os.environ[variable]
        elif not _constant(space, key):
            faults.append(
                f"--set {key}: was given when the sweep began and is a secret, which no record has. Set the "
                f"environment variable {variable} to it, or put it into the experiment's file, and give the command "
                "again."
            )
    return known, faults


def _constant(space: Any, key: str) -> bool:
    """Whether the space has a text of its own under `a.b.c`."""
    for part in key.split("."):
        space = space.get(part) if isinstance(space, Mapping) else None
    return isinstance(space, str) and bool(space) and REDACTED not in space


def forgotten(config: Mapping[str, Any]) -> list[str]:
    """Why a recorded configuration cannot be trained: the experiment no longer has a secret of it."""
    return [
        f"space.{path}: was a secret, which no record has, and the experiment has none there any more. Put it back "
        "into the space."
        for path in redacted_paths(config)
    ]

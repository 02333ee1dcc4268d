"""Names of sweeps: what is allowed, what was probably meant, and the folder each stands for."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import is_sweep
from experiments._sweep.store.copies import brought, known, sweeps_in
from experiments._sweep.store.names import is_taken, sweep_at
from experiments._sweep.store.places import NAME, is_url, place_of, storage_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOWED = NAME
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}

BEGUN = {"lease.json", "lease.new"}
"""What a driver that was lost before the first line of the ledger may leave in the folder."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """` Did you mean 'lr'?` with the nearest allowed name, or nothing where none is near."""
    known = list(allowed)
    begun = [name for name in known if len(given) > 2 and name.startswith(given)]
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5) or (begun if len(begun) == 1 else [])
    return f" Did you mean '{near[0]}'?" if near else ""


def name_fault(name: str) -> str:
    """Why `name` cannot be a sweep's name, empty where it can."""
    if name.partition(".")[0].lower() in RESERVED:
        return f"{name!r} is a name that Windows keeps for itself. Choose another one, such as 'my-{name}'."
    if not ALLOWED.fullmatch(name):
        return (
            f"{name!r} is not a name. Use 1 to 100 letters, digits, dots, dashes and underscores, beginning with a "
            "letter or a digit."
        )
    return ""


def new_folder(storage: Path, name: str | None, experiment: str) -> Path:
    """The folder of a new sweep: `name` where given, else the experiment's, numbered where it exists.

    Raises:
        InputError: If the name is not allowed, leads out of the storage folder, or exists.
    """
    fault = name_fault(name if name is not None else experiment)
    if fault:
        raise InputError(f"--name: {fault}")
    if storage.exists() and not storage.is_dir():
        raise InputError(f"--storage: {storage} is a file. Give a folder.")
    known(storage)
    if name is None:
        number = 1
        folder = storage / experiment
        while folder.exists() or folder.is_symlink():
            number += 1
            folder = storage / f"{experiment}-{number}"
        return folder
    folder = storage / name
    if not folder.resolve().is_relative_to(storage.resolve()):
        raise InputError(f"--name: {name!r} leads out of {storage}. Choose another name.")
    if folder.exists() or folder.is_symlink():
        brought(folder)
        if is_sweep(folder):
            raise InputError(
                f"--name: '{name}' exists in {place_of(storage)}. To continue it: sweep resume {place_of(folder)}. For "
                "a new sweep choose another name."
            )
        raise InputError(f"--name: {place_of(folder)} exists and is no sweep. Choose another name.")
    return folder


def existing_folder(storage: Path, name: str) -> Path | None:
    """The folder called `name` where it holds a sweep, or was made for one that has not begun; None where none is.

    Raises:
        InputError: If the name is not allowed, or its folder is something else.
    """
    folder = storage / name
    if not name_fault(name):
        brought(folder)
        if is_taken(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
    if name_fault(name) or not (folder.exists() or folder.is_symlink()):
        return None  # a new one, with all checks of its name
    if not folder.resolve().is_relative_to(storage.resolve()):
        raise InputError(f"--name: {name!r} leads out of {storage}. Choose another name.")
    if not is_sweep(folder) and (not folder.is_dir() or {file.name for file in folder.iterdir()} - BEGUN):
        raise InputError(f"--name: {place_of(folder)} exists and is no sweep. Choose another name.")
    return folder


def sweep_folder(text: str | None, storage: Path) -> Path:
    """The folder of the sweep called `text`: a path, a name in the storage folder, or the newest one for None.

    Raises:
        InputError: If there is none.
    """
    if text is None:
        sweeps = sweeps_in(storage)
        if not sweeps:
            raise InputError(f"there is no sweep in {place_of(storage)}. Start one: sweep run digits_mlp")
        return max(sweeps, key=lambda path: sweeps[path])
    for folder in [sweep_at(text)] if is_url(text) else (Path(text).expanduser(), storage / text):
        brought(folder)
        if is_sweep(folder):
            return folder
    if is_url(text):
        return _not_there(text.rpartition("/")[2], storage_folder(text.rpartition("/")[0]))
    return _not_there(text, storage)


def _not_there(name: str, storage: Path) -> NoReturn:
    sweeps = sweeps_in(storage)
    names = [path.name for path in sorted(sweeps, key=lambda path: sweeps[path])]
    there = f"there are {', '.join(names)}" if names else "there is none yet"
    raise InputError(f"there is no sweep '{name}' in {place_of(storage)}: {there}.{nearest(name, names)}")

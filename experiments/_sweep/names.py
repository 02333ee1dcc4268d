"""Names of sweeps: what is allowed, what was probably meant, and the folder each stands for."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, is_sweep

if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
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
        if is_sweep(folder):
            raise InputError(
                f"--name: '{name}' exists in {storage}. To continue it: sweep resume {folder}. For a new sweep choose "
                "another name."
            )
        raise InputError(f"--name: {folder} exists and is no sweep. Choose another name.")
    return folder


def existing_folder(storage: Path, name: str) -> Path | None:
    """The folder called `name` where it holds a sweep, or was made for one that has not begun; None where none is.

    Raises:
        InputError: If the name is not allowed, or its folder is something else.
    """
    folder = storage / name
    if name_fault(name) or not (folder.exists() or folder.is_symlink()):
        return None  # a new one, with all checks of its name
    if not folder.resolve().is_relative_to(storage.resolve()):
        raise InputError(f"--name: {name!r} leads out of {storage}. Choose another name.")
    if not is_sweep(folder) and (not folder.is_dir() or {file.name for file in folder.iterdir()} - BEGUN):
        raise InputError(f"--name: {folder} exists and is no sweep. Choose another name.")
    return folder


def sweep_folder(text: str | None, storage: Path) -> Path:
    """The folder of the sweep called `text`: a path, a name in the storage folder, or the newest one for None.

    Raises:
        InputError: If there is none.
    """
    sweeps = sorted(
        (path for path in storage.glob("*") if is_sweep(path)), key=lambda path: (path / LEDGER).stat().st_mtime
    )
    if text is None:
        if not sweeps:
            raise InputError(f"there is no sweep in {storage}. Start one: sweep run digits_mlp")
        return sweeps[-1]
    for folder in (Path(text).expanduser(), storage / text):
        if is_sweep(folder):
            return folder
    known = [path.name for path in sweeps]
    there = f"there are {', '.join(known)}" if known else "there is none yet"
    raise InputError(f"there is no sweep '{text}' in {storage}: {there}.{nearest(text, known)}")

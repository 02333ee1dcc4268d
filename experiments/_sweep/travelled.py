"""Code that has travelled to a cluster: where it lies here, and where it came from.

On a cluster, and only there, a folder `shipped` lies beside the three packages: the folder of the experiment's file as
it was sent, and a manifest that says from where.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that holds `experiments`, `trainables` and `search_spaces`."""
SHIPPED = PACKAGES / "shipped"
MANIFEST = "manifest.json"


@functools.cache
def manifest() -> dict[str, Any]:
    """What came along: the `folder` below `shipped`, its `origin`, and for a job what it is to do; mostly empty."""
    try:
        told = json.loads((SHIPPED / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    assert isinstance(told, dict)  # noqa: S101 - written by cluster/packing.py
    return told


def arrived(path: Path) -> Path:
    """Where the file that was at the absolute `path` lies now: in the folder that came along, or still where it was.

    A file that has moved since is found by its name: the folder was sent by whoever gave the command.
    """
    folder = manifest().get("folder")
    if folder is None:
        return path
    origin = Path(manifest()["origin"])
    within = path.relative_to(origin) if path.is_relative_to(origin) else Path(path.name)
    here = SHIPPED / folder / within
    return here if here.is_file() else path


def origin(path: Path) -> Path:
    """Where the file at the absolute `path` lay when it was sent; `path` itself where it was not."""
    folder = manifest().get("folder")
    if folder is None or not path.is_relative_to(SHIPPED / folder):
        return path
    return Path(manifest()["origin"]) / path.relative_to(SHIPPED / folder)


def working_directory(path: Path) -> Path:
    """Where relative paths start that started from the absolute `path`: there, or in the folder that came along."""
    folder = manifest().get("folder")
    return path if folder is None or path.is_dir() else SHIPPED / folder


def came_along(path: Path) -> bool:
    """Whether the file at `path` was sent by whoever gave the command."""
    return bool(manifest()) and path.resolve().is_relative_to(SHIPPED)

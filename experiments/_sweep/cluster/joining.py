"""A driver joins a cluster from one of its machines: its code travels to all nodes before the first trial starts."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.cluster.needs import OWN, needed
from experiments._sweep.cluster.packing import Parcel
from experiments._sweep.travelled import arrived

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""What Ray sets for the driver of a submitted job, whose code has travelled already."""


def travels(address: str) -> bool:
    """Whether the code of a driver in this process has to travel."""
    return address != "local" and JOB not in os.environ


@contextlib.contextmanager
def code_for(address: str, file: str | None, *, store: bool, install_missing: bool) -> Iterator[dict[str, Any] | None]:
    """What `ray.init` takes as `runtime_env`, for as long as the context lasts; None where nothing travels.

    Args:
        address: Of the cluster.
        file: The experiment's file, where it does not come with the packages.
        store: Whether the sweep lies in an object store.
        install_missing: Whether the nodes install what they lack.

    Raises:
        InputError: If the experiment's folder cannot travel.
    """
    if not travels(address):
        yield None
        return
    path = None if file is None else Path(file)
    with parcel_of(file).packed() as code:
        environment: dict[str, Any] = {"working_dir": str(code)}
        if install_missing:
            found = needed(path, store=store)
            install = [requirement for module, requirement in found.items() if requirement and module != "ray"]
            environment["pip"] = {"packages": install}
        yield environment


def imports_of(address: str, file: str | None, *, store: bool) -> dict[str, str]:
    """Module to requirement: what a cluster's nodes need for an experiment's files, besides what every sweep needs."""
    if address == "local":
        return {}
    found = needed(None if file is None else arrived(Path(file)), store=store)
    return {module: requirement for module, requirement in found.items() if module not in OWN}


def parcel_of(file: str | None) -> Parcel:
    """What travels with the experiment in a file.

    Raises:
        InputError: If its folder cannot travel.
    """
    path = None if file is None else Path(file)
    return Parcel.of(path and path.parent, path)

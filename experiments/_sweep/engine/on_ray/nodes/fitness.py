"""What is asked of a node before trials run there; it needs nothing but Python, for packages may be missing."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = (
    "ray",
    "numpy",
    "pydantic",
    "torch",
    "torchvision",
    "scikit-learn",
    "scipy",
    "pyarrow",
    "pillow",
    "filelock",
)
"""What the processes of trials import, by the names under which they are installed."""


def misfits(python: str, ray: str) -> list[str]:
    """Why trials cannot run on this node, for a driver with these versions of Python and Ray."""
    missing = [package for package in PACKAGES if not installed(package)]
    found = [f"it lacks {', '.join(missing)}"] if missing else []
    if minor(platform.python_version()) != minor(python):
        found.append(f"it has Python {platform.python_version()}, the driver {python}")
    if installed("ray") not in ("", ray):
        found.append(f"it has Ray {installed('ray')}, the driver {ray}")
    return [f"{fault} ({sys.executable})" for fault in found]


def lacks(imports: Mapping[str, str]) -> list[str]:
    """Which modules of the experiment are not on this node, by what installs them, and what to do."""
    missing = [requirement or module for module, requirement in imports.items() if find_spec(module) is None]
    if not missing:
        return []
    return [f"it lacks {', '.join(missing)}, which the experiment imports: install it there, or --install-missing"]


def installed(package: str) -> str:
    """The version of a package, empty where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def minor(python: str) -> str:
    """`3.12` of `3.12.4`."""
    return ".".join(python.split(".")[:2])

"""Where a submitted sweep starts, on the cluster: `python -m experiments._sweep.cluster.arriving`.

The manifest that came along says what it is to do. Only Python's own library is used until it is known that the others
are there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import runpy
import sys
from typing import TYPE_CHECKING, Any

from experiments._sweep.travelled import SHIPPED, manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

LACKS = 76
"""The exit code where packages are missing that the sender will have installed; the last line names them."""
MARK = "raysweeps lacks: "


def main() -> int:
    """Looks whether all is there, and does what was sent."""
    told = manifest()
    faults, missing = wrong(told)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)  # noqa: T201 - the sender reads it
    if faults:
        return 2
    if missing:
        print(f"{MARK}{json.dumps(missing)}", flush=True)  # noqa: T201 - the sender reads it
        return LACKS
    if "folder" in told:
        os.chdir(SHIPPED / told["folder"])  # relative paths in a trainable mean the same as beside its file
    sys.argv = ["sweep", *told["argv"]]
    runpy.run_module("experiments", run_name="__main__")
    return 0


def wrong(told: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Why nothing can run here, and what is to be installed so that it can."""
    here = ".".join(platform.python_version_tuple()[:2])
    where = f"{sys.executable}, Python {platform.python_version()} of {platform.node()}"
    faults = []
    if here != told["python"]:
        faults.append(
            f"`python` on the cluster's head node is {where}, and the sweep was sent from Python {told['python']}. "
            "Start the cluster with the bin folder of the right Python first on PATH."
        )
    missing = {name: requirement for name, requirement in told["needs"].items() if not _is_there(name)}
    nowhere = [name for name, requirement in missing.items() if not requirement]
    if nowhere:
        faults.append(
            f"the cluster lacks {', '.join(nowhere)}, which the experiment imports, and which was installed from a "
            f"folder where it was sent from ({where}). Install it on every node, or put it into the experiment's "
            "folder."
        )
    installable = [requirement for requirement in missing.values() if requirement]
    if installable and not told["install"]:
        faults.append(
            f"the cluster lacks {', '.join(installable)} ({where}). Install it on every node, or have Ray install it "
            "for this sweep: --install-missing."
        )
    return faults, installable


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    sys.exit(main())

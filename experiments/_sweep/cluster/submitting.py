"""A command is carried out on a cluster: its code is sent, its driver runs on the head node and is followed here."""

from __future__ import annotations

import json
import platform
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.cluster.arriving import LACKS
from experiments._sweep.cluster.dashboard import enter
from experiments._sweep.cluster.following import Following
from experiments._sweep.cluster.jobs import Jobs
from experiments._sweep.cluster.needs import needed
from experiments._sweep.cluster.packing import Parcel, megabytes
from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.cluster.dashboard import Dashboard
    from experiments._sweep.cluster.jobs import Info

ENTRY = "exec python -m experiments._sweep.cluster.arriving"
"""What the cluster runs: everything else is in the manifest, where no shell and no list of jobs sees it. `exec`: a
signal reaches the driver itself."""
SHOWN = 6
MANY = 5
"""Lines of Ray's own words that are too many."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done on a cluster."""

    address: str
    """http(s)://HOST:PORT of its dashboard."""
    argv: Sequence[str]
    """The command, as it is to be given there."""
    name: str
    """Of the experiment or the sweep, for the job's name."""
    file: Path | None
    """The experiment's file; None where it comes with the packages, or is not known here."""
    folder: Path | None
    """The folder that travels."""
    store: bool
    """Whether the sweep lies in an object store."""
    insecure: bool
    install_missing: bool


class Submitted:
    """An order on its way: it may be let go at any time once it has a job."""

    def __init__(self, order: Order, *, out: Callable[[str], None], note: Callable[[str], None]) -> None:
        """The order, who gets what its driver prints, and who is told about the way."""
        self._order, self._out, self._note = order, out, note
        self.job: str | None = None
        """The job's name on the cluster, from when it is sent."""
        self.following: Following | None = None
        """Follows the job, once the cluster has taken it."""

    def carried_out(self) -> int:
        """Sends it and follows it; the exit code of its driver.

        Raises:
            InputError: If something is wrong before anything starts.
            EngineError: If the cluster is not there, or lost the driver.
        """
        order, note = self._order, self._note
        parcel = Parcel.of(order.folder, order.file)
        dashboard = enter(order.address, insecure=order.insecure, warn=lambda risk: note(f"warning: {risk}"))
        note(f"cluster {dashboard.address}: Ray {dashboard.ray}, Python {dashboard.python}")
        for line in parcel_lines(parcel):
            note(line)
        jobs = Jobs(dashboard)
        ended, lacking = self._sent(jobs, parcel, [])
        if ended.code == LACKS and lacking:
            install = list(json.loads(lacking))
            note(f"the cluster lacks {', '.join(install)}: Ray installs that for this sweep")
            ended, _ = self._sent(jobs, parcel, install)
        return _code(ended, dashboard)

    def _sent(self, jobs: Jobs, parcel: Parcel, install: list[str]) -> tuple[Info, str]:
        order, job = self._order, f"sweep-{self._order.name}-{secrets.token_hex(4)}"
        manifest = {
            "argv": list(order.argv),
            "install": order.install_missing and not install,
            "needs": needed(order.file, store=order.store),
            "python": ".".join(platform.python_version_tuple()[:2]),
        }
        with parcel.packed(**manifest) as code:
            self.job, self.following = job, None
            jobs.submit(job, ENTRY, code, install=install)
        self._note(f"submitted as {job}; Ctrl+C lets go of it here, and it goes on there")
        self.following = Following(jobs, job, self._out, self._note)
        return self.following.to_the_end(), self.following.lacking


def parcel_lines(parcel: Parcel) -> list[str]:
    """What travels and what does not, in words."""
    if parcel.folder is None:
        return []
    files = f"{len(parcel.files)} file{'s' if len(parcel.files) != 1 else ''}"
    what = f"of {parcel.folder} what the experiment imports" if parcel.only_imports else str(parcel.folder)
    lines = [f"sending {what}: {files}, {megabytes(parcel.size)}"]
    secret = [name for name, why in parcel.left.items() if why == "secret"]
    other = [name for name, why in parcel.left.items() if why != "secret"]
    if other:
        lines.append(f"  without {_some(other)}")
    if secret:
        lines.append(f"  without what looks like a secret: {_some(secret)}")
    return lines


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _code(ended: Info, dashboard: Dashboard) -> int:
    """The exit code; raises what has no code of ours."""
    if ended.code is not None and ended.code >= 0:
        return ended.code
    if ended.status == "STOPPED":
        return 130
    lines = [line.strip() for line in ended.message.partition(", last available logs")[0].splitlines() if line.strip()]
    said = " ".join(lines if len(lines) < MANY else [lines[0], *lines[-2:]])  # what lies between is Ray's traceback
    if ended.code is not None:
        said = f"its driver was ended by signal {-ended.code}"
    raise EngineError(f"the sweep on {dashboard.address} has lost its driver: {said.strip().rstrip('.')}.")

"""A report made and written: about one sweep, or a comparison of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.analysis.writing import refuse_place, write_whole
from experiments._sweep.derived.finding import searched_sweep
from experiments._sweep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from experiments._sweep.report.contents import Page
    from experiments._sweep.sweep import Sweep

NAME = "report.html"
OURS = b'<meta name="generator" content="raysweeps">'
"""What tells a report from any other page."""
HEAD_BYTES = 4096
"""Of a page, in which that stands."""


def reported(sweeps: Sequence[Sweep], to: Path | None, here: Path) -> tuple[Path, Page]:
    """Writes the page of the sweeps to `to`; without one, into the sweep's folder, a comparison into `here`.

    Of a confirmation or a replay it is the page of the sweep that it was made of.

    Returns:
        The file, and what stands on it.

    Raises:
        InputError: If no page can be written there.
        OSError: If it cannot be written; what was there is then as before.
    """
    different = list({sweep.folder: sweep for sweep in map(searched_sweep, sweeps)}.values())
    single = len(different) == 1
    if to is None:
        to = (different[0].folder if single else here) / NAME
    _refuse(to)  # before anything slow is imported
    from experiments._sweep.report.page import rendered

    if single:
        from experiments._sweep.report.single import page_of

        page = page_of(different[0])
    else:
        from experiments._sweep.report.comparing import comparison_of

        page = comparison_of(different)
    write_whole(to, rendered(page))
    return to, page


def _refuse(to: Path) -> None:
    """Refuses a place where no page can be written, or where something else is that would be lost."""
    refuse_place(to, "--to")
    if to.exists():
        with to.open("rb") as there:
            if OURS not in there.read(HEAD_BYTES):
                raise InputError(f"--to: {to} exists and is no report. Give another name, or remove it.")

"""A report made and written: about one sweep, or a comparison of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.derived.finding import searched_sweep
from experiments._sweep.report.writing import NAME, refuse_place, write_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from experiments._sweep.report.contents import Page
    from experiments._sweep.sweep import Sweep


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
    refuse_place(to)  # before anything slow is imported
    from experiments._sweep.report.page import rendered

    if single:
        from experiments._sweep.report.single import page_of

        page = page_of(different[0])
    else:
        from experiments._sweep.report.comparing import comparison_of

        page = comparison_of(different)
    write_page(to, rendered(page))
    return to, page

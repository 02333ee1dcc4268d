"""The two looks of all figures, light and dark; the page chooses."""

from __future__ import annotations

from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def themes() -> dict[str, dict[str, Any]]:
    """Templates by the name of the page's look."""
    return {
        "light": _template(ink="#2b3440", grid="#e6eaef", line="#b7c0cb", paper="#ffffff"),
        "dark": _template(ink="#d7dde5", grid="#2c3540", line="#4a5663", paper="#1d242c"),
    }


def _template(*, ink: str, grid: str, line: str, paper: str) -> dict[str, Any]:
    axis = {
        "gridcolor": grid,
        "linecolor": line,
        "zerolinecolor": grid,
        "tickcolor": line,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 12}},
        "exponentformat": "power",
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": 12, "color": ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 64, "r": 18, "t": 34, "b": 48},
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": paper,
                "bordercolor": line,
                "align": "left",
                "font": {"family": FONT, "size": 12, "color": ink},
            },
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left"},
            "xaxis": axis,
            "yaxis": axis,
            "annotationdefaults": {"font": {"color": ink}},
        }
    }

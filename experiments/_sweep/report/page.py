"""The page itself: one file without a network, in which nothing runs but plotly and a few fixed lines.

Every text passes through Jinja2's autoescape, and through `clean` before it: what cannot be printed, or turns the
direction of a line, is not shown. Figures are JSON in blocks that no browser runs. The content security policy names
the scripts and the style by their digests and allows nothing else: no request, no frame, no form, no `eval`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from experiments._sweep.report.figures.theme import themes
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from experiments._sweep.report.contents import Page

TEMPLATE = Path(__file__).with_name("template")
_EMPTY_STYLE = ""
"""Plotly adds a style without a text and fills it by CSSOM."""
_MAP_STYLE = re.compile(r'\("style"\);\w+\.id="([0-9a-f]{64})"')
"""Plotly adds a style for its maps, unless an element has this id already. The page has no map."""


def rendered(page: Page) -> str:
    """The HTML of a page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        keep_trailing_newline=True,
    )
    plotly, ours = get_plotlyjs(), _part("page.js")
    css = _part("page.css")
    map_style = _MAP_STYLE.search(plotly)
    figures = [each for section in page.sections for each in section.figures]
    return environment.get_template("page.html").render(
        page=page,
        policy=policy(scripts=[plotly, ours], styles=[css, _EMPTY_STYLE]),
        css=_verbatim(css),
        scripts=[_verbatim(plotly), _verbatim(ours)],
        themes=_verbatim(block(themes())),
        data=[(each.name, _verbatim(block(_drawn(each.figure)))) for each in figures],
        plotly_style=map_style[1] if map_style else "no-map",
    )


def policy(*, scripts: list[str], styles: list[str]) -> str:
    """The content security policy of a page with these scripts and styles."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            f"style-src-elem {' '.join(map(_digest, styles))}",
            "style-src-attr 'unsafe-inline'",  # plotly places what it draws; an attribute can load nothing
            "img-src data: blob:",  # a figure that is saved as a picture
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def block(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends that, and it is plain ASCII."""
    written = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def _drawn(figure: Any) -> dict[str, Any]:
    drawn = figure.to_plotly_json()
    return {"data": _finite(drawn["data"]), "layout": _finite(drawn["layout"])}


def _finite(value: Any) -> Any:
    """Lists and dicts as JSON has them; what is no finite number is missing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _digest(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


def _verbatim(source: str) -> Markup:
    """What is ours, or has been made safe for where it stands."""
    return Markup(source)  # noqa: S704 - scripts and styles of this package and of plotly, and `block`s


def _finalized(value: Any) -> Any:
    return clean(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value

"""A plot as SVG: text that stays text, the same bytes for the same numbers, light and dark by who looks at it."""

import io
import re
import warnings
from xml.sax.saxutils import escape

from evalkit.reports.plots.drawing import Plot
from evalkit.reports.plots.theme import DARK, VARIABLES, themed

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_BEFORE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_OPENING = re.compile(r"\A<svg([^>]*)>")
_ABOUT = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_THEIR_STYLE = re.compile(r'\s*<style type="text/css">.*?</style>', re.DOTALL)
_STYLE = re.compile(r'(?<= style=")[^"]*(?=")')
_FONT = re.compile(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*")
_COLOUR = re.compile("|".join(map(re.escape, VARIABLES)))


def svg(plot: Plot) -> str:
    """Returns a plot as the text of an SVG file, with its title and alternative in it.

    The dark scheme is for screens: paper is light.
    """
    text = _BEFORE.sub("", _saved(plot))
    text = _THEIR_STYLE.sub("", _ABOUT.sub("", text), count=1)
    text = _STYLE.sub(
        lambda style: _fonts(_COLOUR.sub(lambda one: f"var({VARIABLES[one.group()]})", style.group())), text
    )
    about = f"<title>{escape(plot.title)}</title>\n<desc>{escape(plot.alternative)}</desc>\n{_style()}"
    return _OPENING.sub(lambda opening: f'<svg class="evalkit-plot" role="img"{opening.group(1)}>\n{about}', text)


def _saved(plot: Plot) -> str:
    found = io.StringIO()
    nobody = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with themed(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # the font that measures; browsers have others
        plot.figure.savefig(found, format="svg", metadata=nobody)
    return found.getvalue()


def _fonts(style: str) -> str:
    return _FONT.sub(lambda font: font.group(1) + FONTS, style)


def _style() -> str:
    light = "".join(f"{name}:{colour};" for colour, name in VARIABLES.items())
    dark = "".join(f"{VARIABLES[colour]}:{other};" for colour, other in DARK.items())
    return (
        "<style>"
        f".evalkit-plot{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{.evalkit-plot{{{dark}}}}}"
        ".evalkit-plot *{stroke-linejoin:round;stroke-linecap:butt}"
        "</style>"
    )

"""A drawing as PNG, by matplotlib, which the package depends on; letters come from the machine's fonts."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tunesmith.errors import ResourceError
from tunesmith.report.paradigm.drawing import Drawing, Line, Mark, Words, corners
from tunesmith.report.paradigm.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALE = 2
"""Pixels of the file for one of the drawing."""
_PER_INCH = 100.0
_POINTS = 72.0 / _PER_INCH
_LATIN = ("Liberation Sans", "Arial", "Helvetica", "DejaVu Sans")
"""The last of them comes with matplotlib."""
_SERIF = ("Liberation Serif", "Georgia", "Times New Roman", "DejaVu Serif")
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti TC",
    "STHeiti",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
_WIDTHS = {"grid": 1.0, "axis": 1.0, "leader": 1.0, "frontier": 1.5, "bar": 1.5}
_COLOURS = {"grid": "rule", "axis": "quiet", "leader": "quiet", "frontier": "path", "serif": "ink"}


def refuse_without_font(language: str) -> None:
    """Make sure that a picture in a language can be written as PNG.

    Args:
        language: ``en`` or ``zh``.

    Raises:
        ResourceError: ``no-chinese-font``, no font of this machine has Chinese characters.
    """
    if language == "zh" and not _there(_CHINESE):
        _look_again()
    if language == "zh" and not _there(_CHINESE):
        raise ResourceError(
            "no-chinese-font",
            "no font of this machine has Chinese characters, which a PNG needs",
            allowed=", ".join(_CHINESE[:4]) + " and others",
            advice="install one (Debian: fonts-noto-cjk), or write an .svg, whose reader has the fonts",
        )


def png_file(drawing: Drawing) -> bytes:
    """Write a drawing as PNG, on light paper.

    Args:
        drawing: What is drawn.

    Returns:
        The file's bytes, ``SCALE`` pixels for each of the drawing; its words are in the file's own text fields too.

    Raises:
        ResourceError: ``no-chinese-font``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    refuse_without_font(drawing.language)
    figure = Figure(figsize=(drawing.width / _PER_INCH, drawing.height / _PER_INCH), facecolor=LIGHT["paper"])
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(SCALE * _PER_INCH)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0.0, drawing.width), ylim=(drawing.height, 0.0))
    axes.set_axis_off()
    for order, part in enumerate(drawing.parts):
        if isinstance(part, Words):
            _write(axes, part, order)
        elif isinstance(part, Line):
            _line(axes, part, order)
        else:
            _mark(axes, part, order)
    file = io.BytesIO()
    canvas.print_png(file, metadata={"Title": drawing.title, "Description": drawing.description, "Software": None})
    return file.getvalue()


def _there(names: tuple[str, ...]) -> list[str]:
    """Which of these fonts the machine has."""
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    return [name for name in names if name in known]


def _look_again() -> None:
    """Take fonts in that were installed after matplotlib wrote its list of them."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    listed = {entry.fname for entry in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in listed:
            with suppress(OSError, RuntimeError):  # a file that is no font, or of a kind that is not drawn
                manager.addfont(path)


def _line(axes: Axes, line: Line, order: int) -> None:
    xs, ys = zip(*line.points, strict=True)
    kind, *more = line.role.split()
    colour = LIGHT[more[0] if more else _COLOURS[kind]]
    axes.plot(xs, ys, color=colour, linewidth=_WIDTHS[kind] * _POINTS, zorder=order, solid_capstyle="butt")


def _mark(axes: Axes, mark: Mark, order: int) -> None:
    from matplotlib.patches import Circle, Polygon

    name, *more = mark.role.split()
    outline = LIGHT["kept"] if name == "halo" else LIGHT[name]
    inside = "none" if name == "halo" else LIGHT["paper"] if more else outline
    style: dict[str, Any] = {"facecolor": inside, "edgecolor": outline, "linewidth": 2.0 * _POINTS, "zorder": order}
    if mark.shape == "circle":
        axes.add_patch(Circle((mark.x, mark.y), mark.radius, **style))
    else:
        axes.add_patch(Polygon(corners(mark.shape, mark.x, mark.y, radius=mark.radius), **style))


def _write(axes: Axes, words: Words, order: int) -> None:
    """Write a line, a little smaller where this machine's font is wider than the room."""
    parts = [(words.text, words.role, words.bold), *([(words.tail, "quiet", False)] if words.tail else [])]
    drawn = [_text(axes, text, words, role=role, bold=bold, order=order) for text, role, bold in parts]
    widths = [_width(each) for each in drawn]
    if sum(widths) > words.width:
        shrunk = words.width / sum(widths)
        for each in drawn:
            each.set_fontsize(each.get_fontsize() * shrunk)
        widths = [width * shrunk for width in widths]
    x = words.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * sum(widths)
    for each, width in zip(drawn, widths, strict=True):
        each.set_x(x)
        x += width


def _text(axes: Axes, text: str, words: Words, *, role: str, bold: bool, order: int) -> Any:
    from matplotlib.patheffects import withStroke

    families = [*_there(_SERIF if role == "serif" else _LATIN), *_there(_CHINESE)]
    return axes.text(
        words.x,
        words.y,
        text.replace("$", r"\$"),
        family=families,
        fontsize=words.size * _POINTS,
        fontweight="bold" if bold else "normal",
        color=LIGHT[_COLOURS.get(role, role)],
        zorder=order,
        path_effects=[withStroke(linewidth=4.0 * _POINTS, foreground=LIGHT["paper"])],
    )


def _width(text: Any) -> float:
    """Pixels of the drawing that a text takes."""
    return float(text.get_window_extent().width) / SCALE

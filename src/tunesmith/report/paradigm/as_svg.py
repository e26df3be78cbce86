"""A drawing as SVG: for a page, whose style sheet colours it, or as a file of its own."""

from __future__ import annotations

from html import escape

from tunesmith.report.paradigm.drawing import Drawing, Line, Mark, Part, Words, corners
from tunesmith.report.paradigm.palette import style_sheet
from tunesmith.report.svg import element


def svg_inset(drawing: Drawing, *, name: str, class_: str) -> str:
    """Write a drawing for a page.

    Args:
        drawing: What is drawn.
        name: Beginning of its element's names, of its own on the page.
        class_: Classes of the outer element.

    Returns:
        One ``svg`` element whose colours come from the page's style sheet.
    """
    return _element(drawing, name=name, inside="", class_=class_)


def svg_file(drawing: Drawing) -> str:
    """Write a drawing as a file that needs nothing else: no font, no script, no address.

    Args:
        drawing: What is drawn.

    Returns:
        The file's text; it is dark where the reader's screen is.
    """
    ground = element("rect", x=0, y=0, width=drawing.width, height=drawing.height, class_="ground")
    whole = _element(
        drawing,
        name="picture",
        inside=element("style", style_sheet()) + ground,
        xmlns="http://www.w3.org/2000/svg",
        width=drawing.width,
        height=drawing.height,
        lang=drawing.language,
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'


def _element(drawing: Drawing, *, name: str, inside: str, **attributes: str | float) -> str:
    told = [
        element("title", escape(drawing.title), id=f"{name}-title"),
        element("desc", escape(drawing.description), id=f"{name}-desc"),
    ]
    return element(
        "svg",
        "".join([*told, inside, *map(_written, drawing.parts)]),
        viewBox=f"0 0 {drawing.width:g} {drawing.height:g}",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
        **attributes,
    )


def _written(part: Part) -> str:
    if isinstance(part, Line):
        return element("path", d="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in part.points), class_=part.role)
    if isinstance(part, Mark):
        if part.shape == "circle":
            return element("circle", cx=part.x, cy=part.y, r=part.radius, class_=f"mark {part.role}")
        points = corners(part.shape, part.x, part.y, radius=part.radius)
        outline = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points) + " Z"
        return element("path", d=outline, class_=f"mark {part.role}")
    return _text(part)


def _text(words: Words) -> str:
    class_ = f"{words.role} bold" if words.bold else words.role
    tail = element("tspan", escape(words.tail), class_="quiet plain") if words.tail else ""
    return element(
        "text",
        escape(words.text) + tail,
        x=words.x,
        y=words.y,
        font_size=words.size,
        text_anchor=words.anchor,
        class_=class_,
    )

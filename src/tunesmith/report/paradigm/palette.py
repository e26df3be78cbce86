"""Colours of the picture by what they stand for, on light paper and on dark; from them its own style sheet is made."""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#fcfbf7",
    "ink": "#1b1b1a",
    "quiet": "#5d5a53",
    "rule": "#ddd8cc",
    "path": "#8f897c",
    "kept": "#0b5fa5",
    "counts": "#1b1b1a",
    "scratch": "#b34700",
    "frozen": "#00785a",
    "tuned": "#0b5fa5",
    "other": "#6b675f",
}
"""Tones of Okabe and Ito's colours, darkened where text or a thin mark would be too faint.

Source: Okabe and Ito 2008, "Color Universal Design".
"""

DARK: Mapping[str, str] = {
    "paper": "#15171a",
    "ink": "#e9e7e2",
    "quiet": "#a9a69e",
    "rule": "#34373c",
    "path": "#7d7a73",
    "kept": "#74b4f2",
    "counts": "#e9e7e2",
    "scratch": "#e69f00",
    "frozen": "#2fbf95",
    "tuned": "#74b4f2",
    "other": "#b3afa6",
}

PARADIGMS: Mapping[str, str] = {
    "counts": "square",
    "scratch": "triangle",
    "frozen": "circle",
    "tuned": "diamond",
    "other": "pentagon",
}
"""Paradigm to the shape of its marks, so that none is told by its colour alone."""

_RUNGS: Mapping[str, str] = {
    **dict.fromkeys(("linear", "static"), "counts"),
    **dict.fromkeys(("cnn", "rnn", "gru", "lstm", "transformer"), "scratch"),
    **dict.fromkeys(("probe", "selftrain"), "frozen"),
    **dict.fromkeys(("contrast", "finetune", "refine"), "tuned"),
}


def paradigm_of(rung: str) -> str:
    """Say to which paradigm a rung belongs.

    Args:
        rung: Any name.

    Returns:
        One of ``PARADIGMS``; ``other`` for a name that is not known.

    Example:
        >>> paradigm_of("lstm"), paradigm_of("cascade")
        ('scratch', 'other')
    """
    return _RUNGS.get(rung, "other")


def style_sheet() -> str:
    """Write the rules of a picture that stands alone.

    Colours are written out rather than named by variables, which programs that draw SVG outside of a browser often do
    not know; they then show the light picture.

    Returns:
        CSS.
    """
    light = "".join(_rules(LIGHT))
    dark = "".join(_rules(DARK))
    return f"{_SHAPES}{light}@media screen and (prefers-color-scheme: dark){{{dark}}}"


_SHAPES = (
    'text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans CJK SC","PingFang SC",'
    '"Microsoft YaHei",Arial,sans-serif;paint-order:stroke;stroke-width:4px;stroke-linejoin:round;'
    "font-variant-numeric:tabular-nums}"
    '.serif{font-family:Charter,"Bitstream Charter","Source Serif 4",Georgia,"Times New Roman","Noto Serif CJK SC",'
    '"Songti SC",serif}'
    "path{fill:none}.grid,.axis,.leader{stroke-width:1px}.frontier{stroke-width:1.5px}.bar{stroke-width:1.5px}"
    ".mark{stroke-width:2px}.bold{font-weight:700}.plain{font-weight:400}"
)


def _rules(colours: Mapping[str, str]) -> list[str]:
    """Rules for the roles that lines, words and marks have."""
    paper, ink, quiet, kept = (colours[name] for name in ("paper", "ink", "quiet", "kept"))
    rules = [
        f".ground{{fill:{paper}}}",
        f"text{{fill:{ink};stroke:{paper}}}",
        f".quiet{{fill:{quiet}}}text.kept{{fill:{kept}}}",
        f".grid{{stroke:{colours['rule']}}}.axis,.leader{{stroke:{quiet}}}.frontier{{stroke:{colours['path']}}}",
    ]
    for name in PARADIGMS:
        tone = colours[name]
        rules.append(f".bar.{name}{{stroke:{tone}}}.mark.{name}{{stroke:{tone};fill:{tone}}}")
    return [*rules, f".mark.hollow{{fill:{paper}}}", f".mark.halo{{fill:none;stroke:{kept}}}"]

"""A drawing of how a word comes to know of the others, from counting to attention; and the picture of all steps."""

from __future__ import annotations

from itertools import pairwise

from docs.figures import drawn

_PANEL, _GAP, _N_WORDS = 182, 8, 5
_ABOVE, _BELOW = 62.0, 142.0
_KINDS = ("counts", "window", "chain", "all")
_WORDS = {
    "en": {
        "title": "How a word learns of the others: not at all, within a window, along a chain, all at once",
        "counts": "word counts",
        "window": "CNN",
        "chain": "RNN, LSTM, GRU",
        "all": "attention",
        "counts path": "no word knows another",
        "window path": "within k words",
        "chain path": "T steps, one after the other",
        "all path": "1 step, T² looks",
        "steps": "Accuracy over time for every step of this page, on the same 240 rows",
    },
    "zh": {
        "title": "一个词如何得知其他词：完全不知、在窗口之内、沿着一条链、一次看到全部",
        "counts": "词频",
        "window": "CNN",
        "chain": "RNN、LSTM、GRU",
        "all": "注意力",
        "counts path": "词与词互不相知",
        "window path": "相距 k 个词以内",
        "chain path": "T 步，一步接一步",
        "all path": "1 步，看 T² 次",
        "steps": "本页每一级的准确率与用时，都在同样的 240 行上",
    },
}


def seen_figure(language: str) -> str:
    """Draw four ways from words to what they become.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        An SVG element.
    """
    words = _WORDS[language]
    panels = "".join(_panel(number, kind, words) for number, kind in enumerate(_KINDS))
    return drawn(panels, len(_KINDS) * (_PANEL + _GAP), 208, words["title"])


def steps_picture(language: str) -> str:
    """Show the picture that the blocks of the page drew when its outputs were last rewritten.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        An image that can be scrolled where the screen is narrow.
    """
    shown = f'<img class="drawn" alt="{_WORDS[language]["steps"]}" src="assets/cpu_to_llm.{language}.svg">'
    return f'<div class="figure">{shown}</div>'


def _panel(number: int, kind: str, words: dict[str, str]) -> str:
    left = number * (_PANEL + _GAP) + 1
    centre = left + _PANEL / 2
    xs = [left + _PANEL * (place + 0.5) / _N_WORDS for place in range(_N_WORDS)]
    links = "".join(_link(*ends) for ends in _links(kind, xs, centre))
    above = [centre] if kind == "counts" else xs
    return (
        f'<rect class="step" x="{left}" y="2" width="{_PANEL}" height="204" rx="4"/>'
        f'<text class="name" x="{centre:.1f}" y="26">{words[kind]}</text>{links}'
        + "".join(f'<circle class="learns" cx="{x:.1f}" cy="{_ABOVE}" r="9"/>' for x in above)
        + "".join(f'<rect class="word" x="{x - 11:.1f}" y="{_BELOW - 8}" width="22" height="16" rx="3"/>' for x in xs)
        + f'<text class="small mid" x="{centre:.1f}" y="188">{words[f"{kind} path"]}</text>'
    )


def _links(kind: str, xs: list[float], centre: float) -> list[tuple[float, float, float, float]]:
    """What each vector above is made from: ends of lines, from below or from its neighbour."""
    top, bottom = _ABOVE + 9, _BELOW - 8
    if kind == "counts":
        return [(x, bottom, centre, top) for x in xs]
    if kind == "chain":
        upright = [(x, bottom, x, top) for x in xs]
        return upright + [(a + 9, _ABOVE, b - 9, _ABOVE) for a, b in pairwise(xs)]
    reach = 1 if kind == "window" else _N_WORDS
    return [(x, bottom, y, top) for i, x in enumerate(xs) for j, y in enumerate(xs) if abs(i - j) <= reach]


def _link(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="link" x1="{x1:.1f}" y1="{y1}" x2="{x2:.1f}" y2="{y2}"/>'

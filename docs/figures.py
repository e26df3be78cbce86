"""Drawings, made here so that they follow the page's colours and language: no fixed colour, words by language."""

from __future__ import annotations

_STEP_WIDTH, _STEP_HEIGHT, _RISE = 196, 118, 34
_RUNGS = (
    ("linear", "counts", "head", ()),
    ("probe", "encoder", "head", ()),
    ("finetune", "encoder", "head", ("encoder",)),
    ("refine", "encoder", "head", ("encoder", "again")),
)
_WORDS = {
    "en": {
        "counts": "word counts",
        "encoder": "encoder",
        "head": "head",
        "learns": "learns",
        "frozen": "stays as it is",
        "linear": "seconds",
        "probe": "one pass over the texts",
        "finetune": "several passes, there and back",
        "refine": "the same again, averaged",
        "ladder": "Four steps, each dearer than the one before; drawn solid is what each of them learns",
        "stop": "Three gains with their intervals against the least gain worth having",
        "gain": "gain of the last rung, in points",
        "least": "min_gain",
        "a": "goes on: more may be in it",
        "b": "goes on, and is proven better",
        "c": "stops: a gain worth having is excluded",
    },
    "zh": {
        "counts": "词频",
        "encoder": "编码器",
        "head": "分类头",
        "learns": "参与学习",
        "frozen": "保持不变",
        "linear": "几秒",
        "probe": "所有文本编码一遍",
        "finetune": "若干轮前向与反向",
        "refine": "再来一次，取平均",
        "ladder": "四级台阶，一级比一级贵；实心部分是该级学习的对象",
        "stop": "三个提升及其置信区间，与最小值得的提升对照",
        "gain": "最近一级的提升（百分点）",
        "least": "min_gain",
        "a": "继续：也许还有提升",
        "b": "继续，且已证明更好",
        "c": "停止：值得的提升已被排除",
    },
}
_INTERVALS = (("a", -0.6, 0.5, 1.6), ("b", 0.4, 1.4, 2.4), ("c", -0.9, -0.35, 0.1))
"""Row, low end, gain, high end."""


def ladder_figure(language: str) -> str:
    """Draw the four rungs as stairs.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        An SVG element.
    """
    words = _WORDS[language]
    parts = [_step(number, rung, words) for number, rung in enumerate(_RUNGS)]
    width, height = 4 * _STEP_WIDTH + 8, _STEP_HEIGHT + 3 * _RISE + 62
    legend = (
        f'<rect class="learns" x="4" y="{height - 22}" width="16" height="12" rx="2"/>'
        f'<text x="26" y="{height - 11}">{words["learns"]}</text>'
        f'<rect class="frozen" x="120" y="{height - 22}" width="16" height="12" rx="2"/>'
        f'<text x="142" y="{height - 11}">{words["frozen"]}</text>'
    )
    return drawn("".join(parts) + legend, width, height, words["ladder"])


def _step(number: int, rung: tuple[str, str, str, tuple[str, ...]], words: dict[str, str]) -> str:
    name, below, above, learns = rung
    x, y = 4 + number * _STEP_WIDTH, 4 + (3 - number) * _RISE
    centre, inner = x + _STEP_WIDTH / 2, _STEP_WIDTH - 40
    kind = "learns" if below in learns else "frozen"
    twice = f'<rect class="{kind}" x="{x + 26}" y="{y + 56}" width="{inner}" height="30" rx="4"/>'
    ground = 4 + 3 * _RISE + _STEP_HEIGHT
    return (
        f'<path class="step" d="M{x} {ground + 4} V{y} H{x + _STEP_WIDTH} V{ground + 4} Z"/>'
        + (twice if "again" in learns else "")
        + f'<rect class="learns" x="{x + 60}" y="{y + 14}" width="{_STEP_WIDTH - 120}" height="26" rx="4"/>'
        f'<text class="on" x="{centre}" y="{y + 32}">{words[above]}</text>'
        f'<line class="link" x1="{centre}" y1="{y + 40}" x2="{centre}" y2="{y + 50}"/>'
        f'<rect class="{kind}" x="{x + 20}" y="{y + 50}" width="{inner}" height="30" rx="4"/>'
        f'<text class="{"on" if kind == "learns" else "mid"}" x="{centre}" y="{y + 70}">{words[below]}</text>'
        f'<text class="name" x="{centre}" y="{y + 106}">{name}</text>'
        f'<text class="small mid" x="{centre}" y="{ground + 22}">{words[name]}</text>'
    )


def stop_figure(language: str) -> str:
    """Draw when the climb goes on and when it stops.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        An SVG element.
    """
    words = _WORDS[language]
    left, scale, bottom = 110.0, 90.0, 150

    def at(points: float) -> float:
        return left + scale * (points + 1.0)

    rows = []
    for number, (key, low, gain, high) in enumerate(_INTERVALS):
        y = 34 + 38 * number
        rows.append(
            f'<line class="whisker {key}" x1="{at(low):.1f}" y1="{y}" x2="{at(high):.1f}" y2="{y}"/>'
            f'<circle class="dot {key}" cx="{at(gain):.1f}" cy="{y}" r="6"/>'
            f'<text x="{at(2.6):.1f}" y="{y + 5}">{words[key]}</text>'
        )
    ticks = "".join(
        f'<line class="tick" x1="{at(tick):.1f}" y1="{bottom}" x2="{at(tick):.1f}" y2="{bottom + 6}"/>'
        f'<text class="small mid" x="{at(tick):.1f}" y="{bottom + 22}">{tick:+d}</text>'.replace(">+0<", ">0<")
        for tick in (-1, 0, 1, 2)
    )
    least = (
        f'<line class="least" x1="{at(0.2):.1f}" y1="14" x2="{at(0.2):.1f}" y2="{bottom}"/>'
        f'<text class="small mid" x="{at(0.2):.1f}" y="10">{words["least"]} 0.2</text>'
    )
    axis = f'<line class="tick" x1="{at(-1.0):.1f}" y1="{bottom}" x2="{at(2.5):.1f}" y2="{bottom}"/>'
    title = f'<text class="small mid" x="{at(0.75):.1f}" y="{bottom + 42}">{words["gain"]}</text>'
    return drawn(axis + ticks + least + "".join(rows) + title, 760, 200, words["stop"])


def drawn(content: str, width: float, height: float, title: str) -> str:
    """Put a drawing together.

    Args:
        content: Its elements.
        width: Of the room that they take.
        height: Of the same.
        title: What it shows, for those who do not see it.

    Returns:
        An SVG element that can be scrolled where the screen is narrow.
    """
    return (
        f'<div class="figure"><svg class="drawn" role="img" viewBox="0 0 {width:g} {height:g}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{title}</title>{content}</svg></div>'
    )

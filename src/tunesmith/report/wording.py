"""How figures and users' texts are written in the report."""

from __future__ import annotations

import math

from tunesmith.evaluate.figures import FigureStyle, style_of
from tunesmith.types import JSON, Interval

_LONGEST = 80
_JOINERS = "\u200c\u200d"
"""Not printable by themselves, yet part of correct Persian, Hindi and many emoji."""

_RUNGS = {
    "linear": "a linear model on word counts",
    "cnn": "filters over words, from scratch",
    "rnn": "plain recurrent cells, from scratch",
    "gru": "gated recurrent cells (GRU), from scratch",
    "lstm": "gated recurrent cells (LSTM), from scratch",
    "transformer": "a small Transformer, from scratch",
    "static": "a linear model on averaged word vectors",
    "probe": "the frozen encoder with a linear head",
    "selftrain": "the frozen encoder with a linear head that texts without labels have taught too",
    "contrast": "the encoder tuned by pairs of rows, with a linear head",
    "finetune": "the fine-tuned encoder",
    "refine": "the encoder fine-tuned twice",
}

_ALPHA = 0.05


def shown(text: str, *, longest: int = _LONGEST) -> str:
    r"""Make a user's text fit to be shown: one line, nothing invisible, not too long.

    Escaping for HTML is the template's job.

    Args:
        text: A label or a file name.
        longest: Characters that are left; a longer text loses its middle.

    Returns:
        The text with control, bidirectional and other unprintable characters written as escapes.

    Example:
        >>> shown("two\nlines"), shown("abcdefghij", longest=5)
        ('two\\nlines', 'ab…ij')
    """
    if len(text) > longest:
        kept = longest - 1
        text = f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
    return "".join(_shown_character(character) for character in text)


def _shown_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character in "\xa0\u3000" else character.encode("unicode_escape").decode()


def figure(value: JSON) -> Interval | None:
    """Read one figure of METRICS.

    Args:
        value: ``{"value", "low", "high"}``; anything else has no uncertainty, and is not shown.

    Returns:
        The figure, or None.

    Example:
        >>> figure({"value": 0.9, "low": 0.8, "high": 0.95})
        Interval(value=0.9, low=0.8, high=0.95)
        >>> figure(0.9) is None
        True
    """
    names = ("value", "low", "high")
    if not isinstance(value, dict) or not all(isinstance(value.get(name), int | float) for name in names):
        return None
    found = Interval(*(float(value[name]) for name in names))
    return found if all(map(math.isfinite, (found.value, found.low, found.high))) else None


def percent(share: float) -> str:
    r"""Write a share as a percentage.

    Args:
        share: 0..1.

    Returns:
        One decimal; the space does not break.

    Example:
        >>> percent(0.9342)
        '93.4\xa0%'
    """
    return f"{100.0 * share:.1f}\xa0%"


def span(interval: Interval, *, scale: float = 100.0, digits: int = 1) -> str:
    """Write the ends of an interval.

    Args:
        interval: In its own unit.
        scale: 100 turns shares into percent, 1 leaves the unit.
        digits: Decimals.

    Returns:
        Both ends without a unit.

    Example:
        >>> span(Interval(0.9, 0.8, 0.95)), span(Interval(0.31, 0.28, 0.35), scale=1.0, digits=2)
        ('80.0 to 95.0', '0.28 to 0.35')
    """
    return f"{scale * interval.low:.{digits}f} to {scale * interval.high:.{digits}f}"


def told_figure(name: str, value: float) -> str:
    r"""Write a figure of METRICS; its unit does not break.

    Args:
        name: Of the figure.
        value: As METRICS has it.

    Returns:
        Percent or a number.

    Example:
        >>> told_figure("accuracy", 0.934), told_figure("spearman", 0.8712)
        ('93.4\xa0%', '0.871')
    """
    return told(style_of(name), value)


def told(style: FigureStyle, value: float) -> str:
    """Write a figure of a style; its unit does not break.

    Args:
        style: Of the figure.
        value: As METRICS has it.

    Returns:
        Percent or a number.
    """
    return style.told(value).replace(" ", "\xa0")


def signed(points: float) -> str:
    """Write a gain.

    Args:
        points: Percentage points.

    Returns:
        One decimal with its sign.

    Example:
        >>> signed(0.72), signed(-0.31), signed(-0.01)
        ('+0.7', '−0.3', '0.0')
    """
    rounded = round(points, 1)
    if rounded == 0:
        return "0.0"
    return f"{'+' if rounded > 0 else '−'}{abs(rounded):.1f}"


def duration(seconds: float) -> str:
    r"""Write a time in the unit in which people tell it.

    Args:
        seconds: Not negative.

    Returns:
        Two or three figures and the unit.

    Example:
        >>> [duration(seconds) for seconds in (0.42, 24.3, 164.0, 1500.0, 9000.0)]
        ['0.4\xa0s', '24\xa0s', '164\xa0s', '25\xa0min', '2.5\xa0h']
    """
    if seconds < 9.95:
        return f"{seconds:.1f}\xa0s"
    if seconds < 600.0:
        return f"{seconds:.0f}\xa0s"
    if seconds < 7200.0:
        return f"{seconds / 60.0:.0f}\xa0min"
    return f"{seconds / 3600.0:.1f}\xa0h"


def probability(p_value: float) -> str:
    r"""Write a p-value.

    Args:
        p_value: 0..1.

    Returns:
        Two significant figures, or that it is very small.

    Example:
        >>> probability(0.0431), probability(1e-7)
        ('p\xa0=\xa00.043', 'p\xa0<\xa00.001')
    """
    return "p\xa0<\xa00.001" if p_value < 0.001 else f"p\xa0=\xa0{p_value:.2g}"


def verdict(gain: float, p_value: float) -> str:
    """Say in words what a test of a gain says.

    Args:
        gain: Points of the figure that chooses.
        p_value: 0..1.

    Returns:
        Proven at the 5 % level, or not.

    Example:
        >>> verdict(0.7, 0.01), verdict(-0.7, 0.01), verdict(0.7, 0.2)
        ('proven better', 'proven worse', 'not proven')
    """
    if not p_value < _ALPHA or gain == 0.0:
        return "not proven"
    return "proven better" if gain > 0.0 else "proven worse"


def rung_words(rung: str) -> str:
    """Say what a rung's model is, for a reader who has never heard its name.

    Returns:
        A noun in the singular with its article.

    Example:
        >>> rung_words("probe"), rung_words("other")
        ('the frozen encoder with a linear head', 'the other model')
    """
    return _RUNGS.get(rung, f"the {rung} model")

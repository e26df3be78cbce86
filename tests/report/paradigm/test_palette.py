"""Colours can be read on both papers, are those of the page, and never tell anything alone."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from tunesmith.report.paradigm.palette import DARK, LIGHT, PARADIGMS, style_sheet

_PAGE = {
    "paper": "paper",
    "ink": "ink",
    "quiet": "quiet",
    "rule": "rule",
    "path": "path",
    "kept": "kept",
    "scratch": "scratch",
    "frozen": "frozen",
    "other": "other",
}
"""Name in the palette to its variable in the page's style sheet."""


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white() -> None:
    """The formula itself."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_and_marks_can_be_read(colours: dict[str, str]) -> None:
    """4.5 for words, as WCAG asks; 3 for marks and the line of steps, though marks reach more."""
    for name in ("ink", "quiet", "kept", *PARADIGMS):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    assert contrast(colours["path"], colours["paper"]) >= 3.0


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_paradigms_differ_by_shape_and_for_the_colour_blind(colours: dict[str, str]) -> None:
    """No two share a shape; the four that meet in one picture differ in the eyes of those who see no red or green.

    Source: the matrices of Vienot, Brettel and Mollon 1999 for protanopia and deuteranopia, on linear RGB.
    """
    assert len(set(PARADIGMS.values())) == len(PARADIGMS)
    protan = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
    deutan = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    for matrix in (protan, deutan):
        seen = {name: (matrix @ _linear(colours[name])).clip(0.0, 1.0) for name in PARADIGMS if name != "other"}
        for one, other in combinations(seen, 2):
            assert np.abs(seen[one] ** (1 / 2.2) - seen[other] ** (1 / 2.2)).max() > 0.1, (one, other)


def _linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255.0
    return np.asarray(parts**2.2)


def test_the_page_has_the_same_colours() -> None:
    """Light and dark: the picture in a report and the one in a file are one picture."""
    sheet = (files("tunesmith.report") / "style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.S)[:2]
    for colours, block in zip((LIGHT, DARK), blocks, strict=True):
        variables = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        assert {name: variables[variable] for name, variable in _PAGE.items()} == {
            name: colours[name] for name in _PAGE
        }
        assert (colours["counts"], colours["tuned"]) == (colours["ink"], colours["kept"])
    assert ".picture .counts { --tone: var(--ink); }" in sheet
    assert ".picture .tuned { --tone: var(--kept); }" in sheet


def test_a_file_of_its_own_is_dark_where_the_screen_is() -> None:
    """Every colour of the light rules has its dark one, in a query that print does not match."""
    light, _, dark = style_sheet().partition("@media screen and (prefers-color-scheme: dark)")
    for name in set(LIGHT) - {"counts", "tuned"}:
        assert LIGHT[name] in light, name
        assert DARK[name] in dark, name
    assert "url(" not in style_sheet()
    assert light.count("{") == light.count("}")

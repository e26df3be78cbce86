"""The picture as SVG and PNG: whole, self-contained, readable by machines, of the size it says."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.report.made_up import HOSTILE
from tests.report.paradigm.climbs import RUNGS, around, climb

from tunesmith.errors import ResourceError
from tunesmith.report.paradigm import as_png
from tunesmith.report.paradigm.as_png import SCALE, png_file
from tunesmith.report.paradigm.as_svg import svg_file, svg_inset
from tunesmith.report.paradigm.climbed import Climbed, Step
from tunesmith.report.paradigm.cost import COSTS
from tunesmith.report.paradigm.drawing import Drawing
from tunesmith.report.paradigm.language import LANGUAGES
from tunesmith.report.paradigm.palette import LIGHT
from tunesmith.report.paradigm.picture import picture_of
from tunesmith.report.paradigm.plan import inset, sheet

_SVG = "{http://www.w3.org/2000/svg}"


def _drawing(language: str = "en", *names: str) -> Drawing:
    climbed = climb(*(names or RUNGS), kept="linear" if names else "refine")
    return sheet(picture_of([climbed], COSTS["seconds"], LANGUAGES[language]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_svg_is_whole_and_needs_nothing(language: str) -> None:
    """Well-formed, with a title and a description that hold every figure, and no address but that of SVG itself."""
    drawing = _drawing(language)
    text = svg_file(drawing)
    root = ElementTree.fromstring(text)
    assert (root.get("width"), root.get("height")) == (f"{drawing.width:g}", f"{drawing.height:g}")
    assert root.get("lang") == language
    assert root.get("role") == "img"
    title, described = root.find(f"{_SVG}title"), root.find(f"{_SVG}desc")
    assert title is not None
    assert described is not None
    assert root.get("aria-labelledby") == title.get("id")
    assert root.get("aria-describedby") == described.get("id")
    for name in RUNGS:
        assert name in (described.text or "")
    addresses = re.findall(r"https?://[^\s\"<]+|url\(|@import|href|src=", text)
    assert addresses == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text


def test_a_part_of_a_page_has_no_style_of_its_own() -> None:
    """The page's content security policy allows one sheet alone; names of elements are the page's to choose."""
    drawing = inset(picture_of([climb("linear", "probe", kept="probe")], COSTS["seconds"], LANGUAGES["en"]))
    svg = svg_inset(drawing, name="cost-wide", class_="picture wide")
    root = ElementTree.fromstring(svg)
    assert root.get("class") == "picture wide"
    assert "style" not in svg
    assert {each.get("id") for each in root.iter() if each.get("id")} == {"cost-wide-title", "cost-wide-desc"}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name: str) -> None:
    """Whatever a rung is called in a foreign bundle, the file stays one well-formed element of the same kinds."""
    steps = (Step(name, 3.0, None, around(0.9, 0.01), kept=True),)
    picture = picture_of([Climbed(name, "accuracy", 100, steps)], COSTS["seconds"], LANGUAGES["en"])
    root = ElementTree.fromstring(svg_file(sheet(picture)))
    plain = ElementTree.fromstring(svg_file(_drawing("en", "linear")))
    assert {each.tag for each in root.iter()} <= {each.tag for each in plain.iter()} | {f"{_SVG}circle"}
    assert png_file(sheet(picture)).startswith(b"\x89PNG")


def _image(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def test_a_png_has_the_size_and_the_words() -> None:
    """Two pixels for one; headline and figures are in its text fields."""
    drawing = _drawing()
    image = _image(png_file(drawing))
    assert image.format == "PNG"
    assert image.size == (SCALE * drawing.width, SCALE * drawing.height)
    assert image.info["Title"] == drawing.title
    assert image.info["Description"] == drawing.description


def test_a_png_shows_what_the_drawing_says() -> None:
    """Paper in its corner, and each paradigm's tone where its mark stands."""
    drawing = _drawing()
    pixels = np.asarray(_image(png_file(drawing)).convert("RGB")).astype(int)
    assert np.abs(pixels[2, 2] - _rgb(LIGHT["paper"])).max() <= 2
    marks = [part for part in drawing.parts if getattr(part, "shape", "") and part.role in LIGHT]  # type: ignore[union-attr]
    assert len(marks) == 4
    for mark in marks:
        found = pixels[round(SCALE * mark.y), round(SCALE * (mark.x + 2.5))]  # type: ignore[union-attr]
        assert np.abs(found - _rgb(LIGHT[mark.role])).max() <= 6, mark  # type: ignore[union-attr]


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)])


def test_a_wide_font_does_not_make_words_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are written smaller where the machine's font is wider than the room they were given."""
    monkeypatch.setattr(as_png, "_LATIN", ("DejaVu Sans Mono",))
    monkeypatch.setattr(as_png, "_SERIF", ("DejaVu Sans Mono",))
    drawing = _drawing()
    pixels = np.asarray(_image(png_file(drawing)).convert("RGB")).astype(int)
    right_edge = pixels[:, -SCALE * 4 :]
    assert np.abs(right_edge - _rgb(LIGHT["paper"])).max() <= 2


def test_chinese_needs_a_font_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one the error says so, before boxes are drawn in place of characters."""
    monkeypatch.setattr(as_png, "_CHINESE", ("No Such Font",))
    with pytest.raises(ResourceError, match="no font of this machine has Chinese characters"):
        png_file(_drawing("zh"))
    assert png_file(_drawing("en")).startswith(b"\x89PNG")


def test_chinese_characters_are_drawn() -> None:
    """Not one box in place of a character, where the machine has a font for them."""
    try:
        as_png.refuse_without_font("zh")
    except ResourceError:
        pytest.skip("no Chinese font here")
    assert _image(png_file(_drawing("zh"))).info["Title"] == _drawing("zh").title  # a warning of a glyph is an error


def test_fonts_installed_later_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Matplotlib keeps a list of fonts for months; one that is installed after the error must count."""
    from matplotlib import font_manager

    dejavu = Path(font_manager.findfont("DejaVu Sans"))
    late = tmp_path / "late.ttf"
    late.write_bytes(dejavu.read_bytes())
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setattr(as_png, "_CHINESE", ("DejaVu Sans",))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(late), str(broken)])
    as_png.refuse_without_font("zh")

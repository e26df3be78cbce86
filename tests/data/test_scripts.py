"""Letters are counted by their script, whatever else stands in a text."""

from __future__ import annotations

import pytest

from tunesmith.data.scripts import letter_scripts


@pytest.mark.parametrize(
    ("texts", "scripts"),
    [
        (["Straße, naïve! 123", "fine"], {"Latin": 1.0}),
        (["ＡＢＣ ﬁn"], {"Latin": 1.0}),
        (["房间很小，但是干净。OK"], {"Han": 0.8, "Latin": 0.2}),
        (["カードはどこ"], {"Katakana": 0.5, "Hiragana": 0.5}),
        (["Где моя карта", "?"], {"Cyrillic": 1.0}),
        (["123 !?", ""], {}),
        ([], {}),
    ],
)
def test_scripts_are_told(texts: list[str], scripts: dict[str, float]) -> None:
    """Digits, marks and spaces belong to none; full-width letters are those that they stand for."""
    found = letter_scripts(texts)
    assert {name: found[name] for name in scripts} == scripts
    assert sum(found.values()) == pytest.approx(1.0 if texts and scripts else 0.0, abs=1e-3)


def test_a_rare_script_is_left_out_and_the_commonest_comes_first() -> None:
    """One letter in two hundred is a name or a slip."""
    assert list(letter_scripts(["a" * 398 + "дд", "карта" * 200])) == ["Cyrillic", "Latin"]
    assert list(letter_scripts(["a" * 398 + "дд"])) == ["Latin"]


def test_of_many_texts_a_sample_is_looked_at() -> None:
    """Evenly, so that a file sorted by language is told as it is."""
    found = letter_scripts(["card"] * 30_000 + ["карта"] * 30_000)
    assert found == {"Cyrillic": pytest.approx(5 / 9, abs=1e-3), "Latin": pytest.approx(4 / 9, abs=1e-3)}

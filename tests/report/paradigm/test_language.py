"""Both languages say the same things, fill in the same gaps, and keep to their own script."""

from __future__ import annotations

import re

import pytest

from tunesmith.ladder.rungs import RUNGS
from tunesmith.report.paradigm.cost import COSTS
from tunesmith.report.paradigm.language import CHINESE, ENGLISH, LANGUAGES, Language
from tunesmith.report.paradigm.palette import paradigm_of

_CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def _gaps(sentence: str) -> set[str]:
    return {name.lower() for name in re.findall(r"\{(\w+)\}", sentence)}


def test_both_have_every_sentence_with_its_gaps() -> None:
    """A gap may be told by one language and left out by the other only where nothing is lost: none is."""
    assert ENGLISH.words.keys() == CHINESE.words.keys()
    for key, sentence in ENGLISH.words.items():
        assert _gaps(sentence) == _gaps(CHINESE.words[key]), key
    for table in ("steps", "paradigms", "units"):
        assert getattr(ENGLISH, table).keys() == getattr(CHINESE, table).keys()


def test_every_rung_has_a_name_and_a_paradigm() -> None:
    """In words that a reader understands who has never climbed the ladder."""
    assert set(RUNGS.names()) <= ENGLISH.steps.keys()
    assert "other" not in {paradigm_of(name) for name in RUNGS.names()}


def test_each_keeps_to_its_script() -> None:
    """English has no Chinese sign, full-width marks included; Chinese sentences all have some."""
    english = [*ENGLISH.words.values(), *ENGLISH.steps.values(), *ENGLISH.paradigms.values(), *ENGLISH.units.values()]
    assert not [text for text in english if _CHINESE.search(text)]
    bare = [key for key, text in CHINESE.words.items() if not _CHINESE.search(text)]
    assert bare == ["y_number"]
    assert all(map(_CHINESE.search, (*CHINESE.steps.values(), *CHINESE.paradigms.values(), *CHINESE.units.values())))


@pytest.mark.parametrize(
    ("language", "cost", "value", "told"),
    [
        (ENGLISH, "seconds", 4.0, "4.0\xa0s"),
        (ENGLISH, "seconds", 490.0, "490\xa0s"),
        (ENGLISH, "seconds", 1500.0, "25\xa0min"),
        (ENGLISH, "seconds", 9000.0, "2.5\xa0h"),
        (ENGLISH, "seconds", 864_000.0, "10\xa0d"),
        (CHINESE, "seconds", 1500.0, "25\xa0分钟"),
        (ENGLISH, "flops", 0.0042, "4.2\xa0GFLOP"),
        (ENGLISH, "flops", 24.5, "24\xa0TFLOP"),
        (ENGLISH, "flops", 1234.0, "1.2\xa0PFLOP"),
        (ENGLISH, "energy", 0.0222, "22\xa0mWh"),
        (ENGLISH, "energy", 2.72, "2.7\xa0Wh"),
        (ENGLISH, "energy", 999.9, "1\xa0kWh"),
        (ENGLISH, "flops", None, "not counted"),
        (CHINESE, "flops", None, "未计"),
    ],
)
def test_costs_are_told_as_people_tell_them(language: Language, cost: str, value: float | None, told: str) -> None:
    """Two or three figures and a unit of the right size."""
    assert language.told(COSTS[cost], value) == told


@pytest.mark.parametrize("language", LANGUAGES.values())
def test_ticks_are_whole(language: Language) -> None:
    """1 s, 10 s, 1 min, 10 min, in the language's units."""
    seconds, minutes = language.units["s"], language.units["min"]
    told = [language.tick(COSTS["seconds"], value) for value in (0.1, 1.0, 10.0, 60.0, 600.0)]
    wanted = [f"0.1 {seconds}", f"1 {seconds}", f"10 {seconds}", f"1 {minutes}", f"10 {minutes}"]
    assert [each.replace("\xa0", " ") for each in told] == wanted


def test_a_name_that_is_no_rung_is_told_as_it_is() -> None:
    """As a model's folder."""
    assert ENGLISH.step("tickets.model") == "tickets.model"
    assert ENGLISH.say("enough", step="the frozen encoder") == "The frozen encoder is enough"

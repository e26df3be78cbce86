"""Everything has its place: no words over words, none over the edge, marks where their figures say."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from tests.report.paradigm.climbs import RUNGS, around, climb

from tunesmith.report.paradigm.climbed import Climbed, Step
from tunesmith.report.paradigm.cost import COSTS
from tunesmith.report.paradigm.drawing import Drawing, Line, Mark, Words, corners, wrapped
from tunesmith.report.paradigm.language import CHINESE, ENGLISH, LANGUAGES
from tunesmith.report.paradigm.picture import Picture, picture_of
from tunesmith.report.paradigm.plan import PHONE, WIDE, inset, sheet
from tunesmith.types import Interval

_ALL = tuple(RUNGS)


def _picture(climbed: Climbed, *, cost: str = "seconds", language: str = "en") -> Picture:
    return picture_of([climbed], COSTS[cost], LANGUAGES[language])


def _words(drawing: Drawing) -> list[Words]:
    return [part for part in drawing.parts if isinstance(part, Words)]


def _marks(drawing: Drawing) -> list[Mark]:
    return [part for part in drawing.parts if isinstance(part, Mark) and part.role != "halo"]


def assert_legible(drawing: Drawing) -> None:
    """No words over others or over a mark, and all of them inside."""
    words = _words(drawing)
    assert not [(one.text, other.text) for one, other in combinations(words, 2) if one.box().overlaps(other.box())]
    assert not [(each.text, mark) for each in words for mark in _marks(drawing) if each.box().gap(mark.x, mark.y) < 5.0]
    for each in words:
        box = each.box()
        assert box.left >= 0.0, each
        assert box.right <= drawing.width + 1.0, each
        assert box.top >= 0.0, each
        assert box.bottom <= drawing.height + 1.0, each


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("names", [_ALL, ("linear", "probe", "finetune", "refine"), ("linear", "probe"), ("linear",)])
def test_nothing_is_over_anything(names: tuple[str, ...], language: str, cost: str) -> None:
    """The whole ladder and parts of it, on a page, on a phone and as a file."""
    picture = _picture(climb(*names, kept=names[-1]), cost=cost, language=language)
    for drawing in (inset(picture, width=WIDE), inset(picture, width=PHONE), sheet(picture)):
        assert_legible(drawing)


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("seed", range(12))
def test_names_do_not_overlap_wherever_points_lie(seed: int, width: int) -> None:
    """Up to nine points, thrown close together or far apart."""
    random = np.random.default_rng(seed)
    count = int(random.integers(3, 10))
    close = random.uniform(0.01, 1.0)
    seconds = 10.0 ** random.uniform(0.0, 4.0 * close, count)
    scores = 0.9 - random.uniform(0.0, 0.3 * close, count)
    steps = tuple(
        Step(name, float(time), None, around(float(score), 0.01), kept=number == 0)
        for number, (name, time, score) in enumerate(zip(_ALL, seconds, scores, strict=False))
    )
    assert_legible(inset(_picture(Climbed("a.model", "accuracy", 500, steps)), width=width))


def test_names_for_which_there_is_no_room_are_written_briefly() -> None:
    """A dozen long ones on a phone, one over the other: in full some would lie over others."""
    steps = tuple(
        Step(
            f"a_name_of_a_rung_{number}", 20.0 * 1.05**number, None, around(0.6 + number / 50, 0.002), kept=number == 8
        )
        for number in range(12)
    )
    drawing = inset(_picture(Climbed("a.model", "accuracy", 500, steps)), width=PHONE)
    assert_legible(drawing)
    names = [each for each in _words(drawing) if each.text.startswith("a_name_of_a_rung")]
    assert len(names) == 12
    assert not [each for each in names if each.tail]


def test_the_small_letters_of_a_phone_can_be_read() -> None:
    """A page of 390 pixels has 358 for a picture of 360; no letter is smaller than 11 there."""
    drawing = inset(_picture(climb(*_ALL, kept="refine")), width=PHONE)
    assert min(each.size for each in _words(drawing)) * 358.0 / drawing.width >= 11.0


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_step_is_drawn_and_named_once(width: int) -> None:
    """Shapes tell paradigms apart; what lies off the frontier is hollow; one is ringed."""
    drawing = inset(_picture(climb(*_ALL, kept="refine")), width=width)
    marks = {mark.shape: [] for mark in _marks(drawing)}  # type: ignore[var-annotated]
    for mark in _marks(drawing):
        marks[mark.shape].append(mark.role)
    assert {shape: len(roles) for shape, roles in marks.items()} == {
        "square": 1,
        "triangle": 5,
        "circle": 1,
        "diamond": 2,
    }
    assert all("hollow" in role for role in marks["triangle"])
    assert not [role for shape in ("square", "circle", "diamond") for role in marks[shape] if "hollow" in role]
    assert len([part for part in drawing.parts if isinstance(part, Mark) and part.role == "halo"]) == 1
    names = [each.text for each in _words(drawing) if each.bold]
    assert [names.count(name) for name in _ALL[:-1]] == [1] * 8
    assert names.count("refine, kept") == 1


def test_dearer_is_to_the_right_and_better_higher() -> None:
    """In the order of figures, the halves of a bar included."""
    climbed = climb("linear", "probe", "finetune", "refine", kept="refine")
    drawing = inset(_picture(climbed))
    marks = [mark for mark in _marks(drawing)]
    assert all(left.x < right.x and left.y > right.y for left, right in pairwise(marks))
    bars = [part.points for part in drawing.parts if isinstance(part, Line) and part.role.startswith("bar")]
    for (low, high), mark in zip(bars, marks, strict=True):
        assert low[0] == high[0] == mark.x
        assert low[1] > mark.y > high[1]


def test_the_line_of_steps_never_falls() -> None:
    """From the cheapest to the right edge, only up the page and to the right, through the points on the frontier."""
    drawing = inset(_picture(climb(*_ALL, kept="refine")))
    (line,) = [part.points for part in drawing.parts if isinstance(part, Line) and part.role == "frontier"]
    assert all(right[0] >= left[0] and right[1] <= left[1] for left, right in pairwise(line))
    on_it = [(mark.x, mark.y) for mark in _marks(drawing) if "hollow" not in mark.role]
    assert set(on_it) <= set(line)
    assert line[-1][0] > max(x for x, _ in on_it)


def test_what_was_not_counted_stands_left_of_the_axis() -> None:
    """Under its own name, and no value of the axis reaches below it."""
    drawing = inset(_picture(climb("linear", "probe", "finetune", kept="finetune"), cost="flops"))
    words = {each.text: each for each in _words(drawing)}
    mark = _marks(drawing)[0]
    assert mark.shape == "square"
    assert words["not counted"].box().left <= mark.x <= words["not counted"].box().right
    ticks = [each for text, each in words.items() if text.endswith("FLOP")]
    assert len(ticks) >= 2
    assert min(each.box().left for each in ticks) > words["not counted"].box().right


@pytest.mark.parametrize("seconds", [0.0, 0.3, 17.5, 4000.0, 200_000.0])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_one_step_has_times_around_it(seconds: float, width: int) -> None:
    """A single point must not leave the axis without values to read it by."""
    climbed = climb("probe", kept="probe")
    climbed = replace(climbed, steps=(replace(climbed.steps[0], seconds=seconds),))
    drawing = inset(_picture(climbed), width=width)
    assert len([each for each in _words(drawing) if each.anchor == "middle"]) >= 2


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_certain_and_hopeless_scores_are_drawn(value: float) -> None:
    """A score of 0 or 100 % with an interval of no width must still give a plot."""
    step = Step("linear", 1.0, None, Interval(value, value, value), kept=True)
    assert_legible(inset(_picture(Climbed("a.model", "accuracy", 10, (step,)))))


def test_a_correlation_may_be_negative() -> None:
    """The axis is then no share, and gains are in hundredths."""
    climbed = climb("linear", "probe", kept="probe")
    low = replace(climbed.steps[0], score=Interval(-0.2, -0.3, -0.1))
    picture = _picture(replace(climbed, objective="spearman", steps=(low, climbed.steps[1])))
    assert picture.y_title == "rank correlation"
    assert "hundredths over counting words" in picture.deck
    assert_legible(inset(picture))


def test_what_was_bought_is_told_with_its_interval_and_proof() -> None:
    """Along the frontier alone; unproven steps say so."""
    picture = _picture(climb(*_ALL, kept="refine"))
    lines = [each.lines for each in picture.bought]
    assert lines[0][0] == "probe: +6.0 points (+4.4 to +7.6)"
    assert lines[0][1] == "for 31\xa0s more"
    assert lines[1][1] == "for 165\xa0s more, not proven"
    assert len(lines) == 3
    texts = [each.text for each in _words(inset(picture))]
    assert texts.count(lines[0][0]) == texts.count(lines[1][0]) == 1
    assert lines[2][0] not in texts  # what is little is not said beside the line


def test_the_sheet_says_headline_deck_and_notes() -> None:
    """All of it, in lines that fit."""
    picture = _picture(climb(*_ALL, kept="refine"))
    said = " ".join(each.text for each in _words(sheet(picture)))
    for text in (picture.headline, picture.deck, picture.notes):
        assert text in said
    assert "finetune includes probe, refine includes probe and finetune" in picture.notes
    assert "Square: word counts, triangle: from scratch, circle: frozen encoder, diamond: fine-tuned." in picture.notes
    assert "diamond" not in _picture(climb("linear", kept="linear")).notes


@pytest.mark.parametrize(("measured", "said"), [(True, "own counter (RAPL)"), (False, "an assumption of 10\xa0W for")])
def test_energy_is_never_told_without_its_origin(measured: bool, said: str) -> None:
    """Estimated, from which watts, and whether these were measured."""
    climbed = climb("linear", "probe", kept="probe")
    ((name, power),) = climbed.powers
    picture = _picture(replace(climbed, powers=((name, replace(power, measured=measured)),)), cost="energy")
    assert "Energy is estimated: time × 20\xa0W" in picture.notes
    assert said in picture.notes
    title = [each.text for each in _words(inset(picture)) if "energy" in each.text]
    assert title == ["estimated energy it takes, log scale"]
    assert "nergy" not in _picture(climbed).notes


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("n_rows", "is_few"), [(150, True), (1000, False)])
def test_few_rows_are_said_to_be_few(n_rows: int, is_few: bool, language: str) -> None:
    """In the sentence, not only in the notes."""
    picture = _picture(climb("linear", "probe", kept="probe", n_rows=n_rows), language=language)
    few = LANGUAGES[language].say("few_deck", rows=f"{n_rows:,}")
    assert (few in picture.deck) == is_few


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("climbed", "key"),
    [
        (climb("linear", kept="linear"), "alone"),
        (climb("linear", "gru", kept="linear"), "enough"),
        (climb("linear", "probe", kept="probe"), "needed"),
        (climb("linear", "probe", "finetune", kept="finetune", n_rows=1500), "topped"),
        (climb("linear", "probe", "finetune", kept="finetune", n_rows=300), "at_least"),
        (climb("probe", "finetune", kept="finetune", n_rows=200), "undecided"),
        (climb("linear", "probe", kept="probe", compared=False), "unrecorded"),
    ],
)
def test_every_finding_has_its_words(climbed: Climbed, key: str, language: str) -> None:
    """Nothing is left in braces, in either language."""
    tongue = LANGUAGES[language]
    if key == "topped":
        versus = climbed.versus("finetune", "probe")
        assert versus is not None
        unproven = replace(versus, p_value=0.2)
        rest = [each for each in climbed.comparisons if (each.step, each.over) != ("finetune", "probe")]
        climbed = replace(climbed, comparisons=(*rest, unproven))
    picture = _picture(climbed, language=language)
    start = tongue.words[key].partition("{")[0]
    assert start[:12].lower() in picture.headline.lower()
    assert "{" not in picture.headline + picture.deck + picture.notes + picture.description
    assert picture.deck.startswith(tongue.words[f"{key}_deck"].partition("{")[0])
    assert ("p\xa0=\xa00.2" in picture.deck) == (key == "topped")  # its interval alone may seem to prove a gain


def test_several_climbs_are_told_apart() -> None:
    """By the model's name at every point, a line of steps each, and their machines where these differ."""
    climbs = [climb("linear", "probe", kept="probe", folder=f"{name}.model") for name in "ab"]
    climbs[1] = replace(climbs[1], machine="Other CPU")
    picture = picture_of(climbs, COSTS["seconds"], ENGLISH)
    assert len(picture.frontiers) == 2
    assert [point.name for point in picture.points] == [
        "linear · a",
        "probe · a, kept",
        "linear · b",
        "probe · b, kept",
    ]
    assert "a.model on Some CPU, b.model on Other CPU." in picture.notes
    assert "tunesmith compare" in picture.deck
    assert "proven" not in picture.headline + picture.deck
    assert_legible(sheet(picture))
    ladders = [climb(*_ALL[:1], *_ALL[6:], kept="refine", folder=f"{name}.model") for name in "ab"]
    quicker = replace(ladders[1], steps=tuple(replace(step, seconds=step.seconds / 3.0) for step in ladders[1].steps))
    assert_legible(sheet(picture_of([ladders[0], quicker], COSTS["seconds"], ENGLISH)))
    alike = picture_of([climbs[0], replace(climbs[1], machine="Some CPU")], COSTS["seconds"], CHINESE)
    assert "Some CPU" not in alike.notes


def test_lines_break_where_they_may() -> None:
    """At spaces, between Chinese characters, never before a full stop or after an opening bracket."""
    lines = wrapped("一二三四，五六（七八）九十。", 40.0, 10.0)
    assert "".join(lines) == "一二三四，五六（七八）九十。"
    assert not [line for line in lines if line[0] in "，）。" or line[-1] == "（"]
    assert max(map(len, lines)) <= 5
    assert wrapped("一二三（四五）", 40.0, 10.0) == ["一二三", "（四五）"]
    assert wrapped("indivisible 1", 20.0, 10.0) == ["indivisible", "1"]
    assert wrapped("a 90\xa0% interval", 45.0, 10.0) == ["a 90\xa0%", "interval"]


@pytest.mark.parametrize(("shape", "count"), [("square", 4), ("triangle", 3), ("diamond", 4), ("pentagon", 5)])
def test_shapes_have_their_corners(shape: str, count: int) -> None:
    """A square stands on a side, a diamond on a corner; all lie around their point."""
    found = corners(shape, 10.0, 20.0, radius=5.0)
    assert len(found) == count
    assert sum(x for x, _ in found) / count == pytest.approx(10.0)
    assert sum(y for _, y in found) / count == pytest.approx(20.0, abs=1.0)
    tops = [each for each in found if each[1] == pytest.approx(min(y for _, y in found))]
    assert len(tops) == (2 if shape == "square" else 1)

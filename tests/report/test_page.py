"""The report page: whole, self-contained, honest about its figures, and safe whatever the labels are."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from tests.report.made_up import HOSTILE, costs_of, facts_of, labels, outcome

from tunesmith.bundle.schema import ScaleFacts
from tunesmith.ladder.climb import Outcome, StoppedBecause
from tunesmith.ladder.stop import Comparison
from tunesmith.report.page import report_page
from tunesmith.types import Interval

_VOID = {"meta", "br", "hr", "img", "link", "input", "wbr"}


class _Page(HTMLParser):
    """Counts elements and attributes, and notes tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.links: list[str] = []
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        self.links += [str(value) for name, value in attrs if name in {"href", "src", "srcset", "action", "data"}]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _html(found: Outcome, **facts: Any) -> str:
    return report_page(facts_of(found, **facts), found, costs_of(found))


def _page(found: Outcome, **facts: Any) -> _Page:
    return _Page(_html(found, **facts))


@pytest.fixture(scope="module")
def whole() -> Outcome:
    return outcome("linear", "probe", "finetune", "refine", names=labels(150), rows=1500)


def test_the_page_is_whole_and_needs_nothing(whole: Outcome) -> None:
    """Every tag closes in order; no script, no handler, no style attribute, no address of anything."""
    page = _page(whole)
    assert page.misplaced == []
    assert page.open == []
    assert page.tags["script"] == 0
    assert page.tags["svg"] == 150 + 2 + 4 - sum(not sum(row) for row in whole.metrics["confusion"]["counts"])
    assert page.links == []
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    assert "@import" not in _html(whole)
    assert "url(" not in _html(whole)


def test_the_policy_allows_the_style_sheet_alone(whole: Outcome) -> None:
    """The hash in the content security policy must be that of the style element, byte for byte."""
    html = _html(whole)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html
    assert style == (files("tunesmith.report") / "style.css").read_text("utf-8")


@pytest.mark.parametrize("n_labels", [6, 150])
def test_hostile_labels_stay_text(n_labels: int) -> None:
    """A label may be anything: no element more than with plain labels, no raw control or direction character."""
    names = labels(n_labels)
    assert set(HOSTILE) <= set(names)
    found = outcome("linear", "probe", names=names, rows=40 * n_labels)
    html = _html(found, source="<img src=x onerror=alert(1)>\u202e.csv", licence="</style><b>")
    page = _Page(html)
    assert page.tags["script"] == page.tags["img"] == 0
    assert page.tags["style"] == 1
    assert page.misplaced == page.open == []
    assert "<script>alert(1)</script>" in page.text
    assert [char for char in html if not char.isprintable() and char not in "\n\xa0"] == []
    assert max(map(len, page.text.split())) <= 100


def test_two_long_labels_of_one_beginning_can_be_told_apart() -> None:
    """A long label loses its middle, not its end."""
    names = ("x" * 200 + "no", "x" * 200 + "yes")
    text = _page(outcome("probe", names=names, rows=200)).text
    assert "xxno" in text
    assert "xxyes" in text
    assert "x" * 90 not in text


@pytest.mark.parametrize("n_labels", [2, 150])
@pytest.mark.parametrize("rungs", [("linear",), ("probe",), ("linear", "probe", "finetune", "refine")])
def test_every_label_has_its_line(n_labels: int, rungs: tuple[str, ...]) -> None:
    """Few labels stand in one table, many in two, the second folded away; none is missing."""
    html = _html(outcome(*rungs, names=tuple(f"intent_{number:03d}" for number in range(n_labels)), rows=1200))
    named = re.findall(r'<th scope="row"><bdi>(intent_\d+)</bdi></th><td data-name="Rows">', html)
    assert len(set(named)) == len(named) == n_labels
    assert ("The other 130 labels" in html) == (n_labels == 150)


def test_the_headline_says_what_where_and_whether_it_chose() -> None:
    """Validation rows are named as used to choose, with their number; the accuracy has its interval."""
    found = outcome("probe", names=labels(12))
    text = _page(found).text
    accuracy = found.metrics["accuracy"]
    assert f"The frozen encoder with a linear head answers {100 * accuracy['value']:.1f} % right" in text
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    assert f"between {low:.1f} and {high:.1f} % (95 % interval), on 1,000 validation rows, used to choose." in text
    assert "flatter it a little" in text


def test_test_rows_take_the_place_of_validation_rows() -> None:
    """With test rows every figure outside the climb is theirs, and the warning is gone."""
    found = outcome("linear", "probe", names=labels(12), with_test=True)
    text = _page(found).text
    assert found.test is not None
    assert f"answers {100 * found.test['accuracy']['value']:.1f} % right" in text
    assert "on 500 test rows, not used to choose." in text
    assert "flatter it a little" not in text
    assert "Measured on 500 test rows" in text


def test_out_of_fold_figures_name_the_rows_that_chose() -> None:
    """A refit model is measured on all rows; the page tells which of them chose it."""
    found = outcome("probe", names=labels(12))
    on = "10000 train and validation rows, each by a head that had not seen it"
    found = replace(found, kept=replace(found.kept, measured_on=on))
    assert f"on {on}, the 1,000 validation rows among them were used to choose." in _page(found).text


@pytest.mark.parametrize(
    ("because", "sentence"),
    [
        (None, "The climb goes on; this is the best so far."),
        ("budget", "The next rung did not fit what was left of the budget of 5m. Not climbed: refine."),
        ("top", "The top of the ladder is reached: every rung asked for was climbed."),
        ("gain excluded", "After finetune, more gain is excluded: 0.0 points, 90 % interval −0.1 to +0.1 over probe."),
    ],
)
def test_it_says_why_it_stopped(because: StoppedBecause | None, sentence: str) -> None:
    """Each way to end has its sentence; a climb that goes on says so at the top."""
    found = outcome("linear", "probe", "finetune", names=labels(12), stopped_because=because)
    level = Comparison(Interval(0.0, -0.1, 0.1), 1.0, over="probe")
    found = replace(found, comparisons={**found.comparisons, "finetune": level})
    text = _page(found).text
    assert sentence in text
    assert ("goes on" in text) == (because is None)


@pytest.mark.parametrize(
    ("p_value", "points", "sentence"),
    [
        (
            0.0002,
            1.2,
            "proven better than probe by +1.2 points, 90 % interval +0.4 to +2.0 (McNemar, p < 0.001)",
        ),
        (0.3, 0.3, "Kept is finetune, though it is not proven better: it differs from probe by +0.3 points"),
    ],
)
def test_proven_is_said_apart_from_kept(p_value: float, points: float, sentence: str) -> None:
    """A rung can be kept without being proven better, and the page must tell the two apart."""
    found = outcome("probe", "finetune", names=labels(12))
    gain = Comparison(Interval(points, points - 0.8, points + 0.8), p_value, over="probe")
    text = _page(replace(found, comparisons={"finetune": gain})).text
    assert sentence in text


def test_a_last_rung_that_was_cut_short_is_told() -> None:
    """There is no next rung that could not have fitted."""
    found = outcome("linear", "probe", "finetune", "refine", names=labels(12), stopped_because="budget")
    text = _page(found).text
    assert "The budget of 5m cut the last rung short: more training may bring more." in text
    assert "The next rung" not in text


def test_the_first_rung_may_be_the_best() -> None:
    """Where nothing took over, the page says so, and which rungs are proven worse."""
    found = outcome("probe", "linear", names=labels(12))
    assert found.kept.rung == "probe"
    assert "Kept is the first rung, probe; none after it took its place. Proven worse: linear." in _page(found).text


def test_the_curve_is_there_only_after_training_an_encoder(whole: Outcome) -> None:
    """Rungs with a curve are drawn with the step taken and why training ended."""
    text = _page(whole).text
    assert "The weights of step 480 were taken" in text
    assert "Training ended: planned steps taken." in text
    assert "optimiser steps" not in _page(outcome("linear", "probe", names=labels(4))).text


def test_an_average_of_fits_keeps_the_curve_of_its_fit() -> None:
    """The score of averaged weights is not on the curve; the step's own score is shown, as uncertain."""
    found = outcome("probe", "finetune", "refine", names=labels(12))
    curve = [{"step": 10, "objective": 0.5, "loss": 1.0}, {"step": 20, "objective": 0.625, "loss": 0.9}]
    refined = replace(found.landings[-1], facts={"curve": curve, "best_step": 20, "averaged": True})
    html = _html(replace(found, landings=(*found.landings[:-1], refined)))
    assert "62.5\xa0%, step 20" in unescape(html)


def test_another_objective_is_plotted_and_listed_beside_accuracy() -> None:
    """With macro-F1 as objective the plot is of macro-F1, and the table holds both."""
    html = _html(outcome("linear", "probe", names=labels(12)), metric="macro_f1")
    assert "macro-F1, %</text>" in html
    assert html.count('data-name="Macro-F1"') == 2
    assert html.count('data-name="Accuracy"') == 2


def test_no_figure_without_its_uncertainty() -> None:
    """What comes without an interval is left out rather than shown bare."""
    found = outcome("probe", names=labels(12))
    found = replace(found, metrics={**found.metrics, "mcc": 0.5, "ece": 0.01})
    text = _page(found).text
    assert "MCC" not in text
    assert "How far to trust" not in text
    assert "Macro-F1" in text


def test_calibration_is_told_before_and_after() -> None:
    """Both calibration errors stand in one sentence, each with its interval."""
    found = outcome("probe", names=labels(12))
    before, after = found.metrics["ece_uncalibrated"], found.metrics["ece"]
    text = _page(found).text
    assert f"is {100 * after['value']:.1f} % (95 % interval" in text
    assert f"before calibration it was {100 * before['value']:.1f} %" in text


def test_a_perfect_model_is_told_plainly() -> None:
    """Without an error there is no table of confusions."""
    found = outcome("probe", names=("no", "yes"), rows=50)
    counts = {"labels": ["no", "yes"], "counts": [[30, 0], [0, 20]]}
    assert (
        "None of the 50 rows was answered wrongly."
        in _page(replace(found, metrics={**found.metrics, "confusion": counts})).text
    )


def test_the_commands_and_the_machine_are_there(whole: Outcome) -> None:
    """Three commands to go on with, and what computed."""
    html = unescape(_html(whole))
    for command in (
        'tunesmith predict MODEL --text "..."',
        "tunesmith evaluate MODEL FILE.csv",
        """python -c 'import tunesmith; print(tunesmith.load("MODEL").predict(["..."]))'""",
    ):
        assert f"<pre><code>{command}</code></pre>" in html
    assert "AMD EPYC (model 1)" in html
    assert "<dt>torch</dt><dd>2.13.0</dd>" in html


def test_bare_costs_are_enough() -> None:
    """A report without a machine or a time must still be written."""
    found = outcome("linear", names=labels(4))
    page = _Page(report_page(facts_of(found), found, {}))
    assert page.misplaced == []
    assert "The climb took" not in page.text


def test_rows_are_told_with_the_file_they_come_from() -> None:
    """Rows of a test file are not counted as the training file's; a hostile file name is no markup."""
    found = outcome("probe", names=labels(12), with_test=True)
    facts = facts_of(found)
    alone = _Page(report_page(facts, found, costs_of(found))).text
    assert "10,000: 9,000 to fit, 1,000 to choose, 500 to test" in alone
    beside = facts.model_copy(update={"recipe": {**facts.recipe, "data": {"test": "some/folder/<b>new.csv"}}})
    text = _Page(report_page(beside, found, costs_of(found))).text
    assert "9,500: 9,000 to fit, 1,000 to choose, 500 more, from <b>new.csv , to test" in text
    assert "some/folder" not in text


def _of(found: Outcome, *, data: dict[str, Any] | None = None, **update: Any) -> str:
    """The page of another task, or of another file."""
    facts = facts_of(found)
    facts = facts.model_copy(update={"data": facts.data.model_copy(update=data or {}), **update})
    return report_page(facts, found, costs_of(found))


def test_what_is_wrong_with_the_file_stands_at_the_top() -> None:
    """In a box of its own before the figures; news stay with the data, and nothing is told twice."""
    notes = ("warning: 64% of the word pieces are unknown to the base model", "2 rows repeat an earlier row's text")
    html = unescape(_of(outcome("probe", names=labels(4)), data={"notes": notes}))
    box, _, rest = html.partition('<dl class="strip">')
    assert "<li>64% of the word pieces are unknown to the base model</li>" in box.partition('class="alert"')[2]
    assert html.count("64% of the word pieces") == 1
    assert "<li>2 rows repeat an earlier row's text</li>" in rest
    assert 'class="alert"' not in _of(outcome("probe", names=labels(4)), data={"notes": ()})


def test_a_model_of_pairs_is_told_as_one() -> None:
    """Both columns, and commands that can be run."""
    html = unescape(_of(outcome("probe", names=labels(4)), data={"pair": "reply"}))
    assert "4 labels for pairs of texts" in _Page(html).text
    assert "<dt>Texts</dt><dd><bdi>message</bdi> and <bdi>reply</bdi></dd>" in html
    assert 'tunesmith predict MODEL --text "..." --pair "..."' in _Page(html).text
    assert """.predict([("...", "...")]))'</code>""" in html


def test_levels_are_not_called_labels() -> None:
    """They have an order, in which their rows are told."""
    data = {"labels": {"1": 700, "2": 5000, "3": 1200}}
    html = _of(outcome("probe", names=("1", "2", "3")), task="ordinal", data=data)
    text = _Page(html).text
    assert "3 levels" in text
    assert "Which levels are confused" in text
    assert "Level by level, the weakest first" in text
    assert "Rows of each 1 : 700, 2 : 5,000, 3 : 1,200" in text
    assert not re.search(r"\bLabels?\b", text)


def test_yes_or_no_says_which_label_is_yes() -> None:
    """Precision and recall are of that one."""
    found = outcome("probe", names=("ham", "spam"))
    assert "“spam” counts as positive, answered from the probability 0.25 on." in _of(
        found, task="binary", thresholds=(0.25,)
    )


def test_numbers_have_no_labels_and_gains_of_correlations_no_points() -> None:
    """Their range is told; a gain of 0.012 is 1.2 hundredths."""
    found = outcome("probe", "finetune", names=("1", "2"))
    found = replace(found, comparisons={"finetune": Comparison(Interval(1.2, 0.4, 2.0), 0.0002, over="probe")})
    facts = facts_of(found, metric="mcc")
    data = facts.data.model_copy(update={"labels": {}, "numbers": (0.0, 1.0, 2.5, 3.0, 5.0)})
    plain = {name: value for name, value in found.metrics.items() if name not in ("per_class", "confusion")}
    scale = ScaleFacts(mean=2.4, spread=1.2)
    numbers = facts.model_copy(update={"data": data, "task": "score", "labels": (), "metrics": plain, "scale": scale})
    text = _Page(report_page(numbers, replace(found, metrics=plain), costs_of(found))).text
    assert "by +1.2 hundredths, 90 % interval" in text
    assert "Gain: hundredths of MCC" in text
    assert "Number queue , mean 2.4, standard deviation 1.2, from 0 to 5, half of them up to 2.5" in text
    assert not re.search(r"\blabels?\b", text)


def test_few_labels_are_counted_one_by_one_and_many_by_their_ends() -> None:
    """With the scripts of the texts."""
    text = _page(outcome("probe", names=("no", "yes"))).text
    assert "Rows of each yes : 1,001, no : 1,000" in text
    assert "Letters 93 % Latin, 7 % Han" in text
    assert "Rows of each 1,000 to 1,029; all are in tunesmith.json" in _page(outcome("probe", names=labels(30))).text


def test_a_long_name_breaks_after_its_marks() -> None:
    """Not in the middle of a word; a short one does not break, and what is escaped stays so."""
    html = _html(outcome("probe", names=("a_b", "card_payment_not_recognised", "x<y&_&amp;_&lt;_&quot;_")))
    assert "<bdi>a_b</bdi>" in html
    assert "<bdi>card_<wbr>payment_<wbr>not_<wbr>recognised</bdi>" in html
    assert _Page(html).misplaced == []
    assert "<bdi>x&lt;y&amp;_&amp;amp;_&amp;lt;_&amp;quot;_</bdi>" in html


def test_no_error_is_not_told_as_certainty() -> None:
    """The bootstrap of rows that are all right has no width; Wilson's bound is told beside it."""
    found = outcome("probe", names=("no", "yes"), rows=100)
    perfect = {**found.metrics, "accuracy": {"value": 1.0, "low": 1.0, "high": 1.0}}
    told = "Not one was answered wrongly, which 100 rows do not prove: 3.7\xa0% of others may be."
    assert told in _html(replace(found, metrics=perfect))
    assert "Not one was answered" not in _html(found)


def test_a_figure_that_counts_every_label_hides_none() -> None:
    """Accuracy hides a label that is never answered right; a headline of macro-F1 does not."""
    found = outcome("probe", names=("1", "2", "3"))
    per_class = {**found.metrics["per_class"], "3": {**found.metrics["per_class"]["3"], "recall": 0.0}}
    found = replace(found, metrics={**found.metrics, "per_class": per_class})
    assert "No row of “3” is answered right, which the figure above hides." in _html(found)
    several = replace(found, metrics={name: value for name, value in found.metrics.items() if name != "accuracy"})
    facts = facts_of(several, metric="macro_f1").model_copy(update={"task": "multi_label"})
    assert "No row of “3” is answered right." in report_page(facts, several, costs_of(found))

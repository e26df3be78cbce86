"""The model card: a header that YAML reads back, and text in which labels stay labels."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from tests.report.made_up import HOSTILE, costs_of, facts_of, labels, outcome

from tunesmith.bundle.card import card, measured
from tunesmith.bundle.data_statement import data_line
from tunesmith.bundle.schema import ScaleFacts, TokenFacts
from tunesmith.ladder.climb import Outcome


def _card(found: Outcome, **facts: Any) -> str:
    return card(facts_of(found, **facts), costs_of(found))


def _header(text: str) -> dict[str, Any]:
    begin, header, _ = text.split("---\n", 2)
    assert begin == ""
    values = yaml.safe_load(header)
    assert isinstance(values, dict)
    return values


def test_the_header_says_what_the_hub_asks() -> None:
    """Licence, base model, task and figures must be read back as they were measured."""
    found = outcome("linear", "probe", names=labels(12))
    header = _header(_card(found))
    assert header["license"] == "apache-2.0"
    assert header["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert header["pipeline_tag"] == "text-classification"
    assert header["metrics"] == ["accuracy", "f1"]
    (result,) = header["model-index"][0]["results"]
    assert result["task"] == {"type": "text-classification", "name": "Text classification"}
    assert result["dataset"] == {"name": "tickets.csv", "type": "custom", "split": "validation"}
    accuracy, f1 = result["metrics"]
    assert (accuracy["type"], f1["type"]) == ("accuracy", "f1")
    assert accuracy["value"] == pytest.approx(found.metrics["accuracy"]["value"], abs=5e-5)
    assert f1["value"] == pytest.approx(found.metrics["macro_f1"]["value"], abs=5e-5)
    assert f"{found.metrics['accuracy']['low']:.4f}" in accuracy["name"]
    assert "1,000 validation rows" in accuracy["name"]


def test_test_rows_come_first() -> None:
    """Where there are test rows, header and table are theirs."""
    found = outcome("probe", names=labels(12), with_test=True)
    text = _card(found)
    (result,) = _header(text)["model-index"][0]["results"]
    assert result["dataset"]["split"] == "test"
    assert found.test is not None
    assert result["metrics"][0]["value"] == pytest.approx(found.test["accuracy"]["value"], abs=5e-5)
    assert "Measured on 500 test rows (not used to choose)" in text
    assert "flatter" not in text


@pytest.mark.parametrize(
    ("licence", "header"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("", {"license": "unknown"}),
        ('My Own: #1 "licence"', {"license": "other", "license_name": 'My Own: #1 "licence"'}),
    ],
)
def test_licences_are_those_the_hub_knows(licence: str, header: dict[str, str]) -> None:
    """A licence unknown to the hub is ``other`` with its name; none at all is ``unknown``."""
    found = _header(_card(outcome("probe", names=labels(4)), licence=licence))
    assert {key: found[key] for key in found if key.startswith("license")} == header


def test_word_counts_have_no_base_and_no_licence_of_one() -> None:
    """Without a pretrained encoder there is no base model to name, and no sentence-transformers folder."""
    text = _card(outcome("linear", names=labels(4)))
    header = _header(text)
    assert "base_model" not in header
    assert header["license"] == "unknown"
    assert "sentence_transformers" not in text
    assert "Base encoder" not in text


@pytest.mark.parametrize("n_labels", [6, 150])
@pytest.mark.parametrize("source", ['a"b: c\n- d.csv', "\u202e\x85\ufeff#.csv", "---", "| x | `y`.csv"])
def test_hostile_names_end_neither_quote_nor_line(n_labels: int, source: str) -> None:
    """File and label names may hold anything: the header stays whole, and code spans hold every name."""
    text = _card(outcome("probe", names=labels(n_labels), rows=20 * n_labels), source=source)
    (result,) = _header(text)["model-index"][0]["results"]
    assert set(result["dataset"]) == {"name", "type", "split"}
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    outside = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text.split("---\n", 2)[2])
    assert "<script" not in outside
    assert "`" not in re.sub(r"^```(sh|python)?$", "", outside, flags=re.M)
    assert max(map(len, re.findall(r"a+", text))) < 80


def test_many_labels_are_cut_and_counted() -> None:
    """Fifty labels are listed, the rest is counted."""
    text = _card(outcome("probe", names=tuple(f"label{number:03d}" for number in range(150)), rows=3000))
    assert "`label049` and 100 more, all in `tunesmith.json`." in text
    assert "`label050`, " not in text.split("##")[0]


def test_every_section_is_there() -> None:
    """A card answers what, how good, how made, from what, how far, how to use and under which licence."""
    text = _card(outcome("linear", "probe", "finetune", names=labels(12)))
    assert re.findall(r"^## (.*)$", text, re.M) == [
        "How good it is",
        "How it was made",
        "Data",
        "Limits",
        "How to use it",
        "Licence",
    ]
    assert "| `finetune` | 141.0 | 1105 |" in text
    assert 'tunesmith predict MODEL --text "..."' in text


def test_figures_without_interval_are_left_out() -> None:
    """A figure without its uncertainty is not printed, in the header no more than in the table."""
    found = outcome("probe", names=labels(12))
    found = replace(found, metrics={**found.metrics, "macro_f1": 0.9})
    text = _card(found)
    assert _header(text)["metrics"] == ["accuracy"]
    assert "macro-F1" not in text


def test_bare_costs_are_enough() -> None:
    """A card without rungs, time or machine must still be written."""
    found = outcome("probe", names=labels(4))
    assert "| rung |" not in card(facts_of(found), {})


def test_rows_are_counted_from_the_figures() -> None:
    """The number of rows told is the number measured, whatever the split says; labels are all of them."""
    found = outcome("probe", names=labels(12), rows=77)
    told = measured(facts_of(found))
    assert (told.rows, told.where, told.is_test) == (77, "77 validation rows", False)
    assert set(HOSTILE) <= set(labels(12))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "The file `tickets.csv`: 10,000 rows, {}; 9,000 rows to fit, 1,000 to choose and 500 to test."),
        (
            {"test": "some/folder/new.csv"},
            "The file `tickets.csv`: 9,500 rows, {}; 9,000 rows to fit, 1,000 to choose and "
            "500 more, from `new.csv`, to test.",
        ),
        (
            {"validation": "old.csv", "test": None},
            "The file `tickets.csv`: 9,000 rows, {}; 9,000 rows to fit, 1,000 more, from `old.csv`, to choose "
            "and 500 to test.",
        ),
        (
            {"validation": "old.csv", "test": "new.csv"},
            "The file `tickets.csv`: 8,500 rows, {}; 9,000 rows to fit, 1,000 more, from `old.csv`, to choose and "
            "500 more, from `new.csv`, to test.",
        ),
    ],
)
def test_rows_are_told_with_the_file_they_come_from(files: dict[str, str | None], told: str) -> None:
    """The training file is said to have its own rows, not those of the files beside it."""
    found = outcome("probe", names=labels(12), with_test=True)
    facts = facts_of(found)
    facts = facts.model_copy(update={"recipe": {**facts.recipe, "data": files}})
    text = card(facts, costs_of(found))
    assert told.format("text in column `message`, label in column `queue`") in text
    assert "some/folder" not in text


def _told(found: Outcome, **update: Any) -> str:
    """The card of a bundle of another task, or of another file."""
    facts = facts_of(found)
    data = facts.data.model_copy(update=update.pop("data", {}))
    return card(facts.model_copy(update={"data": data, **update}), {})


def test_the_data_statement_says_what_is_known_and_what_is_not() -> None:
    """Rows of each label, letters by script, what was found wrong; a note's words are no markup."""
    text = _card(outcome("probe", names=("no", "a|b"), rows=100))
    assert "| `a\\|b` | 101 | 10.1 % |\n| `no` | 100 | 10.0 % |" in text
    assert "The letters of the texts, by a sample: 93 % Latin, 7 % Han." in text
    assert '- 2 rows look alike: "&#60;script&#62;alert(1)&#60;/script&#62;", "&#96;&#42;&#91;b&#93;(c)"' in text
    assert "by its name" not in text
    assert "It is not known where the texts come from, in which language they are, who gave them their labels" in text


def test_of_many_labels_the_ends_and_the_middle_are_told() -> None:
    """And where all of them are."""
    text = _card(outcome("probe", names=tuple(f"label{number:03d}" for number in range(77)), rows=1000))
    assert "Of the 77 labels, `label076` has the most rows, 1,076, and `label000` the fewest, 1,000;" in text
    assert "the one in the middle has 1,038. All are in `tunesmith.json`." in text
    assert "| label | rows |" not in text


def test_shares_are_of_the_rows_of_the_file() -> None:
    """In a small one, where a row more or less shows; a row of several labels counts for each."""
    found = outcome("probe", names=("1", "2"), rows=100)
    text = _told(found, task="multi_label", thresholds=(0.2, 0.5), data={"rows": 8, "labels": {"1": 6, "2": 5}})
    assert "| `1` | 6 | 75.0 % |\n| `2` | 5 | 62.5 % |" in text
    assert "A row has 1.4 labels in the mean." in text


def test_levels_stand_in_their_order_and_labels_of_a_row_are_counted() -> None:
    """Each task is told in its own words."""
    found = outcome("probe", names=("1", "2", "3"), rows=100)
    text = _told(found, task="ordinal", data={"labels": {"1": 5, "2": 80, "3": 15}})
    assert "# `tickets.csv`: 3 levels" in text
    assert "| level | rows | share of rows |\n|---|---:|---:|\n| `1` | 5 |" in text
    assert "level in column `queue`" in text
    assert "Levels: `1`, `2`, `3`." in text
    several = _told(
        found, task="multi_label", thresholds=(0.2, 0.5, 0.3), data={"labels": {"1": 900, "2": 600, "3": 0}}
    )
    assert "A row has 1.5 labels in the mean." in several
    assert "Each label is answered from a probability of its own on, between 0.200 and 0.500" in several
    alike = _told(found, task="multi_label", thresholds=(0.2, 0.2, 0.2))
    assert "Each label is answered from the probability 0.200 on." in alike
    yes = _told(outcome("probe", names=("ham", "spam"), rows=100), task="binary", thresholds=(0.25,))
    assert "`spam` is answered from the probability 0.250 on." in yes


def test_numbers_are_told_by_their_quartiles() -> None:
    """There is no label to speak of."""
    found = outcome("probe", names=("1", "2"), rows=100)
    data = {"labels": {}, "numbers": (0.0, 1.25, 2.5, 3.5, 5.0)}
    text = _told(found, task="score", labels=(), scale=ScaleFacts(mean=2.4, spread=1.2), data=data)
    assert "between 0 and 5: a quarter of them up to 1.25, half up to 2.5, three quarters up to 3.5." in text
    assert "number in column `queue`" in text
    assert "who gave them their numbers and how" in text
    assert "probabilities" not in text


@pytest.mark.parametrize("task", ["single_label", "binary", "multi_label", "ordinal", "score"])
def test_a_model_of_pairs_is_told_as_one(task: str) -> None:
    """What it gives, the columns of both texts, and how two texts are handed to it."""
    found = outcome("probe", names=("1", "2"), rows=100)
    tokens = TokenFacts(max_seq_length=256, pairing="symmetric")
    update: dict[str, Any] = {"task": task, "tokens": tokens, "data": {"pair": "reply"}}
    if task == "score":
        update |= {"labels": (), "scale": ScaleFacts(mean=2.4, spread=1.2)}
    text = _told(found, **update)
    assert "for pairs of texts" in text.split("\n\n")[1]
    assert re.search(r"^(Gives a pair of texts|Tells whether a pair of texts is) ", text, re.M)
    assert "texts in columns `message` and `reply`" in text
    assert "`symmetric` features are made of both" in text
    assert 'tunesmith predict MODEL --text "..." --pair "..."' in text
    assert 'tunesmith.load("MODEL").predict([("...", "...")])' in text


def test_what_sentence_transformers_cannot_compute_is_not_offered_to_it() -> None:
    """Pairs read in one sequence, and a pooling that learns: it would get the encoder alone."""
    found = outcome("probe", names=("1", "2"), rows=100)
    joined = _told(found, tokens=TokenFacts(max_seq_length=256, pairing="joined"), data={"pair": "reply"})
    assert "Both texts of a pair are read in one sequence." in joined
    assert "sentence_transformers" not in joined
    assert "sentence_transformers" not in _told(found, tokens=TokenFacts(max_seq_length=256, pooling="attention"))
    assert "sentence_transformers" in _told(found, tokens=TokenFacts(max_seq_length=256, pooling="max"))


def test_the_line_of_info_names_files_beside_the_training_file() -> None:
    """Rows of another file are told under that file's name, those of the training file without one."""
    facts = facts_of(outcome("probe", names=labels(12), with_test=True))
    assert data_line(facts) == "tickets.csv: 9,000 train rows, 1,000 validation rows, 500 test rows"
    facts = facts.model_copy(update={"recipe": {**facts.recipe, "data": {"test": "some/folder/new.csv"}}})
    assert data_line(facts).endswith("1,000 validation rows, 500 test rows from new.csv")

"""A bundle that is not what it says it is must be refused in words before it answers anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.wanted import classes
from tests.report.made_up import facts_of, outcome

from tunesmith.bundle.kinds import COMMON_FILES, KINDS
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import RECORD, save_bundle
from tunesmith.bundle.schema import Facts, read_facts
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json
from tunesmith.files.manifest import write_manifest
from tunesmith.models.bag_of_words import BagOfWords, fit_bag_of_words

TEXTS = [
    "where is my card",
    "the card is lost",
    "my parcel is late",
    "the box did not come",
    "i want my money",
    "pay me",
]
NAMES = ("card", "delivery", "refund")

Change = Callable[[dict[str, Any]], object]


def fitted() -> BagOfWords:
    """A bag of words of three classes."""
    return fit_bag_of_words(TEXTS, classes([0, 0, 1, 1, 2, 2], 3))


@cache
def facts(kind: str = "bag_of_words") -> Facts:
    """What a sound bundle says of itself."""
    return facts_of(outcome("linear" if kind == "bag_of_words" else "probe", names=NAMES, rows=60, with_test=True))


def facts_json(kind: str = "bag_of_words") -> dict[str, Any]:
    """The content of its ``tunesmith.json``, to be spoilt."""
    return facts(kind).model_dump(mode="json")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A whole bundle of the kind ``bag_of_words``."""
    folder, model = tmp_path / "tickets.model", fitted()
    save_bundle(
        folder,
        model,
        facts(),
        probe_texts=TEXTS,
        probe_logits=model.logits(TEXTS),
        extra_files={"README.md": "card", "report.html": "<p>"},
        costs={},
    )
    return folder


def test_a_sound_bundle_loads_and_has_the_files_of_its_kind(bundle: Path) -> None:
    """Those of the kind and those of every bundle, no others; it answers as the model did."""
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert names == {*KINDS.member("bag_of_words").FILES, *COMMON_FILES}
    np.testing.assert_allclose(load_bundle(bundle).predictor.outputs(TEXTS).logits, fitted().logits(TEXTS), atol=1e-5)


@pytest.mark.parametrize("name", ["modeling_x.py", "1_Pooling/config.json", "tokenizer.json", "README.md.orig"])
def test_a_file_that_its_kind_does_not_have_is_refused(bundle: Path, name: str) -> None:
    """The manifest cannot vouch for a file: whoever slips one in can make the manifest anew."""
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("import os", "utf-8")
    write_manifest(bundle, record=RECORD)
    with pytest.raises(ArtifactError, match="file-unexpected") as caught:
        load_bundle(bundle)
    assert caught.value.where == str(bundle / name)
    assert "vocabulary.json" in (caught.value.allowed or "")


def test_the_name_of_a_strange_file_is_escaped(bundle: Path) -> None:
    """It is somebody's text."""
    (bundle / "a\x1b[31m.py").touch()
    write_manifest(bundle, record=RECORD)
    with pytest.raises(ArtifactError, match=r"a\\x1b\[31m\.py"):
        load_bundle(bundle)


@pytest.mark.parametrize("names", [("card", "delivery"), (*NAMES, "small talk")])
def test_a_bag_of_words_has_as_many_outputs_as_labels(bundle: Path, names: tuple[str, ...]) -> None:
    """An answer without a label, or a label that is never answered, means that the files are of two models."""
    write_json(bundle / "tunesmith.json", facts_of(outcome("linear", names=names, rows=60)).model_dump(mode="json"))
    write_manifest(bundle, record=RECORD)
    with pytest.raises(ArtifactError, match=rf"(?s)head-differs.* found +3 outputs\n +allowed +{len(names)}, "):
        _ = load_bundle(bundle).predictor


DAMAGES: dict[str, tuple[Change, str]] = {
    "no accuracy": (lambda values: values["metrics"].pop("accuracy"), "metrics lack accuracy"),
    "no metrics": (lambda values: values["metrics"].clear(), "metrics lack accuracy, macro_f1, per_class, confusion"),
    "no test accuracy": (lambda values: values["test_metrics"].pop("accuracy"), "test_metrics lack accuracy"),
    "a figure without interval": (
        lambda values: values["metrics"].update(accuracy=0.9),
        'metrics: "accuracy" is not a value with its low and high end',
    ),
    "a figure in words": (
        lambda values: values["metrics"].update(mcc={"value": "high", "low": 0, "high": 1}),
        'metrics: "mcc" is not a value',
    ),
    "figures of no label": (
        lambda values: values["metrics"]["per_class"].pop("card"),
        r"metrics\.per_class is not of the labels",
    ),
    "a label without F1": (
        lambda values: values["metrics"]["per_class"]["card"].pop("f1"),
        r"metrics\.per_class: a label lacks one of answered, f1, precision, recall, rows",
    ),
    "half a confusion": (
        lambda values: values["metrics"]["confusion"]["counts"].pop(),
        r"metrics\.confusion is not of the labels",
    ),
    "a confusion in words": (
        lambda values: values["metrics"].update(confusion="none"),
        r"metrics\.confusion is not of the labels",
    ),
    "a label that is no int": (
        lambda values: values.update(label_type="int"),
        'label_type = int: the label "card" is not of this type',
    ),
    "a label that is no bool": (lambda values: values.update(label_type="bool"), 'bool: the label "card" is not'),
    "one label twice": (lambda values: values["labels"].insert(0, "refund"), "labels: at least two .*all different"),
    "no labels": (lambda values: values["labels"].clear(), "labels: at least two are wanted"),
    "an unknown task": (
        lambda values: values.update(task="regression"),
        'task = "regression": known are .*single_label',
    ),
    "an unknown pooling": (
        lambda values: values["tokens"].update(pooling="median"),
        r'tokens\.pooling = "median": known are attention, cls, max, mean',
    ),
    "a recipe without sections": (lambda values: values["recipe"].update(ladder=[]), r"recipe\.ladder is no section"),
    "a metric that is no name": (
        lambda values: values["recipe"].update(ladder={"metric": ["accuracy"]}),
        r"recipe\.ladder\.metric is no text",
    ),
    "a file that is no name": (
        lambda values: values["recipe"].update(data={"test": 3}),
        r"recipe\.data\.test is no text",
    ),
}
"""What is spoilt, and the words it is told in."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_description_that_cannot_be_right_is_refused(tmp_path: Path, damage: str) -> None:
    """Types alone do not make it right: what a command would fall over later is told at load, with exit code 3."""
    change, words = DAMAGES[damage]
    values = facts_json("encoder")
    write_json(tmp_path / "tunesmith.json", values)
    assert read_facts(tmp_path).labels == NAMES
    change(values)
    write_json(tmp_path / "tunesmith.json", values)
    with pytest.raises(ArtifactError, match="facts-damaged") as caught:
        read_facts(tmp_path)
    assert caught.value.exit_code == 3
    assert caught.value.where == str(tmp_path / "tunesmith.json")
    assert caught.match(words.replace(" ", r"\s+"))


def test_a_missing_field_does_not_print_the_whole_description(tmp_path: Path) -> None:
    """A problem keeps its beginning and its end, however long what it shows."""
    values = facts_json()
    del values["rung"]
    write_json(tmp_path / "tunesmith.json", values)
    with pytest.raises(ArtifactError, match=r"(?s)rung = .*….*field\s+required") as caught:
        read_facts(tmp_path)
    assert len(caught.value.found or "") < 200

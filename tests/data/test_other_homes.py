"""Training files of Rasa, fastText, spaCy and Prodigy, whose users are looking for a home."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from tests.data.conftest import Write

from tunesmith.data.read import read_chunks, read_table
from tunesmith.errors import ConfigError, DataError

NLU = """\
version: "3.1"

nlu:
- intent: greet
  examples: |
    - hey
    - good morning, [Anna](name)!

- intent: faq/ask_price   # a retrieval intent
  examples: |
    - what is the price of [the big one]{"entity": "product", "value": "big"} in [Rome](city:rome)?
    - - twenty [sic] or more
- synonym: credit
  examples: |
    - credit card account
- intent: bye
  examples:
  - text: |
      - see you
    metadata: {sentiment: neutral}
  - text: "ciao: bella"
- regex: zip
  examples: |
    - \\d{5}
"""


def fault(path: Path) -> DataError:
    """Read what cannot be read."""
    with pytest.raises(DataError, match=r"^error\[") as caught:
        read_table(path)
    return caught.value


@pytest.mark.parametrize("name", ["nlu.yml", "nlu.yaml"])
def test_rasas_examples_are_rows(write: Write, name: str) -> None:
    """Without the marks of entities, which a user does not type; each with its own line."""
    table = read_table(write(name, NLU))
    assert table.columns == {
        "text": [
            "hey",
            "good morning, Anna!",
            "what is the price of the big one in Rome?",
            "- twenty [sic] or more",
            "see you",
            "ciao: bella",
        ],
        "label": ["greet", "greet", "faq/ask_price", "faq/ask_price", "bye", "bye"],
    }
    lines = NLU.splitlines()
    starts = ["- hey", "- good", "- what", "- - twenty", "- see", "ciao"]
    assert all(start in lines[number - 1] for number, start in zip(table.places.numbers.tolist(), starts, strict=True))
    assert "2 entries" in table.notes[0]


@pytest.mark.parametrize(
    "content", ["version: 3\nrules: []\n", "", "- a\n- b\n", "nlu:\n- synonym: a\n  examples: |\n    - b\n"]
)
def test_a_rasa_file_without_examples_is_told(write: Write, content: str) -> None:
    """A domain or a story file, most likely."""
    assert fault(write("domain.yml", content)).code == "no-examples"


def test_damaged_yaml_is_told_by_its_line(write: Write) -> None:
    """As for every other format."""
    path = write("nlu.yml", "nlu:\n- intent: a\n  examples: [\n")
    told = fault(path)
    assert told.code == "yaml-damaged"
    assert f"{told.where}".startswith(f"{path}:")


def test_yaml_makes_no_objects(write: Write, tmp_path: Path) -> None:
    """A file may ask for any call; none is made."""
    write("nlu.yml", f"nlu: !!python/object/apply:os.mkdir [{tmp_path}/made]\n")
    assert fault(tmp_path / "nlu.yml").code == "no-examples"
    assert not (tmp_path / "made").exists()


FASTTEXT = "__label__card where is my card ?\n\n__label__app\tit hangs\nwhen __label__card did it leave\n"


@pytest.mark.parametrize("name", ["train.txt", "train.ft", "train.gz"])
def test_fasttexts_lines_are_rows(write: Write, name: str) -> None:
    """The label may stand anywhere in the line; an ending that tells nothing is no hindrance."""
    content = FASTTEXT.encode()
    if name.endswith(".gz"):
        content = zlib.compress(content, wbits=31)
    table = read_table(write(name, content))
    assert table.columns == {
        "text": ["where is my card ?", "it hangs", "when  did it leave"],
        "label": ["card", "app", "card"],
    }
    assert table.places.numbers.tolist() == [1, 3, 4]
    chunks = list(read_chunks(write("a.txt", FASTTEXT), chunk_rows=2))
    assert [chunk.n_rows for chunk in chunks] == [2, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [("no label", "has no label"), ("__label__a __label__b x", "2 labels"), ("__label__ x", "no name")],
)
def test_a_line_without_one_label_is_refused_or_left_out(write: Write, line: str, message: str) -> None:
    """By its number."""
    path = write("a.txt", f"{FASTTEXT}{line}\n")
    told = fault(path)
    assert (told.code, told.where) == ("not-one-label", f"{path}:5")
    assert message in told.message
    assert read_table(path, skip_bad_rows=True).n_rows == 3


CATS = [("hi", {"greet": 1.0, "bye": 0.0}), ("ciao", {"greet": 0.2, "bye": 0.9}), ("hm", {"greet": 0.0, "bye": 0.0})]


def test_categories_of_json_lines_become_labels(write: Write) -> None:
    """The one that holds; a row of which none does is not labelled."""
    path = write("a.jsonl", "".join(json.dumps({"text": text, "cats": cats}) + "\n" for text, cats in CATS))
    assert read_table(path).columns == {"text": ["hi", "ciao", "hm"], "label": ["greet", "bye", ""]}


def test_a_row_of_several_categories_is_refused_or_left_out(write: Write) -> None:
    """One label a text, so far."""
    path = write("a.jsonl", '{"text": "a", "cats": {"x": 1}}\n{"text": "b", "cats": {"x": 1, "y": true}}\n')
    told = fault(path)
    assert (told.code, told.where) == ("not-one-label", f"{path}:2")
    table = read_table(path, skip_bad_rows=True)
    assert table.columns == {"text": ["a"], "label": ["x"]}
    assert "1 row that cannot be read" in table.notes[-1]


@pytest.mark.parametrize("cell", ["nine", 9, ["a"], {"a": "b"}])
def test_another_column_called_cats_stays_as_it_is(write: Write, cell: object) -> None:
    """Of animals, say."""
    path = write("a.jsonl", json.dumps({"text": "a", "cats": cell}) + "\n")
    assert list(read_table(path).columns) == ["text", "cats"]


def test_spacys_documents_are_rows(tmp_path: Path) -> None:
    """By spaCy itself."""
    nlp = spacy.blank("en")
    documents = []
    for text, cats in CATS:
        document = nlp(text)
        document.cats = cats
        documents.append(document)
    DocBin(docs=documents).to_disk(tmp_path / "train.spacy")
    assert read_table(tmp_path / "train.spacy").columns == {"text": ["hi", "ciao", "hm"], "label": ["greet", "bye", ""]}
    assert [chunk.n_rows for chunk in read_chunks(tmp_path / "train.spacy", chunk_rows=2)] == [2, 1]
    (tmp_path / "bad.spacy").write_bytes(b"nothing")
    assert fault(tmp_path / "bad.spacy").code == "spacy-damaged"


def test_without_spacy_the_way_to_it_is_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes from there has it; nobody else needs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install spacy"):
        read_table(write("a.spacy", b"x"))


@pytest.mark.parametrize(
    ("content", "label"),
    [("__label__b a\n", "b"), ("label\ttext\nb\ta\n", "b"), ('{"text": "a", "label": "b"}\n', "b")],
)
def test_a_txt_file_is_told_by_its_first_line(write: Write, content: str, label: str) -> None:
    """The ending says nothing of what is inside."""
    assert read_table(write("a.txt", content)).columns["label"] == [label]


def test_categories_in_several_files_become_labels(write: Write) -> None:
    """In the second as in the first, of which the columns are known by then."""
    files = [write(f"{name}.jsonl", json.dumps({"text": name, "cats": {name: 1, "z": 0}}) + "\n") for name in "ab"]
    assert read_table(files).columns == {"text": ["a", "b"], "label": ["a", "b"]}


def test_a_label_stands_before_categories(write: Write) -> None:
    """Who has both means the label."""
    path = write("a.jsonl", json.dumps({"text": "a", "label": "x", "cats": {"y": 1}}) + "\n")
    assert read_table(path).columns["label"] == ["x"]

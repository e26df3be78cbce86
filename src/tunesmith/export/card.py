"""The README of an export: what it is, how it is run, and how far it was seen to be from the model."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.errors import counted, plural
from tunesmith.evaluate.figures import style_of
from tunesmith.export.reading import THRESHOLDS
from tunesmith.export.source import Model, Score
from tunesmith.export.stock import Stock
from tunesmith.export.wording import cut_difference
from tunesmith.types import JSON

_OPEN = """\
import json
from pathlib import Path

import numpy as np
{imports}
from tokenizers import Tokenizer

reading = json.loads(Path("reading.json").read_text("utf-8"))
tokenizer = Tokenizer.from_file("tokenizer.json")
{load}
"""
_SHORT = """\
tokenizer.enable_truncation(reading["max_seq_length"])
tokenizer.enable_padding(pad_id=reading["pad_token_id"])

texts = {texts}
encoded = tokenizer.encode_batch(texts)
given = {{
    "input_ids": [each.ids for each in encoded],
    "attention_mask": [each.attention_mask for each in encoded],
    "token_type_ids": [each.type_ids for each in encoded],
}}
inputs = {{name: np.array(given[name], dtype=np.int64) for name in reading["inputs"]}}
{output} = {run}
for text, row in zip(texts, {output}):
    print({decide}, text)
"""
_LONG = '''\
tokenizer.no_truncation()
tokenizer.no_padding()
{load_head}


{vector}


def answer({texts}):
    """What is said of {of}, of any length."""
    return {run_head}
'''
_ASKED = """

row = answer("where is my parcel?", "how do I track an order?")
print({decide})
"""
_VECTOR = '''\
def vector(text):
    """What the head sees of a text: the average over its windows."""
    ids = np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)
    room = reading["max_seq_length"] - len(reading["before"]) - len(reading["after"])
    vectors = []
    for part in np.array_split(ids, max(1, -(-len(ids) // room))):
        window = [*reading["before"], *part, *reading["after"]]
        types = [*reading["types_before"], *[reading["type_inside"]] * len(part), *reading["types_after"]]
        given = {{"input_ids": window, "attention_mask": [1] * len(window), "token_type_ids": types}}
        inputs = {{name: np.array([given[name]], dtype=np.int64) for name in reading["inputs"]}}
        vectors.append({run})
    return np.mean(vectors, axis=0)'''
_VECTOR_OF_PAIR = '''\
def vector(one, other):
    """What the head sees of a pair: the average over its windows."""
    ids = [np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64) for text in (one, other)]
    around = [reading[name] for name in ("before", "between", "after")]
    room = reading["max_seq_length"] - sum(map(len, around))
    short, long = sorted(map(len, ids))
    whole = short <= room // 2
    n_windows = 1 if short + long <= room else -(-long // (room - short)) if whole else -(-(short + long) // (room - 2))
    keep = 0 if len(ids[0]) <= len(ids[1]) else 1
    parts = [
        [each] * n_windows if whole and side == keep else np.array_split(each, n_windows)
        for side, each in enumerate(ids)
    ]
    vectors = []
    for first, second in zip(*parts):
        window = [*around[0], *first, *around[1], *second, *around[2]]
        types = [*reading["types_before"], *[reading["type_one"]] * len(first), *reading["types_between"]]
        types += [*[reading["type_other"]] * len(second), *reading["types_after"]]
        given = {{"input_ids": window, "attention_mask": [1] * len(window), "token_type_ids": types}}
        inputs = {{name: np.array([given[name]], dtype=np.int64) for name in reading["inputs"]}}
        vectors.append({run})
    return np.mean(vectors, axis=0)'''
_TEXTS = '["where is my parcel?", "I was charged twice"]'
_TEXT_PAIRS = '[("where is my parcel?", "how do I track an order?"), ("I was charged twice", "open an account")]'
_DECIDE = {
    "single_label": 'reading["labels"][row.argmax()], row.max()',
    "binary": 'reading["labels"][int(row[1] >= reading["thresholds"][0])], row[1]',
    "multi_label": '[reading["labels"][place] for place in (row >= reading["thresholds"]).nonzero()[0]]',
    "ordinal": 'reading["labels"][(row.cumsum() < 0.5).sum()]',
    "score": "row[0]",
}
"""What a row of probabilities or numbers says, by task."""
_GRAPHS = {
    "onnx": {
        "title": "ONNX",
        "files": "`model.onnx` and `head.onnx`",
        "packages": "onnxruntime tokenizers",
        "imports": "import onnxruntime",
        "load": 'model = onnxruntime.InferenceSession("model.onnx")',
        "load_head": 'head = onnxruntime.InferenceSession("head.onnx")',
        "run": 'model.run(["{output}"], inputs)[0]',
        "run_head": 'head.run(["{output}"], {{{inputs}}})[0][0]',
    },
    "openvino": {
        "title": "OpenVINO",
        "files": "`model.xml` and `head.xml`, each with its `.bin`",
        "packages": "openvino tokenizers",
        "imports": "import openvino",
        "load": 'exact = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where the processor has it\n'
        'model = openvino.Core().compile_model("model.xml", "CPU", exact)',
        "load_head": 'head = openvino.Core().compile_model("head.xml", "CPU", exact)',
        "run": 'model(inputs)["{output}"]',
        "run_head": 'head({{{inputs}}})["{output}"][0]',
    },
}


def graph_card(target: str, model: Model) -> str:
    """Write the README of a graph, with code that needs its runtime and ``tokenizers`` alone.

    Args:
        target: ``onnx`` or ``openvino``.
        model: The exported one.

    Returns:
        Markdown.
    """
    words = _GRAPHS[target]
    return f"""\
{_front_matter(library=target)}
# {_what(model)}, as {words["title"]}

Exported by tunesmith: {words["files"]}. Inputs are {", ".join(f"`{name}`" for name in model.inputs)}, int64, one text a
row. {_outputs(model)} `tokenizer.json` also prepares the text (Unicode form, control characters, space around it).
Licence of the base model's weights: {model.licence}.

{_CODE_OF_PAIRS[model.pairs](words, model)}"""


def _what(model: Model) -> str:
    kind = "classifier" if model.labels else "scorer"
    return f"A {kind} of pairs of texts" if model.pairs else f"A text {kind}"


def _outputs(model: Model) -> str:
    """Say what the graphs give, and what it means."""
    labels = counted(len(model.labels), "label")
    told = {
        "single_label": f"`probabilities` and `logits` of {labels}",
        "binary": "`probabilities` and `logits` of two labels, the second of which is answered from its threshold on",
        "multi_label": f"`probabilities` and `logits` of {labels}, each answered from its threshold on",
        "ordinal": f"`probabilities` of {len(model.labels)} levels, the lowest first, and `logits` of being above each "
        "but the last; the answer is the level that as many lie below as above",
        "score": "`values`, in the unit of the file that it learnt from",
    }[model.task.name]
    kept = f"Labels{' and thresholds' * (model.calibration.thresholds is not None)} are in `reading.json`; outputs are "
    if model.pairs == "apart":
        given = f"The model gives `vectors` of a text, and the head, from those of both, {told}."
    else:
        given = f"Outputs are {told}, and `vectors`, what the head sees of a {'pair' if model.pairs else 'text'}."
    return f"{given} {kept}calibrated." if model.labels else given


def _short_code(words: Mapping[str, str], model: Model, texts: str) -> str:
    """Code that answers what fits into one window, in a batch."""
    output = _output(model)
    run, decide = words["run"].format(output=output), _DECIDE[model.task.name]
    return _OPEN.format(**words) + _SHORT.format(texts=texts, output=output, run=run, decide=decide)


def _long_code(words: Mapping[str, str], model: Model, vector: str, *, texts: str, of: str, inputs: str) -> str:
    """Code that answers by the vectors of windows."""
    return _LONG.format(
        load_head=words["load_head"],
        vector=vector.format(run=words["run"].format(output="vectors")),
        texts=texts,
        of=of,
        run_head=words["run_head"].format(output=_output(model), inputs=inputs),
    )


def _output(model: Model) -> str:
    return "probabilities" if model.labels else "values"


def _text_code(words: Mapping[str, str], model: Model) -> str:
    """Code that answers single texts."""
    long = _long_code(words, model, _VECTOR, texts="text", of="a text", inputs='"vectors": vector(text)')
    return f"""\
Texts of up to {model.encoder.max_seq_length} tokens (`pip install {words["packages"]}`):

```python
{_short_code(words, model, _TEXTS)}```

A longer text is read in windows, as few and as equal as possible, whose vectors are averaged; the head answers the
average. No average of answers is the same. After the lines above:

```python
{long}```
"""


def _joined_code(words: Mapping[str, str], model: Model) -> str:
    """Code that answers pairs which are read as one."""
    inputs = '"vectors": vector(one, other)'
    long = _long_code(words, model, _VECTOR_OF_PAIR, texts="one, other", of="two texts", inputs=inputs)
    return f"""\
Pairs of up to {model.encoder.max_seq_length} tokens together (`pip install {words["packages"]}`):

```python
{_short_code(words, model, _TEXT_PAIRS)}```

A longer pair is read in windows whose vectors are averaged; the head answers the average. A text of at most half a
window stands whole in each, else both are cut into as many parts. After the lines above:

```python
{long}```
"""


def _apart_code(words: Mapping[str, str], model: Model) -> str:
    """Code that answers pairs whose texts are read apart."""
    inputs = '"vectors": vector(one), "other_vectors": vector(other)'
    long = _long_code(words, model, _VECTOR, texts="one, other", of="two texts", inputs=inputs)
    return f"""\
Each text is read by itself, in windows where it has more than {model.encoder.max_seq_length} tokens, so the vectors of
many texts can be kept and compared later (`pip install {words["packages"]}`):

```python
{_OPEN.format(**words)}{long}{_ASKED.format(decide=_DECIDE[model.task.name])}```
"""


_CODE_OF_PAIRS = {None: _text_code, "apart": _apart_code, "joined": _joined_code}


def transformers_card(model: Model, stock: Stock, *, n_taught: int, exact: bool) -> str:
    """Write the README of a stock classifier.

    Args:
        model: The exported one.
        stock: Its form.
        n_taught: Rows on which a model of this form was taught to answer as the exported one does.
        exact: Whether it computes what the exported one does.

    Returns:
        Markdown.
    """
    added = (
        "One layer more than the encoder had averages the tokens and scales the average to one length. Its weights are "
        "made, not learnt, and large (2^24): run it in float32 or bfloat16, and train it further only below that layer."
    )
    way = "It comes near to what the model computes, which no class of transformers does; how near stands below."
    if exact:
        way = "It computes what the model computes, in the parts that this class has."
    elif n_taught:
        rows = f"{n_taught:,} {plural(n_taught, 'row')}"
        way = f"It was taught to answer as the model does, on {rows}; no class of transformers computes it."
    return f"""\
{_front_matter()}
# {_what(model)}, as transformers' {stock.shape.name}

Exported by tunesmith. {_stock_answers(model)} (`pip install transformers`). Licence of the base model's weights:
{model.licence}.

```python
{_stock_code(model)}```

{way}{" " + added if stock.added_layer else ""}

Texts of more than {model.encoder.max_seq_length} tokens are cut there, as `truncation=True` says;
tunesmith reads them whole, and so do its exports to ONNX and OpenVINO.
"""


_PIPELINE = """\
from transformers import pipeline

classify = pipeline("text-classification", model=".", truncation=True)
for answer in classify({texts}):
    print(answer["label"], answer["score"])
"""
_PIPELINE_OF_ALL = """\
{imports}from transformers import pipeline

{load}classify = pipeline("text-classification", model=".", truncation=True, top_k=None)
for shares in classify({texts}):
    print({decide})
"""
_PIPELINE_PAIRS = '[{"text": "where is my parcel?", "text_pair": "how do I track an order?"}]'


def _stock_answers(model: Model) -> str:
    """Say what the class gives, and what it means."""
    match model.task.name:
        case "score":
            return "The score of its one label, `value`, is the number, in the unit of the file that it learnt from"
        case "ordinal":
            return (
                f"{len(model.labels)} levels, `{model.labels[0]}` the lowest; its labels say how probable it is that a "
                "text is above each, calibrated"
            )
        case "single_label":
            return f"{counted(len(model.labels), 'label')}, probabilities calibrated"
        case _:
            return (
                f"{counted(len(model.labels), 'label')}, probabilities calibrated; from which on each is said is in "
                f"`{THRESHOLDS}`"
            )


def _stock_code(model: Model) -> str:
    """Code that answers as the model does."""
    texts = _TEXTS if model.pairs is None else _PIPELINE_PAIRS
    if model.task.name == "ordinal":
        levels = f"levels = {list(model.labels)!r}\n"
        decide = 'levels[sum(each["score"] > 0.5 for each in shares)]'
        return _PIPELINE_OF_ALL.format(imports="", load=levels, texts=texts, decide=decide)
    if model.calibration.thresholds is None:
        return _PIPELINE.format(texts=texts)
    imports = "import json\nfrom pathlib import Path\n\n"
    load = f'least = json.loads(Path("{THRESHOLDS}").read_text("utf-8"))\n'
    decide = '[each["label"] for each in shares if each["score"] >= least[each["label"]]]'
    if model.task.name == "binary":
        decide = 'any(each["score"] >= least.get(each["label"], 2) for each in shares), shares'
    return _PIPELINE_OF_ALL.format(imports=imports, load=load, texts=texts, decide=decide)


def vectors_card(model: Model) -> str:
    """Write the README of the encoder without its head.

    Args:
        model: The exported one.

    Returns:
        Markdown.
    """
    return f"""\
{_front_matter(tag="sentence-similarity", library="sentence-transformers")}
# A text encoder, for sentence-transformers

Exported by tunesmith: the encoder of a text classifier and its pooling, without the head. Licence of the
base model's weights: {model.licence} (`pip install sentence-transformers`):

```python
from sentence_transformers import SentenceTransformer

encoder = SentenceTransformer(".")
vectors = encoder.encode(["where is my parcel?", "I was charged twice"])
```

The vectors are those that the classifier's head sees. Texts of more than {model.encoder.max_seq_length} tokens are cut
there; tunesmith reads them whole, in windows whose vectors it averages.
"""


def _front_matter(tag: str = "text-classification", library: str = "transformers") -> str:
    """What the Hugging Face hub reads."""
    return f"""\
---
pipeline_tag: {tag}
library_name: {library}
---
"""


def measured_lines(told: dict[str, JSON], score: Score | None) -> str:
    """Tell how good the model is and how far the export is from it, in words.

    Args:
        told: The comparison, as ``parity.json`` has it.
        score: Of the model.

    Returns:
        A section of Markdown.
    """
    whole = told["whole"]
    figures = [
        f"largest difference of {name} {whole[name]:.1e}"
        for name in ("logits", "values", "probabilities", "vectors")
        if whole[name] is not None
    ]
    same = "" if whole["agreement"] is None else f"; the same answer for {100 * whole['agreement']:.2f} %"
    lines = [
        *([] if score is None else [_scored(score)]),
        f"Compared with the model by {told['runtime']}, on {counted(whole['rows'], 'text')} of {told['texts']}: "
        f"{', '.join(figures)}{same}.",
    ]
    if told["cut"] is not None:
        lines.append(f"Longer texts are cut here and read whole by the model: {cut_difference(told['cut'])}.")
    if told["loss"] is not None:
        loss = told["loss"]
        lines.append(f"Loss on {counted(loss['rows'], 'row')} held out: {loss['points']:.2f} points of {loss['of']}.")
    return "\n## Measured\n\n" + "\n".join(lines) + "\n"


def _scored(score: Score) -> str:
    style = style_of(score.name)
    figure = f"{style.words} {style.told(score.figure.value)} ({style.span(score.figure)}, 95 %)"
    return f"The model before the export: {figure} on {score.where} ({score.choice})."

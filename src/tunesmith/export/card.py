"""The README of an export: what it is, how it is run, and how far it was seen to be from the model."""

from __future__ import annotations

from tunesmith.export.source import Model
from tunesmith.export.stock import Stock
from tunesmith.types import JSON

_SHORT = """\
import json
from pathlib import Path

import numpy as np
{imports}
from tokenizers import Tokenizer

reading = json.loads(Path("reading.json").read_text("utf-8"))
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation(reading["max_seq_length"])
tokenizer.enable_padding(pad_id=reading["pad_token_id"])
{load}
texts = ["where is my parcel?", "I was charged twice"]
encoded = tokenizer.encode_batch(texts)
given = {{
    "input_ids": [each.ids for each in encoded],
    "attention_mask": [each.attention_mask for each in encoded],
    "token_type_ids": [each.type_ids for each in encoded],
}}
inputs = {{name: np.array(given[name], dtype=np.int64) for name in reading["inputs"]}}
probabilities = {run}
for text, row in zip(texts, probabilities):
    print(reading["labels"][row.argmax()], row.max(), text)
"""
_LONG = '''\
tokenizer.no_truncation()
tokenizer.no_padding()
{load}


def answer(text):
    """Probabilities of a text of any length."""
    ids = np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)
    room = reading["max_seq_length"] - len(reading["before"]) - len(reading["after"])
    vectors = []
    for part in np.array_split(ids, max(1, -(-len(ids) // room))):
        window = [*reading["before"], *part, *reading["after"]]
        types = [*reading["types_before"], *[reading["type_inside"]] * len(part), *reading["types_after"]]
        given = {{"input_ids": window, "attention_mask": [1] * len(window), "token_type_ids": types}}
        inputs = {{name: np.array([given[name]], dtype=np.int64) for name in reading["inputs"]}}
        vectors.append({run})
    mean = np.mean(vectors, axis=0)
    return {head}
'''
_GRAPHS = {
    "onnx": {
        "title": "ONNX",
        "files": "`model.onnx` and `head.onnx`",
        "packages": "onnxruntime tokenizers",
        "imports": "import onnxruntime",
        "load": 'model = onnxruntime.InferenceSession("model.onnx")',
        "run": 'model.run(["probabilities"], inputs)[0]',
        "load_head": 'head = onnxruntime.InferenceSession("head.onnx")',
        "vectors": 'model.run(["vectors"], inputs)[0]',
        "head": 'head.run(["probabilities"], {"vectors": mean})[0][0]',
    },
    "openvino": {
        "title": "OpenVINO",
        "files": "`model.xml` and `head.xml`, each with its `.bin`",
        "packages": "openvino tokenizers",
        "imports": "import openvino",
        "load": 'exact = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where the processor has it\n'
        'model = openvino.Core().compile_model("model.xml", "CPU", exact)',
        "run": 'model(inputs)["probabilities"]',
        "load_head": 'head = openvino.Core().compile_model("head.xml", "CPU", exact)',
        "vectors": 'model(inputs)["vectors"]',
        "head": 'head({"vectors": mean})["probabilities"][0]',
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
    short = _SHORT.format(**words)
    long = _LONG.format(load=words["load_head"], run=words["vectors"], head=words["head"])
    inputs = ", ".join(f"`{name}`" for name in model.inputs)
    return f"""\
{_front_matter()}
# A text classifier, as {words["title"]}

Exported by tunesmith: {words["files"]}. {len(model.labels)} labels, in the order of the outputs in `reading.json` and
in `config.json` as Hugging Face does. Inputs are {inputs}, int64, one text a row. Outputs are `probabilities` and
`logits`, both calibrated, and `vectors`, what the head sees of a text. `tokenizer.json` also prepares the text (Unicode
form, control characters, space around it). Licence of the base model's weights: {model.licence}.

Texts of up to {model.encoder.max_seq_length} tokens (`pip install {words["packages"]}`):

```python
{short}```

A longer text is read in windows, as few and as equal as possible, whose vectors are averaged; the head answers the
average. No average of probabilities is the same. After the lines above:

```python
{long}```
"""


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
        way = f"It was taught to answer as the model does, on {n_taught:,} rows; no class of transformers computes it."
    return f"""\
{_front_matter()}
# A text classifier, as transformers' {stock.shape.name}

Exported by tunesmith. {len(model.labels)} labels, probabilities calibrated (`pip install transformers`). Licence of the
base model's weights: {model.licence}.

```python
from transformers import pipeline

classify = pipeline("text-classification", model=".", truncation=True)
for answer in classify(["where is my parcel?", "I was charged twice"]):
    print(answer["label"], answer["score"])
```

{way}{" " + added if stock.added_layer else ""}

Texts of more than {model.encoder.max_seq_length} tokens are cut there, as `truncation=True` says;
tunesmith reads them whole, and so do its exports to ONNX and OpenVINO.
"""


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


def measured_lines(told: dict[str, JSON]) -> str:
    """Tell the comparison with the bundle in words.

    Args:
        told: As ``parity.json`` has it.

    Returns:
        A section of Markdown.
    """
    whole = told["whole"]
    figures = [
        f"largest difference of {name} {whole[name]:.1e}"
        for name in ("logits", "probabilities", "vectors")
        if whole[name] is not None
    ]
    lines = [
        f"Compared with the model by {told['runtime']}, on {whole['rows']} texts of {told['texts']}: "
        f"{', '.join(figures)}; the same label for {100 * whole['agreement']:.2f} %."
    ]
    if told["cut"] is not None:
        lines.append(
            f"{told['cut']['rows']} longer texts, which are cut here and read whole by the model: "
            f"the same label for {100 * told['cut']['agreement']:.1f} %."
        )
    if told["loss"] is not None:
        loss = told["loss"]
        lines.append(f"Loss on {loss['rows']} rows held out: {loss['points']:.2f} points of {loss['of']}.")
    return "\n## Measured\n\n" + "\n".join(lines) + "\n"

"""Fine-tune a BERT by hand: the plain PyTorch loop of every tutorial, on the sample that comes with tunesmith."""

import argparse
import csv

import torch
from sklearn.metrics import accuracy_score, classification_report
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup

from tunesmith.models.base import find_base
from tunesmith.sample import sample_file

Rows = list[tuple[str, str]]


def read_split() -> dict[str, Rows]:
    """Read the sample and deal it out, label by label: 7 rows in 10 to train on, 1 to watch, 2 to test."""
    with sample_file().open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    train, rest = train_test_split(rows, train_size=0.7, stratify=[label for _, label in rows], random_state=0)
    labels = [label for _, label in rest]
    validation, test = train_test_split(rest, train_size=1 / 3, stratify=labels, random_state=0)
    return {"train": train, "validation": validation, "test": test}


@torch.no_grad()
def answers(model: torch.nn.Module, loader: DataLoader) -> list[int]:
    """Number of the most probable label of each row."""
    model.eval()
    return [number for batch in loader for number in model(**batch).logits.argmax(dim=1).tolist()]


def main() -> None:
    """Train, watch, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rows", type=int, help="of each part, to try the script out")
    options = parser.parse_args()

    torch.manual_seed(0)
    folder = find_base(offline=True).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    split = read_split()
    labels = sorted({label for rows in split.values() for _, label in rows})
    split = {name: rows[: options.rows] for name, rows in split.items()}
    number_of = {label: number for number, label in enumerate(labels)}

    def collate(rows: Rows) -> dict[str, torch.Tensor]:
        tokens = tokenizer([text for text, _ in rows], padding=True, truncation=True, return_tensors="pt")
        return {**tokens, "labels": torch.tensor([number_of[label] for _, label in rows])}

    train, validation, test = (
        DataLoader(rows, batch_size=options.batch_size, shuffle=rows is split["train"], collate_fn=collate)
        for rows in split.values()
    )
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels))
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=0.01)
    n_steps = options.epochs * len(train)
    scheduler = get_linear_schedule_with_warmup(optimizer, n_steps // 10, n_steps)
    for epoch in range(1, options.epochs + 1):
        model.train()
        for batch in train:
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        right = [number_of[label] for _, label in split["validation"]]
        print(f"epoch {epoch}: validation accuracy {accuracy_score(right, answers(model, validation)):.3f}")
    right = [number_of[label] for _, label in split["test"]]
    print(classification_report(right, answers(model, test), labels=range(len(labels)), target_names=labels, digits=3))


if __name__ == "__main__":
    main()

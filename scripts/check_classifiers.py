#!/usr/bin/env python3
"""Compares what Lockstep says of texts with transformers: the classes of a run, and the vectors of an encoder.

Needs torch and transformers; run from the repository's root:

    python3 scripts/check_classifiers.py --lockstep .build/release/lockstep \\
        --encoder data/minilm --classifier runs/classify-text --texts data/descriptions/sections/validation.csv

It takes the first 200 texts of a CSV file with a column text. Of the encoder, vectors are those of Sentence-Transformers:
the mean of the states over the tokens, divided by its length. Of the classifier, the newest checkpoint is opened by
transformers' AutoModelForSequenceClassification. Exits with 1 where something differs.
"""

import argparse
import csv
import io
import json
import pathlib
import subprocess
import sys

import numpy
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

COUNT, BATCH = 200, 16
TOLERANCES = {"vectors": 1e-5, "log probabilities": 1e-3}
failed = False


def report(name, difference, details=""):
    global failed
    passed = difference <= TOLERANCES[name]
    failed |= not passed
    print(f"{'ok' if passed else 'differs':8} {name} at most {difference:.2g} from transformers'{details}")


def batches(tokenizer, texts, limit):
    for start in range(0, len(texts), BATCH):
        yield tokenizer(
            texts[start : start + BATCH],
            padding=True,
            truncation=True,
            max_length=limit,
            return_tensors="pt",
        )


def run(lockstep, *arguments, texts):
    lines = "".join(" ".join(text.split()) + "\n" for text in texts)
    return subprocess.run(
        [lockstep, *arguments], input=lines.encode(), stdout=subprocess.PIPE, check=True
    ).stdout


def check_encoder(lockstep, path, texts):
    limit = json.loads((path / "sentence_bert_config.json").read_text())["max_seq_length"]
    model, tokenizer = AutoModel.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
    expected = []
    with torch.no_grad():
        for batch in batches(tokenizer, texts, limit):
            mask = batch["attention_mask"].unsqueeze(-1).float()
            means = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
            expected.append(torch.nn.functional.normalize(means, dim=1))
    found = numpy.load(
        io.BytesIO(run(lockstep, "embed", str(path), "--quiet", "--format", "npy", texts=texts))
    )
    report("vectors", float(numpy.abs(found - torch.cat(expected).numpy()).max()))


def check_classifier(lockstep, path, texts):
    checkpoint = sorted((path / "checkpoints").iterdir())[-1] if (path / "checkpoints").exists() else path
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, output_loading_info=True
    )
    model.eval()
    left = {key: list(value) for key, value in loading.items() if value}
    if left:
        sys.exit(f"{checkpoint}: transformers does not find all tensors: {left}")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    context = model.config.max_position_embeddings
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    found = [
        {candidate["class"]: candidate["probability"] for candidate in json.loads(line)["classes"]}
        for line in run(
            lockstep,
            *("predict", str(checkpoint), "--quiet", "--json", "--precision", "float32"),
            texts=texts,
        ).splitlines()
    ]
    logs = numpy.log([[line[name] for name in names] for line in found])
    with torch.no_grad():
        expected = torch.cat(
            [model(**batch).logits.log_softmax(1) for batch in batches(tokenizer, texts, context)]
        ).numpy()
    same = int((logs.argmax(1) == expected.argmax(1)).sum())
    report(
        "log probabilities",
        float(numpy.abs(logs - expected).max()),
        f"; {same} of {len(texts)} likeliest classes are the same",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lockstep", default=".build/release/lockstep")
    parser.add_argument("--encoder", type=pathlib.Path)
    parser.add_argument("--classifier", type=pathlib.Path)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    with arguments.texts.open(newline="") as file:
        texts = [" ".join(row["text"].split()) for row in csv.DictReader(file)][:COUNT]
    if arguments.encoder:
        check_encoder(arguments.lockstep, arguments.encoder, texts)
    if arguments.classifier:
        check_classifier(arguments.lockstep, arguments.classifier, texts)
    sys.exit(failed)


if __name__ == "__main__":
    main()

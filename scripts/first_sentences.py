#!/usr/bin/env python3
"""The first sentence of each description, a line each: the least that a summary must be better than.

    first_sentences.py SUMMARIES.jsonl

The file is one that scripts/descriptions.py makes: an instruction, an empty line, and the description.
"""

import json
import re
import sys

SENTENCE = re.compile(r".+?[.!?](?=\s|$)")


def main(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            _, _, text = json.loads(line)["prompt"].partition("\n\n")
            text = " ".join(text.split())
            found = SENTENCE.match(text)
            print(found.group() if found else text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

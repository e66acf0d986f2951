#!/usr/bin/env python3
"""Makes preferences of conversations, to try learning of them with.

    python3 scripts/preferences.py CONVERSATIONS OUTPUT

CONVERSATIONS has an object with `messages` a line, as launch/fetch-smollm2.sh writes them. What is asked is the
prompt, its answer the chosen one, and the rejected one is the answer that the line before has to something else: they
differ in nothing but that one of them answers. Where both are the same, that of an earlier line is taken.
"""

import json
import os
import pathlib
import sys


def main():
    source, output = map(pathlib.Path, sys.argv[1:])
    lines, answers = [], []
    # Not splitlines, which also ends a line at what stands within texts, such as U+2028.
    with source.open(encoding="utf-8") as file:
        for line in file:
            *prompt, answer = json.loads(line)["messages"]
            others = [other for other in answers if other["content"] != answer["content"]]
            answers.append(answer)
            if others:
                lines.append({"prompt": prompt, "chosen": [answer], "rejected": [others[-1]]})
    draft = output.with_name(output.name + ".part")
    draft.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    os.replace(draft, output)
    print(f"{len(lines)} preferences")


if __name__ == "__main__":
    main()

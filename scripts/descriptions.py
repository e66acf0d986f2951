#!/usr/bin/env python3
"""Texts to classify and to sum up, from Debian's package descriptions.

    descriptions.py OUTPUT FILE...

The files are `Packages` and `Translation-en` indices, plain text: the first say to which section a package belongs and
from which source it is built, the second have its description, a short one of a few words and a long one. Writes

    OUTPUT/sections/{train,validation}.csv           text,section: the short description and the long one's beginning
    OUTPUT/summaries/{train,validation,test}.jsonl   {"prompt": "... long description", "completion": "short one"}

What goes where depends on the packages' names and on the texts alone. Packages of one source, and packages whose long
descriptions share a paragraph, are one family: a family's hash decides where all of it goes, so that nothing that is
held out has a near duplicate among what is learned. Summaries have one package of each family.
"""

import collections
import csv
import hashlib
import io
import json
import os
import re
import sys

from translation_pairs import Families, key, stanzas, units

HELD_OUT = 6  # Percent of the families. Of summaries, half of that is validation and half is test.
FEWEST = 60  # Families that a section has at least.
MOST = 20  # Texts that a family gives to a section: some programs have a package for each of a hundred languages.
RELATIVES = 40  # What more packages than this say does not make them relatives.
TEXT = 600  # Characters to classify.
SHORTEST, LONGEST = 120, 900  # Characters to sum up.
INSTRUCTION = "Describe this package in a few words.\n\n"

# Packages that are there for their names only; nothing is said about what they are.
EMPTY = re.compile(r"\b(?:transitional|dummy|metapackage|meta-package|debug(?:ging)? symbols)\b", re.IGNORECASE)


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def read(paths):
    """What is known of each package: {package: (source, section, lines of the description)}."""
    kinds, texts = {}, {}
    for path in sorted(paths, key=os.path.basename):
        for fields in stanzas(path):
            name, md5 = fields.get("Package", [""])[0], fields.get("Description-md5", [""])[0]
            if "Description-en" in fields:
                texts[name, md5] = fields["Description-en"]
            elif "Section" in fields:
                # "Source: name (version)"; "Section: component/section".
                source = fields.get("Source", [name])[0].split(" ")[0]
                kinds.setdefault(name, (source, fields["Section"][0].rsplit("/", 1)[-1], md5))
    return {
        name: (source, section, texts[name, md5])
        for name, (source, section, md5) in sorted(kinds.items()) if (name, md5) in texts}


def related(packages):
    """The families of the packages."""
    families, saying = Families(), collections.defaultdict(set)
    for name, (source, _, lines) in packages.items():
        families.join(["package " + name, "source " + source])
        for kind, text in units(lines)[1:]:
            if kind == "paragraph":
                saying[key(text)].add("package " + name)
    for names in saying.values():
        if len(names) <= RELATIVES:
            families.join(names)
    return families


def part(family):
    """"train", "validation" or "test"."""
    place = int.from_bytes(digest("descriptions " + family)[:8], "big") % 200
    return "test" if place < HELD_OUT else "validation" if place < 2 * HELD_OUT else "train"


def shortened(text, length):
    """The beginning of a text, whole words."""
    return text if len(text) <= length else text[: length + 1].rpartition(" ")[0]


def sections(packages, families):
    """Texts and their sections, the same text once: {"train": rows, "validation": rows}."""
    rows, seen, given = [], set(), collections.Counter()
    for name, (_, section, lines) in sorted(packages.items(), key=lambda item: digest(item[0])):
        (_, synopsis), *rest = units(lines)
        text = shortened(". ".join([synopsis.rstrip("."), *[text for _, text in rest[:1]]]), TEXT)
        family = families.head("package " + name)
        if key(text) not in seen and given[family, section] < MOST:
            seen.add(key(text))
            given[family, section] += 1
            rows.append((text, section, family))
    counts = collections.Counter(section for _, section in given)
    found = {"train": [], "validation": []}
    for text, section, family in rows:
        if counts[section] >= FEWEST:
            found["train" if part(family) == "train" else "validation"].append((text, section))
    return found


def summaries(packages, families):
    """Long and short descriptions, one of each family: {"train": pairs, "validation": pairs, "test": pairs}."""
    found, done = {"train": [], "validation": [], "test": []}, set()
    for name, (source, _, lines) in sorted(
        packages.items(), key=lambda item: (item[0] != item[1][0], digest(item[0]))):
        (_, synopsis), *rest = units(lines)
        family = families.head("package " + name)
        if family in done or not rest or any(kind == "verbatim" for kind, _ in rest):
            continue
        text = "\n".join(("- " if kind == "item" else "") + text for kind, text in rest)
        if len(synopsis) < 10 or not SHORTEST <= len(text) <= LONGEST or EMPTY.search(synopsis + " " + text):
            continue
        done.add(family)
        found[part(family)].append((digest(text), INSTRUCTION + text, synopsis))
    return {name: [pair[1:] for pair in sorted(pairs)] for name, pairs in found.items()}


def whole(path, text):
    """Writes a file that is there whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(path + ".part", path)


def main(arguments):
    output = arguments[0]
    packages = read(arguments[1:])
    families = related(packages)
    for name, rows in sections(packages, families).items():
        if not rows:
            sys.exit("no texts: are these Packages and Translation-en indices of the same packages?")
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerows([("text", "section"), *rows])
        whole(os.path.join(output, "sections", name + ".csv"), table.getvalue())
        print(f"{len(rows)} texts of {len({section for _, section in rows})} sections to {name}.csv")
    for name, pairs in summaries(packages, families).items():
        lines = [
            json.dumps({"prompt": text, "completion": synopsis}, ensure_ascii=False) + "\n"
            for text, synopsis in pairs]
        whole(os.path.join(output, "summaries", name + ".jsonl"), "".join(lines))
        print(f"{len(pairs)} summaries to {name}.jsonl")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1:])

#!/usr/bin/env python3
"""Sentence pairs from Debian's package descriptions in two languages.

    translation_pairs.py OUTPUT SOURCE_LANGUAGE TARGET_LANGUAGE FILE...

The files are `Translation-XX` indices, plain text. A description and its translation have the same
`Description-md5`; the synopsis and each paragraph and list item of the one are paired with those of the
other where both have as many of each kind in the same order. Writes OUTPUT/{train,validation,test}.{XX},
line N of one language being the translation of line N of the other.

What goes where depends on the packages' names and on the texts alone. Packages whose descriptions share a
paragraph are one family, and a family's hash decides where all of its pairs go. A paragraph of
validation or test that also occurs in train, but for case, digits and punctuation, is left out.
"""

import collections
import hashlib
import os
import re
import sys
import unicodedata

SHARES = (("test", 3), ("validation", 3))  # Percent of the families; the rest is to train on.
LONGEST = 1000  # Characters of a paragraph.
BULLET = re.compile(r"^(?:[-*+o•·–—]|\(?[0-9]{1,2}[.)])\s+(?=\S)")

# Quotation marks and dots as a keyboard has them, no invisible characters.
PLAIN = (
    ("\u2019", "'"), ("\u2018", "'"), ("``", '"'), ("''", '"'), ("\u201c", '"'), ("\u201d", '"'),
    ("\u2026", "..."), ("\u22c5", " "), ("\u200b", ""), ("\u00ad", ""), ("\ufeff", ""))

# Words that are frequent in one of the languages and are no words of the other.
ENGLISH = frozenset("the of and is are with which this that from it can be by has as an or will".split())
FRENCH = frozenset("le la les des du et est une un pour dans avec qui ce cette par sur au aux en il".split())


def stanzas(path):
    """The fields of each package: {name: lines}."""
    fields, name = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in [*lines, "\n"]:
            line = line.rstrip("\n")
            if not line:
                if fields:
                    yield fields
                fields, name = {}, None
            elif line[0] in " \t":
                if name:
                    fields[name].append(line)
            else:
                name, _, value = line.partition(":")
                fields[name] = [value.strip()]


def descriptions(path):
    """The descriptions of each package: (package, md5, language, lines of the description)."""
    for fields in stanzas(path):
        package, md5 = fields.get("Package"), fields.get("Description-md5")
        if package and md5:
            for name, lines in fields.items():
                if name.startswith("Description-") and name != "Description-md5":
                    yield package[0], md5[0], name.removeprefix("Description-"), lines


def units(lines):
    """The parts of a description: ("synopsis" | "paragraph" | "item", text)."""
    found = [["synopsis", [lines[0]]]]
    kind, margin = None, 0
    for line in lines[1:]:
        text = line.strip()
        if text in ("", "."):
            kind = None
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        bullet = BULLET.match(text)
        if bullet:
            kind, margin = "item", indent
            found.append([kind, [text[bullet.end():]]])
        elif kind == "item" and indent > margin:
            found[-1][1].append(text)
        elif indent >= 2:
            # Lines as they are: of a table, or an example.
            kind = None
            found.append(["verbatim", [text]])
        elif kind == "paragraph":
            found[-1][1].append(text)
        else:
            kind = "paragraph"
            found.append([kind, [text]])
    return [(kind, cleaned(" ".join(parts), kind)) for kind, parts in found]


def cleaned(text, kind):
    text = unicodedata.normalize("NFC", text)
    for old, new in PLAIN:
        text = text.replace(old, new)
    text = re.sub(r"\s+", " ", text).strip()
    # Where an item ends is punctuation of the list, and each language has its own.
    return text.rstrip(" ;,") if kind == "item" else text


def words(text):
    return re.findall(r"[^\W\d_]+", text.casefold())


def key(text):
    """What two texts have in common that differ in case, digits and punctuation only."""
    return " ".join(words(text))


def is_good(english, french):
    """Whether a pair is likely to be a translation."""
    lengths = sorted((len(english), len(french)))
    if lengths[0] < 4 or lengths[1] > LONGEST:
        return False
    if lengths[1] > (1.9 if lengths[0] > 60 else 3) * lengths[0]:
        return False
    letters = sum(c.isalpha() or c == " " for c in english + french)
    if letters < 0.7 * (len(english) + len(french)):
        return False
    source, target = words(english), words(french)
    if not source or not target or source == target:
        return False
    # Half-translated or swapped: the target speaks the source's language.
    if sum(w in ENGLISH for w in target) > sum(w in FRENCH for w in target):
        return False
    if len(target) > 8 and not any(w in FRENCH for w in target):
        return False
    # Numbers of two digits and more stay what they are; others mean another version of the text.
    numbers = [collections.Counter(re.findall(r"\d{2,}", text)) for text in (english, french)]
    return sum(((numbers[0] - numbers[1]) + (numbers[1] - numbers[0])).values()) <= 1


def paired(texts):
    """All pairs, with their package: {(english, french): packages}, and the families of packages."""
    found = collections.defaultdict(set)
    total, matched = 0, 0
    for md5, (packages, by_language) in sorted(texts.items()):
        if len(by_language) < 2:
            continue
        total += 1
        source, target = by_language
        source, target = units(source), units(target)
        if [kind for kind, _ in source] != [kind for kind, _ in target]:
            # The synopses belong together in any case.
            source, target = source[:1], target[:1]
        else:
            matched += 1
        for (kind, english), (_, french) in zip(source, target):
            if kind != "verbatim" and is_good(english, french):
                found[english, french] |= packages
    return found, total, matched


class Families:
    """Packages that belong together (union-find)."""

    def __init__(self):
        self.parents = {}

    def head(self, package):
        path = []
        while self.parents.setdefault(package, package) != package:
            path.append(package)
            package = self.parents[package]
        for member in path:
            self.parents[member] = package
        return package

    def join(self, packages):
        heads = sorted(self.head(package) for package in packages)
        for head in heads[1:]:
            self.parents[head] = heads[0]


def part(family):
    place = int.from_bytes(hashlib.sha256(family.encode()).digest()[:8], "big") % 100
    for name, share in SHARES:
        if place < share:
            return name
        place -= share
    return "train"


def main(arguments):
    output, *languages = arguments[:3]
    texts = {}
    for path in sorted(arguments[3:], key=os.path.basename):
        for package, md5, language, lines in descriptions(path):
            if language in languages:
                packages, known = texts.setdefault(md5, (set(), {}))
                packages.add(package)
                known.setdefault(language, lines)
    texts = {
        md5: (packages, [known[language] for language in languages if language in known])
        for md5, (packages, known) in texts.items()}
    found, total, matched = paired(texts)

    # One translation for each text: the one that most packages have.
    best = {}
    for (english, french), packages in sorted(found.items()):
        if english not in best or len(packages) > len(best[english][1]):
            best[english] = (french, packages)
    families = Families()
    for english, (_, packages) in best.items():
        # What very many packages say does not make them relatives.
        if len(packages) <= 40:
            families.join(packages)
    pairs = {name: [] for name in ("train", "validation", "test")}
    for english, (french, packages) in sorted(best.items()):
        head = families.head(min(packages))
        pairs[part(head)].append((hashlib.sha256(english.encode()).digest(), english, french))
    seen = [set(), set()]
    for name in pairs:
        kept = []
        for pair in sorted(pairs[name]):
            keys = [key(text) for text in pair[1:]]
            if name == "train" or not any(k in s for k, s in zip(keys, seen)):
                kept.append(pair)
        for pair in kept:
            for text, keys in zip(pair[1:], seen):
                keys.add(key(text))
        pairs[name] = kept
    for name, kept in pairs.items():
        for language, place in zip(languages, (1, 2)):
            path = os.path.join(output, f"{name}.{language}")
            with open(path + ".part", "w", encoding="utf-8") as file:
                file.writelines(pair[place] + "\n" for pair in kept)
            os.replace(path + ".part", path)
    print(f"{total} descriptions in both languages, {matched} with parts that correspond")
    for name, kept in pairs.items():
        print(f"{name}: {len(kept)} pairs")
    if not pairs["train"]:
        sys.exit("no pairs: are these Translation indices of both languages?")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(sys.argv[1:])

#!/usr/bin/env python3
"""Writes the tables of Unicode that tokenizers need, as Hugging Face's `tokenizers` has them.

usage: python3 scripts/unicode_tables.py [--output Sources/Datasets/Tokenizers/Normalization]

Needs `pip install tokenizers` (made with 0.23.3 and Python 3.11). It writes

  CanonicalMappings.swift  decompositions and combining classes, of those that the library decomposes
  BERTRanges.swift         what BERT's cleaning removes, its accents, its punctuation

The library asks older tables of Unicode than Python or Swift have, so every scalar is tried.
"""

import argparse
import pathlib
import unicodedata

from tokenizers import normalizers, pre_tokenizers

COLUMNS = 96
HANGUL = range(0xAC00, 0xAC00 + 11172)
SCALARS = [scalar for scalar in range(0x110000) if not 0xD800 <= scalar <= 0xDFFF]


def lines(words):
    """Words in lines that are not too long."""
    result, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) > COLUMNS:
            result.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return result + [line]


def literal(words):
    return '"""\n' + "".join(f"    {line}\n" for line in lines(words)) + '    """'


def ranges(scalars):
    found = []
    for scalar in scalars:
        if found and found[-1][1] == scalar - 1:
            found[-1][1] = scalar
        else:
            found.append([scalar, scalar])
    return [f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in found]


def decompositions():
    """"SCALAR:" before the first of neighbours; "FIRST,SECOND"; "!" where they are not composed again."""
    nfd, nfc = normalizers.NFD(), normalizers.NFC()
    words, last = [], None
    for scalar in SCALARS:
        character = chr(scalar)
        parts = unicodedata.decomposition(character)
        if scalar in HANGUL or not parts or parts.startswith("<"):
            continue
        if nfd.normalize_str(character) != unicodedata.normalize("NFD", character):
            print(f"U+{scalar:04X}: not decomposed by the library")
            continue
        parts = [part.lstrip("0") for part in parts.split()]
        word = ",".join(parts)
        if len(parts) == 2 and nfc.normalize_str(character) != character:
            word += "!"
        words.append(word if last == scalar - 1 else f"{scalar:X}:{word}")
        last = scalar
    return words


def combining_classes():
    """"SCALAR-SCALAR:CLASS", the class in decimal."""
    nfd = normalizers.NFD()
    found = {}
    for scalar in SCALARS:
        own = unicodedata.combining(chr(scalar))
        if own == 0:
            continue
        # A mark of another class shows whether the library knows this one.
        other = "\u0334" if own > 1 else "\u0300"
        text = chr(scalar) + other if own > 1 else other + chr(scalar)
        if nfd.normalize_str("a" + text) == unicodedata.normalize("NFD", "a" + text):
            found.setdefault(own, []).append(scalar)
        else:
            print(f"U+{scalar:04X}: no combining class in the library")
    return [f"{range}:{own}" for own, scalars in sorted(found.items()) for range in ranges(scalars)]


def bert_ranges():
    def normalizer(**flags):
        off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
        return normalizers.BertNormalizer(**{**off, **flags})

    cleaning, stripping = normalizer(clean_text=True), normalizer(strip_accents=True)
    cutting = pre_tokenizers.BertPreTokenizer()
    nfd = normalizers.NFD()
    removed, accents, punctuation = [], [], []
    for scalar in SCALARS:
        text = f"a{chr(scalar)}b"
        if cleaning.normalize_str(text) == "ab":
            removed.append(scalar)
        if nfd.normalize_str(chr(scalar)) == chr(scalar) and stripping.normalize_str(text) == "ab":
            accents.append(scalar)
        if len(cutting.pre_tokenize_str(text)) == 3:
            punctuation.append(scalar)
    return ranges(removed), ranges(accents), ranges(punctuation)


HEADER = "// Written by scripts/unicode_tables.py.\n\n"


def canonical_mappings():
    return f"""{HEADER}/// What scalars are decomposed into, and the classes of marks.
struct CanonicalMappings {{
  /// Calls `body` with a scalar, the one or two that it is decomposed into in one step (the second 0:
  /// there is none), and whether these are composed to it again.
  func forEachDecomposition(_ body: (UInt32, UInt32, UInt32, Bool) -> Void) {{
    var scalar: UInt32 = 0
    for word in Self.decompositions.split(whereSeparator: \\.isWhitespace) {{
      let pieces = word.split(separator: ":")
      scalar = pieces.count == 2 ? Self.number(pieces[0]) : scalar + 1
      let isExcluded = word.hasSuffix("!")
      let parts = pieces[pieces.count - 1].dropLast(isExcluded ? 1 : 0).split(separator: ",")
      let second = parts.count == 2 ? Self.number(parts[1]) : 0
      body(scalar, Self.number(parts[0]), second, second != 0 && !isExcluded)
    }}
  }}

  /// Calls `body` with all scalars that have a combining class other than 0, and the class.
  func forEachCombiningClass(_ body: (UInt32, UInt8) -> Void) {{
    for word in Self.combiningClasses.split(whereSeparator: \\.isWhitespace) {{
      let pieces = word.split(separator: ":")
      let ends = pieces[0].split(separator: "-").map(Self.number)
      for scalar in ends[0]...ends[ends.count - 1] {{ body(scalar, UInt8(pieces[1]) ?? 0) }}
    }}
  }}

  private static func number(_ digits: Substring) -> UInt32 {{ UInt32(digits, radix: 16) ?? 0 }}

  private static let decompositions = {literal(decompositions())}

  private static let combiningClasses = {literal(combining_classes())}
}}
"""


def bert():
    removed, accents, punctuation = bert_ranges()
    return f"""{HEADER}/// Ranges of scalars, in hexadecimal, for ``ScalarRanges``.
struct BERTRanges {{
  let removed = {literal(removed)}

  let accents = {literal(accents)}

  let punctuation = {literal(punctuation)}
}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", default="Sources/Datasets/Tokenizers/Normalization", type=pathlib.Path)
    output = parser.parse_args().output
    for name, text in [("CanonicalMappings", canonical_mappings()), ("BERTRanges", bert())]:
        path = output / f"{name}.swift"
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text):,} bytes")


if __name__ == "__main__":
    main()

"""Write the one Unicode table that the Rust core and ``overproof.reference`` both read.

    python tools/gen_unicode.py UCD_FOLDER rust/overproof-core/src/text/unicode-15.0.0.txt

UCD_FOLDER holds the Unicode Character Database (``apt-get install unicode-data`` puts version 15.0.0 under
/usr/share/unicode). The output is plain ASCII; docs/spec/text.md describes each section. Run it again only to add a
new version under a new file name: the version is part of every fingerprint.
"""

import re
import sys
from pathlib import Path

VERSION = "15.0.0"
LAST = 0x110000
UNSPACED = {"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"}
SHORT = {
    "Hani": "Han",
    "Hira": "Hiragana",
    "Kana": "Katakana",
    "Thai": "Thai",
    "Laoo": "Lao",
    "Khmr": "Khmer",
    "Mymr": "Myanmar",
}


def fields(path):
    """Rows of a UCD file, without comments, split at semicolons."""
    for line in path.read_text(encoding="utf-8").splitlines():
        body = line.split("#")[0].strip()
        if body:
            yield [f.strip() for f in body.split(";")]


def span(text):
    """The code points that a UCD range field names."""
    first, _, last = text.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def ranges(members):
    """Sorted code points as ``start-end`` items in hexadecimal."""
    out = []
    for cp in sorted(members):
        if out and out[-1][1] == cp - 1:
            out[-1][1] = cp
        else:
            out.append([cp, cp])
    return [f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in out]


def main(ucd, target):
    first_line = (ucd / "DerivedCoreProperties.txt").read_text(encoding="utf-8").splitlines()[0]
    if VERSION not in first_line:
        raise SystemExit(f"{ucd} is not Unicode {VERSION}: its DerivedCoreProperties.txt starts with {first_line!r}")

    category, ccc, canonical = {}, {}, {}
    opened = None
    for row in fields(ucd / "UnicodeData.txt"):
        cp = int(row[0], 16)
        covered = range(opened, cp + 1) if row[1].endswith("Last>") else [cp]
        opened = cp if row[1].endswith("First>") else None
        for c in covered:
            category[c] = row[2]
        if row[3] != "0":
            ccc[cp] = int(row[3])
        if row[5] and not row[5].startswith("<"):
            canonical[cp] = [int(x, 16) for x in row[5].split()]

    alphabetic = {c for r, p, *_ in fields(ucd / "DerivedCoreProperties.txt") if p == "Alphabetic" for c in span(r)}
    script = {c: p for r, p, *_ in fields(ucd / "Scripts.txt") for c in span(r)}
    extensions = {
        c: {SHORT.get(s, s) for s in p.split()} for r, p, *_ in fields(ucd / "ScriptExtensions.txt") for c in span(r)
    }
    white = {c for r, p, *_ in fields(ucd / "PropList.txt") if p == "White_Space" for c in span(r)}
    excluded, fold = set(), {}
    for r, p, *rest in fields(ucd / "DerivedNormalizationProps.txt"):
        if p == "Full_Composition_Exclusion":
            excluded.update(span(r))
        elif p == "NFKC_CF":
            for c in span(r):
                fold[c] = [int(x, 16) for x in rest[0].split()] if rest and rest[0] else []

    def decompose(cp):
        return [d for part in canonical[cp] for d in decompose(part)] if cp in canonical else [cp]

    def unspaced(cp):
        s = script.get(cp)
        return s in UNSPACED or (s in ("Common", "Inherited") and extensions.get(cp, {""}) <= UNSPACED)

    mark = {c for c, g in category.items() if g[0] == "M"}
    word = alphabetic | mark | {c for c, g in category.items() if g in ("Nd", "Nl")}
    sections = {
        "word": ranges(word),
        "single": ranges(c for c in word - mark if unspaced(c)),
        "mark": ranges(mark),
        # Kana voicing marks (U+3099, U+309A) are Inherited too, but dropping them would merge different words.
        "accent": ranges(c for c in mark - {0x3099, 0x309A} if category[c] == "Mn" and script.get(c) == "Inherited"),
        "digit": ranges(c for c, g in category.items() if g == "Nd"),
        "punct": ranges(c for c, g in category.items() if g[0] in "PS"),
        "white": ranges(white),
        "ccc": [f"{item}:{v}" for v in sorted(set(ccc.values())) for item in ranges(c for c in ccc if ccc[c] == v)],
        "decompose": [f"{c:X}:" + ",".join(f"{d:X}" for d in decompose(c)) for c in sorted(canonical)],
        "compose": [
            f"{pair[0]:X},{pair[1]:X}:{c:X}"
            for c, pair in sorted(canonical.items())
            if len(pair) == 2 and c not in excluded
        ],
        "ignorable": ranges(c for c, to in fold.items() if not to),
        "casefold": [f"{c:X}:" + ",".join(f"{d:X}" for d in to) for c, to in sorted(fold.items()) if to],
    }
    lines = [f"overproof unicode table {VERSION}"]
    for name, items in sections.items():
        lines.append(f"@{name} {len(items)}")
        row = ""
        for item in items:
            if len(row) + len(item) > 118:
                lines.append(row.rstrip())
                row = ""
            row += item + " "
        if row:
            lines.append(row.rstrip())
    text = "\n".join(lines) + "\n@end\n"
    assert re.fullmatch(r"[\x20-\x7e\n]*", text)
    target.write_text(text, encoding="ascii", newline="\n")
    print(f"{target}: {len(text):,} bytes; " + ", ".join(f"{k} {len(v)}" for k, v in sections.items()))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))

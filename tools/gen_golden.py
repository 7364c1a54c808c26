"""Write tests/golden/op1.json: nasty texts, their tokens, shingle hashes and sketches, by ``overproof.reference``.

    python tools/gen_golden.py

These values are frozen. New cases may be added to `TEXTS`; a case that the file holds already must come out the same,
or nothing is written: changed values need a new hash or Unicode version, under a new file name.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from overproof import reference as ref

TARGET = Path(__file__).resolve().parents[1] / "tests" / "golden" / "op1.json"
PLAIN = "nfkc_casefold"
EVERY_OPTION = "nfkc_casefold+accents+digits+punctuation+whitespace"
NORMALIZATIONS = ("nfc", PLAIN, EVERY_OPTION)
SIZES: tuple[tuple[int, ...], ...] = ((1,), (5,), (3, 5))
LISTED = 24  # longer lists are given by their length and digest

LONG = "".join(chr(ord("a") + (i * i + i // 26) % 26) for i in range(5_000))
TEXTS = {
    "empty": "",
    "one letter": "a",
    "one token": "the",
    "vector": "the quick brown fox jumps",
    "case and punctuation": "The QUICK, brown fox -- jumps!",
    "repeated words": "a b a b a b a b",
    "word rules": "_x_ don't 3.14 gpt4 e-mail a_b",
    "only separators": " .,;!? \t\r\n",
    "controls": "a\x01b\x7fc\x1bd\ve\ff",
    "NUL": "a\0b\0\0c",
    "only NUL": "\0",
    "U+0085": "one\u0085two\u0085\u0085three",
    "U+2028 and U+2029": "one\u2028two\u2029three",
    "white spaces": "\u00a0a\u2003b\u3000c\u1680d\u202fe ",
    "byte order mark": "\ufeffhello \ufeff",
    "replacement character": "a\ufffdb",
    "private use and unassigned": "a\ue000b\u0378c\U000e0080d\U0010ffff",
    "noncharacters": "a\uffffb\ufdd0c",
    "eszett": "Straße STRASSE Maẞ",
    "dotted and dotless i": "İstanbul ISPARTA ısı i\u0307",
    "n with apostrophe": "ŉ 'n",
    "ligatures": "ﬃ ﬁn ﬀ ﬆ ĳ ǆ",
    "sigma": "ὈΔΥΣΣΕΎΣ σς",
    "iota subscript": "ᾳ α\u0345 α\u0345\u0301 ᾼ",
    "one to eighteen": "\ufdfa \ufdfb",
    "superscripts and fractions": "x² ½ ① Ⅷ ™ ㎏",
    "full width": "Ｈｅｌｌｏ　ｗｏｒｌｄ１２３",
    "mathematical letters": "𝐇𝐞𝐥𝐥𝐨 𝟙𝟚𝟛",
    "precomposed": "café naïve Ångström",
    "decomposed": "cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "order of marks": "a\u0323\u0307 a\u0307\u0323 a\u0301\u0327\u0302",
    "blocked composition": "a\u0327\u0301 a\u0301\u0301 a\u0338\u0301\u0323",
    "many marks": "Z" + "\u0301\u0323\u0338\u0345\u0300" * 4 + "algo",
    "mark first": "\u0301a \u0308",
    "negated relations": "=\u0338 <\u0338 a=\u0338b ≠",
    "angstrom and ohm": "\u212b \u2126 \u212a",
    "excluded from composition": "\u0958 \ufb1d \u2adc \u0344 \u0340",
    "Hindi": "हिन्दी में लिखा हुआ पाठ, १२३।",
    "Bengali and Tamil": "বাংলা কো தமிழ் கொ",
    "Thai": "ภาษาไทยไม่เว้นวรรค น้ำ",
    "Lao, Khmer and Myanmar": "ພາສາລາວ ភាសាខ្មែរ မြန်မာစာ",
    "Arabic": "اَلْعَرَبِيَّةُ ـ ٣٫١٤",
    "Hebrew": "עִבְרִית שׁלום",
    "Han": "漢字和汉字，都是。",
    "Han beyond the first plane": "𠀀𠮷野家",
    "compatibility ideographs": "\u8c48\uf900 \u2f00 \U0002f800",
    "kana": "カタカナとひらがな、ー々〆",
    "kana with voiced marks": "カ\u3099 ハ\u309a ｶﾞ ﾊﾟ は\u3099",
    "enclosed and squared": "㈱ ㍿ ㌔ 🈁",
    "Hangul": "한국어는 낱말 사이를 띄어 씁니다",
    "jamo": "\u1112\u1161\u11ab\u1100\u116e\u11a8 \u1100\u1161 가\u11a8 각\u11a8 \u11a8",
    "compatibility jamo": "ㅎㅏㄴ ￡ ﾡ",
    "mixed scripts": "GPT漢字abc한국カnaïve हि9x",
    "Latin beside Han": "a漢 漢a 漢\u0301a 1漢",
    "emoji": "😀 ok 👍🏽 🇩🇪 ❤\ufe0f",
    "emoji ZWJ sequences": "👩\u200d👩\u200d👧\u200d👦 a\u200db 🏳\ufe0f\u200d🌈",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "soft hyphen": "co\u00adoperate \u00ad hy\u00ad phen\u00ad",
    "bidi marks": "\u202eabc\u202c \u200fdef\u200e \u2066x\u2069",
    "zero width": "zero\u200bwidth non\u200cjoiner word\u2060joiner",
    "tags and variation selectors": "x\U000e0061\U000e0062 字\U000e0100 y\ufe00",
    "Hangul filler": "a\u3164b \u115f\u1160 \uffa0",
    "other digits": "٠١٢ ०१२ ๑๒๓ 𝟎𝟏",
    "seventeen letters": "0123456789abcdefg 0123456789abcdef 0123456789abcde",
    "very long token": LONG,
    "very long token among others": f"one {LONG} two",
    "long text": " ".join(f"w{i % 97} {LONG[i : i + 7]}" for i in range(200)),
    "musical symbols": "\U0001d15e \U0001d1bb\U0001d165",
    "Deseret and Cherokee": "𐐀𐐨 Ꭰᏸꭰꮿ",
    "Georgian": "ᲒᲐᲛᲐᲠᲯᲝᲑᲐ გამარჯობა",
}


def listed(hashes: list[int]) -> Any:
    """Hashes in hexadecimal; of many, how many and the SHA-256 of their bytes, 8 each, little-endian."""
    if len(hashes) <= LISTED:
        return [f"{h:016x}" for h in hashes]
    data = b"".join(h.to_bytes(8, "little") for h in hashes)
    return {"count": len(hashes), "sha256": hashlib.sha256(data).hexdigest()}


def case(text: str) -> dict[str, Any]:
    """Every frozen value of one text."""
    shingles: dict[str, Any] = {}
    for analyzer in ("word", "char", "byte"):
        for n in SIZES:
            made = ref.shingle(text, n, analyzer=analyzer)
            name = f"{analyzer} {','.join(map(str, n))}"
            shingles[name] = {"tokens": made.tokens, "short": made.short, "hashes": listed(made.hashes)}
    words = ref.shingle(text, 1)
    return {
        "text": text,
        "normalized": {name: ref.normalize(text, name)[0] for name in NORMALIZATIONS},
        "words": {
            name: [[t.value, t.start, t.end, t.single] for t in ref.tokenize(text, "word", name)]
            for name in (PLAIN, EVERY_OPTION)
        },
        "shingles": shingles,
        "seed 1, word 1": listed(ref.shingle(text, 1, seed=1).hashes),
        "sketches of word 1": {
            "affine32-op1 k=4 seed=1": ref.minhash(words.hashes, 4).values,
            "oph k=4": ref.oph(words.hashes, 4).values,
            "oph k=4 densified": ref.oph_densify(ref.oph(words.hashes, 4)),
            "simhash 128 by counts": [f"{w:016x}" for w in ref.simhash(words.hashes, words.counts, 128).values],
            "fracminhash scaled=2": listed(ref.fracminhash(words.hashes, 2)),
        },
    }


def generate() -> dict[str, Any]:
    """The whole file."""
    return {
        "hash": "op1",
        "unicode": ref.UNICODE_VERSION,
        "cases": {name: case(text) for name, text in TEXTS.items()},
    }


def main() -> None:
    """Add new cases; refuse to change old ones."""
    made = generate()
    if TARGET.exists():
        frozen = json.loads(TARGET.read_text(encoding="ascii"))["cases"]
        changed = [name for name, values in frozen.items() if made["cases"].get(name) != values]
        if changed:
            raise SystemExit(f"frozen values changed, nothing is written: {', '.join(changed)}")
    # One line for each case: a change shows as that case.
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in made["cases"].items()]
    head = ", ".join(f'"{key}": {json.dumps(made[key])}' for key in ("hash", "unicode"))
    TARGET.write_text(f'{{{head}, "cases": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="ascii", newline="\n")
    print(f"{TARGET.name}: {len(made['cases'])} cases, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

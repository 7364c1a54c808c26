"""Texts that normalisation, tokens and hashes treat in every different way."""

from hypothesis import strategies as st

PIECES = [
    "e\u0301", "\u0301", "\u0327\u0301", "a\u0327\u0301", "ß", "İ", "ŉ", "ﬃ", "=\u0338", "\u0338",
    "か\u3099", "ｶﾞ", "が", "漢字", "ไทย", "ที่", "हिन्दी", "한국어", "\u1112\u1161\u11ab", "하\u11ab",
    "\u00ad", "\u200d", "👩\u200d💻", "🏳\ufe0f\u200d🌈", "\u2028", "\u0085", "\0", "\u202e", "Ω", "Å",
    "１２", "٣", "①", "\u1e9b\u0323", "ー", "\U000e0001", "𝒳", "\u0345", "ᾳ", "ΑΣ", "ǅ", "\x07",
    "\ufeff", "x" * 17, "y" * 40, "z" * 300, "don't", "3.14", "\n1. ", " 22) ", "_x_", "\r\n", "\u00a0", "\u3000", "က္ခ",
    "ក្រ", "ລາວ", "עִבְרִית", "العَرَبِيَّة",
]  # fmt: skip


def texts(max_pieces: int = 12) -> st.SearchStrategy[str]:
    """Mixed scripts, marks in odd places, length-changing folds, controls, long tokens, plain words; also empty."""
    piece = st.one_of(
        st.sampled_from(PIECES),
        st.text(max_size=6),
        st.text(alphabet="abcXYZ 019,.-'\n", max_size=40),
        st.sampled_from(["the ", "a ", "quick brown ", "fox "]),
    )
    return st.lists(piece, max_size=max_pieces).map("".join)


NORMALIZATIONS = [
    f"{base}{options}"
    for base in ("none", "nfc", "nfkc_casefold")
    for options in ("", "+accents", "+digits", "+punctuation", "+whitespace", "+accents+digits+punctuation+whitespace")
]

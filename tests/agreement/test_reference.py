"""The reference against frozen vectors, the Unicode test file, CPython, datasketch and its own definitions."""

import bz2
import math
import unicodedata
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overproof import InputError
from overproof import reference as ref
from overproof.reference.shingle import KP

UNICODE_TEST_FILE = Path("/usr/share/unicode/NormalizationTest.txt.bz2")
ASSIGNED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
# Letters that change length, marks of several classes, jamo, scripts without spaces, separators, controls.
NASTY = "aZé09_'-= \t\n\0\x85\u2028ßİŉﬃΣςﷺ😀"
NASTY += "\u0301\u0307\u0323\u0338\u0345\u200d\u00ad\u202e가\u1100\u1161\u11a8漢カ\u3099ไก์हि्"
nasty_text = st.one_of(st.text(st.sampled_from(NASTY), max_size=30), st.text(max_size=20))
NORMALIZATIONS = [
    base + "".join("+" + name for name, on in zip(ref.text.OPTIONS, chosen, strict=True) if on)
    for base in ref.text.BASES
    for chosen in product([False, True], repeat=4)
]
hash_sets = st.sets(st.integers(0, 2**64 - 1), max_size=60)


def normal(text: str, normalization: str = "nfkc_casefold") -> str:
    return ref.normalize(text, normalization)[0]


# -- text


@pytest.fixture(scope="module")
def unicode_test_lines():
    if not UNICODE_TEST_FILE.exists():
        pytest.skip(f"{UNICODE_TEST_FILE} is missing: apt-get install unicode-data (version {ref.UNICODE_VERSION})")
    lines = bz2.decompress(UNICODE_TEST_FILE.read_bytes()).decode("utf-8").splitlines()
    if f"NormalizationTest-{ref.UNICODE_VERSION}.txt" not in lines[0]:
        pytest.skip(f"{UNICODE_TEST_FILE} is of another Unicode version: {lines[0]}")
    rows = [line.split("#")[0].split(";")[:5] for line in lines if line.count(";") >= 5 and line[0] not in "#@"]
    return [["".join(chr(int(code, 16)) for code in field.split()) for field in row] for row in rows]


def test_nfc_and_nfd_pass_the_unicode_test_file(unicode_test_lines):
    assert len(unicode_test_lines) > 18_000
    for source, nfc, nfd, nfkc, nfkd in unicode_test_lines:
        assert {normal(text, "nfc") for text in (source, nfc, nfd)} == {nfc}
        assert {normal(text, "nfc") for text in (nfkc, nfkd)} == {nfkc}
        for text, wanted in ((source, nfd), (nfc, nfd), (nfd, nfd), (nfkc, nfkd), (nfkd, nfkd)):
            chars = ref.text.decompose(ref.normalize_chars(text, "none"))
            assert "".join(chr(c.code) for c in chars) == wanted


def test_nfkc_casefold_does_not_see_equivalent_spellings(unicode_test_lines):
    """All five columns fold to one text, except where U+0345 folds to a letter before marks could be reordered."""
    different = [row for row in unicode_test_lines if len({normal(text) for text in row}) > 1]
    assert all("\u0345" in row[0] for row in different)
    assert len(different) == 12


def test_nfc_equals_cpython_on_its_assigned_code_points():
    assert [c for c in ASSIGNED if normal(c, "nfc") != unicodedata.normalize("NFC", c)] == []


def test_nfkc_casefold_equals_its_definition_on_cpythons_assigned_code_points():
    """NFKC_CF is the limit of NFKC(fold(NFKC(.))) without default-ignorables (Unicode 15.0, section 3.13)."""
    ignorable = {chr(code) for code, to in ref.text.table().casefold.items() if not to}

    def limit(text):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        once = unicodedata.normalize("NFKC", "".join(c for c in folded if c not in ignorable))
        return once if once == text else limit(once)

    assert [c for c in ASSIGNED if normal(c) != limit(c)] == []


@given(nasty_text)
def test_nfkc_casefold_is_idempotent(text):
    assert normal(normal(text)) == normal(text)


@given(nasty_text, st.sampled_from(NORMALIZATIONS))
def test_offsets_lie_on_code_points_and_tokens_cover_their_letters(text, normalization):
    encoded = text.encode()
    for char in ref.normalize_chars(text, normalization):
        assert 0 <= char.start < char.end <= len(encoded)
        assert encoded[char.start : char.end].decode()
    for token in ref.tokenize(text, "word", normalization):
        assert token.start < token.end
        source = encoded[token.start : token.end].decode()
        made = "".join(normal(c, normalization.split("+")[0]) for c in source)
        decomposed = {c.code for c in ref.text.decompose(ref.normalize_chars(made, "none"))}
        wanted = {c.code for c in ref.text.decompose(ref.normalize_chars(token.value, "none"))}
        assert wanted <= decomposed | {ord("0")}


@given(nasty_text, st.sampled_from(NORMALIZATIONS))
def test_char_and_byte_tokens_spell_the_normalised_text(text, normalization):
    wanted = normal(text, normalization)
    assert "".join(t.value for t in ref.tokenize(text, "char", normalization)) == wanted
    assert b"".join(t.value for t in ref.tokenize(text, "byte", normalization)) == wanted.encode()


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_its_own_offsets(text):
    assert ref.normalize(text) == (text.lower(), [(i, i + 1) for i in range(len(text))])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_x_ don't 3.14 gpt4", ["x", "don", "t", "3", "14", "gpt4"]),
        ("漢字カ\u3099タ abc漢 汉x", ["漢", "字", "ガ", "タ", "abc", "漢", "汉", "x"]),
        ("ไก่ที่", ["ไ", "ก่", "ที่"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("\u1100\u1161\u11a8나", ["각나"]),
        ("= \u0301a", ["\u0301a"]),
        ("漢\u0301a", ["漢\u0301", "a"]),
        ("soft\u00adhyphen zero\u200dwidth", ["softhyphen", "zerowidth"]),
        ("Straße İ ŉ ﬃ", ["strasse", "i\u0307", "ʼn", "ffi"]),
        ("a\u2028b\u0085c\0d", ["a", "b", "c", "d"]),
        ("👩\u200d👩\u200d👧 =\u0338", []),
    ],
)
def test_words(text, words):
    assert [t.value for t in ref.tokenize(text)] == words


def test_single_character_tokens_count_half():
    tokens = ref.tokenize("漢字 word")
    assert [t.single for t in tokens] == [True, True, False]
    assert ref.token_units(tokens) == 4


@pytest.mark.parametrize(
    ("text", "normalization", "wanted"),
    [
        ("Ünïted  ２３", "nfkc_casefold+accents", "united  23"),
        ("٣x", "nfc+digits", "0x"),
        ("a-b", "none+punctuation", "a b"),
        ("\u2028 a \t\u0085b\u3000", "none+whitespace", "a b"),
        (" (a), b. ", "none+punctuation+whitespace", "a b"),
        ("각\u0301", "none+accents", "각"),
    ],
)
def test_options(text, normalization, wanted):
    assert normal(text, normalization) == wanted


@pytest.mark.parametrize("bad", ["", "nfkd", "nfc+", "nfc+digits+accents", "nfc+digits+digits", "accents", "nfc+x"])
def test_unknown_normalizations_are_refused(bad):
    with pytest.raises(InputError, match="normalization"):
        normal("a", bad)


def test_lone_surrogates_are_refused_or_replaced():
    with pytest.raises(InputError, match="surrogates"):
        ref.tokenize("a\ud800")
    assert ref.replace_surrogates("a\ud800\udc00") == ("a\ufffd\ufffd", 2)


# -- shingle


def test_frozen_vectors():
    assert ref.token_hash(b"a") == 0xDBF38580B99B4A7F
    assert ref.token_hash(b"0123456789abcdefg") == 0x50705F8EE48831E7
    vectors = {0: (0x209C9FCCCFFB55B1, 0xE7F81A74C3EA7F5C), 1: (0x0F5867B16A9B6EDB, 0x82951D7E01CA80CB)}
    for seed, (five, one) in vectors.items():
        assert ref.shingle("the quick brown fox jumps", seed=seed).hashes == [five]
        assert ref.shingle("the", 1, seed=seed).hashes == [one]


def test_splitmix64_gives_the_published_outputs():
    """Of state 1234567, as in the test vectors that come with the generator's reference implementation."""
    stream = ref.splitmix64(1234567)
    assert [next(stream) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=255), st.booleans())
def test_gram_is_the_polynomial_of_its_definition(words, short):
    n = len(words)
    total = sum(w * pow(KP, n - 1 - j, 2**64) for j, w in enumerate(words))
    tag = 2 * n if short else 2 * n + 1
    s3 = list(zip(range(4), ref.splitmix64(0), strict=False))[3][1]
    assert ref.gram(words, short=short) == ref.fin((total + s3 * tag) % 2**64)


@pytest.mark.parametrize("place", [0, 8])
def test_no_chosen_half_collapses_the_token_hash(place):
    """One half cancels its seed word: an earlier form of the hash then forgot the other half."""
    stream = ref.splitmix64(0)
    s0, s1 = next(stream), next(stream)
    chosen = (s0 if place == 0 else s1 ^ 16).to_bytes(8, "little")
    others = [i.to_bytes(8, "little") for i in range(1000)]
    tokens = [chosen + other if place == 0 else other + chosen for other in others]
    assert len({ref.token_hash(token) for token in tokens}) == 1000


@given(nasty_text, st.sampled_from(["word", "char", "byte"]), st.sets(st.integers(1, 9), min_size=1, max_size=3))
def test_several_n_are_the_union_of_each(text, analyzer, ns):
    both = ref.shingle(text, ns, analyzer=analyzer)
    assert both.short == (0 < both.tokens < min(ns))
    assert sum(both.counts) == both.short + sum(max(0, both.tokens - n + 1) for n in ns)
    if not both.short:
        each = [ref.shingle(text, n, analyzer=analyzer) for n in ns]
        assert set(both.hashes) == {h for one in each if not one.short for h in one.hashes}


def test_short_texts_differ_from_windows_and_from_each_other():
    words = ["a", "b", "c", "d", "e"]
    texts = [" ".join(words[:t]) for t in range(1, 6)]
    hashes = [ref.shingle(text, n).hashes for text in texts for n in (5, len(text.split()))]
    assert len({tuple(h) for h in hashes}) == 9  # the text of 5 tokens is its own window of 5
    assert ref.shingle("", 5) == ref.ShingleSet([], [], False, 0)


def test_ids_and_strings_of_the_user():
    assert ref.shingle([1, 2], 2, analyzer="tokens").hashes == [
        ref.gram([ref.token_hash(b"\1" + bytes(7)), ref.token_hash(b"\2" + bytes(7))])
    ]
    assert ref.shingle("The cat", 2) == ref.shingle(["the", "cat"], 2, analyzer="tokens")
    assert ref.shingle("The cat", 2, analyzer=lambda s: s.lower().split()) == ref.shingle("The cat", 2)


@pytest.mark.parametrize("n", [0, 256, [], [0, 1]])
def test_bad_sizes_are_refused(n):
    with pytest.raises(InputError, match="n is"):
        ref.shingle("a b", n)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ref.shingle("a", analyzer="line"),
        lambda: ref.shingle("a", analyzer="tokens"),
        lambda: ref.shingle(["a"], analyzer="word"),
        lambda: ref.shingle("a", seed=-1),
        lambda: ref.minhash([1], 0),
        lambda: ref.simhash([1], [1], 32),
        lambda: ref.fracminhash([1], 0),
        lambda: ref.similarity_join([{1}], threshold=0),
        lambda: ref.similarity_join([{1}], threshold=0.5, metric="cosine"),
        lambda: ref.lsh_params(0.5, 128, recall=1.0),
        lambda: ref.lsh_params(0.01, 4),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(InputError, match=r"give|must be|takes|outside|cannot reach"):
        call()


# -- sketch


@given(hash_sets, hash_sets)
def test_a_union_of_sketches_is_the_sketch_of_the_union(a, b):
    for make in (lambda hashes: ref.minhash(hashes, 16), lambda hashes: ref.oph(hashes, 16)):
        assert ref.minhash_union(make(a), make(b)) == make(a | b)


def test_empty_sets_are_flagged_and_never_equal():
    empty, other = ref.minhash([], 4), ref.minhash([7], 4)
    assert empty == ref.Sketch([2**32 - 1] * 4, True)
    assert math.isnan(ref.minhash_jaccard(empty, empty))
    assert ref.minhash_jaccard(empty, other) == 0
    assert math.isnan(ref.oph_jaccard(ref.oph([], 4), ref.oph([], 4)))
    assert ref.oph_jaccard(ref.oph([], 4), ref.oph([7], 4)) == 0
    assert ref.oph_densify(ref.oph([], 4)) == [2**32 - 1] * 4


def test_oph_keeps_its_empty_mark_apart_from_values():
    assert ref.oph([2**32 - 1], 2).values == [2**32 - 2, 2**32 - 1]


@given(hash_sets.filter(bool))
def test_densified_bins_hold_values_of_the_sketch(hashes):
    sketch = ref.oph(hashes, 32)
    dense = ref.oph_densify(sketch)
    assert all(d == v for d, v in zip(dense, sketch.values, strict=True) if v != 2**32 - 1)
    assert set(dense) == set(sketch.values) - {2**32 - 1}


@pytest.mark.parametrize("estimate", ["minhash", "oph"])
def test_estimates_of_jaccard_are_unbiased(estimate):
    make, compare = {
        "minhash": (ref.minhash, ref.minhash_jaccard),
        "oph": (ref.oph, ref.oph_jaccard),
    }[estimate]
    stream = ref.splitmix64(7)
    errors = []
    for _ in range(60):
        hashes = [next(stream) for _ in range(150)]
        errors.append(compare(make(hashes[:100], 128), make(hashes[50:], 128)) - 1 / 3)
    deviation = math.sqrt(1 / 3 * 2 / 3 / 128)
    assert abs(sum(errors) / 60) < 4 * deviation / math.sqrt(60)
    assert math.sqrt(sum(e * e for e in errors) / 60) < 1.3 * deviation


@pytest.mark.parametrize("scheme", ["affine32", "affine64", "legacy"])
def test_datasketch_values(scheme):
    datasketch = pytest.importorskip("datasketch", reason="pip install datasketch==2.0.0 to compare with it")
    stream = ref.splitmix64(3)
    hashes = [next(stream) >> (0 if scheme == "affine64" else 32) for _ in range(40)]
    theirs = datasketch.MinHash(num_perm=32, seed=1, scheme=scheme, hashfunc=int)
    a, b = ([int(x) for x in row] for row in theirs.permutations)
    make = getattr(ref, f"datasketch_{scheme}")
    assert make([], a, b).values == [int(x) for x in theirs.hashvalues]
    theirs.update_batch(hashes)
    assert make(hashes, a, b).values == [int(x) for x in theirs.hashvalues]


def test_simhash_by_hand():
    assert ref.simhash([0b011, 0b101], [1, 1]).values == [0b001]  # bits 1 and 2 tie
    assert ref.simhash([0b011, 0b101], [2, 1]).values == [0b011]
    assert ref.simhash([0b011], [-1]).values == [2**64 - 1 - 0b011]
    assert ref.simhash([], [], 128) == ref.Sketch([0, 0], True)
    assert ref.simhash([5], [1], 128).values == [5, ref.fin(5 ^ KP)]
    assert ref.hamming([0b011, 1], [0b110, 1]) == 2


def test_fracminhash_keeps_by_the_low_half():
    assert ref.fracminhash([3, 1, 3]) == [1, 3]
    assert ref.fracminhash([0x00000000_80000000, 0xFFFFFFFF_7FFFFFFF, 0xFFFFFFFF_00000000], 2) == [
        0xFFFFFFFF_00000000,
        0xFFFFFFFF_7FFFFFFF,
    ]


def test_fracminhash_estimates_are_unbiased_each_in_its_sense():
    """20 hashes, scaled 16, containment 1/2: nothing is kept in 27 % of rows."""
    stream = ref.splitmix64(11)
    given_some, over_all = [], []
    for _ in range(4000):
        a = [next(stream) for _ in range(20)]
        kept_a, kept_b = ref.fracminhash(a, 16), ref.fracminhash(a[:10], 16)
        over_all.append(ref.fracminhash_containment_debiased(kept_a, kept_b, scaled=16, size_a=20))
        if kept_a:
            given_some.append(ref.fracminhash_containment(kept_a, kept_b))
        else:
            assert math.isnan(ref.fracminhash_containment(kept_a, kept_b))
    for values in (given_some, over_all):
        mean = sum(values) / len(values)
        error = math.sqrt(sum((v - mean) ** 2 for v in values)) / len(values)
        assert abs(mean - 0.5) < 3 * error
    assert 0.24 < 1 - len(given_some) / 4000 < 0.31


@given(st.floats(0, 1), st.integers(0, 300))
def test_power(x, n):
    assert ref.power(x, n) == pytest.approx(x**n, rel=1e-12, abs=1e-300)


# -- score


def test_nan_only_where_a_denominator_is_zero():
    some, none = {1}, set()
    for score in (ref.jaccard, ref.containment, ref.overlap_coefficient, ref.dice):
        assert math.isnan(score(none, none))
        assert score(some, some) == 1
    assert ref.jaccard(none, some) == ref.dice(none, some) == ref.containment(some, none) == 0
    assert math.isnan(ref.containment(none, some))
    assert math.isnan(ref.overlap_coefficient(none, some))


@given(hash_sets, hash_sets)
def test_laws_of_scores(a, b):
    if a and b:
        j = ref.jaccard(a, b)
        assert j == ref.jaccard(b, a)
        assert ref.containment(a, b) * len(a) == pytest.approx(ref.containment(b, a) * len(b))
        assert ref.dice(a, b) == pytest.approx(2 * j / (1 + j))
        assert ref.overlap_coefficient(a, b) == max(ref.containment(a, b), ref.containment(b, a))


def spans_by_definition(a, b, least_units, *, masked_a, masked_b, masked_ngrams):
    """Every interval of a that stands in b, allowed by the masks, in no longer such one, and long enough."""

    def places(i, k):
        size = k - i
        return [
            j
            for j in range(len(b) - size + 1)
            if all(a[i + x].value == b[j + x].value and j + x not in masked_b for x in range(size))
        ]

    def allowed(i, k):
        values = tuple(t.value for t in a[i:k])
        held = {values[x:y] for x in range(len(values)) for y in range(x + 1, len(values) + 1)}
        return not masked_a & set(range(i, k)) and not held & masked_ngrams

    intervals = [(i, k) for i in range(len(a)) for k in range(i + 1, len(a) + 1)]
    common = {(i, k): places(i, k)[0] for i, k in intervals if places(i, k) and allowed(i, k)}
    maximal = [(i, k) for i, k in common if not any((x, y) != (i, k) and x <= i and k <= y for x, y in common)]
    return [ref.Span(i, k, common[i, k]) for i, k in sorted(maximal) if ref.token_units(a[i:k]) >= least_units]


short_texts = st.lists(st.sampled_from(["a", "b", "漢"]), max_size=9).map(lambda w: ref.tokenize(" ".join(w)))
positions = st.sets(st.integers(0, 8), max_size=2)
masked_grams = st.sets(st.lists(st.sampled_from(["a", "b", "漢"]), min_size=1, max_size=3).map(tuple), max_size=2)


@settings(max_examples=400)
@given(short_texts, short_texts, st.integers(0, 4), st.tuples(positions, positions), masked_grams)
def test_spans_equal_their_definition(a, b, least, masked, grams):
    masked_a, masked_b = masked
    found = ref.common_spans(a, b, least, masked_a=masked_a, masked_b=masked_b, masked_ngrams=grams)
    assert found == spans_by_definition(a, b, 2 * least, masked_a=masked_a, masked_b=masked_b, masked_ngrams=grams)


@given(short_texts, short_texts, st.integers(1, 3), masked_grams)
def test_a_shared_ngram_always_lies_in_a_span(a, b, n, grams):
    grams = {gram for gram in grams if len(gram) == n}
    match = ref.ngram_match(a, b, n, masked=grams)
    spans = ref.common_spans(a, b, 0, masked_ngrams=grams)
    assert match.longest_run == max((s.a_end - s.a_start for s in spans), default=0)
    if match.ngrams and len(a) >= n:
        assert match.longest_run >= n
        assert match.coverage > 0


def test_ngram_match_by_hand():
    suspect, served = ref.tokenize("x the cat sat y the cat"), ref.tokenize("the cat sat on")
    assert ref.ngram_match(suspect, served, 2) == (2, 2 / 5, 2 / 3, 5 / 7, 3)
    masked = ref.ngram_match(suspect, served, 2, masked={("the", "cat")})
    assert masked == (1, 1 / 4, 1 / 2, 2 / 6, 2)
    nothing = ref.ngram_match([], served, 2)
    assert nothing.ngrams == nothing.longest_run == nothing.containment_of_served == 0
    assert math.isnan(nothing.containment_of_suspect)
    assert math.isnan(nothing.coverage)


def test_byte_and_code_point_offsets_of_a_span():
    text = "¿Où? Straße Maß!"
    tokens = ref.tokenize(text)
    (span,) = ref.common_spans(tokens, ref.tokenize("strasse mass"), 2)
    start, end = ref.byte_range(tokens, span.a_start, span.a_end)
    assert text.encode()[start:end].decode() == "Straße Maß"
    assert ref.codepoint_offsets(text, [start, end]) == [5, 15]


# -- join


@given(st.lists(st.sets(st.integers(0, 5), max_size=4), max_size=6), st.sampled_from(sorted(ref.join.METRICS)))
def test_a_self_join_is_the_join_with_itself_without_repeats(sets, metric):
    both = ref.similarity_join(sets, sets, threshold=0.5, metric=metric)
    own = ref.similarity_join(sets, threshold=0.5, metric=metric)
    assert own == sorted(own)
    assert own == [p for p in both if p[0] < p[1] or (p[0] > p[1] and metric == "containment")]
    assert all(sets[i] and sets[j] and score >= 0.5 for i, j, score in both)


@pytest.mark.parametrize(("threshold", "recall"), [(0.3, 0.9), (0.5, 0.95), (0.8, 0.95), (0.95, 0.99), (1.0, 0.5)])
def test_lsh_params_reach_the_recall_with_the_least_work(threshold, recall):
    chosen = ref.lsh_params(threshold, 64, recall=recall)
    assert ref.collision_probability(threshold, *chosen) >= recall
    work = ref.false_positive_work(threshold, *chosen)
    for rows in range(1, 65):
        for bands in range(1, 64 // rows + 1):
            if ref.collision_probability(threshold, bands, rows) >= recall:
                assert work <= ref.false_positive_work(threshold, bands, rows)


def test_false_positive_work_is_the_integral():
    """One band of one row: the integral of s is t^2 / 2, which the midpoint rule gives exactly up to rounding."""
    assert ref.false_positive_work(0.8, 1, 1) == pytest.approx(0.32, rel=1e-12)

//! Time of each stage, one thread, hashes of one fixed run of made texts. `make bench-rust`; name a stage to see it alone.
//!
//! Kernels run at every level of the machine; stages run at the level of the process (`OVERPROOF_KERNEL`). Inputs go
//! through `black_box` and results are returned to divan, which does the same with them.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use overproof_core::error::Result;
use overproof_core::exec::Job;
use overproof_core::params::{Analyzer, HashSource, Normalization, Scheme, ShingleParams, SketchParams};
use overproof_core::shingle::ShingleSets;
use overproof_core::shingle::build::from_texts;
use overproof_core::shingle::hash::splitmix64;
use overproof_core::sketch::{SketchArray, TextRows, sketch};

fn main() {
    divan::main();
}

/// Number of texts of a stage.
const TEXTS: usize = 256;
/// Bytes of a text, about.
const BYTES: usize = 1_270;
/// Why nothing here fails.
const GOOD: &str = "arguments of a benchmark are good";
/// Values of a MinHash row.
const K: u64 = 128;

/// Texts whose words, and marks between them, are drawn from the licence: lengths and branches of English prose.
fn english() -> Vec<String> {
    drawn(include_str!("../../../LICENSE-APACHE").split_ascii_whitespace().map(str::to_owned).collect(), " ")
}

/// Texts of characters that are a token each, with some punctuation.
fn chinese() -> Vec<String> {
    let common = (0..2_000u32).filter_map(|i| char::from_u32(0x4E00 + 7 * i));
    drawn(common.map(String::from).chain(["，", "。"].map(str::to_owned).into_iter().cycle().take(200)).collect(), "")
}

/// English with what normalisation changes: accents apart from their letters, full width, ligatures, capitals beyond ASCII.
fn decorated() -> Vec<String> {
    let mut words: Vec<String> = english().concat().split(' ').map(str::to_owned).collect();
    for (i, word) in words.iter_mut().enumerate() {
        match i % 8 {
            0 => word.insert(1.min(word.len()), '\u{301}'),
            3 => word.push('ﬁ'),
            5 => word.insert_str(0, "ＡÉ"),
            _ => {}
        }
    }
    drawn(words, " ")
}

fn drawn(words: Vec<String>, between: &str) -> Vec<String> {
    let mut at = 0;
    let mut text = || {
        let mut text = String::new();
        while text.len() < BYTES {
            text += &words[splitmix64(1, at) as usize % words.len()];
            text += between;
            at += 1;
        }
        text
    };
    (0..TEXTS).map(|_| text()).collect()
}

/// The same texts with every fifth one replaced by a near copy of the one before.
fn with_copies() -> Vec<String> {
    let mut texts = english();
    for i in (5..TEXTS).step_by(5) {
        texts[i] = texts[i - 1].replace("shall", "will");
    }
    texts
}

fn views(texts: &[String]) -> Vec<Option<&str>> {
    texts.iter().map(|text| Some(text.as_str())).collect()
}

fn bytes(texts: &[String]) -> BytesCount {
    BytesCount::new(texts.iter().map(String::len).sum::<usize>())
}

fn hashes(n: usize) -> Vec<u64> {
    (0..n as u64).map(|i| splitmix64(2, i)).collect()
}

fn shingling(analyzer: &str, n: u8) -> Result<ShingleParams> {
    ShingleParams::new(vec![n], Analyzer::parse(analyzer)?, Normalization::parse("nfkc_casefold")?, 0)
}

fn sets(texts: &[String]) -> Result<ShingleSets> {
    from_texts(&views(texts), &shingling("word", 5)?, true, &Job::inline())
}

fn signatures(texts: &[String], scheme: Scheme, size: u64) -> Result<SketchArray> {
    let params = shingling("word", 5)?;
    let how = SketchParams::new(scheme, size, 1, HashSource::from(&params))?;
    sketch(&Job::inline(), &TextRows { texts: &views(texts), params: &params }, how, None)
}

mod text {
    use super::*;
    use overproof_core::text::fast::Canonicalizer;
    use overproof_core::text::tokenize::mapped;

    const KINDS: [&str; 3] = ["english", "chinese", "decorated"];

    fn of(kind: &str) -> Vec<String> {
        match kind {
            "english" => english(),
            "chinese" => chinese(),
            _ => decorated(),
        }
    }

    /// Texts to the bytes of their words.
    #[divan::bench(args = KINDS)]
    fn canonical_words(bencher: Bencher, kind: &str) {
        let (texts, canonicalizer) = (of(kind), Canonicalizer::of(Normalization::parse("nfkc_casefold").expect(GOOD)));
        let mut out = Vec::new();
        bencher.counter(bytes(&texts)).bench_local(|| {
            for text in &texts {
                out.clear();
                black_box(canonicalizer.words(black_box(text), &mut out));
                black_box(&out);
            }
        });
    }

    /// Texts to tokens that know where they stand.
    #[divan::bench(args = KINDS)]
    fn mapped_words(bencher: Bencher, kind: &str) {
        let (texts, how) = (of(kind), Normalization::parse("nfkc_casefold").expect(GOOD));
        bencher.counter(bytes(&texts)).bench_local(|| {
            for text in &texts {
                black_box(mapped(black_box(text), &Analyzer::Word, how));
            }
        });
    }

    /// The yardstick: the standard library's check of UTF-8.
    #[divan::bench]
    fn std_from_utf8(bencher: Bencher) {
        let texts = english();
        bencher.counter(bytes(&texts)).bench_local(|| {
            for text in &texts {
                let _ = black_box(std::str::from_utf8(black_box(text.as_bytes())));
            }
        });
    }
}

mod shingle {
    use super::*;
    use overproof_core::shingle::Shingler;

    /// Texts to hashes of windows; `word 1` is one hash a word.
    #[divan::bench(args = ["word 1", "word 5", "char 5", "byte 5", "chinese word 5"])]
    fn hashes_of_texts(bencher: Bencher, what: &str) {
        let texts = if what.starts_with("chinese") { chinese() } else { english() };
        let (analyzer, n) = match what.trim_start_matches("chinese ").split_once(' ') {
            Some((analyzer, "1")) => (analyzer, 1),
            Some((analyzer, _)) => (analyzer, 5),
            None => ("word", 5),
        };
        let mut shingler = Shingler::new(&shingling(analyzer, n).expect(GOOD));
        bencher.counter(bytes(&texts)).bench_local(|| {
            for text in &texts {
                black_box(shingler.text(black_box(text)));
            }
        });
    }

    /// Texts to sorted sets with counts, and without.
    #[divan::bench(args = [true, false])]
    fn sets_with_counts(bencher: Bencher, counts: bool) {
        let (texts, params) = (english(), shingling("word", 5).expect(GOOD));
        let views = views(&texts);
        bencher
            .counter(bytes(&texts))
            .bench_local(|| from_texts(black_box(&views), &params, counts, &Job::inline()).expect(GOOD));
    }
}

/// 200 hashes are those of a text of 1.3 kB.
mod kernel {
    use super::*;
    use overproof_core::kernel::{self, Level};
    use overproof_core::shingle::hash::Seeds;
    use overproof_core::text::fast::Canonicalizer;

    const N: usize = 200;

    fn levels() -> impl Iterator<Item = &'static str> {
        kernel::available().into_iter().map(Level::name)
    }

    fn level(name: &str) -> Level {
        kernel::available().into_iter().find(|level| level.name() == name).unwrap_or(Level::BASELINE)
    }

    /// 8 kB of words, whole blocks, spaces at the end.
    fn canonical() -> Vec<u8> {
        let mut out = Vec::new();
        Canonicalizer::of(Normalization::parse("nfkc_casefold").expect(GOOD)).words(&english().concat(), &mut out);
        out.truncate((8 << 10) - 64);
        out.resize(8 << 10, b' ');
        out
    }

    fn halves(words: &[u64]) -> Vec<u32> {
        words.iter().map(|w| *w as u32).collect()
    }

    /// Canonical text to where its words start and end.
    #[divan::bench(args = levels())]
    fn edges(bencher: Bencher, at: &str) {
        let (level, text) = (level(at), canonical());
        let mut out = vec![0; text.len() + kernel::SPARE];
        let run = || kernel::edges(level, black_box(&text), false, &mut out);
        bencher.counter(BytesCount::new(text.len())).bench_local(run);
    }

    /// Words to one value each; items are words.
    #[divan::bench(args = levels())]
    fn token_values(bencher: Bencher, at: &str) {
        let (level, text, seeds) = (level(at), canonical(), Seeds::new(0));
        let mut places = vec![0; text.len() + kernel::SPARE];
        let count = kernel::edges(level, &text, false, &mut places);
        let tokens = places[..count].as_chunks::<2>().0;
        let mut out = Vec::with_capacity(tokens.len());
        bencher.counter(ItemsCount::new(tokens.len())).bench_local(|| {
            out.clear();
            kernel::token_values(level, &seeds, black_box(&text), black_box(tokens), &mut out);
            black_box(&out);
        });
    }

    #[divan::bench(args = levels())]
    fn byte_windows(bencher: Bencher, at: &str) {
        let (level, text) = (level(at), canonical());
        let mut out = vec![0; text.len() - 64];
        bencher.counter(BytesCount::new(out.len())).bench_local(|| {
            kernel::byte_windows(level, black_box(&text), 8, 7, &mut out);
            black_box(&out);
        });
    }

    #[divan::bench(args = levels())]
    fn gram_hashes(bencher: Bencher, at: &str) {
        let (level, words) = (level(at), hashes(N + 4));
        let mut out = vec![0; N];
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::gram_hashes(level, black_box(&words), 5, 7, &mut out);
            black_box(&out);
        });
    }

    /// As a text's, and as a long one's.
    #[divan::bench(args = levels(), consts = [N, 20 * N])]
    fn sort<const LEN: usize>(bencher: Bencher, at: &str) {
        let (level, xs, mut sorted, mut room) = (level(at), hashes(LEN), Vec::new(), kernel::Room::default());
        bencher.counter(ItemsCount::new(LEN)).bench_local(|| {
            kernel::sort(level, black_box(&xs), &mut sorted, &mut room);
            black_box(&sorted);
        });
    }

    #[divan::bench(args = levels())]
    fn least_in_bins(bencher: Bencher, at: &str) {
        let (level, xs, mut bins) = (level(at), hashes(N), vec![u32::MAX; K as usize]);
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::least_in_bins(level, black_box(&xs), &mut bins);
            black_box(&bins);
        });
    }

    #[divan::bench(args = levels())]
    fn min_affine32(bencher: Bencher, at: &str) {
        let (level, hashes, a) = (level(at), hashes(N), halves(&hashes(K as usize)));
        let mut out = vec![u32::MAX; a.len()];
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::min_affine32(level, black_box(&a), black_box(&a), black_box(&hashes), true, &mut out);
            black_box(&out);
        });
    }

    #[divan::bench(args = levels())]
    fn min_affine64(bencher: Bencher, at: &str) {
        let (level, xs, a) = (level(at), hashes(N), hashes(K as usize));
        let mut out = vec![u64::MAX; a.len()];
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::min_affine64(level, black_box(&a), black_box(&a), black_box(&xs), &mut out);
            black_box(&out);
        });
    }

    #[divan::bench(args = levels())]
    fn min_legacy61(bencher: Bencher, at: &str) {
        let (level, xs, a) = (level(at), halves(&hashes(N)), hashes(K as usize));
        let mut out = vec![u64::MAX; a.len()];
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::min_legacy61(level, black_box(&a), black_box(&a), black_box(&xs), &mut out);
            black_box(&out);
        });
    }

    #[divan::bench(args = levels())]
    fn count_bits(bencher: Bencher, at: &str) {
        let (level, xs, mut ones) = (level(at), hashes(N), [0; 64]);
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::count_bits(level, black_box(&xs), &mut ones);
            black_box(&ones);
        });
    }

    #[divan::bench(args = levels())]
    fn sum_bits(bencher: Bencher, at: &str) {
        let (level, xs, mut sums) = (level(at), hashes(N), [0; 64]);
        let weights: Vec<i32> = (0..N as i32).collect();
        bencher.counter(ItemsCount::new(N)).bench_local(|| {
            kernel::sum_bits(level, black_box(&xs), &weights, &mut sums);
            black_box(&sums);
        });
    }
}

mod sketches {
    use super::*;
    use overproof_core::sketch::{HashRows, fracminhash, oph};

    const SCHEMES: [&str; 6] =
        ["affine32-op1", "oph", "simhash", "datasketch-affine32", "datasketch-affine64", "datasketch-legacy"];

    fn params(scheme: &str, source: HashSource) -> Result<SketchParams> {
        let scheme = Scheme::parse(scheme).expect(GOOD);
        SketchParams::new(scheme, if scheme == Scheme::SimHash { 64 } else { K }, 1, source)
    }

    /// From texts, fused.
    #[divan::bench(args = ["affine32-op1", "oph", "simhash"])]
    fn of_texts(bencher: Bencher, scheme: &str) {
        let (texts, shingles) = (english(), shingling("word", 5).expect(GOOD));
        let (views, how) = (views(&texts), params(scheme, HashSource::from(&shingles)).expect(GOOD));
        let rows = TextRows { texts: &views, params: &shingles };
        bencher
            .counter(bytes(&texts))
            .bench_local(|| sketch(&Job::inline(), black_box(&rows), how.clone(), None).expect(GOOD));
    }

    /// From hashes that are there already, 200 a row; items are hashes.
    #[divan::bench(args = SCHEMES)]
    fn of_hashes(bencher: Bencher, scheme: &str) {
        let (hashes, indptr): (_, Vec<i64>) = (hashes(200 * TEXTS), (0..=TEXTS as i64).map(|i| 200 * i).collect());
        // 32 bits, as the 32-bit schemes of datasketch take them.
        let draws: Vec<u64> = (0..K).map(|i| splitmix64(3, i) >> 32 | 1).collect();
        let drawn = scheme.starts_with("datasketch").then_some((&draws[..], &draws[..]));
        let (rows, how) = (
            HashRows::new(&indptr, &hashes).expect(GOOD),
            params(scheme, HashSource::described("made".to_owned())).expect(GOOD),
        );
        let run = || sketch(&Job::inline(), black_box(&rows), how.clone(), drawn).expect(GOOD);
        bencher.counter(ItemsCount::new(hashes.len())).bench_local(run);
    }

    /// What the bands of `oph` need.
    #[divan::bench]
    fn densify(bencher: Bencher) {
        let row: Vec<u32> = (0..K).map(|i| if i % 3 == 0 { oph::EMPTY_BIN } else { i as u32 }).collect();
        let mut out = row.clone();
        bencher.bench_local(|| {
            oph::densify(black_box(&row), &mut out);
            black_box(&out);
        });
    }

    /// From sets; items are hashes.
    #[divan::bench]
    fn fracminhash(bencher: Bencher) {
        let sets = sets(&english()).expect(GOOD);
        let how = SketchParams::new(Scheme::FracMinHash, 100, 1, HashSource::from(&sets)).expect(GOOD);
        let run = || fracminhash::of_sets(&Job::inline(), black_box(&sets), how.clone()).expect(GOOD);
        bencher.counter(ItemsCount::new(sets.hashes.len())).bench_local(run);
    }
}

mod score {
    use super::*;
    use overproof_core::score::SetMetric;
    use overproof_core::score::sets::{SetRows, cdist, intersection_size};
    use overproof_core::score::sketches::{SketchMetric, agreements, cdist as cdist_sketches};
    use overproof_core::score::spans::{Interner, maximal_spans};
    use overproof_core::score::texts::{SpanParams, text_ngrams, text_spans};

    /// Two sets that share half of the smaller; items are elements of both.
    #[divan::bench(args = [(200, 200), (200, 20_000)])]
    fn intersection(bencher: Bencher, sizes: (usize, usize)) {
        let all = hashes(sizes.0 + sizes.1);
        let sorted = |mut row: Vec<u64>| {
            row.sort_unstable();
            row
        };
        let (a, b) = (sorted(all[..sizes.0].to_vec()), sorted(all[sizes.0 / 2..][..sizes.1].to_vec()));
        let run = || intersection_size(black_box(&a), black_box(&b));
        bencher.counter(ItemsCount::new(a.len() + b.len())).bench_local(run);
    }

    /// All pairs of sets; items are pairs.
    #[divan::bench]
    fn sets_all_pairs(bencher: Bencher) {
        let sets = sets(&with_copies()).expect(GOOD);
        let rows = SetRows::from(&sets);
        let run = || cdist::<f32>(&Job::inline(), SetMetric::Jaccard, black_box(&rows), black_box(&rows)).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS * TEXTS)).bench_local(run);
    }

    /// Row against row; items are pairs.
    #[divan::bench(args = ["affine32-op1", "oph", "simhash"])]
    fn sketches_by_row(bencher: Bencher, scheme: &str) {
        let scheme = Scheme::parse(scheme).expect(GOOD);
        let made = signatures(&with_copies(), scheme, if scheme == Scheme::SimHash { 64 } else { K }).expect(GOOD);
        let run = || agreements(&Job::inline(), black_box(&made), black_box(&made)).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS)).bench_local(run);
    }

    /// All pairs; items are pairs.
    #[divan::bench(args = ["jaccard", "hamming"])]
    fn sketches_all_pairs(bencher: Bencher, metric: &str) {
        let (scheme, size) = if metric == "hamming" { (Scheme::SimHash, 64) } else { (Scheme::Affine32Op1, K) };
        let (made, metric) =
            (signatures(&with_copies(), scheme, size).expect(GOOD), SketchMetric::parse(metric, scheme).expect(GOOD));
        let run = || cdist_sketches::<f32>(&Job::inline(), metric, black_box(&made), black_box(&made)).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS * TEXTS)).bench_local(run);
    }

    /// Maximal spans of two texts of interned tokens; items are tokens of both.
    #[divan::bench]
    fn spans_of_tokens(bencher: Bencher) {
        let (a, b) = (english()[..8].concat(), english()[4..12].concat());
        let mut interner = Interner::new();
        let [a, b] = [&a, &b].map(|text| interner.ids(text.split(' ').map(str::as_bytes)));
        let run = || maximal_spans(black_box(&a), black_box(&b), None);
        bencher.counter(ItemsCount::new(a.len() + b.len())).bench_local(run);
    }

    /// Spans of pairs of texts, normalised and mapped back; bytes of both sides.
    #[divan::bench]
    fn spans_of_texts(bencher: Bencher) {
        let texts = with_copies();
        let (a, how) = (
            views(&texts),
            SpanParams::new(5, 5, Analyzer::Word, Normalization::parse("nfkc_casefold").expect(GOOD)).expect(GOOD),
        );
        let b: Vec<Option<&str>> = a.iter().cycle().skip(1).take(a.len()).copied().collect();
        let run = || text_spans(&Job::inline(), black_box(&a), black_box(&b), None, &how).expect(GOOD);
        bencher.counter(BytesCount::new(2 * texts.iter().map(String::len).sum::<usize>())).bench_local(run);
    }

    /// Common n-grams of pairs of texts; bytes of both sides.
    #[divan::bench]
    fn ngrams_of_texts(bencher: Bencher) {
        let texts = with_copies();
        let (a, how) = (
            views(&texts),
            SpanParams::new(5, 5, Analyzer::Word, Normalization::parse("nfkc_casefold").expect(GOOD)).expect(GOOD),
        );
        let b: Vec<Option<&str>> = a.iter().cycle().skip(1).take(a.len()).copied().collect();
        let run = || text_ngrams(&Job::inline(), black_box(&a), black_box(&b), None, &how).expect(GOOD);
        bencher.counter(BytesCount::new(2 * texts.iter().map(String::len).sum::<usize>())).bench_local(run);
    }
}

mod join {
    use super::*;
    use overproof_core::join::banding::{banding_join, bands_for, sketch_join};
    use overproof_core::join::overlap::overlap_join;
    use overproof_core::join::postings::Postings;
    use overproof_core::join::side::Side;
    use overproof_core::score::SetMetric;

    /// Items are postings.
    #[divan::bench]
    fn postings_made(bencher: Bencher) {
        let sets = sets(&with_copies()).expect(GOOD);
        let run = || Postings::new(black_box(&sets), |_| true, &Job::inline()).expect(GOOD);
        bencher.counter(ItemsCount::new(sets.hashes.len())).bench_local(run);
    }

    /// Half of the keys are there; items are look-ups.
    #[divan::bench(args = [20_000, 1_000_000])]
    fn postings_looked_up(bencher: Bencher, keys: usize) {
        let mut made = hashes(keys);
        let asked: Vec<u64> = (0..1 << 16).map(|i| splitmix64(2, splitmix64(5, i) % (2 * keys as u64))).collect();
        made.sort_unstable();
        let sets = ShingleSets::of_hashes(vec![0, keys as i64], made, 0);
        let postings = Postings::new(&sets, |_| true, &Job::inline()).expect(GOOD);
        bencher.counter(ItemsCount::new(asked.len())).bench_local(|| {
            for key in &asked {
                black_box(postings.get(black_box(*key)));
            }
        });
    }

    /// Bands of sets, candidates verified; items are rows.
    #[divan::bench]
    fn banding(bencher: Bencher) {
        let sets = sets(&with_copies()).expect(GOOD);
        let lsh = (K as u32, bands_for(0.7, K as u32, 0.9).expect(GOOD));
        let run = || banding_join(&Job::inline(), 0.7, lsh, Side::Sets(black_box(&sets)), None, None).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS)).bench_local(run);
    }

    /// Bands of signatures that are there already; items are rows.
    #[divan::bench]
    fn banding_of_sketches(bencher: Bencher) {
        let made = signatures(&with_copies(), Scheme::Affine32Op1, K).expect(GOOD);
        let lsh = bands_for(0.7, K as u32, 0.9).expect(GOOD);
        let run = || sketch_join(&Job::inline(), 0.7, lsh, black_box(&made), None, None).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS)).bench_local(run);
    }

    /// All pairs of a threshold, exactly; items are rows.
    #[divan::bench(args = ["jaccard", "containment"])]
    fn overlap(bencher: Bencher, metric: &str) {
        let (sets, metric) = (sets(&with_copies()).expect(GOOD), SetMetric::parse(metric).expect(GOOD));
        let run = || overlap_join(&Job::inline(), metric, 0.7, Side::Sets(black_box(&sets)), None, None).expect(GOOD);
        bencher.counter(ItemsCount::new(TEXTS)).bench_local(run);
    }
}

//! Every kernel at every level that the machine has, held to its definition in `naive`.

use super::*;
use proptest::prelude::*;

fn words(max: usize) -> impl Strategy<Value = Vec<u64>> {
    let word = prop_oneof![any::<u64>(), 0u64..3, Just(u64::MAX), Just((1 << 61) - 1)];
    proptest::collection::vec(word, 0..max)
}

fn halves(words: &[u64]) -> Vec<u32> {
    words.iter().map(|w| *w as u32).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_level_is_the_definition(xs in words(600), a in words(300), start in any::<u64>()) {
        let b: Vec<u64> = a.iter().rev().map(|v| v.rotate_left(17)).collect();
        let (x32, a32, b32) = (halves(&xs), halves(&a), halves(&b));
        let weights: Vec<i32> = xs.iter().map(|x| (x >> 7) as i32).collect();
        let (out32, out64) = (vec![start as u32; a.len()], vec![start; a.len()]);
        let all = |level: Option<Level>| {
            let (mut affine32, mut affine64, mut legacy) = (out32.clone(), out64.clone(), out64.clone());
            let (mut ones, mut sums) = ([3i64; 64], [-3i64; 64]);
            let n = 1 + a.len() % 20;
            let mut grams = vec![0; (xs.len() + 1).saturating_sub(n)];
            let high = start % 2 == 0;
            match level {
                None => {
                    naive::min_affine32(&a32, &b32, &xs, high, &mut affine32);
                    naive::min_affine64(&a, &b, &xs, &mut affine64);
                    naive::min_legacy61(&a, &b, &x32, &mut legacy);
                    naive::count_bits(&xs, &mut ones);
                    naive::sum_bits(&xs, &weights, &mut sums);
                    naive::gram_hashes(&xs, n, start, &mut grams);
                }
                Some(level) => {
                    min_affine32(level, &a32, &b32, &xs, high, &mut affine32);
                    min_affine64(level, &a, &b, &xs, &mut affine64);
                    min_legacy61(level, &a, &b, &x32, &mut legacy);
                    count_bits(level, &xs, &mut ones);
                    sum_bits(level, &xs, &weights, &mut sums);
                    gram_hashes(level, &xs, n, start, &mut grams);
                }
            }
            (affine32, affine64, legacy, ones, sums, grams)
        };
        let definition = all(None);
        for level in available() {
            prop_assert!(all(Some(level)) == definition, "{}", level.name());
        }
        // What other architectures run.
        let (mut affine32, _, mut legacy, _, _, mut grams) = all(None);
        affine32.fill(start as u32);
        portable::min_affine32(&a32, &b32, &xs, start % 2 == 0, &mut affine32);
        legacy.fill(start);
        portable::min_legacy61(&a, &b, &x32, &mut legacy);
        portable::gram_hashes(&xs, 1 + a.len() % 20, start, &mut grams);
        prop_assert_eq!((&affine32, &legacy, &grams), (&definition.0, &definition.2, &definition.5));
    }
}

/// What every level makes of `from`: as it is sorted, and appended as a set.
fn sorted_at_every_level(from: &[u64]) {
    let mut want = from.to_vec();
    want.sort_unstable();
    let once: Vec<u64> = std::iter::once(3).chain(want.chunk_by(|a, b| a == b).map(|run| run[0])).collect();
    for level in available() {
        let (mut sorted, mut room, mut set) = (vec![9; 5], Room::default(), vec![3]);
        sort(level, from, &mut sorted, &mut room);
        append_set(level, from, &mut vec![7; 2], &mut room, &mut set);
        assert!(sorted == want && set == once, "{} {from:?}", level.name());
    }
}

proptest! {
    #[test]
    fn sorted_is_sorted(values in words(300), kind in 0..5, len in 0usize..3000, step in 1u64..1500) {
        sorted_at_every_level(&match kind {
            0 => values,
            1 => values.iter().map(|v| v >> 40).collect(),
            2 => values.iter().map(|v| v % 3).collect(),
            3 => vec![step; len],
            _ => (0..len as u64).map(|i| naive::fmix64(i % step)).collect(),
        });
    }
}

/// All sizes around those where AVX-512 sorts otherwise: hashes, which their top 24 bits order; hashes that some or all of
/// these bits do not tell apart; repeats; what differs in a few bits anywhere; the least and the greatest.
#[test]
fn every_size_is_sorted() {
    for len in (0..=520u64).chain(1000..1050) {
        let hash = |i: u64| naive::fmix64(i + (len << 20));
        let of = |value: &dyn Fn(u64) -> u64| sorted_at_every_level(&(0..len).map(value).collect::<Vec<u64>>());
        of(&hash);
        of(&|i| if i % 50 == 3 { hash(i - 1) ^ 1 << (i % 40) } else { hash(i) });
        of(&|i| hash(i / 2));
        of(&|i| hash(i % 7));
        of(&|i| hash(i % 2));
        of(&|_| hash(0));
        of(&|i| len - i);
        of(&|i| hash(i) | u64::MAX << 40);
        of(&|i| hash(i) >> 32);
        of(&|i| hash(i) & 0xFF << (len % 57));
        of(&|i| if i % 3 == 0 { u64::MAX - i % 2 } else { i % 2 });
    }
}

proptest! {
    #[test]
    fn bins_hold_their_least(xs in words(300), highest in any::<bool>(), k in 1usize..150, power in 0u32..12) {
        let xs: Vec<u64> = xs.iter().enumerate().map(|(i, x)| if highest && i % 3 == 0 { x | 0xFFFF_FFFF } else { *x }).collect();
        for k in [k, 1 << power] {
            // Some bins hold a value already.
            let start: Vec<u32> = (0..k as u32).map(|i| if i % 5 == 0 { i << 20 } else { u32::MAX }).collect();
            let mut want = start.clone();
            naive::least_in_bins(&xs, &mut want);
            for level in available() {
                let mut found = start.clone();
                least_in_bins(level, &xs, &mut found);
                prop_assert_eq!(&found, &want, "{} {}", level.name(), k);
            }
        }
    }
}

proptest! {
    #[test]
    fn marks_are_counted(marks in proptest::collection::vec(any::<u128>(), 1..40), sought in any::<[u128; 2]>(), rows in proptest::collection::vec(any::<u32>(), 0..60)) {
        let rows: Vec<(u32, u32)> = rows.iter().map(|row| (row % marks.len() as u32, *row)).collect();
        let both = |row: &u32| sought.map(|sought| (0..128).filter(|bit| marks[*row as usize] >> bit & sought >> bit & 1 == 1).count() as u32);
        let want: Vec<u32> = rows.iter().map(|(row, _)| both(row).iter().sum()).collect();
        for level in available() {
            let mut found = vec![7];
            count_marks(level, &marks, sought, &rows, &mut found);
            prop_assert_eq!(&found, &want, "{}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn ascii_is_folded_alike(text in "[ -~\t\n]{0,200}", beyond in "(é[ -~]{0,70})?", words in any::<bool>(), lower in any::<bool>(), zero_digits in any::<bool>()) {
        let how = AsciiFold { words, lower, zero_digits };
        let source = [text.as_bytes(), beyond.as_bytes()].concat();
        let mut definition = vec![1];
        prop_assert_eq!(naive::ascii(&source, how, &mut definition), text.len());
        let mut plain = vec![1];
        prop_assert_eq!(text::ascii(&source, how, &mut plain), text.len());
        prop_assert_eq!(&plain, &definition);
        for level in available() {
            let mut found = vec![1];
            prop_assert_eq!(ascii(level, &source, how, &mut found), text.len(), "{}", level.name());
            prop_assert_eq!(&found, &definition, "{}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn bytes_are_told_alike(
        text in proptest::collection::vec(
            prop_oneof![3 => Just(b'a'), 6 => proptest::sample::select(b"09/:.)(\"\\ !\n\r\x1f\0\x7f\x80\xa2\xdc\xff".to_vec())], 0..200,
        ),
        plain in "[ -~]{0,200}", n in 1usize..6, marked in any::<bool>(), high in any::<bool>(),
    ) {
        // Many bytes of either kind, or few that tell.
        let end: &[u8] = match (marked, high) { (true, true) => b"7) ", (true, false) => b"1.", (false, true) => "é".as_bytes(), _ => b"" };
        for text in [&text, &[plain.as_bytes(), end].concat()] {
            let mut starts = vec![3];
            naive::line_starts(text, &mut starts);
            for level in available() {
                prop_assert_eq!(is_ascii(level, text), text.is_ascii(), "{}", level.name());
                prop_assert_eq!(utf8(level, text), std::str::from_utf8(text), "{}", level.name());
                prop_assert_eq!(may_hold_numbers(level, text, n), naive::may_hold_numbers(text, n), "{}", level.name());
                for from in [0, 1, text.len() / 2, text.len()] {
                    prop_assert_eq!(next_marker(level, text, from), naive::next_marker(text, from), "{}", level.name());
                }
                let mut found = vec![3];
                line_starts(level, text, &mut found);
                prop_assert_eq!(&found, &starts, "{}", level.name());
            }
        }
    }
}

proptest! {
    #[test]
    fn strings_of_json_are_read_alike(
        parts in proptest::collection::vec(prop_oneof![
            2 => "[ -!#-\\[\\]-~]{0,70}",
            4 => proptest::sample::select(vec![
                "\\n", "\\t", "\\r", "\\b", "\\f", "\\\"", "\\/", "\\\\", "\\u00e9", "\\x", "\\", "\"", "é", "漢", "\n", "\0",
            ]).prop_map(str::to_owned),
        ], 0..12),
        before in 0usize..70,
    ) {
        let text = "é".repeat(before) + &parts.concat();
        let from = 2 * before;
        let rest = &text[from..];
        // Character by character; backslashes side by side may be left, or not.
        let (mut want, mut end) = (String::new(), 0);
        while let Some(c) = rest[end..].chars().next() {
            let next = rest.as_bytes().get(end + 1).and_then(|byte| escaped(*byte));
            match (c, next) {
                ('"' | '\0'..' ', _) | ('\\', None) => break,
                ('\\', Some(byte)) => {
                    want.push(char::from(byte));
                    end += 2;
                }
                _ => {
                    want.push(c);
                    end += c.len_utf8();
                }
            }
        }
        for level in available() {
            let (mut found, mut at) = ("é".to_owned(), from);
            loop {
                at = unescape(level, &text, at, &mut found);
                if !text[at..].starts_with("\\\\") {
                    break;
                }
                found.push('\\');
                at += 2;
            }
            prop_assert_eq!((&found["é".len()..], at), (&*want, from + end), "{} {:?}", level.name(), text);
        }
    }
}

proptest! {
    #[test]
    fn common_characters_are_told_alike(text in "([一-龥ぁ-んァ-ヶ]{0,30}[。、]{0,2}[ー㐀龥ﾝ（a]?){0,4}", end in "[一a\0]{0,8}") {
        let source = text + &end;
        let is_single = |c: char| ('\u{4E00}'..='\u{9FFF}').contains(&c) || ('ぁ'..='ん').contains(&c);
        let is_space = |c: char| ('、'..='。').contains(&c) || c == '（';
        let single = [Range::new('\u{4E00}', '\u{9FFF}'), Range::NONE, Range::new('ぁ', 'ん')];
        let mut space = [Range::NONE; 5];
        space[1] = Range::new('、', '。');
        space[4] = Range::new('（', '（');
        let leading: Vec<char> = source.chars().take_while(|c| is_single(*c) || is_space(*c)).collect();
        let bytes: String = leading.iter().map(|c| if is_single(*c) { format!("{c} ") } else { " ".repeat(4) }).collect();
        let nth = |back: usize| leading.len().checked_sub(back).is_some_and(|i| is_single(leading[i]));
        let want = Run {
            chars: leading.len(),
            singles: leading.iter().filter(|c| is_single(**c)).count() as u32,
            last: nth(1),
            before_last: nth(2),
        };
        for level in available() {
            let mut found = vec![];
            let run = common(level, source.as_bytes(), &Common { single, space }, &mut found);
            prop_assert_eq!(run, want, "{}", level.name());
            prop_assert_eq!(&found, bytes.as_bytes(), "{}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn bytes_and_tokens_are_hashed_alike(
        text in proptest::collection::vec(any::<u8>(), 0..120),
        // Mostly short, as words are: one long token sends all that are made with it another way.
        cuts in proptest::collection::vec((0usize..120, prop_oneof![19 => 0usize..=16, 1 => 17usize..40]), 0..40),
        n in 1usize..=8,
    ) {
        let seeds = Seeds::new(5);
        let windows = (text.len() + 1).saturating_sub(n);
        let tokens: Vec<[u16; 2]> = cuts
            .iter()
            .map(|(from, len)| [(*from).min(text.len()) as u16, (from + len).min(text.len()) as u16])
            .collect();
        let padded = [&text[..], &[7; 64]].concat();
        let mut definition = (vec![1; windows], vec![1]);
        naive::byte_windows(&padded, n, 11, &mut definition.0);
        naive::token_values(&seeds, &padded, &tokens, &mut definition.1);
        for level in available() {
            let mut found = (vec![0; windows], vec![1]);
            byte_windows(level, &padded, n, 11, &mut found.0);
            token_values(level, &seeds, &padded, &tokens, &mut found.1);
            prop_assert_eq!(&found, &definition, "{}", level.name());
        }
    }
}

#[test]
fn a_token_that_ends_before_it_starts_is_refused() {
    let (seeds, text) = (Seeds::new(5), [b'a'; 96]);
    for level in available() {
        for others in [2, 11] {
            let tokens = [vec![[0, 2], [40, 7]], vec![[3, 4]; others]].concat();
            let values = || token_values(level, &seeds, &text, &tokens, &mut Vec::new());
            assert!(std::panic::catch_unwind(values).is_err(), "{} {others}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn sets_and_bits_are_the_definition(
        a in proptest::collection::btree_set(0u64..400, 0..120), b in proptest::collection::btree_set(0u64..400, 0..120),
        x in words(3), rows in words(600), limit in 0u32..130,
    ) {
        let top = |set: &std::collections::BTreeSet<u64>| set.iter().map(|v| v << 55 | v).collect::<Vec<u64>>();
        let (a, b) = (top(&a), top(&b));
        let planes: Vec<&[u64]> = rows.chunks_exact((rows.len() / x.len().max(1)).max(1)).take(x.len()).collect();
        let mut want = vec![7];
        naive::near(&x[..planes.len()], &planes, limit, &mut want);
        let mut plain = vec![7];
        sets::near(&x[..planes.len()], &planes, limit, &mut plain);
        prop_assert_eq!(&plain, &want);
        for level in available() {
            prop_assert_eq!(intersection(level, &a, &b), naive::intersection(&a, &b), "{}", level.name());
            let mut found = vec![7];
            near(level, &x[..planes.len()], &planes, limit, &mut found);
            prop_assert_eq!(&found, &want, "{}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn tables_are_the_definition(keys in words(600), others in words(100), small in any::<u64>(), room in 0usize..80, zero: bool) {
        // Some keys of one bucket, so that it overflows into its neighbours and beyond.
        let close = (0..small % 70).map(|i| i.wrapping_mul(0xF1DE_83E1_9937_733D) | 1);
        let mut keys: Vec<u64> = keys.into_iter().chain(close).filter(|key| *key != 0).collect();
        keys.extend_from_within(..keys.len() / 2);
        let fill = |level: Option<Level>| {
            let (mut buckets, mut aside) = (vec![Bucket::default(); room + table::REACH], Vec::new());
            let new = match level {
                None => naive::insert(&mut buckets, &keys, &mut aside),
                Some(level) => insert(level, &mut buckets, &keys, &mut aside),
            };
            aside.sort_unstable();
            (buckets, aside, new)
        };
        let made = fill(None);
        let table = Table { buckets: &made.0, aside: &made.1, zero };
        let asked: Vec<u64> = keys.iter().chain(&others).copied().chain([0, 1]).collect();
        let mut want = vec![false; asked.len()];
        naive::contains(&table, &asked, &mut want);
        prop_assert!(want[..keys.len()].iter().all(|found| *found) && want[keys.len() + others.len()] == zero);
        for level in available() {
            prop_assert_eq!(fill(Some(level)), made.clone(), "{}", level.name());
            let mut found = vec![true; asked.len()];
            contains(level, &table, &asked, &mut found);
            prop_assert_eq!(&found, &want, "{}", level.name());
        }
    }
}

proptest! {
    #[test]
    fn edges_are_those_of_split(blocks in proptest::collection::vec(("[a ]{64}", "[ab]{64}", "( a){32}", "é{32}"), 0..4)) {
        let parts = blocks.iter().flat_map(|(mixed, word, most, wide)| [mixed, word, most, wide]);
        let text: String = parts.map(String::as_str).chain([" ".repeat(64).as_str()]).collect();
        let split: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        let mut plain = vec![7; text.len() + SPARE];
        let count = text::edges(text.as_bytes(), false, &mut plain);
        plain.truncate(count);
        for level in available() {
            let mut out = Vec::new();
            for (at, block) in text.as_bytes().chunks(64).enumerate() {
                let mut of_block = vec![7; 64 + SPARE];
                let count = edges(level, block, out.len() % 2 == 1, &mut of_block);
                out.extend(of_block[..count].iter().map(|edge| 64 * at as u16 + edge));
            }
            let mut whole = vec![7; text.len() + SPARE];
            let count = edges(level, text.as_bytes(), false, &mut whole);
            prop_assert_eq!(&out, &whole[..count]);
            prop_assert_eq!(&out, &plain);
            let words: Vec<&str> = out.chunks(2).map(|e| &text[usize::from(e[0])..usize::from(e[1])]).collect();
            prop_assert_eq!(&words, &split, "{}", level.name());
        }
    }
}

#[test]
fn a_level_is_forced_by_name() {
    for level in available() {
        assert_eq!(choose(Some(level.name())).ok(), Some(level));
    }
    assert_eq!(choose(None).ok(), available().into_iter().max());
    for name in ["", "AVX2", "avx1024"] {
        let message = choose(Some(name)).map_err(|e| e.to_string());
        assert!(message.is_err_and(|m| m.contains("OVERPROOF_KERNEL") && m.contains(BASELINE)));
    }
}

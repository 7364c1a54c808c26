//! Where the time from text to sketch goes, at the kernel level of the process: `benches/profile.py` calls it.
//!
//! Usage: profile FILE ROUNDS. FILE holds UTF-8 texts parted by NUL. Prints, for each step, its name and the least
//! nanoseconds a text: the least of all rounds for each [`CHUNK`] of texts, so that a busy machine shows little. Step i
//! does what step i - 1 does and one thing more, text by text, so that what a step adds is met in the cache as in the real
//! path.

use overproof_core::error::Result;
use overproof_core::exec::Job;
use overproof_core::kernel;
use overproof_core::params::{Analyzer, HashSource, Normalization, Scheme, ShingleParams, SketchParams};
use overproof_core::shingle::Shingler;
use overproof_core::shingle::build::from_texts;
use overproof_core::shingle::hash::Seeds;
use overproof_core::sketch::{TextRows, minhash, sketch};
use overproof_core::text::fast::Canonicalizer;
use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

const N: u8 = 5;
const K: u64 = 128;
/// Texts timed at once.
const CHUNK: usize = 400;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = std::fs::read_to_string(arguments.next().ok_or("usage: profile FILE ROUNDS")?)?;
    let rounds: usize = arguments.next().ok_or("usage: profile FILE ROUNDS")?.parse()?;
    let texts: Vec<&str> = file.split('\0').collect();
    let starts = || (0..texts.len()).step_by(CHUNK);
    let mut steps = steps(&texts)?;
    let mut least = vec![vec![f64::INFINITY; starts().count()]; steps.len()];
    for _ in 0..rounds {
        for ((_, step), least) in steps.iter_mut().zip(&mut least) {
            for (from, least) in starts().zip(least) {
                let start = Instant::now();
                step(from..texts.len().min(from + CHUNK));
                *least = least.min(start.elapsed().as_secs_f64());
            }
        }
    }
    for ((name, _), seconds) in steps.iter().zip(least) {
        println!("{name}\t{}", seconds.iter().sum::<f64>() * 1e9 / texts.len() as f64);
    }
    Ok(())
}

type Step<'a> = (&'static str, Box<dyn FnMut(Range<usize>) + 'a>);

fn steps<'a>(texts: &'a [&'a str]) -> Result<Vec<Step<'a>>> {
    let how = Normalization::parse("nfkc_casefold")?;
    let params = ShingleParams::new(vec![N], Analyzer::Word, how, 0)?;
    let (level, seeds) = (kernel::level()?, Seeds::new(0));
    let canonicalizer = Canonicalizer::of(how);
    let mut steps: Vec<Step> = Vec::new();
    steps.push((
        "from_utf8",
        Box::new(move |rows: Range<usize>| {
            for text in &texts[rows] {
                let _ = black_box(std::str::from_utf8(black_box(text.as_bytes())));
            }
        }),
    ));
    // The three steps of `Shingler` before it sums windows, for texts of one stretch; 2^15 bytes are the most.
    for depth in 1..=3 {
        let canonicalizer = canonicalizer.clone();
        let (mut canon, mut places, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let step = move |rows: Range<usize>| {
            for text in texts[rows].iter().filter(|text| text.len() < 1 << 14) {
                canon.clear();
                values.clear();
                canonicalizer.words(black_box(text), &mut canon);
                if depth > 1 {
                    canon.resize(canon.len().next_multiple_of(64) + 64, b' ');
                    places.resize(canon.len() + kernel::SPARE, 0);
                    let count = kernel::edges(level, &canon, false, &mut places);
                    if depth > 2 {
                        kernel::token_values(level, &seeds, &canon, places[..count].as_chunks::<2>().0, &mut values);
                    }
                }
                black_box((&canon, &places, &values));
            }
        };
        steps.push((["canonical", "edges", "values"][depth - 1], Box::new(step)));
    }
    let mut shingler = Shingler::new(&params);
    steps.push((
        "hashes",
        Box::new(move |rows: Range<usize>| {
            for text in &texts[rows] {
                black_box(shingler.text(black_box(text)));
            }
        }),
    ));
    let (mut shingler, minhash) = (Shingler::new(&params), minhash::Sketcher32::op1(K as usize, 1)?);
    let mut row = vec![0; K as usize];
    steps.push((
        "minima",
        Box::new(move |rows: Range<usize>| {
            for text in &texts[rows] {
                row.fill(u32::MAX);
                minhash.add(shingler.text(black_box(text)).0, &mut row);
                black_box(&row);
            }
        }),
    ));
    let views: Vec<Option<&str>> = texts.iter().map(|text| Some(*text)).collect();
    for (name, scheme, size) in
        [("sketch", Scheme::Affine32Op1, K), ("oph", Scheme::Oph, K), ("simhash", Scheme::SimHash, 64)]
    {
        let (how, views) = (SketchParams::new(scheme, size, 1, HashSource::from(&params))?, views.clone());
        let params = params.clone();
        let step = move |rows: Range<usize>| {
            let made = sketch(
                &Job::inline(),
                &TextRows { texts: black_box(&views[rows]), params: &params },
                how.clone(),
                None,
            );
            drop(black_box(made.expect("arguments are good")));
        };
        steps.push((name, Box::new(step)));
    }
    let step = move |rows: Range<usize>| {
        let made = from_texts(black_box(&views[rows]), &params, false, &Job::inline());
        drop(black_box(made.expect("arguments are good")));
    };
    steps.push(("sets", Box::new(step)));
    Ok(steps)
}

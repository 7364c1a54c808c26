//! `overproof._core`: the core crate behind NumPy and Arrow. One file per stage.

use pyo3::prelude::*;

mod build;
mod copies;
mod error;
mod exec;
mod index;
mod input;
mod join;
mod output;
mod read;
mod rows;
mod score;
mod shingle;
mod sketch;
mod text;
mod yardstick;

/// The generated Unicode table, for `overproof.reference`.
#[pyfunction]
fn unicode_table() -> &'static str {
    overproof_core::text::UNICODE_TABLE
}

/// The compiled half of overproof.
#[pymodule(gil_used = false)]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    build::register(m)?;
    m.add_function(wrap_pyfunction!(unicode_table, m)?)?;
    m.add_function(wrap_pyfunction!(exec::set_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(exec::get_num_threads, m)?)?;
    m.add_class::<text::Tokens>()?;
    m.add_function(wrap_pyfunction!(text::tokenize, m)?)?;
    m.add_function(wrap_pyfunction!(text::normalize, m)?)?;
    m.add_class::<read::TextColumn>()?;
    m.add_class::<read::TextIterator>()?;
    m.add_class::<read::LineReader>()?;
    m.add_function(wrap_pyfunction!(read::head, m)?)?;
    m.add_class::<shingle::ShingleParams>()?;
    m.add_class::<shingle::ShingleSets>()?;
    m.add_function(wrap_pyfunction!(shingle::shingle_texts, m)?)?;
    m.add_function(wrap_pyfunction!(shingle::shingle_texts_marking_numbers, m)?)?;
    m.add_function(wrap_pyfunction!(shingle::text_list, m)?)?;
    m.add_function(wrap_pyfunction!(shingle::shingle_ids, m)?)?;
    m.add_function(wrap_pyfunction!(shingle::shingle_strings, m)?)?;
    m.add_class::<sketch::SketchParams>()?;
    m.add_class::<sketch::SketchArray>()?;
    m.add_class::<sketch::SetSketch>()?;
    m.add_function(wrap_pyfunction!(sketch::kernel_level, m)?)?;
    m.add_function(wrap_pyfunction!(sketch::sketch_texts, m)?)?;
    m.add_function(wrap_pyfunction!(sketch::sketch_sets, m)?)?;
    m.add_function(wrap_pyfunction!(sketch::sketch_hashes, m)?)?;
    m.add_function(wrap_pyfunction!(sketch::sketch_values, m)?)?;
    m.add_function(wrap_pyfunction!(sketch::fracminhash_sets, m)?)?;
    m.add_class::<score::Spans>()?;
    m.add_function(wrap_pyfunction!(score::score, m)?)?;
    m.add_function(wrap_pyfunction!(score::containment_debiased, m)?)?;
    m.add_function(wrap_pyfunction!(score::hamming, m)?)?;
    m.add_function(wrap_pyfunction!(score::score_trials, m)?)?;
    m.add_function(wrap_pyfunction!(score::cdist_float32, m)?)?;
    m.add_function(wrap_pyfunction!(score::cdist_float64, m)?)?;
    m.add_function(wrap_pyfunction!(score::common_spans, m)?)?;
    m.add_function(wrap_pyfunction!(score::ngram_match, m)?)?;
    m.add_function(wrap_pyfunction!(score::lsh_params, m)?)?;
    m.add_function(wrap_pyfunction!(score::collision_probability, m)?)?;
    m.add_class::<index::NgramTable>()?;
    m.add_function(wrap_pyfunction!(join::similarity_join, m)?)?;
    m.add_function(wrap_pyfunction!(join::candidate_pairs, m)?)?;
    m.add_function(wrap_pyfunction!(join::similarity_topk, m)?)?;
    m.add_function(wrap_pyfunction!(join::pairs_stream, m)?)?;
    m.add_function(wrap_pyfunction!(join::fingerprint, m)?)?;
    m.add_class::<copies::CopySide>()?;
    m.add_class::<copies::CopyAnswers>()?;
    m.add_class::<copies::CopyIndex>()?;
    m.add_function(wrap_pyfunction!(copies::representatives, m)?)?;
    m.add_function(wrap_pyfunction!(copies::frequent, m)?)?;
    m.add_function(wrap_pyfunction!(copies::number_shingles, m)?)?;
    m.add_function(wrap_pyfunction!(yardstick::yardstick_utf8, m)?)?;
    m.add_function(wrap_pyfunction!(yardstick::yardstick_multiply, m)?)?;
    m.add_function(wrap_pyfunction!(yardstick::crossing_only, m)?)?;
    m.add_function(wrap_pyfunction!(yardstick::yardstick_lines, m)?)?;
    m.add_function(wrap_pyfunction!(yardstick::shingle_only, m)?)?;
    Ok(())
}

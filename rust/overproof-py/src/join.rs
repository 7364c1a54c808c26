//! All similar pairs of two sides, and the best of each row.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads};
use crate::output;
use crate::read::TextColumn;
use crate::shingle::{ShingleParams, ShingleSets};
use crate::sketch::SketchArray;
use arrow_array::types::{Float32Type, Int64Type};
use numpy::{PyArray1, PyReadonlyArray1};
use overproof_core::error::{Error, Result};
use overproof_core::exec::Job;
use overproof_core::join::banding::{self, banding_join, bands_for, check_bandable, check_recall, sketch_join};
use overproof_core::join::hamming::{hamming_join, hamming_topk};
use overproof_core::join::overlap::{check_threshold, overlap_join};
use overproof_core::join::topk::overlap_topk;
use overproof_core::join::{Joined, Side};
use overproof_core::params::SketchParams;
use overproof_core::score::SetMetric;
use overproof_core::score::lsh::{LshParams, collision_probability};
use overproof_core::score::sketches::SketchMetric;
use overproof_core::shingle::ShingleSets as Sets;
use overproof_core::sketch::SketchArray as Dense;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::sync::Arc;

/// One side, as Python gave it.
enum Rows {
    Sets(Arc<Sets>),
    Texts(TextBatch),
}

impl Rows {
    fn extract(value: &Bound<'_, PyAny>, name: &str, policy: Policy) -> PyR<Self> {
        match value.cast::<ShingleSets>() {
            Ok(sets) => Ok(Rows::Sets(Arc::clone(&sets.get().inner))),
            Err(_) => Ok(Rows::Texts(TextBatch::extract(value, name, policy)?)),
        }
    }

    fn side<'a>(&'a self, params: &'a ShingleParams) -> Side<'a> {
        match self {
            Rows::Sets(sets) => Side::Sets(sets),
            Rows::Texts(batch) => Side::Texts(batch.texts(), &params.inner),
        }
    }

    fn replaced(&self) -> usize {
        match self {
            Rows::Sets(_) => 0,
            Rows::Texts(batch) => batch.replaced,
        }
    }
}

/// Both sides; the right one is missing where left is joined with itself.
enum Sides {
    Exact(Rows, Option<Rows>),
    Sketched(Arc<Dense>, Option<Arc<Dense>>),
}

impl Sides {
    fn extract(left: &Bound<'_, PyAny>, right: Option<&Bound<'_, PyAny>>, policy: Policy) -> PyR<Self> {
        let sketches = |value: &Bound<'_, PyAny>| value.cast::<SketchArray>().map(|s| Arc::clone(&s.get().inner)).ok();
        match (sketches(left), right.map(sketches)) {
            (Some(a), None) => Ok(Sides::Sketched(a, None)),
            (Some(a), Some(Some(b))) => Ok(Sides::Sketched(a, Some(b))),
            (None, None | Some(None)) => {
                let right = right.map(|right| Rows::extract(right, "right", policy)).transpose()?;
                Ok(Sides::Exact(Rows::extract(left, "left", policy)?, right))
            }
            _ => Err(Error::input("one side is a SketchArray and the other is not; sketch both or neither").into()),
        }
    }
}

/// Columns left, right, score; rows and empty rows of both sides; whether scores are exact; how it was done; texts with
/// replaced surrogates.
type Found<'py> = (
    (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f32>>),
    (usize, usize),
    (usize, usize),
    bool,
    String,
    usize,
);

fn found(py: Python<'_>, joined: Joined, verified: bool, how: String, replaced: usize) -> Found<'_> {
    let Joined { pairs, rows, empty } = joined;
    let left = output::array(py, pairs.iter().map(|p| p.left).collect());
    let right = output::array(py, pairs.iter().map(|p| p.right).collect());
    let score = output::array(py, pairs.iter().map(|p| p.score as f32).collect());
    ((left, right, score), rows.into(), empty.into(), verified, how, replaced)
}

/// What decides which pairs are found.
struct Ask<'a> {
    metric: &'a str,
    threshold: f64,
    recall: f64,
    num_perm: u32,
    memory: Option<usize>,
}

impl Ask<'_> {
    /// Exactly, or by bands where they reach the recall and leave something to save.
    fn of_sets(&self, job: &Job<'_>, left: Side<'_>, right: Option<Side<'_>>) -> Result<(Joined, String)> {
        let metric = SetMetric::parse(self.metric)?;
        check_threshold(self.threshold)?;
        check_recall(self.recall)?;
        let perms = u64::from(self.num_perm);
        if !(1..=SketchParams::MAX_PERM).contains(&perms) {
            return Err(Error::input(format!("num_perm={perms}: give 1 to {}", SketchParams::MAX_PERM)));
        }
        let reachable = collision_probability(self.threshold, self.num_perm, 1) >= self.recall;
        let banded = metric == SetMetric::Jaccard && self.recall < 1.0 && self.threshold < 1.0 && reachable;
        let bands = banded.then(|| bands_for(self.threshold, self.num_perm, self.recall)).transpose()?;
        let (found, how) = match bands {
            Some(lsh) => (
                banding_join(job, self.threshold, (self.num_perm, lsh), left, right, self.memory)?,
                format!("recall={};num_perm={};bands={};rows={}", self.recall, self.num_perm, lsh.bands, lsh.rows),
            ),
            None => (overlap_join(job, metric, self.threshold, left, right, self.memory)?, "recall=1".to_owned()),
        };
        Ok((found, self.how(&how, left.source().fingerprint)))
    }

    /// By bands of the sketches themselves; by their bits where they are SimHash.
    fn of_sketches(&self, job: &Job<'_>, left: &Dense, right: Option<&Dense>) -> Result<(Joined, String)> {
        if SketchMetric::parse(self.metric, left.params.scheme)? == SketchMetric::Hamming {
            let found = hamming_join(job, self.threshold, left, right, self.memory)?;
            return Ok((found, self.how("recall=1", left.fingerprint)));
        }
        check_bandable(left.params.scheme)?;
        check_threshold(self.threshold)?;
        let lsh = bands_for(self.threshold, left.k as u32, self.recall)?;
        let found = sketch_join(job, self.threshold, lsh, left, right, self.memory)?;
        let how = format!("recall={};bands={};rows={}", self.recall, lsh.bands, lsh.rows);
        Ok((found, self.how(&how, left.fingerprint)))
    }

    fn how(&self, how: &str, made: u64) -> String {
        format!("overproof;join=threshold;metric={};threshold={};{how};hashes={made:016x}", self.metric, self.threshold)
    }
}

/// All pairs whose score reaches the threshold.
#[pyfunction]
#[pyo3(signature = (left, right, params, metric, threshold, recall, num_perm, memory, missing, errors, threads))]
#[allow(clippy::too_many_arguments)] // the keywords of the Python function
pub fn similarity_join<'py>(
    py: Python<'py>,
    left: &Bound<'py, PyAny>,
    right: Option<&Bound<'py, PyAny>>,
    params: &ShingleParams,
    metric: &str,
    threshold: f64,
    recall: f64,
    num_perm: u32,
    memory: Option<usize>,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<Found<'py>> {
    let policy = Policy::parse(missing, errors)?;
    let ask = Ask { metric, threshold, recall, num_perm, memory };
    let (joined, verified, how, replaced) = match Sides::extract(left, right, policy)? {
        Sides::Exact(left, right) => {
            let sides = (left.side(params), right.as_ref().map(|right| right.side(params)));
            let (joined, how) = exec::run(py, threads, |job| ask.of_sets(job, sides.0, sides.1))?;
            (joined, true, how, left.replaced() + right.as_ref().map_or(0, Rows::replaced))
        }
        Sides::Sketched(left, right) => {
            let (joined, how) = exec::run(py, threads, |job| ask.of_sketches(job, &left, right.as_deref()))?;
            (joined, false, how, 0)
        }
    };
    Ok(found(py, joined, verified, how, replaced))
}

/// Pairs of MinHash sketches that agree on a band.
#[pyfunction]
#[pyo3(signature = (left, right, bands, rows, memory, threads))]
pub fn candidate_pairs<'py>(
    py: Python<'py>,
    left: &SketchArray,
    right: Option<&SketchArray>,
    bands: u32,
    rows: u32,
    memory: Option<usize>,
    threads: Option<Threads>,
) -> PyR<Found<'py>> {
    let (left, right, lsh) = (&*left.inner, right.map(|right| &*right.inner), LshParams { bands, rows });
    let joined = exec::run(py, threads, |job| banding::candidate_pairs(job, lsh, left, right, memory))?;
    let made = left.fingerprint;
    let how = format!("overproof;join=candidates;metric=bands;bands={bands};rows={rows};hashes={made:016x}");
    Ok(found(py, joined, false, how, 0))
}

/// The best right rows of each left row.
#[pyfunction]
#[pyo3(signature = (left, right, k, params, metric, threshold, memory, missing, errors, threads))]
#[allow(clippy::too_many_arguments)] // the keywords of the Python function
pub fn similarity_topk<'py>(
    py: Python<'py>,
    left: &Bound<'py, PyAny>,
    right: Option<&Bound<'py, PyAny>>,
    k: usize,
    params: &ShingleParams,
    metric: &str,
    threshold: Option<f64>,
    memory: Option<usize>,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<Found<'py>> {
    let policy = Policy::parse(missing, errors)?;
    let how = |threshold: f64, made: u64| {
        format!("overproof;join=topk;metric={metric};k={k};threshold={threshold};hashes={made:016x}")
    };
    match Sides::extract(left, right, policy)? {
        Sides::Exact(left, right) => {
            let (by, threshold) = (SetMetric::parse(metric)?, threshold.unwrap_or(0.0));
            let sides = (left.side(params), right.as_ref().map(|right| right.side(params)));
            let joined = exec::run(py, threads, |job| overlap_topk(job, by, k, threshold, sides.0, sides.1, memory))?;
            let how = how(threshold, sides.0.source().fingerprint);
            Ok(found(py, joined, true, how, left.replaced() + right.as_ref().map_or(0, Rows::replaced)))
        }
        Sides::Sketched(left, right) => {
            if SketchMetric::parse(metric, left.params.scheme)? != SketchMetric::Hamming {
                return Err(Error::input(
                    "similarity_topk does not take MinHash sketches: give ShingleSets or texts, or use cdist and sort \
                     each of its rows",
                )
                .into());
            }
            let joined = exec::run(py, threads, |job| hamming_topk(job, k, threshold, &left, right.as_deref()))?;
            let how = how(threshold.unwrap_or(left.params.size as f64), left.fingerprint);
            Ok(found(py, joined, false, how, 0))
        }
    }
}

/// The fingerprint of a canonical parameter string.
#[pyfunction]
pub fn fingerprint(canonical: &str) -> u64 {
    overproof_core::params::fingerprint(canonical)
}

/// The columns of pairs as an Arrow stream of one batch.
#[pyfunction]
pub fn pairs_stream<'py>(
    py: Python<'py>,
    left: PyReadonlyArray1<'py, i64>,
    right: PyReadonlyArray1<'py, i64>,
    score: PyReadonlyArray1<'py, f32>,
    ids: (Option<Bound<'py, TextColumn>>, Option<Bound<'py, TextColumn>>),
) -> PyR<Bound<'py, PyCapsule>> {
    let broken = |_| Error::input("the columns of pairs must be contiguous");
    let mut columns = vec![
        ("left", output::column::<Int64Type>(left.as_slice().map_err(broken)?)),
        ("right", output::column::<Int64Type>(right.as_slice().map_err(broken)?)),
        ("score", output::column::<Float32Type>(score.as_slice().map_err(broken)?)),
    ];
    for (name, ids) in [("left_id", ids.0), ("right_id", ids.1)] {
        if let Some(ids) = ids {
            columns.push((name, output::texts(&ids.get().inner)?));
        }
    }
    output::stream(py, columns)
}

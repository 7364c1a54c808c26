//! The matcher behind `overproof.compare`; its Python face is overproof/compare.py.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, int64, uint64};
use crate::output;
use crate::shingle::{ShingleParams, ShingleSets};
use numpy::{PyArray1, PyArray2};
use overproof_core::join::copies::{self, Answers, CopyIndex as Core, Rule};
use overproof_core::join::masks::{Masks, STAGES, Side};
use overproof_core::join::verify::Pairs;
use overproof_core::shingle::numbers;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// For each row the first row with the same set.
#[pyfunction]
pub fn representatives<'py>(py: Python<'py>, sets: &ShingleSets) -> PyR<Bound<'py, PyArray1<i64>>> {
    let found = exec::run(py, Some(Threads::ONE), |_| Ok(copies::representatives(&sets.inner)))?;
    Ok(output::array(py, found))
}

/// Hashes that more than `cap` units hold, ascending, and how many hold them.
#[pyfunction]
pub fn frequent<'py>(
    py: Python<'py>,
    sets: &ShingleSets,
    units: &Bound<'py, PyAny>,
    cap: usize,
) -> PyR<(Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>)> {
    let units = int64(units, "units")?;
    let (keys, counts) = exec::run(py, Some(Threads::ONE), |job| copies::frequent(&sets.inner, &units, cap, job))?;
    Ok((output::array(py, keys), output::array(py, counts)))
}

/// The hashes of all shingles of numbers only, ascending, each once; `sets` of the texts may say which to look at.
#[pyfunction]
#[pyo3(signature = (texts, params, threads, sets=None))]
pub fn number_shingles<'py>(
    py: Python<'py>,
    texts: &Bound<'py, PyAny>,
    params: &ShingleParams,
    threads: Option<Threads>,
    sets: Option<&ShingleSets>,
) -> PyR<Bound<'py, PyArray1<u64>>> {
    let sets = sets.map(|sets| &*sets.inner);
    let batch = TextBatch::extract(texts, "texts", Policy { keep_missing: true, replace: true })?;
    let found = exec::run(py, threads, |job| numbers::number_shingles(batch.texts(), sets, &params.inner, job))?;
    Ok(output::array(py, found))
}

/// One corpus with its n-grams masked by prompts, background and boilerplate.
#[pyclass(frozen, module = "overproof._core")]
pub struct CopySide {
    inner: Side,
}

#[pymethods]
impl CopySide {
    #[new]
    #[pyo3(signature = (sets, prompts, background, boilerplate))]
    fn new(
        py: Python<'_>,
        sets: &ShingleSets,
        prompts: Option<&ShingleSets>,
        background: &Bound<'_, PyAny>,
        boilerplate: &Bound<'_, PyAny>,
    ) -> PyR<Self> {
        let masks = masks(background, boilerplate)?;
        let (sets, prompts) = (Arc::clone(&sets.inner), prompts.map(|p| Arc::clone(&p.inner)));
        let inner = exec::run(py, Some(Threads::ONE), |_| Side::new(sets, prompts.as_deref(), &masks))?;
        Ok(CopySide { inner })
    }

    /// Number of unmasked n-grams of each text.
    #[getter]
    fn open<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u32>>> {
        output::view(slf.as_any(), &slf.get().inner.open)
    }

    fn __len__(&self) -> usize {
        self.inner.sets.len()
    }
}

fn masks(background: &Bound<'_, PyAny>, boilerplate: &Bound<'_, PyAny>) -> PyR<Masks> {
    Ok(Masks::new(&uint64(background, "background")?, &uint64(boilerplate, "boilerplate")?)?)
}

/// The n-grams of the served texts and the rows that hold them.
#[pyclass(frozen, module = "overproof._core")]
pub struct CopyAnswers {
    inner: Arc<Answers>,
}

/// Keys, counts, and how many of the caps each row loses over half of its n-grams at.
type Frequencies<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u8>>);

#[pymethods]
impl CopyAnswers {
    #[new]
    #[pyo3(signature = (sets, prompts))]
    fn new(py: Python<'_>, sets: &ShingleSets, prompts: Option<&ShingleSets>) -> PyR<Self> {
        let (sets, prompts) = (Arc::clone(&sets.inner), prompts.map(|p| Arc::clone(&p.inner)));
        let inner = exec::run(py, Some(Threads::ONE), |job| Answers::new(sets, prompts, job))?;
        Ok(CopyAnswers { inner: Arc::new(inner) })
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// N-grams that more than the first of `caps` units hold, how many hold them, and at how many of the caps each row
    /// loses over half of its n-grams.
    fn frequencies<'py>(&self, py: Python<'py>, units: &Bound<'py, PyAny>, caps: Vec<u32>) -> PyR<Frequencies<'py>> {
        let units = int64(units, "units")?;
        let found = exec::run(py, Some(Threads::ONE), |job| self.inner.frequencies(&units, &caps, job))?;
        Ok((output::array(py, found.keys), output::array(py, found.counts), output::array(py, found.losing)))
    }
}

/// Served texts, ready to be looked for.
#[pyclass(frozen, module = "overproof._core")]
pub struct CopyIndex {
    inner: Core,
}

fn table<'py, const K: usize, T: numpy::Element + Copy>(
    py: Python<'py>,
    rows: &[[T; K]],
) -> PyResult<Bound<'py, PyArray2<T>>> {
    use numpy::PyArrayMethods;
    output::array(py, rows.as_flattened().to_vec()).reshape([rows.len(), K])
}

#[pymethods]
impl CopyIndex {
    #[new]
    #[pyo3(signature = (answers, background, boilerplate, limit))]
    fn new(
        py: Python<'_>,
        answers: &CopyAnswers,
        background: &Bound<'_, PyAny>,
        boilerplate: &Bound<'_, PyAny>,
        limit: usize,
    ) -> PyR<Self> {
        let (answers, masks) = (Arc::clone(&answers.inner), masks(background, boilerplate)?);
        let inner = exec::run(py, Some(Threads::ONE), |_| Core::new(answers, masks, limit))?;
        Ok(CopyIndex { inner })
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// Compare every text of `suspect` with the served texts; columns by name.
    #[pyo3(signature = (suspect, min_ngrams, min_containment, min_embedded, top, threads))]
    #[allow(clippy::too_many_arguments)] // the rule's numbers
    fn find<'py>(
        &self,
        py: Python<'py>,
        suspect: &CopySide,
        min_ngrams: f64,
        min_containment: f64,
        min_embedded: f64,
        top: usize,
        threads: Option<Threads>,
    ) -> PyR<Bound<'py, PyDict>> {
        let rule = Rule { min_ngrams, min_containment, min_embedded };
        let found = exec::run(py, threads, |job| self.inner.find(&suspect.inner, rule, top, job))?;
        let out = PyDict::new(py);
        out.set_item("best", table::<STAGES, _>(py, &found.best)?)?;
        out.set_item("score", output::array(py, found.score))?;
        out.set_item("left", output::array(py, found.left))?;
        out.set_item("right", output::array(py, found.right))?;
        out.set_item("hits", output::array(py, found.hits))?;
        out.set_item("served", output::array(py, found.served))?;
        Ok(out)
    }

    /// Compare pairs again on their exact texts, `left` ascending; columns by name.
    ///
    /// `best` holds 4 served rows (or -1) for each suspect row, or nothing: `waterfall` counts suspect tokens inside shared
    /// n-grams and spans of these pairs, by stage.
    #[pyo3(signature = (suspect, left, right, best, suspect_texts, served_texts, threads))]
    #[allow(clippy::too_many_arguments)] // both sides, by rows and texts
    fn verify<'py>(
        &self,
        py: Python<'py>,
        suspect: &CopySide,
        left: &Bound<'py, PyAny>,
        right: &Bound<'py, PyAny>,
        best: &Bound<'py, PyAny>,
        suspect_texts: &Bound<'py, PyAny>,
        served_texts: &Bound<'py, PyAny>,
        threads: Option<Threads>,
    ) -> PyR<Bound<'py, PyDict>> {
        let (left, right, best) = (int64(left, "left")?, int64(right, "right")?, int64(best, "best")?);
        let policy = Policy { keep_missing: true, replace: true };
        let a = TextBatch::extract(suspect_texts, "suspect", policy)?;
        let b = TextBatch::extract(served_texts, "served", policy)?;
        let pairs = Pairs { left: &left, right: &right, best: best.as_chunks().0 };
        let found = exec::run(py, threads, |job| self.inner.verify(&suspect.inner, &pairs, a.texts(), b.texts(), job))?;
        let out = PyDict::new(py);
        out.set_item("ngrams", output::array(py, found.ngrams))?;
        out.set_item("containment_of_suspect", output::array(py, found.containment_of_suspect))?;
        out.set_item("containment_of_served", output::array(py, found.containment_of_served))?;
        out.set_item("covered", output::array(py, found.covered))?;
        out.set_item("longest_run", output::array(py, found.longest_run))?;
        out.set_item("span_pair", output::array(py, found.span_pair))?;
        out.set_item("spans", table::<9, _>(py, &found.spans)?)?;
        out.set_item("waterfall", table::<2, _>(py, &found.waterfall)?)?;
        Ok(out)
    }
}

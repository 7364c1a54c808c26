//! What an interval needs to know of an estimate: so many successes in so many trials, or that it is no estimate.

use super::SetMetric;
use super::sets::{SetRows, shared};
use super::sketches::agreements;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::sketch::{SetSketch, SketchArray};

/// Scores as counts: score i is `successes[i] / trials[i]`, nothing where `trials[i]` is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// Numerators.
    pub successes: Vec<i64>,
    /// Denominators.
    pub trials: Vec<i64>,
    /// Scores that are known exactly: no chance takes part in them.
    pub exact: Vec<bool>,
}

/// Exact scores of shingle sets.
pub fn of_sets(job: &Job<'_>, metric: SetMetric, a: &SetRows<'_>, b: &SetRows<'_>) -> Result<Trials> {
    let mut out = Trials { exact: vec![true; a.len()], ..Trials::default() };
    for (i, shared) in shared(job, a, b)?.into_iter().enumerate() {
        let missing = a.is_missing(i) || b.is_missing(i);
        let (successes, trials) = if missing { (0, 0) } else { metric.fraction(shared, a.size(i), b.size(i)) };
        out.successes.push(successes as i64);
        out.trials.push(trials as i64);
    }
    Ok(out)
}

/// Scores of the kept hashes of FracMinHash.
///
/// Given how many hashes were kept of A (Jaccard: of A | B), they are a uniform sample of it without replacement, so
/// that the binomial is a little wider than the truth. The other two scores divide by numbers that are random
/// themselves and have no such interval.
pub fn of_kept(job: &Job<'_>, metric: SetMetric, a: &SetSketch, b: &SetSketch) -> Result<Trials> {
    if matches!(metric, SetMetric::OverlapCoefficient | SetMetric::Dice) && a.scaled() > 1 {
        return Err(Error::input(format!(
            "{} of FracMinHash has no exact binomial interval; ask for jaccard or containment, or use ShingleSets",
            metric.name()
        )));
    }
    let out = of_sets(job, metric, &a.into(), &b.into())?;
    let exact = a.empty.iter().zip(&b.empty).map(|(x, y)| a.scaled() == 1 || *x || *y).collect();
    Ok(Trials { exact, ..out })
}

/// Equal values of MinHash, equal bits of SimHash.
pub fn of_sketches(job: &Job<'_>, a: &SketchArray, b: &SketchArray) -> Result<Trials> {
    let found = agreements(job, a, b)?;
    Ok(Trials {
        successes: found.iter().map(|f| i64::from(f.equal)).collect(),
        trials: found.iter().map(|f| i64::from(f.of)).collect(),
        exact: a.empty.iter().zip(&b.empty).map(|(x, y)| *x || *y).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{HashSource, Scheme, SketchParams};
    use crate::sketch::Values;

    fn kept(scaled: u64, rows: &[&[u64]]) -> Result<SetSketch> {
        let params = SketchParams::new(Scheme::FracMinHash, scaled, 1, HashSource::described("test".to_owned()))?;
        let mut indptr = vec![0];
        for row in rows {
            indptr.push(indptr[indptr.len() - 1] + row.len() as i64);
        }
        Ok(SetSketch {
            indptr,
            hashes: rows.concat(),
            sizes: Some(rows.iter().map(|row| 10 * row.len() as u64).collect()),
            empty: rows.iter().map(|row| row.is_empty()).collect(),
            missing: vec![false; rows.len()],
            fingerprint: params.fingerprint(),
            params,
        })
    }

    #[test]
    fn kept_hashes_are_trials_unless_all_are_kept() -> Result<()> {
        let job = Job::inline();
        let rows: [&[u64]; 3] = [&[1, 2, 3], &[1], &[]];
        let (a, b) = (kept(10, &rows)?, kept(10, &[&[2, 3, 4], &[], &[1]])?);
        let found = of_kept(&job, SetMetric::Containment, &a, &b)?;
        assert_eq!((found.successes, found.trials), (vec![2, 0, 0], vec![3, 1, 0]));
        assert_eq!(found.exact, [false, true, true]);
        assert!(of_kept(&job, SetMetric::Dice, &a, &b).is_err());
        let all = kept(1, &rows)?;
        assert_eq!(of_kept(&job, SetMetric::Dice, &all, &all)?.exact, [true; 3]);
        Ok(())
    }

    #[test]
    fn sketches_count_what_they_compare() -> Result<()> {
        let params = SketchParams::new(Scheme::Oph, 3, 1, HashSource::described("test".to_owned()))?;
        let values = Values::U32(vec![1, 2, u32::MAX, u32::MAX, u32::MAX, u32::MAX]);
        let a = SketchArray::new(params.clone(), values, vec![false, true], vec![false, true])?;
        let values = Values::U32(vec![1, u32::MAX, u32::MAX, 1, 2, 3]);
        let b = SketchArray::new(params, values, vec![false, false], vec![false, false])?;
        let found = of_sketches(&Job::inline(), &a, &b)?;
        assert_eq!((found.successes, found.trials, found.exact), (vec![1, 0], vec![2, 0], vec![false, true]));
        Ok(())
    }
}

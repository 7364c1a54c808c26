//! Bands and rows of locality-sensitive hashing, solved from a recall target.
//!
//! Only `+ - * /` in a fixed order, so that every platform chooses the same parameters.

use super::power;
use crate::error::{Error, Result};

/// Steps of the midpoint rule.
const STEPS: u32 = 1000;

/// A sketch is cut into `bands` keys of `rows` values each; two sketches are candidates when they agree on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LshParams {
    /// Number of keys.
    pub bands: u32,
    /// Values per key.
    pub rows: u32,
}

/// Probability that two sets of Jaccard `s` agree on at least one band: `1 - (1 - s^rows)^bands`.
pub fn collision_probability(s: f64, bands: u32, rows: u32) -> f64 {
    1.0 - power(1.0 - power(s, u64::from(rows)), u64::from(bands))
}

/// Integral of the collision probability from 0 to the threshold (midpoint rule): what false candidates cost.
pub fn false_positive_work(threshold: f64, bands: u32, rows: u32) -> f64 {
    let width = threshold / f64::from(STEPS);
    let mut total = 0.0;
    for i in 0..STEPS {
        total += collision_probability((f64::from(i) + 0.5) * width, bands, rows);
    }
    total * width
}

/// The bands and rows, `bands * rows <= num_perm`, that reach `recall` at `threshold` with the least
/// [`false_positive_work`]; a tie goes to fewer bands.
///
/// At a fixed number of rows work grows with the bands, so the fewest bands that reach the recall are the only
/// candidate.
pub fn lsh_params(threshold: f64, num_perm: u32, recall: f64) -> Result<LshParams> {
    // Written so that NaN is refused too.
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(Error::input(format!("threshold={threshold}: give a similarity above 0 and up to 1")));
    }
    if !(recall > 0.0 && recall < 1.0) {
        return Err(Error::input(format!("recall={recall}: give a share between 0 and 1, both excluded")));
    }
    if num_perm == 0 {
        return Err(Error::input("num_perm=0: a sketch has at least one value"));
    }
    let mut best: Option<(f64, LshParams)> = None;
    for rows in 1..=num_perm {
        let Some(bands) = fewest_bands(threshold, rows, num_perm / rows, recall) else { continue };
        let work = false_positive_work(threshold, bands, rows);
        if best.is_none_or(|(least, chosen)| (work, bands) < (least, chosen.bands)) {
            best = Some((work, LshParams { bands, rows }));
        }
    }
    best.map(|(_, chosen)| chosen).ok_or_else(|| {
        Error::input(format!(
            "num_perm={num_perm} cannot reach recall={recall} at threshold={threshold}: the best reachable is {:.6} \
             (bands={num_perm}, rows=1); raise num_perm or the threshold, or lower the recall",
            collision_probability(threshold, num_perm, 1)
        ))
    })
}

/// The fewest bands, up to `most`, that reach the recall.
fn fewest_bands(threshold: f64, rows: u32, most: u32, recall: f64) -> Option<u32> {
    (1..=most).find(|bands| collision_probability(threshold, *bands, rows) >= recall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_choices() -> Result<()> {
        assert_eq!(lsh_params(0.8, 128, 0.95)?, LshParams { bands: 13, rows: 7 });
        assert_eq!(lsh_params(1.0, 128, 0.999)?, LshParams { bands: 1, rows: 128 });
        assert_eq!(lsh_params(0.5, 1, 0.4)?, LshParams { bands: 1, rows: 1 });
        Ok(())
    }

    #[test]
    fn an_unreachable_recall_names_the_best_reachable() {
        let message = lsh_params(0.01, 4, 0.95).map_or_else(|e| e.to_string(), |p| format!("{p:?}"));
        assert!(message.contains("best reachable is 0.039404"), "{message}");
        for bad in [(0.0, 8, 0.9), (1.5, 8, 0.9), (f64::NAN, 8, 0.9), (0.5, 0, 0.9), (0.5, 8, 1.0), (0.5, 8, 0.0)] {
            assert!(lsh_params(bad.0, bad.1, bad.2).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_choice_is_better(threshold in 0.2f64..=1.0, num_perm in 1u32..40, recall in 0.5f64..0.999) {
            let feasible = (1..=num_perm)
                .flat_map(|rows| (1..=num_perm / rows).map(move |bands| (bands, rows)))
                .filter(|(bands, rows)| collision_probability(threshold, *bands, *rows) >= recall);
            let least = feasible
                .map(|(bands, rows)| (false_positive_work(threshold, bands, rows), bands, rows))
                .min_by(|x, y| x.partial_cmp(y).unwrap_or(std::cmp::Ordering::Equal));
            match (lsh_params(threshold, num_perm, recall), least) {
                (Ok(chosen), Some((_, bands, rows))) => prop_assert_eq!(chosen, LshParams { bands, rows }),
                (Err(_), None) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

//! Inner loops, and the one choice per process of the instruction set they run with.

pub mod text;

use crate::error::{Error, Result};
use std::sync::OnceLock;

/// The environment variable that forces a level, for tests. A level never changes a value.
pub const ENV: &str = "OVERPROOF_KERNEL";

/// What the plain bodies are compiled for on this architecture.
const BASELINE: &str = if cfg!(target_arch = "x86_64") {
    "sse2"
} else if cfg!(target_arch = "aarch64") {
    "neon"
} else {
    "portable"
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Sse41,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this machine has: the holder of a `Level` may run its kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Rung);

impl Level {
    /// The level that every machine of this architecture has.
    pub const BASELINE: Level = Level(Rung::Baseline);

    /// `sse2`, `sse4.1`, `avx2` or `avx512` on x86-64; `neon` on aarch64; `portable` elsewhere.
    pub fn name(self) -> &'static str {
        match self.0 {
            Rung::Baseline => BASELINE,
            #[cfg(target_arch = "x86_64")]
            Rung::Sse41 => "sse4.1",
            #[cfg(target_arch = "x86_64")]
            Rung::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Rung::Avx512 => "avx512",
        }
    }
}

/// The levels of this machine, lowest first.
pub fn available() -> Vec<Level> {
    let mut levels = vec![Level::BASELINE];
    #[cfg(target_arch = "x86_64")]
    {
        let mut add = |has: bool, rung| {
            if has {
                levels.push(Level(rung));
            }
            has
        };
        let _ = add(is_x86_feature_detected!("sse4.1"), Rung::Sse41)
            && add(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2"), Rung::Avx2)
            && add(
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && is_x86_feature_detected!("avx512vpopcntdq"),
                Rung::Avx512,
            );
    }
    levels
}

fn choose(forced: Option<&str>) -> Result<Level> {
    let levels = available();
    let Some(name) = forced else {
        return Ok(levels.into_iter().max().unwrap_or(Level::BASELINE));
    };
    levels.iter().copied().find(|level| level.name() == name).ok_or_else(|| {
        let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
        Error::input(format!("{ENV}={name:?} is not a level of this machine; it has {}", names.join(", ")))
    })
}

/// The level of this process: the highest of the machine, or the one that [`ENV`] names.
///
/// Chosen at the first call. An unknown or unavailable name is an error at every call.
pub fn level() -> Result<Level> {
    static CHOSEN: OnceLock<std::result::Result<Level, String>> = OnceLock::new();
    let forced = || match std::env::var(ENV) {
        Ok(name) => choose(Some(&name)).map_err(|e| e.to_string()),
        Err(std::env::VarError::NotPresent) => choose(None).map_err(|e| e.to_string()),
        Err(e) => Err(format!("{ENV}: {e}")),
    };
    CHOSEN.get_or_init(forced).clone().map_err(Error::Input)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

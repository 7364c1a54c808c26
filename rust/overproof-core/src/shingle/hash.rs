//! The hash `op1`, frozen by the vectors below (docs/spec/hash.md). Not cryptographic; `seed` is not a key.

/// Multiplier of the finaliser.
pub const K2: u64 = 0xD6E8_FEB8_6659_FD93;
/// Base of the polynomial over token values.
pub const KP: u64 = 0x9FB2_1C65_1E98_DF25;

/// The `index`-th output (from 0) of SplitMix64 from `state`.
pub fn splitmix64(state: u64, index: u64) -> u64 {
    let mut z = state.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The constants that a seed stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    s: [u64; 4],
}

#[inline(always)]
fn mum(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    ((wide as u64) ^ (wide >> 64) as u64).wrapping_add(b).wrapping_add(a.rotate_left(29))
}

/// The eight bytes of `t` from `i`, little-endian, zeros past the end.
#[inline(always)]
fn le8(t: &[u8], i: usize) -> u64 {
    let rest = t.get(i..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0u8; 8];
            eight[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(eight)
        }
    }
}

/// Final mix.
#[inline(always)]
pub fn fin(mut x: u64) -> u64 {
    x ^= x >> 32;
    x = x.wrapping_mul(K2);
    x ^= x >> 32;
    x = x.wrapping_mul(K2);
    x ^ (x >> 32)
}

impl Seeds {
    /// The constants of `seed`.
    pub fn new(seed: u64) -> Self {
        Seeds { s: std::array::from_fn(|i| splitmix64(seed, i as u64)) }
    }

    /// The value of a token; used by a gram, never alone.
    #[inline]
    pub fn token(&self, t: &[u8]) -> u64 {
        if t.len() <= 16 {
            return self.token16(le8(t, 0), le8(t, 8), t.len() as u64);
        }
        let (mut i, mut h) = (0, self.s[2]);
        while t.len() - i > 16 {
            h = mum(le8(t, i) ^ self.s[0] ^ h, le8(t, i + 8) ^ self.s[1]);
            i += 16;
        }
        mum(le8(t, i) ^ self.s[0] ^ h, le8(t, i + 8) ^ self.s[1] ^ t.len() as u64)
    }

    /// [`Seeds::token`] of up to 16 bytes that are loaded already, zero-padded.
    #[inline(always)]
    pub fn token16(&self, low: u64, high: u64, len: u64) -> u64 {
        mum(low ^ self.s[0], high ^ self.s[1] ^ len)
    }

    /// The constants that meet the two halves of a short token.
    pub fn of_token(&self) -> [u64; 2] {
        [self.s[0], self.s[1]]
    }

    /// What the finaliser adds for a full window of `n` tokens.
    #[inline(always)]
    pub fn window_term(&self, n: usize) -> u64 {
        self.s[3].wrapping_mul(2 * n as u64 + 1)
    }

    /// What the finaliser adds for a whole text of `t` tokens that is shorter than a window.
    #[inline(always)]
    pub fn short_term(&self, t: usize) -> u64 {
        self.s[3].wrapping_mul(2 * t as u64)
    }

    /// The polynomial value of a char or byte window (UTF-8 bytes).
    #[inline(always)]
    pub fn window_bytes(&self, bytes: &[u8]) -> u64 {
        if bytes.len() <= 8 { le8(bytes, 0).wrapping_mul(KP) } else { self.token(bytes) }
    }
}

/// The polynomial value of a run of token values: sum of `w[j] * KP^(n-1-j)`.
#[inline(always)]
pub fn polynomial(w: &[u64]) -> u64 {
    w.iter().fold(0, |p: u64, v| p.wrapping_mul(KP).wrapping_add(*v))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(seeds: &Seeds, words: &str) -> u64 {
        let w: Vec<u64> = words.split(' ').map(|t| seeds.token(t.as_bytes())).collect();
        fin(polynomial(&w).wrapping_add(seeds.window_term(w.len())))
    }

    #[test]
    fn frozen_vectors() {
        let (zero, one) = (Seeds::new(0), Seeds::new(1));
        assert_eq!(zero.token(b"a"), 0xdbf3_8580_b99b_4a7f);
        assert_eq!(zero.token(b"0123456789abcdefg"), 0x5070_5f8e_e488_31e7);
        assert_eq!(gram(&zero, "the quick brown fox jumps"), 0x209c_9fcc_cffb_55b1);
        assert_eq!(gram(&zero, "the"), 0xe7f8_1a74_c3ea_7f5c);
        assert_eq!(gram(&one, "the quick brown fox jumps"), 0x0f58_67b1_6a9b_6edb);
        assert_eq!(gram(&one, "the"), 0x8295_1d7e_01ca_80cb);
    }

    /// An earlier form of the token hash sent inputs like these to one value.
    #[test]
    fn chosen_halves_do_not_collapse() {
        let seeds = Seeds::new(0);
        let halves = [0x15_u8, 0xFD, 0x00, 0xFF, 0x20];
        let mut seen = std::collections::HashSet::new();
        let mut made = 0;
        for a in halves {
            for b in halves {
                for i in 0..40u8 {
                    let mut t = [a; 16];
                    t[8..].fill(b);
                    t[usize::from(i % 16)] ^= i.wrapping_mul(37).wrapping_add(1);
                    made += usize::from(seen.insert(t));
                    seen.insert(t);
                }
            }
        }
        let values: std::collections::HashSet<u64> = seen.iter().map(|t| seeds.token(t)).collect();
        assert_eq!(values.len(), made);
        // A half that cancels the seed must not wipe out the other half.
        let cancel = seeds.s[0].to_le_bytes();
        let wiped: std::collections::HashSet<u64> = (0..1000u64)
            .map(|i| {
                let mut t = [0u8; 16];
                t[..8].copy_from_slice(&cancel);
                t[8..].copy_from_slice(&i.to_le_bytes());
                seeds.token(&t)
            })
            .collect();
        assert_eq!(wiped.len(), 1000);
    }
}

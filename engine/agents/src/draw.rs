//! Chance without a generator: every draw is a hash of (seed, stream, step, purpose).
//!
//! Nothing has to be saved, skipped or replayed in order to get the same number again, and a new
//! purpose never disturbs the draws of the others.

/// What a number is drawn for; each purpose is a sequence of its own.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Return of a price or of a common factor.
    Return = 1,
    /// Move of the quick part of volatility.
    FastVolatility,
    /// Move of the slow part of volatility.
    SlowVolatility,
    /// Whether a jump happens.
    JumpHappens,
    /// Size of a jump.
    JumpSize,
    /// Move of the mood that makes buyers follow buyers.
    Mood,
    /// How many takers arrive.
    TakerCount,
    /// Side of a taker.
    TakerSide,
    /// Size of a taker.
    TakerSize,
    /// Whether a market maker fills a gap now.
    MakerWakes,
    /// Size that a market maker shows.
    MakerSize,
    /// Whether an investor places an order.
    InvestorWakes,
    /// Side of an investor.
    InvestorSide,
    /// How far from the touch an investor waits.
    InvestorDistance,
    /// Size of an investor's order.
    InvestorSize,
    /// How long an investor waits.
    InvestorPatience,
    /// Volume of a backfilled bar.
    BarVolume,
}

/// The draws of one stream (an instrument or a factor) at one step.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// The draws of `stream` at `step`.
    #[must_use]
    pub fn at(seed: u64, stream: u64, step: i64) -> Self {
        let key = mix(seed ^ 0x9E37_79B9_7F4A_7C15);
        let key = mix(key ^ stream);
        Self {
            key: mix(key ^ step as u64),
        }
    }

    /// 64 even bits; `index` tells apart several draws of one purpose.
    #[must_use]
    pub fn bits(self, purpose: Purpose, index: u64) -> u64 {
        mix(self.key ^ mix((purpose as u64) << 32 | index))
    }

    /// Evenly in [0, 1).
    #[must_use]
    pub fn uniform(self, purpose: Purpose, index: u64) -> f64 {
        (self.bits(purpose, index) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Standard normal, by Box and Muller.
    #[must_use]
    pub fn normal(self, purpose: Purpose, index: u64) -> f64 {
        let bits = self.bits(purpose, index);
        let radius = ((bits >> 32) as f64 + 0.5) / 4_294_967_296.0;
        let angle = (bits & 0xFFFF_FFFF) as f64 / 4_294_967_296.0;
        libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(core::f64::consts::TAU * angle)
    }

    /// Exponential with mean 1.
    #[must_use]
    pub fn exponential(self, purpose: Purpose, index: u64) -> f64 {
        -libm::log(1.0 - self.uniform(purpose, index))
    }

    /// Log-normal with mean 1 and the given spread of the logarithm.
    #[must_use]
    pub fn log_normal(self, purpose: Purpose, index: u64, sigma: f64) -> f64 {
        libm::exp(sigma * self.normal(purpose, index) - 0.5 * sigma * sigma)
    }

    /// Number of arrivals of a Poisson process with this mean, at most `most`.
    #[must_use]
    pub fn arrivals(self, purpose: Purpose, mean: f64, most: u32) -> u32 {
        let uniform = self.uniform(purpose, 0);
        let mut term = libm::exp(-mean);
        let mut total = term;
        let mut count = 0;
        while uniform >= total && count < most {
            count += 1;
            term *= mean / f64::from(count);
            total += term;
        }
        count
    }
}

/// The stream that belongs to a name (FNV-1a).
#[must_use]
pub fn stream_of(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(draw: impl Fn(Draws) -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..20_000)
            .map(|step| draw(Draws::at(7, 11, step)))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        (mean, variance / values.len() as f64)
    }

    #[test]
    fn the_same_question_gets_the_same_answer() {
        let one = Draws::at(1, stream_of("AAPL"), 99).bits(Purpose::Return, 0);
        assert_eq!(
            one,
            Draws::at(1, stream_of("AAPL"), 99).bits(Purpose::Return, 0)
        );
        for other in [
            Draws::at(2, stream_of("AAPL"), 99).bits(Purpose::Return, 0),
            Draws::at(1, stream_of("MSFT"), 99).bits(Purpose::Return, 0),
            Draws::at(1, stream_of("AAPL"), 98).bits(Purpose::Return, 0),
            Draws::at(1, stream_of("AAPL"), 99).bits(Purpose::Mood, 0),
            Draws::at(1, stream_of("AAPL"), 99).bits(Purpose::Return, 1),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn distributions_have_their_mean_and_variance() {
        type Case = (&'static str, fn(Draws) -> f64, f64, f64);
        let table: [Case; 5] = [
            (
                "uniform",
                |d| d.uniform(Purpose::Return, 0),
                0.5,
                1.0 / 12.0,
            ),
            ("normal", |d| d.normal(Purpose::Return, 0), 0.0, 1.0),
            (
                "exponential",
                |d| d.exponential(Purpose::Return, 0),
                1.0,
                1.0,
            ),
            (
                "log-normal",
                |d| d.log_normal(Purpose::Return, 0, 0.5),
                1.0,
                0.284,
            ),
            (
                "arrivals",
                |d| f64::from(d.arrivals(Purpose::Return, 0.7, 9)),
                0.7,
                0.7,
            ),
        ];
        for (name, draw, mean, variance) in table {
            let (seen_mean, seen_variance) = sample(draw);
            assert!((seen_mean - mean).abs() < 0.03, "{name}: mean {seen_mean}");
            assert!(
                (seen_variance - variance).abs() < 0.05,
                "{name}: variance {seen_variance}"
            );
        }
    }

    #[test]
    fn arrivals_are_bounded() {
        assert_eq!(
            Draws::at(1, 1, 1).arrivals(Purpose::TakerCount, 1_000.0, 4),
            4
        );
    }
}

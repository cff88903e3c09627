//! The shape of a day: quiet nights, a lively European morning, the rush of New York.
//!
//! Markets here never close, so the shape is smooth, has a floor, and its mean over a day is 1.

const DAY_NS: i64 = 86_400_000_000_000;
/// (share of the day's activity, time of the peak in days since midnight UTC, sharpness).
const PEAKS: [(f64, f64, f64); 3] = [
    (0.18, 8.5 / 24.0, 8.0),    // London opens
    (0.28, 14.75 / 24.0, 14.0), // New York opens
    (0.24, 20.5 / 24.0, 20.0),  // New York closes
];
const FLOOR: f64 = 0.30;

/// Activity at `time_ns`, relative to the average of the day; never below 0.3.
#[must_use]
pub fn activity(time_ns: i64) -> f64 {
    let of_day = time_ns.rem_euclid(DAY_NS) as f64 / DAY_NS as f64;
    PEAKS
        .iter()
        .fold(FLOOR, |total, &(share, peak, sharpness)| {
            total + share * bump(of_day - peak, sharpness)
        })
}

/// Volatility at `time_ns`, relative to the average: the square root of activity.
#[must_use]
pub fn volatility(time_ns: i64) -> f64 {
    libm::sqrt(activity(time_ns))
}

/// A von Mises bell around 0 with period 1 and mean 1.
fn bump(distance: f64, sharpness: f64) -> f64 {
    let angle = core::f64::consts::TAU * distance;
    libm::exp(sharpness * (libm::cos(angle) - 1.0)) / bessel_scaled(sharpness)
}

/// exp(-k) I0(k), the mean of the bell, by its asymptotic series (k >= 8 here).
fn bessel_scaled(k: f64) -> f64 {
    let x = 8.0 * k;
    let series = 1.0 + 1.0 / x + 9.0 / (2.0 * x * x) + 225.0 / (6.0 * x * x * x);
    series / libm::sqrt(core::f64::consts::TAU * k)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: i64 = 3_600_000_000_000;

    #[test]
    fn a_day_averages_to_one_and_never_dies() {
        let minutes = 0..1_440_i64;
        let shape: Vec<f64> = minutes.map(|m| activity(m * 60_000_000_000)).collect();
        let mean = shape.iter().sum::<f64>() / 1_440.0;
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
        assert!(shape.iter().all(|&level| (FLOOR..4.0).contains(&level)));
    }

    #[test]
    fn new_york_is_busier_than_the_night() {
        assert!(activity(15 * HOUR_NS) > 2.0 * activity(3 * HOUR_NS));
        assert!(activity(20 * HOUR_NS) > activity(18 * HOUR_NS));
    }

    #[test]
    fn midnight_is_smooth() {
        let step = activity(DAY_NS) - activity(DAY_NS - 1_000_000_000);
        assert!(step.abs() < 0.001);
    }
}

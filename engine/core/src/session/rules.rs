//! Trading rules that come with a listing: tick tables and price bands.

use crate::instrument::Instrument;
use crate::units::{PRICE_MAX, Price, RATE_SCALE, Rounding, clamp, divide, power_of_ten};

/// The most rows of a tick table.
pub const TICK_ROWS_MAX: usize = 64;

/// Rules of an exchange beyond fees and fills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeRules {
    /// Market identifier code (ISO 10383); may be empty.
    pub mic: String,
    /// How far prices may lie from the reference price, as a share of it in 10^-9; 0: no band.
    pub band: i64,
    /// Whether a halt ends through an auction unless the command says otherwise.
    pub halt_auction: bool,
}

/// Rules of an instrument beyond its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentRules {
    /// Industry within the sector; may be empty.
    pub industry: String,
    /// Price steps by price: from this price on, this step. Below the first row, and without any,
    /// the tick size is the step.
    pub tick_table: Vec<(Price, Price)>,
    /// Its own price band in place of the exchange's; 0: as the exchange.
    pub band: i64,
}

impl InstrumentRules {
    /// What is wrong with them for an instrument of this tick size.
    pub(crate) fn fault(&self, tick_size: Price) -> Option<&'static str> {
        let mut below: (Price, Price) = (0, tick_size);
        for &(from, step) in &self.tick_table {
            let on_grid = step > 0 && step % tick_size == 0;
            if !on_grid {
                return Some("each step of a tick table is a multiple of the tick size");
            }
            if from <= below.0 || from > PRICE_MAX || from % step != 0 || from % below.1 != 0 {
                return Some("the prices of a tick table rise and lie on the steps around them");
            }
            below = (from, step);
        }
        (self.tick_table.len() > TICK_ROWS_MAX).then_some("a tick table has at most 64 rows")
    }
}

impl Instrument {
    /// The price step at a price.
    pub fn tick_at(&self, price: Price) -> Price {
        let Some(rules) = &self.rules else {
            return self.tick_size;
        };
        let mut rows = rules.tick_table.iter().rev();
        rows.find(|(from, _)| *from <= price).map_or(self.tick_size, |(_, step)| *step)
    }

    /// The highest price of the grid that is not above a price.
    pub fn tick_down(&self, price: Price) -> Price {
        price - price.rem_euclid(self.tick_at(price))
    }

    /// The lowest price of the grid that is not below a price.
    pub fn tick_up(&self, price: Price) -> Price {
        let (step, down) = (self.tick_at(price), self.tick_down(price));
        if down == price { price } else { down.saturating_add(step) }
    }
}

/// The lowest and highest price that a band of this share allows around a reference price. Its
/// width is rounded down, so a band is never wider than it says.
pub(crate) fn band_around(reference: Price, share: i64) -> (Price, Price) {
    let product = i128::from(reference) * i128::from(share);
    let width = divide(product, power_of_ten(u32::from(RATE_SCALE)), Rounding::Down);
    let (low, high) = (i128::from(reference) - width, i128::from(reference) + width);
    (clamp(low.max(1)), clamp(high.min(i128::from(PRICE_MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_table_rises_and_its_prices_lie_on_the_grid() {
        let fault = |table: &[(Price, Price)]| {
            InstrumentRules { tick_table: table.to_vec(), ..Default::default() }.fault(1)
        };
        assert_eq!(fault(&[(100, 5), (1_000, 10)]), None);
        assert!(fault(&[(1_000, 10), (100, 5)]).is_some(), "falls");
        assert!(fault(&[(102, 5)]).is_some(), "off the step that begins");
        assert!(fault(&[(100, 20), (150, 50)]).is_some(), "off the step that ends");
        assert!(fault(&[(100, 0)]).is_some(), "no step");
    }

    #[test]
    fn a_band_is_never_wider_than_it_says() {
        assert_eq!(band_around(1_000, 50_000_000), (950, 1_050));
        assert_eq!(band_around(999, 50_000_000), (950, 1_048), "49.95 is 49");
        assert_eq!(band_around(PRICE_MAX, 1_000_000_000), (1, PRICE_MAX));
    }
}

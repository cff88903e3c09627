//! An exchange: its fees and its fill profile.

use crate::ids::OrderNumber;
use crate::instrument::Instrument;
use crate::session::{ExchangeRules, ExchangeSession};
use crate::units::{
    AMOUNT_MAX, Money, Nanos, Price, Quantity, RATE_SCALE, Rounding, clamp, divide, power_of_ten,
};
use crate::words::{Liquidity, MarketOrders, SessionState};

/// What an exchange takes for a fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Share of the notional for the resting side, in 10^-9.
    pub maker_rate: i64,
    /// Share of the notional for the aggressive side, in 10^-9.
    pub taker_rate: i64,
    /// Amount for one whole unit of the instrument, in 10^-9 currency units.
    pub per_share: i64,
    /// Least fee of a fill, in money units.
    pub minimum: Money,
}

impl Fees {
    /// The fee of one fill, rounded half away from zero to the money scale.
    pub fn of_fill(
        &self,
        instrument: &Instrument,
        quantity: Quantity,
        notional: Money,
        liquidity: Liquidity,
    ) -> Money {
        let rate = match liquidity {
            Liquidity::Maker => self.maker_rate,
            Liquidity::Taker => self.taker_rate,
        };
        self.at_rate(rate, instrument, quantity, notional, Rounding::HalfUp)
    }

    /// The fee that a hold sets aside: the dearer of both rates, rounded up.
    pub fn of_hold(&self, instrument: &Instrument, quantity: Quantity, notional: Money) -> Money {
        let rate = self.maker_rate.max(self.taker_rate);
        self.at_rate(rate, instrument, quantity, notional, Rounding::Up)
    }

    fn at_rate(
        &self,
        rate: i64,
        instrument: &Instrument,
        quantity: Quantity,
        notional: Money,
        rounding: Rounding,
    ) -> Money {
        let percent = i128::from(rate) * i128::from(notional);
        let percent = divide(percent, power_of_ten(u32::from(RATE_SCALE)), rounding);
        // per_share has scale 9 and the quantity its own; money has scale 6.
        let shares = i128::from(self.per_share) * i128::from(quantity);
        let divisor = power_of_ten(u32::from(RATE_SCALE - 6 + instrument.qty_scale));
        let fee = percent + divide(shares, divisor, rounding);
        clamp(fee.max(i128::from(self.minimum)).min(i128::from(AMOUNT_MAX)))
    }
}

/// How an exchange fills orders when the market comes as bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name of the preset.
    pub name: String,
    /// Width of the street after a bar, in ticks.
    pub spread_ticks: u32,
    /// Share of a bar's volume that users can fill against, in 10^-9; 0 means no cap.
    pub participation: i64,
    /// Where market orders fill.
    pub market_orders: MarketOrders,
}

/// How many lots the street shows after a bar that has no volume.
pub const STREET_LOTS_WITHOUT_VOLUME: i64 = 1_000;

impl Profile {
    /// What users can fill against a bar of this volume; `None` means no cap.
    pub fn cap(&self, instrument: &Instrument, volume: Quantity) -> Option<Quantity> {
        if self.participation == 0 || volume == 0 {
            return None;
        }
        Some(instrument.whole_lots(self.share_of_volume(volume)))
    }

    /// What the street shows after a bar of this volume: at least one lot.
    pub fn street_size(&self, instrument: &Instrument, volume: Quantity) -> Quantity {
        if volume == 0 {
            return instrument.lot_size.saturating_mul(STREET_LOTS_WITHOUT_VOLUME);
        }
        let size = if self.participation == 0 { volume } else { self.share_of_volume(volume) };
        instrument.whole_lots(size).max(instrument.lot_size)
    }

    /// Bid and ask of the street around a close: `spread_ticks` wide, on the tick grid when the
    /// close is.
    pub fn street_around(&self, instrument: &Instrument, close: Price) -> (Price, Price) {
        let spread = i128::from(self.spread_ticks) * i128::from(instrument.tick_size);
        let below = i128::from(self.spread_ticks / 2) * i128::from(instrument.tick_size);
        let bid = (i128::from(close) - below).max(1);
        (clamp(bid), clamp(bid + spread))
    }

    fn share_of_volume(&self, volume: Quantity) -> Quantity {
        let share = i128::from(volume) * i128::from(self.participation);
        clamp(divide(share, power_of_ten(u32::from(RATE_SCALE)), Rounding::Down))
    }
}

/// The terms of an exchange, set when it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its id, such as a MIC; unique in the world.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Currency it settles in.
    pub currency: String,
    /// Name of its calendar.
    pub calendar: String,
    /// What it takes for fills.
    pub fees: Fees,
    /// How it fills orders.
    pub profile: Profile,
    /// Rules beyond these.
    pub rules: Option<Box<ExchangeRules>>,
}

/// The durable record of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRecord {
    /// Its terms.
    pub terms: Exchange,
    /// Whether sessions rule its day; without any `session` command it is always open and its
    /// day ends at 00:00 UTC.
    pub has_sessions: bool,
    /// The part of its day that it is in.
    pub state: SessionState,
    /// When the next day ends (always open) or the session changes next (0: not known).
    pub next_ns: Nanos,
    /// DAY orders with a smaller number are past their day.
    pub expire_below: OrderNumber,
    /// What sessions and halts add.
    pub session: ExchangeSession,
}

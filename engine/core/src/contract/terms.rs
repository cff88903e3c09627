//! The terms of an instrument that is more than a thing to hold: what one unit stands for, when it
//! ends, what it delivers, what must be deposited for it.

use crate::ids::InstrumentIndex;
use crate::margin::WHOLE;
use crate::units::{
    MONEY_SCALE, Money, Nanos, Price, Quantity, Rounding, clamp, divide, portion, power_of_ten,
    price_times, value_times,
};
use crate::words::{Delivery, Right, Style};

/// Decimal digits that a multiplier may have.
pub const MULTIPLIER_SCALE: u8 = 6;
/// The largest multiplier: 10^9 units of the underlying for one contract.
pub const MULTIPLIER_MAX: i64 = 1_000_000_000;

/// How much of the underlying one unit of quantity stands for: `units / 10^scale`, kept without
/// needless zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// The digits.
    pub units: i64,
    /// How many of them stand behind the point.
    pub scale: u8,
}

impl Multiplier {
    /// One unit of quantity is one unit of the underlying.
    pub const ONE: Multiplier = Multiplier { units: 1, scale: 0 };

    /// The multiplier of a number at `MULTIPLIER_SCALE`.
    pub const fn of(number: i64) -> Multiplier {
        let (mut units, mut scale) = (number, MULTIPLIER_SCALE);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Multiplier { units, scale }
    }

    /// The number at `MULTIPLIER_SCALE`.
    pub const fn number(self) -> i64 {
        let missing = MULTIPLIER_SCALE.saturating_sub(self.scale) as u32;
        clamp((self.units as i128).saturating_mul(power_of_ten(missing)))
    }
}

/// What makes a contract an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionTerms {
    /// Price at which the underlying changes hands, at the price scale of the option.
    pub strike: Price,
    /// Call or put.
    pub right: Right,
    /// American or European.
    pub style: Style,
}

/// What must be deposited for a position in a future, a perpetual or a leveraged currency pair:
/// an amount for each contract, and a share of the notional. Both may be given; they add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deposit {
    /// For each contract, in money units.
    pub per_contract: Money,
    /// Share of the notional, in 10^-9.
    pub rate: i64,
}

impl Deposit {
    /// Whether nothing is deposited.
    pub const fn is_none(self) -> bool {
        self.per_contract == 0 && self.rate == 0
    }

    /// What a quantity with this notional needs, rounded up. Both are taken without their sign.
    pub fn of(self, qty_scale: u8, quantity: Quantity, notional: i128) -> i128 {
        let contracts = i128::from(quantity.unsigned_abs()) * i128::from(self.per_contract);
        let contracts = divide(contracts, power_of_ten(u32::from(qty_scale)), Rounding::Up);
        contracts + portion(notional.abs(), self.rate, WHOLE, Rounding::Up)
    }
}

/// The terms of a contract; instruments that are simply held have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// How much of the underlying one unit of quantity stands for.
    pub multiplier: Multiplier,
    /// What it is about, when that is listed too.
    pub underlying: Option<InstrumentIndex>,
    /// The currency or coin that a pair buys; empty for everything else.
    pub base: String,
    /// When it ends; 0 means never.
    pub expiry_ns: Nanos,
    /// What makes it an option.
    pub option: Option<OptionTerms>,
    /// What it delivers at the end.
    pub delivery: Delivery,
    /// Whether only profit and loss move when it trades, never the notional.
    pub is_margined: bool,
    /// What opening a position needs.
    pub initial: Deposit,
    /// What keeping a position needs.
    pub maintenance: Deposit,
    /// How long one funding period is; 0 means that funding happens when it is told.
    pub funding_interval_ns: Nanos,
}

impl Contract {
    /// A contract that is only a multiplier of one.
    pub const fn plain() -> Contract {
        Contract {
            multiplier: Multiplier::ONE,
            underlying: None,
            base: String::new(),
            expiry_ns: 0,
            option: None,
            delivery: Delivery::Cash,
            is_margined: false,
            initial: Deposit { per_contract: 0, rate: 0 },
            maintenance: Deposit { per_contract: 0, rate: 0 },
            funding_interval_ns: 0,
        }
    }

    /// Value of `quantity` at `price` in money units; `scales` is the sum of the two scales.
    pub const fn value(&self, price: Price, qty: Quantity, scales: u8, rounding: Rounding) -> i128 {
        let scales = scales.saturating_add(self.multiplier.scale);
        value_times(price, qty, self.multiplier.units, scales, rounding)
    }

    /// The average price that `value` for `quantity` stands for.
    pub const fn price_of(&self, value: i128, qty: Quantity, scales: u8) -> Price {
        price_times(value, qty, self.multiplier.units, scales.saturating_add(self.multiplier.scale))
    }

    /// The quantity of an underlying with `to_scale` that `quantity` contracts deliver; rounded
    /// towards zero, which listing makes exact.
    pub const fn delivered(&self, quantity: Quantity, from_scale: u8, to_scale: u8) -> Quantity {
        let units = (quantity as i128).saturating_mul(self.multiplier.units as i128);
        let wide = units.saturating_mul(power_of_ten(to_scale as u32));
        let shrink = power_of_ten(from_scale as u32 + self.multiplier.scale as u32);
        clamp(divide(wide, shrink, Rounding::Down))
    }

    /// Whether products with this multiplier fit the engine's bounds at these scales.
    pub const fn fits(&self, scales: u8) -> bool {
        let multiplier = self.multiplier;
        let is_whole = multiplier.scale <= MULTIPLIER_SCALE && multiplier.units > 0;
        let is_small = multiplier.number() / 1_000_000 <= MULTIPLIER_MAX;
        is_whole && is_small && scales.saturating_add(multiplier.scale) <= 19 + MONEY_SCALE
    }
}

//! An instrument: its scales, its steps and its mark.

use crate::contract::{Contract, ContractState};
use crate::ids::{CurrencyIndex, ExchangeIndex, FillNumber};
use crate::money::InstrumentMargin;
use crate::profile::Ruling;
use crate::session::{Halted, InstrumentRules};
use crate::units::{
    AMOUNT_MAX, Balance, Money, Price, Quantity, Rounding, clamp, digits_of_step, format_decimal,
    power_of_ten, price_of, value_of,
};
use crate::words::{AssetClass, InstrumentStatus, Source, TriggerSource};

/// The terms of an instrument, set when it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Symbol, such as `AAPL` or `BTC/USD`; unique in the world.
    pub symbol: String,
    /// Name for people.
    pub name: String,
    /// Kind of instrument.
    pub asset_class: AssetClass,
    /// The exchange that lists it.
    pub exchange: ExchangeIndex,
    /// Sector of the economy; may be empty.
    pub sector: String,
    /// Currency of its prices.
    pub currency: String,
    /// Smallest price step of orders, in price units.
    pub tick_size: Price,
    /// Smallest quantity step of orders, in quantity units.
    pub lot_size: Quantity,
    /// Decimal digits of prices.
    pub price_scale: u8,
    /// Decimal digits of quantities.
    pub qty_scale: u8,
    /// Where outside liquidity comes from.
    pub source: Source,
    /// What fires stop orders.
    pub trigger: TriggerSource,
    /// Whether it trades.
    pub status: InstrumentStatus,
    /// What makes it more than a thing to hold; nothing for stocks, funds and spot pairs.
    pub contract: Option<Box<Contract>>,
    /// Rules beyond its steps.
    pub rules: Option<Box<InstrumentRules>>,
}

impl Instrument {
    /// The sum of both scales: what a product of price and quantity is scaled by.
    pub const fn scales(&self) -> u8 {
        self.price_scale.saturating_add(self.qty_scale)
    }

    /// Value of `quantity` at `price` in money units.
    pub fn value(&self, price: Price, quantity: Quantity, rounding: Rounding) -> i128 {
        match &self.contract {
            None => value_of(price, quantity, self.scales(), rounding),
            Some(contract) => contract.value(price, quantity, self.scales(), rounding),
        }
    }

    /// The average price that `value` for `quantity` stands for, half-even.
    pub fn average_price(&self, value: i128, quantity: Quantity) -> Price {
        match &self.contract {
            None => price_of(value, quantity, self.scales()),
            Some(contract) => contract.price_of(value, quantity, self.scales()),
        }
    }

    /// The quantity 1.
    pub const fn one(&self) -> Quantity {
        clamp(power_of_ten(self.qty_scale as u32))
    }

    /// Whether it is an option.
    pub fn is_option(&self) -> bool {
        self.contract.as_ref().is_some_and(|contract| contract.option.is_some())
    }

    /// Whether only profit and loss move when it trades, never the notional.
    pub fn is_margined(&self) -> bool {
        self.contract.as_ref().is_some_and(|contract| contract.is_margined)
    }

    /// The notional of a fill: half-even.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Money {
        clamp(self.value(price, quantity, Rounding::HalfEven))
    }

    /// `quantity` cut down to whole lots.
    pub const fn whole_lots(&self, quantity: Quantity) -> Quantity {
        quantity - quantity % self.lot_size
    }

    /// The largest quantity whose notional at `price` stays within one event's bounds.
    pub fn quantity_within_bounds(&self, price: Price, quantity: Quantity) -> Quantity {
        let value = self.value(price, quantity, Rounding::Up);
        if value <= AMOUNT_MAX as i128 {
            return quantity;
        }
        let share = quantity as i128 / (value / AMOUNT_MAX as i128 + 1);
        self.whole_lots(clamp(share))
    }

    /// A price as decimal text, with at least the decimals of the tick.
    pub fn format_price(&self, price: Price) -> String {
        let shown = digits_of_step(self.tick_size, self.price_scale);
        format_decimal(i128::from(price), self.price_scale, shown)
    }

    /// A quantity as decimal text.
    pub fn format_quantity(&self, quantity: Quantity) -> String {
        format_decimal(i128::from(quantity), self.qty_scale, 0)
    }
}

/// What the world last recorded of an instrument's prices; equity is computed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Best bid of the outside source.
    pub bid: Option<Price>,
    /// Best ask of the outside source.
    pub ask: Option<Price>,
    /// Last traded price.
    pub last: Option<Price>,
    /// Highest traded price since the mark before.
    pub high: Option<Price>,
    /// Lowest traded price since the mark before.
    pub low: Option<Price>,
}

impl Mark {
    /// The price that positions are valued at: the mid, else the last trade, else the one side
    /// that stands.
    pub fn price(&self) -> Option<Price> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) => Some(mid(bid, ask)),
            (bid, ask) => self.last.or(bid).or(ask),
        }
    }
}

/// The price half way between two, towards the lower.
pub const fn mid(bid: Price, ask: Price) -> Price {
    clamp((bid as i128 + ask as i128) / 2)
}

/// The durable record of an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentRecord {
    /// Its terms.
    pub terms: Instrument,
    /// Currency of its prices.
    pub currency: CurrencyIndex,
    /// Its last recorded prices.
    pub mark: Mark,
    /// The asset balance of the house in this instrument.
    pub house: Balance,
    /// The asset balance of the clearing account; zero after every turn.
    pub clearing: Balance,
    /// How many positions and open orders there are: the instrument is marked while it is not 0.
    pub interest: u64,
    /// Its halt, if it is halted.
    pub halt: Option<Box<Halted>>,
    /// Symbols that it had before, the latest last; they still find it.
    pub former: Vec<String>,
    /// What a contract goes through; nothing for other instruments.
    pub contract: Option<Box<ContractState>>,
    /// The splits that it has been through: new for old.
    pub splits: Vec<(u32, u32)>,
    /// Fills with a smaller number are from before a split or the delisting: positions are not what
    /// they made of them any more.
    pub fills_from: FillNumber,
    /// Whether options on it are listed. Derived.
    pub has_options: bool,
    /// Fees and profile that were set for this instrument alone.
    pub ruling: Option<Box<Ruling>>,
    /// How much all short positions together owe.
    pub shorted: Quantity,
    /// What margin accounts must know of it.
    pub margin: Option<Box<InstrumentMargin>>,
}

//! Why a fill got its price: the figures and one plain sentence.
//!
//! A receipt is decided together with its fill and stands in the same event, so it can be read
//! again from a tape of any age. It decides nothing: no balance depends on it, and sinks that keep
//! no text (backtests, sweeps) ask for none (`Sink::RECEIPTS`). `text` writes and reads it,
//! `sentence` says it in words.

pub(crate) mod sentence;
pub(crate) mod text;

use crate::durable::Durable;
use crate::event::Fill;
use crate::fees;
use crate::live::Live;
use crate::matching::Role;
use crate::sink::Sink;
use crate::units::{Money, Nanos, Price, Quantity, clamp};
use crate::words::{FeeKind, Liquidity, Side};

/// How many earlier fills of one sweep through the book a receipt tells.
pub const STEPS_TOLD: usize = 4;

/// One part of what a fill cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeLine {
    /// What it is for.
    pub kind: FeeKind,
    /// How much, in money units; what a cap takes off is negative.
    pub amount: Money,
}

/// Why a fill got its price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// How the two sides met.
    pub how: How,
    /// Name of the fill profile that decided.
    pub profile: String,
    /// Best bid of the outside market at that moment.
    pub bid: Option<Price>,
    /// Best ask of the outside market at that moment.
    pub ask: Option<Price>,
    /// The last traded price before it.
    pub last: Option<Price>,
    /// The price that came to a resting order: of the street, of a print, of a bar.
    pub reach: Option<Price>,
    /// How much stood at the price of the fill.
    pub offered: Option<Quantity>,
    /// How much of the street stood before the order when it came to rest.
    pub ahead: Option<Quantity>,
    /// How much worse than the best price of the outside market, per unit, impact left out;
    /// negative when it was better.
    pub slippage: Price,
    /// How much worse because of the order's own size, per unit, as the profile models it.
    pub impact: Price,
    /// How long the command was under way.
    pub latency_ns: Nanos,
    /// How long the news of the fill is under way to its owner.
    pub report_ns: Nanos,
    /// What the fee is made of; their sum is the fee of the fill.
    pub fees: Vec<FeeLine>,
    /// The fills of the same sweep before this one, the first of them first.
    pub before: Vec<(Price, Quantity)>,
}

pub use crate::words::How;

/// What most receipts fit into.
const USUAL_BYTES: usize = 512;

/// The receipt of a fill as a JSON object; empty when the fill carries none.
pub fn of_fill(durable: &Durable, fill: &Fill) -> String {
    let mut out = String::new();
    if let (Some(receipt), Some(record)) = (&fill.receipt, durable.instrument(fill.instrument)) {
        out.reserve(USUAL_BYTES);
        text::push_object(&mut out, &record.terms, fill, receipt);
    }
    out
}

/// The difference of two prices seen from a side: positive when `price` is worse than `best`.
pub(crate) const fn worse_by(side: Side, price: Price, best: Price) -> Price {
    match side {
        Side::Buy => clamp(price as i128 - best as i128),
        Side::Sell => clamp(best as i128 - price as i128),
    }
}

impl<S: Sink> Live<'_, S> {
    /// The receipt of a fill that has just been decided.
    pub fn receipt(&self, fill: &Fill, role: Role) -> Option<Box<Receipt>> {
        let market = self.market(fill.instrument)?;
        let instrument = self.terms_of(fill.instrument)?;
        let profile = self.durable.profile_for(self.durable.instrument(fill.instrument)?)?;
        let best = |side| market.outside(instrument, side).map(|(price, _)| price);
        let (bid, ask) = (best(Side::Buy), best(Side::Sell));
        let touch = if fill.side == Side::Buy { ask } else { bid };
        // An order that waited for a price crosses because that price was reached.
        let order = self.durable.order(fill.order).filter(|order| order.triggered);
        let fired = order.and_then(|order| order.terms.stop_price);
        let fired = fired.filter(|_| role.how == How::Crossed);
        Some(Box::new(Receipt {
            how: role.how,
            profile: profile.name.clone(),
            bid,
            ask,
            last: market.quote.last,
            reach: role.reach.or(fired),
            offered: role.offered,
            ahead: match fill.liquidity {
                Liquidity::Maker => market.queue.entry(fill.order),
                Liquidity::Taker => None,
            },
            slippage: slippage(fill, role, touch),
            impact: role.impact,
            latency_ns: self.durable.delays.latency_of(fill.order),
            report_ns: self.report_latency(fill.instrument, fill.number),
            fees: self.fee_lines(fill),
            before: if role.how == How::Crossed { self.sweep.clone() } else { Vec::new() },
        }))
    }

    fn fee_lines(&self, fill: &Fill) -> Vec<FeeLine> {
        let (Some(record), Some(order)) =
            (self.durable.instrument(fill.instrument), self.order(fill.order))
        else {
            return Vec::new();
        };
        let payer = fees::payer_of(self.ephemeral, order, fill.liquidity);
        fees::fee_lines(self.durable, record, payer, (fill.qty, fill.notional))
    }

    /// Notes a fill of a sweep, so that the next one can tell of it.
    pub fn note_step(&mut self, price: Price, qty: Quantity) {
        if !S::RECEIPTS {
            return;
        }
        if let Some(last) = self.sweep.last_mut().filter(|last| last.0 == price) {
            last.1 = last.1.saturating_add(qty);
        } else if self.sweep.len() < STEPS_TOLD {
            self.sweep.push((price, qty));
        }
    }
}

/// What a fill paid beyond the best price that stood outside; what the profile says it slipped
/// where nothing stood.
fn slippage(fill: &Fill, role: Role, touch: Option<Price>) -> Price {
    match (fill.liquidity, touch) {
        (Liquidity::Maker, _) => 0,
        (Liquidity::Taker, None) => role.slippage,
        (Liquidity::Taker, Some(touch)) => {
            worse_by(fill.side, fill.price, touch).saturating_sub(role.impact)
        }
    }
}

//! What is judged: an order, the accounts that count with it, and the positions they could come to.

use std::collections::BTreeMap;

use crate::checks::Failure;
use crate::durable::Durable;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::market::Ephemeral;
use crate::order::{Order, OrderTerms};
use crate::units::{Balance, Nanos, Price};
use crate::words::{Side, Status};

use super::review::{Review, Verdict};

/// Cash and positions of an account at live prices, else at the recorded ones.
pub(crate) fn equity(durable: &Durable, ephemeral: &Ephemeral, index: AccountIndex) -> Balance {
    let Some(account) = durable.account(index) else {
        return 0;
    };
    durable.worth_at(account, |index, _| price(durable, ephemeral, index)).equity
}

/// The live price of an instrument, else the recorded one.
pub(crate) fn price(
    durable: &Durable,
    ephemeral: &Ephemeral,
    index: InstrumentIndex,
) -> Option<Price> {
    let record = durable.instrument(index)?;
    let live = ephemeral.market(index).and_then(|market| market.price(&record.terms));
    live.or_else(|| record.mark.price())
}

/// What is judged, and what it is judged by.
pub(crate) struct Subject<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    pub terms: &'a OrderTerms,
    /// When it came.
    pub now_ns: Nanos,
    /// The open order whose terms these are to be, when it is replaced.
    pub replaces: Option<&'a Order>,
    /// Legs of the same order that count as if they were open.
    pub beside: &'a [OrderTerms],
}

impl<'a> Subject<'a> {
    /// Judges it; nothing when the world has no policy and no kill switch.
    pub fn review(&self) -> Result<Option<Box<Verdict>>, Failure> {
        match self.durable.risk.as_deref() {
            None => Ok(None),
            Some(risk) => Review::of(self, risk)
                .map_or(Ok(None), |review| review.run().map(|verdict| Some(Box::new(verdict)))),
        }
    }

    /// All rules that reject it, for the preview.
    pub fn failures(&self) -> Vec<Failure> {
        let review = self.durable.risk.as_deref().and_then(|risk| Review::of(self, risk));
        review.map_or(Vec::new(), |review| review.failures())
    }

    /// The live price of the instrument, else the recorded one.
    pub fn reference(&self) -> Option<Price> {
        price(self.durable, self.ephemeral, self.terms.instrument)
    }

    /// The price at which its size is judged.
    pub fn judged_price(&self) -> Option<Price> {
        self.terms.limit_price.or(self.terms.stop_price).or_else(|| self.reference())
    }

    /// What is left of the order that it replaces.
    pub fn left_before(&self) -> i128 {
        self.replaces.map_or(0, |order| i128::from(order.leaves()))
    }

    /// What it would have left to fill that could make a position larger.
    pub fn left_after(&self) -> i128 {
        if self.terms.more.as_deref().is_some_and(|more| more.only_closes()) {
            return 0;
        }
        i128::from(self.terms.qty) - self.replaces.map_or(0, |order| i128::from(order.filled))
    }

    /// Open orders of an account, without the one that it replaces.
    pub fn open_orders(&self, account: AccountIndex) -> impl Iterator<Item = &'a Order> {
        let besides = self.replaces.map(|order| order.number);
        let durable: &'a Durable = self.durable;
        let open = durable.open_orders(account).filter(|order| !order.terms.is_combo());
        open.filter(move |order| Some(order.number) != besides)
    }

    /// A position with what open orders would add to each side.
    pub fn exposure_of(&self, index: AccountIndex, instrument: InstrumentIndex) -> Exposure {
        let Some(account) = self.durable.account(index) else {
            return Exposure::default();
        };
        let held = i128::from(account.position(instrument).qty);
        let mut exposure = Exposure { held, ..Exposure::default() };
        for order in self.open_orders(index).filter(|order| counts(order)) {
            if order.terms.instrument == instrument {
                exposure = exposure.with(order.terms.side, i128::from(order.leaves()));
            }
        }
        for leg in self.legs_beside(index).filter(|leg| leg.instrument == instrument) {
            exposure = exposure.with(leg.side, i128::from(leg.qty));
        }
        exposure
    }

    fn legs_beside(&self, account: AccountIndex) -> impl Iterator<Item = &'a OrderTerms> {
        self.beside.iter().filter(move |leg| leg.account == account)
    }

    /// All positions of an account with what open orders would add to each side, the ordered
    /// instrument among them.
    pub fn exposures_of(&self, index: AccountIndex) -> BTreeMap<InstrumentIndex, Exposure> {
        let mut exposures: BTreeMap<InstrumentIndex, Exposure> = BTreeMap::new();
        let Some(account) = self.durable.account(index) else {
            return exposures;
        };
        if index == self.terms.account {
            exposures.insert(self.terms.instrument, Exposure::default());
        }
        for (instrument, position) in account.positions.iter().filter(|(_, it)| it.qty != 0) {
            exposures.entry(*instrument).or_default().held = i128::from(position.qty);
        }
        for order in self.open_orders(index).filter(|order| counts(order)) {
            let exposure = exposures.entry(order.terms.instrument).or_default();
            *exposure = exposure.with(order.terms.side, i128::from(order.leaves()));
        }
        for leg in self.legs_beside(index) {
            let exposure = exposures.entry(leg.instrument).or_default();
            *exposure = exposure.with(leg.side, i128::from(leg.qty));
        }
        exposures
    }
}

/// Whether an open order can make a position larger: not while it waits for its parent, and not
/// when it only reduces.
pub(super) fn counts(order: &Order) -> bool {
    let reduces = order.terms.more.as_deref().is_some_and(|more| more.only_closes());
    let waits = order.status == Status::Held && !order.terms.is_bound();
    !waits && !reduces
}

/// A signed position with what open orders would add to each side.
#[derive(Clone, Copy, Default)]
pub(crate) struct Exposure {
    held: i128,
    buying: i128,
    selling: i128,
}

impl Exposure {
    /// A position without open orders.
    pub const fn holding(held: i64) -> Exposure {
        Exposure { held: held as i128, buying: 0, selling: 0 }
    }

    /// The position, below zero for a short one.
    pub const fn held(self) -> i128 {
        self.held
    }

    pub fn plus(self, other: Exposure) -> Exposure {
        Exposure {
            held: self.held + other.held,
            buying: self.buying + other.buying,
            selling: self.selling + other.selling,
        }
    }

    /// The position on one side (long for buys) when all open orders of that side have filled,
    /// below zero for a position on the other side.
    pub const fn on_side(self, side: Side) -> i128 {
        match side {
            Side::Buy => self.held + self.buying,
            Side::Sell => self.selling - self.held,
        }
    }

    pub const fn with(mut self, side: Side, qty: i128) -> Exposure {
        match side {
            Side::Buy => self.buying += qty,
            Side::Sell => self.selling += qty,
        }
        self
    }

    /// The larger of what it can come to on either side.
    pub fn gross(self) -> i128 {
        (self.held + self.buying).abs().max((self.held - self.selling).abs())
    }
}

//! What a multi-leg order asks of its account: the strategy as a whole, never the sum of its legs.
//!
//! A margin account is asked by how much the trade would lower the equity that nothing needs, with
//! all legs in place, so options pair as `contract::spreads` says: a debit spread pays its debit, a
//! credit spread what it can lose. A cash account pays the net price, the fees and the strikes of
//! the puts that it writes; what it sells it must have, and calls that it writes must stand before
//! the underlying, once all legs have traded.

use std::collections::BTreeMap;

use super::books::Plan;
use super::combo::{Combo, Part};
use crate::account::Account;
use crate::checks::Failure;
use crate::contract::deposits::{change_of, free_to_sell};
use crate::costs::{cost_of, power_for, signed};
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::instrument::InstrumentRecord;
use crate::market::Ephemeral;
use crate::order::Order;
use crate::orders::OrderList;
use crate::requests::Requests;
use crate::units::{AMOUNT_MAX, Balance, Money, Price, QUANTITY_MAX, Quantity, Rounding, clamp};
use crate::words::{PositionIntent, Reason, Side};

/// What is traded of one leg.
#[derive(Clone, Copy)]
struct Change<'a> {
    part: Part<'a>,
    qty: Quantity,
    notional: Money,
}

/// A trade of all legs.
pub(super) struct Outlay<'a> {
    changes: Vec<Change<'a>>,
    /// Paid for what is bought, less received for what is sold.
    cash: Balance,
    fees: Balance,
}

impl<'a> Outlay<'a> {
    /// What a plan trades.
    pub fn of_plan(combo: &Combo<'a>, plan: &Plan) -> Outlay<'a> {
        let change = |(part, takes): (&Part<'a>, &Vec<super::books::Take>)| {
            let notional = |take: &super::books::Take| {
                Balance::from(part.record.terms.notional(take.moved.price, take.qty))
            };
            let qty = takes.iter().map(|take| take.qty).sum();
            let notional = clamp(takes.iter().map(notional).sum());
            Change { part: *part, qty, notional }
        };
        let changes = combo.parts.iter().zip(&plan.takes).map(change).collect();
        Outlay { changes, cash: plan.cash, fees: plan.fees }
    }

    /// What it pays, and the fees.
    pub fn cost(&self) -> (Balance, Balance) {
        (self.cash, self.fees)
    }
}

/// Who pays for which multi-leg order.
pub(super) struct Payment<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    pub combo: &'a Combo<'a>,
    pub account: &'a Account,
    /// Its leg orders, once there are any.
    pub orders: &'a [&'a Order],
}

impl<'a> Payment<'a> {
    /// The price that stands for a leg's instrument.
    fn price(&self, part: &Part<'_>) -> Option<Price> {
        self.ephemeral.price(part.leg.instrument, part.record)
    }

    /// What so many strategies trade as far as can be told: what the books give, the rest at the
    /// prices that stand for its legs; with a limit at no worse than that.
    pub fn estimate(&self, strategies: i64, plan: &Plan) -> Outlay<'a> {
        let mut outlay = Outlay::of_plan(self.combo, plan);
        let rest = strategies - plan.strategies;
        for (change, takes) in outlay.changes.iter_mut().zip(&plan.takes) {
            let part = change.part;
            let qty = part.leg.ratio_qty.saturating_mul(rest);
            let worst = takes.last().map(|take| take.moved.price);
            let price = worst.or_else(|| self.price(&part)).unwrap_or(0);
            let value = part.record.terms.value(price, qty, Rounding::Up);
            let value = clamp(value.min(AMOUNT_MAX.into()));
            let fees = self.durable.fees_for(part.record).filter(|_| qty > 0);
            let fee = fees.map_or(0, |fees| fees.of_hold(&part.record.terms, qty, value));
            change.qty = change.qty.saturating_add(qty);
            change.notional = clamp(
                (Balance::from(change.notional) + Balance::from(value)).min(AMOUNT_MAX.into()),
            );
            outlay.fees += Balance::from(fee);
            outlay.cash += part.signed(value.into());
        }
        if let Some(limit) = self.combo.limit_money() {
            outlay.cash = limit.saturating_mul(strategies.into());
        }
        outlay
    }

    /// What the account has free for it.
    pub fn power(&self) -> Balance {
        power_for(self.durable, self.ephemeral, self.account, self.combo.terms.instrument)
    }

    /// What a trade asks of the account; nothing or less when it sets something free.
    pub fn need(&self, outlay: &Outlay<'_>) -> Balance {
        if self.account.margin().is_some() {
            return self.need_of_equity(outlay);
        }
        let own = self.without_promises();
        let deposit: Balance = outlay.changes.iter().map(|it| deposit_of(&own, it)).sum();
        let settles = self.durable.settles_on(self.combo.pricing.terms.exchange).is_some();
        let bought = outlay.changes.iter().filter(|change| change.part.leg.side == Side::Buy);
        let gross: Balance = bought.map(|change| Balance::from(change.notional)).sum();
        // Proceeds that are to be settled cannot pay for the other legs.
        let cash = if settles { outlay.cash.max(gross) } else { outlay.cash };
        cash + outlay.fees + deposit
    }

    /// By how much a trade lowers the equity that nothing needs, in the currency of the legs.
    fn need_of_equity(&self, outlay: &Outlay<'_>) -> Balance {
        let price =
            |index: InstrumentIndex, record: &InstrumentRecord| self.ephemeral.price(index, record);
        let excess = |account: &Account| self.durable.worth_at(account, price).excess();
        let after = self.after(outlay);
        let (here, there) = (self.account.currency, self.combo.pricing.currency);
        let lower = excess(self.account) - excess(&after);
        let lower = self.durable.money.convert(lower, here, there).unwrap_or(lower);
        lower + outlay.cash + outlay.fees
    }

    /// The account without what its own legs have promised.
    fn without_promises(&self) -> Account {
        let mut account = stand_in(self.account);
        for order in self.orders {
            let position = account.positions.entry(order.terms.instrument).or_default();
            let promised = match order.terms.side {
                Side::Sell => &mut position.promised,
                Side::Buy => &mut position.covering,
            };
            *promised = promised.saturating_sub(order.promised()).max(0);
        }
        account
    }

    /// The account with the positions that a trade leaves, its cash as it was.
    fn after(&self, outlay: &Outlay<'_>) -> Account {
        let mut account = self.without_promises();
        for change in &outlay.changes {
            let (index, side) = (change.part.leg.instrument, change.part.leg.side);
            let position = account.positions.entry(index).or_default();
            let (cost, _) = cost_of(*position, side, change.qty, change.notional);
            position.qty = position.qty.saturating_add(signed(side, change.qty));
            position.cost = position.cost.saturating_add(signed(side, cost));
        }
        account
    }

    /// Whether a cash account has what it sells, and what stands for the calls that it writes,
    /// once all legs have traded.
    pub fn is_covered(&self, outlay: &Outlay<'_>) -> Result<(), Failure> {
        if self.account.margin().is_some() {
            return Ok(());
        }
        let (before, after) = (self.without_promises(), self.after(outlay));
        for change in &outlay.changes {
            let (index, terms) = (change.part.leg.instrument, &change.part.record.terms);
            let contract = terms.contract.as_deref();
            let underlying = contract.filter(|_| terms.is_option()).and_then(|it| it.underlying);
            let stands = underlying.unwrap_or(index);
            let free = |account: &Account| free_to_sell(self.durable, account, stands);
            let is_sell = change.part.leg.side == Side::Sell;
            let is_mixed = terms.is_option() && is_sell && mixes(&before, index, change.qty);
            let position = after.position(index);
            let is_owed = !terms.is_option() && is_sell && position.qty < position.promised;
            let is_bare = is_sell && free(&after) < 0 && free(&after) < free(&before);
            if is_mixed || is_owed || is_bare {
                let held = free_to_sell(self.durable, &before, index);
                return Err(uncovered(&change.part, change.qty, held));
            }
        }
        Ok(())
    }

    /// Whether a trade stays within what positions and events can carry, and what is sold short
    /// can be borrowed.
    fn is_possible(&self, outlay: &Outlay<'_>) -> bool {
        outlay.changes.iter().all(|change| {
            let (index, side) = (change.part.leg.instrument, change.part.leg.side);
            let position = self.account.position(index);
            let qty = i128::from(position.qty) + i128::from(signed(side, change.qty));
            let cost = i128::from(position.cost).abs() + i128::from(change.notional);
            let shorted = match side {
                Side::Sell => change.qty - position.closing(side).min(change.qty),
                Side::Buy => 0,
            };
            let is_margin = self.account.margin().is_some();
            let left =
                self.durable.borrowable(index, self.account).filter(|_| is_margin && shorted > 0);
            qty.abs() <= i128::from(QUANTITY_MAX)
                && cost <= i128::from(AMOUNT_MAX)
                && left.is_none_or(|left| shorted <= left)
        })
    }

    /// Whether legs that are meant to close find so much of a position.
    pub fn closes_as_meant(&self, outlay: &Outlay<'_>) -> bool {
        outlay.changes.iter().all(|change| {
            let leg = change.part.leg;
            let position = self.account.position(leg.instrument);
            !leg.position_intent.is_some_and(PositionIntent::closes)
                || change.qty <= position.closing(leg.side)
        })
    }

    /// Whether a plan can be traded now, when the order has so much set aside.
    pub fn can_trade(&self, plan: &Plan, hold: Money) -> bool {
        let outlay = Outlay::of_plan(self.combo, plan);
        let need = self.need(&outlay);
        (need <= 0 || need <= self.power() + Balance::from(hold))
            && self.is_possible(&outlay)
            && self.closes_as_meant(&outlay)
            && self.is_covered(&outlay).is_ok()
    }
}

/// By how much a trade raises the cash that a cash account ties up for what it writes.
fn deposit_of(account: &Account, change: &Change<'_>) -> Balance {
    let position = account.position(change.part.leg.instrument);
    let before = (position.qty, Balance::from(position.cost));
    let by = signed(change.part.leg.side, change.qty);
    let after = (position.qty.saturating_add(by), before.1);
    Balance::from(change_of(account, &change.part.record.terms, before, after))
}

/// Whether a sell of options closes and writes at once, or writes before what others close.
fn mixes(account: &Account, index: InstrumentIndex, qty: Quantity) -> bool {
    let position = account.position(index);
    let free = position.qty.saturating_sub(position.promised);
    position.qty > 0 && qty > free
}

fn uncovered(part: &Part<'_>, qty: Quantity, held: Quantity) -> Failure {
    let instrument = &part.record.terms;
    let detail = format!(
        "a cash account sells {} only as far as it holds it, or writes it before what it holds \
         once all legs have traded",
        instrument.symbol
    );
    let failure = Failure::new(Reason::InsufficientQuantity, detail).at("legs");
    failure.compare(instrument.format_quantity(qty), instrument.format_quantity(held.max(0)))
}

/// What of an account its worth depends on.
fn stand_in(account: &Account) -> Account {
    Account {
        id: account.id,
        owner: String::new(),
        kind: account.kind,
        currency: account.currency,
        status: account.status,
        cash: account.cash,
        held: account.held,
        realized_pl: account.realized_pl,
        deposited: account.deposited,
        starting_cash: account.starting_cash,
        receivable: account.receivable,
        seq: account.seq,
        cancel_below: account.cancel_below,
        positions: account.positions.clone(),
        open_orders: OrderList::default(),
        requests: Requests::default(),
        risk: None,
        volumes: BTreeMap::new(),
        terms: account.terms.clone(),
        more: account.more.clone(),
    }
}

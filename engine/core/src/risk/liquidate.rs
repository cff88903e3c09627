//! Margin calls and liquidation: closes the least that restores the margin, and says why.
//!
//! Which position, and how much of it: of all positions that could cure the account alone the one
//! of which the least value has to be closed; when none can, the one that sets free the most of
//! the requirement for its value is closed whole, and the account is looked at again. What closing
//! costs (the spread, the depth of the book, the fees) counts.

use crate::account::Account;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::live::Live;
use crate::matching::walk;
use crate::order::OrderTerms;
use crate::sink::Sink;
use crate::units::{Balance, Quantity};
use crate::words::{Forced, OrderType, Reason, Side, TimeInForce};

use super::breach::share;
use super::event::RiskEvent;
use super::policy::MarginRule;
use super::subject;

/// Closing part of a position: how much, and the value of it.
#[derive(Clone, Copy)]
struct Closing {
    instrument: InstrumentIndex,
    /// Signed as the position is.
    qty: Quantity,
    value: Balance,
    /// Requirement set free by closing the whole position, for its value, in 10^-9.
    rate: Balance,
}

/// What an account has and has to have.
#[derive(Clone, Copy)]
struct Shortfall {
    equity: Balance,
    maintenance: Balance,
    /// The multiple of the maintenance requirement that is to be restored, in 10^-9.
    level: i64,
}

/// An account whose positions are tried in other sizes.
struct Trial {
    index: AccountIndex,
    account: Account,
}

impl Shortfall {
    fn required(&self) -> Balance {
        share(self.maintenance, self.level)
    }
}

impl<S: Sink> Live<'_, S> {
    /// Calls the margin of an account, takes the call back, or liquidates. Says whether it did.
    pub(super) fn comes_to_margin_limit(&mut self, index: AccountIndex) -> bool {
        let Some(rule) = self.durable.risk.as_deref().and_then(|risk| risk.policy.margin) else {
            return false;
        };
        let Some(account) = self.durable.account(index).filter(|it| it.margin().is_some()) else {
            return false;
        };
        let call = account.risk.as_deref().and_then(|risk| risk.call);
        let standing = self.standing(account);
        let (equity, required) = (standing.equity, share(standing.maintenance, rule.call_at));
        match call {
            None if equity < required => {
                let due_ns =
                    if rule.grace_ns > 0 { self.now_ns().saturating_add(rule.grace_ns) } else { 0 };
                let account = index;
                self.emit(RiskEvent::MarginCalled { account, equity, required, due_ns }.into());
                true
            }
            Some(_) if equity >= required => {
                self.emit(RiskEvent::MarginCallMet { account: index, equity, required }.into());
                true
            }
            Some(call) => {
                let is_due = call.due_ns > 0 && call.due_ns <= self.ephemeral.watch.told_ns;
                self.liquidates(index, &rule, is_due)
            }
            None => false,
        }
    }

    /// Time was told: values the accounts whose margin call has not been met by now. Whether a call
    /// is late is asked of this time, not of the present one, so that it never depends on whether a
    /// price happens to touch the account.
    pub fn look_at_calls(&mut self) {
        let Some(risk) = self.durable.risk.as_deref() else {
            return;
        };
        let now_ns = self.turn.time_ns;
        self.ephemeral.watch.told_ns = now_ns;
        let is_due = |index: &&AccountIndex| {
            let risk = self.durable.account(**index).and_then(|it| it.risk.as_deref());
            let due_ns = risk.and_then(|risk| risk.call).map_or(0, |call| call.due_ns);
            due_ns > 0 && due_ns <= now_ns
        };
        let due: Vec<AccountIndex> = risk.called.iter().filter(is_due).copied().collect();
        self.ephemeral.watch.dirty.extend(due);
    }

    /// Closes positions of an account whose call was not met in time, or that fell too far.
    fn liquidates(&mut self, index: AccountIndex, rule: &MarginRule, is_due: bool) -> bool {
        let Some(account) = self.durable.account(index) else {
            return false;
        };
        let standing = self.standing(account);
        let level = if is_due { rule.call_at } else { rule.liquidate_at };
        let short = Shortfall { equity: standing.equity, maintenance: standing.maintenance, level };
        let waits = self.durable.open_orders(index).any(|order| order.is_forced());
        if short.equity >= short.required() || waits {
            return false;
        }
        if !self.cancel_orders(index, Reason::Liquidation, true) {
            self.ephemeral.watch.dirty.insert(index);
            return true;
        }
        let Some(closing) = self.least_closing(index, &short) else {
            return false;
        };
        let order = self.next_order();
        self.emit(
            RiskEvent::Liquidated {
                account: index,
                order,
                instrument: closing.instrument,
                qty: closing.qty.saturating_abs(),
                equity: short.equity,
                required: short.required(),
            }
            .into(),
        );
        self.force(index, closing.instrument, closing.qty, Forced::Liquidation);
        // One that nobody can pay at this price would be sent for ever: it waits for another price.
        self.durable.order(order).is_none_or(|order| order.is_open() || order.filled > 0)
    }

    /// The least that has to be closed, or the best whole position when none is enough.
    fn least_closing(&self, index: AccountIndex, short: &Shortfall) -> Option<Closing> {
        let account = self.durable.account(index)?;
        let open = account.positions.iter().filter(|(_, position)| position.qty != 0);
        let open: Vec<(InstrumentIndex, Quantity)> =
            open.map(|(instrument, position)| (*instrument, position.qty)).collect();
        let mut trial = Trial { index, account: account.clone() };
        let whole: Vec<Closing> = open
            .into_iter()
            .filter_map(|(instrument, qty)| self.closing(&mut trial, short, instrument, qty))
            .collect();
        let cures = whole.iter().filter_map(|closing| self.cure(&mut trial, short, *closing));
        let least = cures.min_by_key(|closing| closing.value);
        least.or_else(|| whole.into_iter().max_by_key(|closing| closing.rate))
    }

    /// Closing this much of a position, valued at the present price.
    fn closing(
        &self,
        trial: &mut Trial,
        short: &Shortfall,
        instrument: InstrumentIndex,
        qty: Quantity,
    ) -> Option<Closing> {
        let terms = &self.durable.instrument(instrument)?.terms;
        let price = subject::price(self.durable, self.ephemeral, instrument)?;
        let value = Balance::from(terms.notional(price, qty)).abs();
        let freed = short.maintenance - self.maintenance_without(trial, instrument, qty);
        let rate = freed.saturating_mul(1_000_000_000) / value.max(1);
        Some(Closing { instrument, qty, value, rate })
    }

    /// What the account would have to have without this much of a position.
    fn maintenance_without(
        &self,
        trial: &mut Trial,
        instrument: InstrumentIndex,
        qty: Quantity,
    ) -> Balance {
        let position = trial.account.positions.entry(instrument).or_default();
        let held = position.qty;
        position.qty = held.saturating_sub(qty);
        let maintenance = self.standing(&trial.account).maintenance;
        trial.account.positions.entry(instrument).or_default().qty = held;
        maintenance
    }

    /// The least part of a position that cures the account, when the whole of it does.
    fn cure(&self, trial: &mut Trial, short: &Shortfall, whole: Closing) -> Option<Closing> {
        let lot = self.terms_of(whole.instrument)?.lot_size;
        let sign = whole.qty.signum();
        let most = whole.qty.saturating_abs();
        if !self.is_cured(trial, short, whole.instrument, whole.qty) {
            return None;
        }
        let (mut low, mut high) = (0, most / lot);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_cured(trial, short, whole.instrument, middle * lot * sign) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let part = low * lot * sign;
        let is_enough = self.is_cured(trial, short, whole.instrument, part);
        let qty = if is_enough { part } else { whole.qty };
        self.closing(trial, short, whole.instrument, qty)
    }

    /// Whether equity would cover the requirement after closing this much of a position.
    fn is_cured(
        &self,
        trial: &mut Trial,
        short: &Shortfall,
        instrument: InstrumentIndex,
        qty: Quantity,
    ) -> bool {
        let maintenance = self.maintenance_without(trial, instrument, qty);
        let left = Shortfall { maintenance, ..*short };
        short.equity - self.cost_of_closing(trial.index, instrument, qty) >= left.required()
    }

    /// What closing costs against the present price: the spread, the depth, the fees. What the book
    /// cannot take counts at the present price.
    fn cost_of_closing(
        &self,
        index: AccountIndex,
        instrument: InstrumentIndex,
        qty: Quantity,
    ) -> Balance {
        let record = self.durable.instrument(instrument);
        let price = subject::price(self.durable, self.ephemeral, instrument);
        let (Some(record), Some(market), Some(price)) = (record, self.market(instrument), price)
        else {
            return 0;
        };
        let side = if qty > 0 { Side::Sell } else { Side::Buy };
        let terms = closing_terms(index, instrument, side, qty.saturating_abs());
        let walk = walk(self.durable, self.ephemeral, (market, record), &terms);
        let value = Balance::from(record.terms.notional(price, walk.filled));
        let spread = match side {
            Side::Sell => value - walk.notional,
            Side::Buy => walk.notional - value,
        };
        spread + walk.fees
    }
}

fn closing_terms(
    account: AccountIndex,
    instrument: InstrumentIndex,
    side: Side,
    qty: Quantity,
) -> OrderTerms {
    OrderTerms {
        account,
        client_order_id: "liquidation".into(),
        instrument,
        side,
        order_type: OrderType::Market,
        qty,
        limit_price: None,
        stop_price: None,
        time_in_force: TimeInForce::Gtc,
        more: None,
    }
}

//! Cost methods and lots: which cost a fill takes out of a position.
//!
//! At average cost every unit costs the same. An account that keeps lots remembers what each
//! opening fill cost; a closing fill takes the oldest first (FIFO, what IRS Publication 550 asks
//! of those who do not name their lots), the newest first (LIFO), or those that the order names
//! and then the oldest (specific identification).

use crate::account::Account;
use crate::costs::{cost_of, signed};
use crate::durable::Durable;
use crate::event::Effects;
use crate::instrument::Instrument;
use crate::order::Order;
use crate::units::{Money, Nanos, Quantity, bounded_amount, clamp, share_of};
use crate::words::{CostMethod, Side};

/// What one fill opened of a position, as far as it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The fill that opened it.
    pub id: u64,
    /// How much is left; below zero: short.
    pub qty: Quantity,
    /// What that cost, without fees; below zero when short.
    pub cost: Money,
    /// When it was opened.
    pub opened_ns: Nanos,
}

/// What a fill closes of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The lot.
    pub id: u64,
    /// How much of it, above zero.
    pub qty: Quantity,
    /// The cost that this much had, above zero.
    pub cost: Money,
}

/// What a fill does to the lots of a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotChange {
    /// What it closes, in this order.
    pub closed: Vec<Closed>,
    /// What it opens: quantity and cost, below zero when short; nothing when it only closes.
    pub opened: (Quantity, Money),
}

/// What a fill does to its position: cost added or removed, profit, lots.
pub(crate) struct Booked {
    pub cost: Money,
    pub realized_pl: Money,
    pub lots: Option<LotChange>,
}

/// Books a fill of an order by the cost method of its account; contracts are at average cost.
pub(crate) fn book(
    account: &Account,
    instrument: &Instrument,
    order: &Order,
    qty: Quantity,
    notional: Money,
) -> Booked {
    let terms = &order.terms;
    let position = account.position(terms.instrument);
    let is_contract = instrument.contract.is_some();
    if account.terms.cost_method == CostMethod::Average || is_contract {
        let (cost, realized_pl) = cost_of(position, terms.side, qty, notional);
        return Booked { cost, realized_pl, lots: None };
    }
    let closing = position.closing(terms.side).min(qty);
    let closed = close_lots(account, order, closing);
    let share: Money = closed.iter().map(|lot| lot.cost).fold(0, Money::saturating_add);
    let closing_notional = match closing {
        0 => 0,
        closing => clamp(share_of(i128::from(notional), closing, qty)),
    };
    let profit = signed(terms.side, share.saturating_sub(closing_notional));
    let opened_cost = notional - closing_notional;
    let opened = (signed(terms.side, qty - closing), signed(terms.side, opened_cost));
    let opened = if qty == closing { (0, 0) } else { opened };
    Booked {
        cost: share.saturating_add(opened_cost),
        realized_pl: profit,
        lots: Some(LotChange { closed, opened }),
    }
}

/// Takes `closing` out of the lots, in the order of the account's method.
fn close_lots(account: &Account, order: &Order, closing: Quantity) -> Vec<Closed> {
    let lots = account.lots(order.terms.instrument);
    let named: &[u64] = order.terms.more.as_deref().map_or(&[], |more| &more.lot_ids);
    let mut left = closing;
    let mut closed = Vec::new();
    let mut take = |lot: &Lot| {
        let held = lot.qty.saturating_abs();
        let qty = held.min(left);
        if qty > 0 {
            let cost = clamp(share_of(i128::from(lot.cost).abs(), qty, held));
            closed.push(Closed { id: lot.id, qty, cost });
            left -= qty;
        }
    };
    let of_lots = lots.iter().fold((0_i64, 0_i64), |sum, lot| {
        (sum.0.saturating_add(lot.qty), sum.1.saturating_add(lot.cost))
    });
    match account.terms.cost_method {
        CostMethod::Lifo => lots.iter().rev().for_each(&mut take),
        CostMethod::Specific => {
            let by_name = named.iter().filter_map(|id| lots.iter().find(|lot| lot.id == *id));
            by_name.for_each(&mut take);
            lots.iter().filter(|lot| !named.contains(&lot.id)).for_each(&mut take);
        }
        CostMethod::Average | CostMethod::Fifo => lots.iter().for_each(&mut take),
    }
    // What came otherwise than by a fill, such as by an exercise, is in no lot.
    let position = account.position(order.terms.instrument);
    let qty = position.qty.saturating_sub(of_lots.0);
    let cost = position.cost.saturating_sub(of_lots.1);
    take(&Lot { id: 0, qty, cost, opened_ns: 0 });
    closed
}

/// Changes the lots of a position as a fill says; a new lot has the id of the fill.
pub(crate) fn change(lots: &mut Vec<Lot>, change: &LotChange, id: u64, opened_ns: Nanos) {
    for closed in &change.closed {
        if let Some(lot) = lots.iter_mut().find(|lot| lot.id == closed.id) {
            let sign = lot.qty.signum();
            lot.qty = lot.qty.saturating_sub(closed.qty.saturating_mul(sign));
            lot.cost = lot.cost.saturating_sub(closed.cost.saturating_mul(sign));
        }
    }
    lots.retain(|lot| lot.qty != 0);
    let (qty, cost) = change.opened;
    if qty != 0 {
        lots.push(Lot { id, qty, cost, opened_ns });
    }
}

/// What a fill does beyond cash and position. `proceeds` is what a sell brings, its fee taken off.
pub(crate) fn effects_of(
    durable: &Durable,
    order: &Order,
    proceeds: Money,
    booked: Booked,
) -> Option<Box<Effects>> {
    let record = durable.instrument(order.terms.instrument)?;
    let account = durable.account(order.terms.account)?;
    let is_here = record.currency == account.currency;
    // A margined contract brings no proceeds: only its profit moves.
    let settles = (order.terms.side == Side::Sell && !record.terms.is_margined())
        .then(|| durable.settles_on(record.terms.exchange))
        .flatten()
        .map(|day| (day, proceeds));
    if booked.lots.is_none() && is_here && settles.is_none() {
        return None;
    }
    let realized_here = (!is_here).then(|| {
        let profit = i128::from(booked.realized_pl);
        let here = durable.money.convert(profit, record.currency, account.currency);
        bounded_amount(here.unwrap_or(0))
    });
    Effects { lots: booked.lots, realized_here, settles }.boxed()
}

/// The lots of a position whose quantity and cost became others, as in a split: each keeps its
/// share, and all together are exactly the new position.
pub(crate) fn shared_out(lots: &[Lot], qty: Quantity, cost: Money) -> Vec<Lot> {
    let whole = |of: fn(&Lot) -> i64| lots.iter().map(of).fold(0, i64::saturating_add);
    let (all_qty, all_cost) = (whole(|lot| lot.qty), whole(|lot| lot.cost));
    let (mut seen, mut given) = ((0, 0), (0, 0));
    let mut shared: Vec<Lot> = Vec::new();
    for lot in lots {
        seen = (i64::saturating_add(seen.0, lot.qty), i64::saturating_add(seen.1, lot.cost));
        let upto = (part_of(qty, seen.0, all_qty), part_of(cost, seen.1, all_cost));
        let (qty, cost) = (upto.0 - given.0, upto.1 - given.1);
        given.1 = upto.1;
        given.0 = upto.0;
        match shared.last_mut() {
            Some(last) if qty == 0 => last.cost = last.cost.saturating_add(cost),
            Some(last) if last.qty == 0 => {
                *last = Lot { qty, cost: cost.saturating_add(last.cost), ..*lot };
            }
            _ => shared.push(Lot { qty, cost, ..*lot }),
        }
    }
    shared.retain(|lot| lot.qty != 0);
    shared
}

/// `total * part / whole`, where part and whole have one sign.
fn part_of(total: i64, part: i64, whole: i64) -> i64 {
    if whole == 0 {
        0
    } else {
        clamp(share_of(total.into(), part.saturating_abs(), whole.saturating_abs()))
    }
}

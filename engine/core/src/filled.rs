//! What a fill changes: the order, the account, the position, and the balances of its ledger lines.

use crate::account::Position;
use crate::durable::Durable;
use crate::event::{Fill, Turn};
use crate::evolve::{forget_open, set_aside};
use crate::instrument::Mark;
use crate::ledger::{hold_more, post_fill};
use crate::money::evolve::apply_effects;
use crate::order::Order;
use crate::units::{Balance, Quantity};
use crate::words::{Counterparty, Side, Status};

/// Lets a fill happen.
pub(crate) fn evolve(durable: &mut Durable, fill: &Fill) {
    if !fill_plainly(durable, fill) {
        fill_order(durable, fill);
        post_fill(durable, fill);
    }
}

/// The fill of an order in a plain instrument of a cash account's own currency, which changes
/// nothing but the order, the account and the position: what `fill_order` and `post_fill` do, with
/// each of them looked up once. Says whether it was one.
fn fill_plainly(durable: &mut Durable, fill: &Fill) -> bool {
    let is_plain =
        !fill.margined && fill.effects.is_none() && fill.volume_day == 0 && fill.deposit == 0;
    let Durable { orders, accounts, instruments, currencies, turn, .. } = durable;
    let record = instruments.get_mut(fill.instrument as usize);
    let account = accounts.get_mut(fill.account as usize);
    let place = orders.place(fill.order);
    let (Some(record), Some(account), Some(place), true) = (record, account, place, is_plain)
    else {
        return false;
    };
    let is_own = account.currency == record.currency && account.terms.margin.is_none();
    let currency = currencies.get_mut(record.currency as usize);
    let (Some(currency), Some(order), true) =
        (currency, orders.at_mut(place), is_own && record.contract.is_none())
    else {
        return false;
    };
    let promised = fill_terms(order, fill, turn);
    let (paid, got) = match fill.side {
        Side::Buy => (-Balance::from(fill.notional), fill.qty),
        Side::Sell => (Balance::from(fill.notional), -fill.qty),
    };
    let (cash, holding) = match fill.counterparty {
        Counterparty::House => (&mut currency.house, &mut record.house),
        Counterparty::User => (&mut currency.clearing, &mut record.clearing),
    };
    *cash -= paid;
    *holding -= Balance::from(got);
    currency.fees += Balance::from(fill.fee);
    account.held -= Balance::from(fill.release);
    account.cash += paid - Balance::from(fill.fee);
    account.realized_pl += Balance::from(fill.realized_pl);
    account.seq = turn.seq;
    let position = account.positions.entry(fill.instrument).or_default();
    change_position(position, fill, (false, promised), turn.seq);
    hold_more(record, position, (fill.account, got));
    if record.mark == Mark::default() {
        record.mark.last = Some(fill.price);
    }
    durable.next_fill = fill.number + 1;
    if fill.completes {
        forget_open(durable, place);
    }
    true
}

/// Fills an order; gives how much of a position it had promised to change.
fn fill_terms(order: &mut Order, fill: &Fill, turn: &Turn) -> Quantity {
    order.filled = order.filled.saturating_add(fill.qty);
    order.filled_value += fill.value;
    order.hold -= fill.release;
    order.status = if fill.completes { Status::Filled } else { Status::PartiallyFilled };
    order.updated_ns = turn.time_ns;
    order.seq = turn.seq;
    if order.promises() { fill.qty } else { 0 }
}

/// Cost, profit and promises of a position after a fill; what is held is posted.
fn change_position(
    position: &mut Position,
    fill: &Fill,
    (is_margin, promised): (bool, Quantity),
    seq: u64,
) {
    position.realized_pl += Balance::from(fill.realized_pl);
    position.seq = seq;
    match fill.side {
        Side::Buy => {
            position.cost = position.cost.saturating_add(fill.cost);
            if is_margin {
                position.covering = position.covering.saturating_sub(promised);
            }
        }
        Side::Sell => {
            position.cost = position.cost.saturating_sub(fill.cost);
            position.promised = position.promised.saturating_sub(promised);
        }
    }
}

fn fill_order(durable: &mut Durable, fill: &Fill) {
    durable.next_fill = fill.number + 1;
    let turn = durable.turn;
    let place = durable.orders.place(fill.order);
    let order = place.and_then(|place| durable.orders.at_mut(place));
    let promised = order.map_or(0, |order| fill_terms(order, fill, &turn));
    let seq = turn.seq;
    let record = durable.instrument(fill.instrument);
    let (exchange, currency) =
        record.map(|record| (record.terms.exchange, record.currency)).unzip();
    let Some(account) = durable.accounts.get_mut(fill.account as usize) else {
        return;
    };
    if let Some(exchange) = exchange.filter(|_| fill.volume_day != 0) {
        crate::fees::count_volume(account, exchange, (fill.volume_day, fill.notional));
    }
    set_aside(account, currency, -Balance::from(fill.release));
    let effects = fill.effects.as_deref();
    let realized_here = effects.and_then(|effects| effects.realized_here);
    account.realized_pl += Balance::from(realized_here.unwrap_or(fill.realized_pl));
    account.deposited += Balance::from(fill.deposit);
    account.seq = seq;
    let is_margin = account.terms.margin.is_some();
    let position = account.positions.entry(fill.instrument).or_default();
    change_position(position, fill, (is_margin, promised), seq);
    if let Some(record) = durable.instruments.get_mut(fill.instrument as usize) {
        if record.mark == Mark::default() {
            record.mark.last = Some(fill.price);
        }
    }
    if let Some(effects) = effects {
        apply_effects(durable, fill, effects);
    }
    if let Some(place) = place.filter(|_| fill.completes) {
        forget_open(durable, place);
    }
}

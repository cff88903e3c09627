//! What is to be done next for an action: the decisions, amount by amount.

use crate::corporate::event::{CorporateEvent, OrderAdjusted, PositionAdjusted};
use crate::corporate::{Action, Change, Cursor, Stage};
use crate::costs::hold_at;
use crate::durable::Durable;
use crate::event::Event;
use crate::ids::AccountIndex;
use crate::instrument::{Instrument, InstrumentRecord, Mark};
use crate::lots::shared_out;
use crate::more_terms::MoreTerms;
use crate::order::Order;
use crate::orders::Chain;
use crate::units::{
    AMOUNT_MAX, Balance, Money, PRICE_MAX, Price, QUANTITY_MAX, Quantity, RATE_SCALE, Rounding,
    bounded_amount, clamp, divide, power_of_ten, share_of,
};
use crate::words::{OrderType, Reason, Side, TimeInForce};

/// The mark after the ex-time: a split moves prices by its ratio, rounded half-even.
pub(crate) fn mark_after(mark: Mark, change: &Change) -> Mark {
    let Change::Split { new, old } = *change else {
        return mark;
    };
    let scaled = |price: Option<Price>| price.map(|price| ratio(price, old, new).max(1));
    Mark {
        bid: scaled(mark.bid),
        ask: scaled(mark.ask),
        last: scaled(mark.last),
        high: scaled(mark.high),
        low: scaled(mark.low),
    }
}

fn ratio(price: Price, times: u32, by: u32) -> Price {
    let scaled = divide(i128::from(price) * i128::from(times), i128::from(by), Rounding::HalfEven);
    clamp(scaled.min(i128::from(PRICE_MAX)))
}

/// The next step of an action that works; `None` when all accounts are done.
pub(crate) fn next_step(durable: &Durable, action: &Action) -> Option<Event> {
    let Stage::Working(cursor) = action.stage else {
        return None;
    };
    (cursor.account..durable.accounts.len() as AccountIndex).find_map(|account| {
        let here = if account == cursor.account {
            cursor
        } else {
            Cursor { account, ..Cursor::default() }
        };
        step_of_account(durable, action, here)
    })
}

/// Positions grow before their orders and shrink after them, so promises never exceed what is
/// held.
fn step_of_account(durable: &Durable, action: &Action, cursor: Cursor) -> Option<Event> {
    let corporate = |event: Option<CorporateEvent>| event.map(|it| Event::Corporate(Box::new(it)));
    if let Change::Rename { .. } = action.change {
        return corporate(rename_step(durable, action, cursor));
    }
    let grows = matches!(action.change, Change::Split { new, old } if new > old);
    let position = || match cursor.position {
        true => None,
        false => corporate(position_step(durable, action, cursor.account)),
    };
    let order = || order_step(durable, action, cursor);
    if grows { position().or_else(order) } else { order().or_else(position) }
}

fn rename_step(durable: &Durable, action: &Action, cursor: Cursor) -> Option<CorporateEvent> {
    let account = durable.account(cursor.account)?;
    let has_order = durable
        .orders
        .of(account.open_orders, Chain::Account)
        .any(|order| order.terms.instrument == action.instrument);
    let concerned = has_order || account.positions.contains_key(&action.instrument);
    let event = CorporateEvent::Renamed { id: action.id.clone(), account: cursor.account };
    concerned.then_some(event)
}

fn order_step(durable: &Durable, action: &Action, cursor: Cursor) -> Option<Event> {
    let account = durable.account(cursor.account)?;
    let instrument = &durable.instrument(action.instrument)?.terms;
    let orders = durable.orders.of(account.open_orders, Chain::Account).filter(|order| {
        order.terms.instrument == action.instrument
            && (cursor.order..action.below).contains(&order.number)
    });
    for order in orders {
        let cancel = |reason| Event::Canceled {
            order: order.number,
            reason,
            release: order.hold,
            request: None,
        };
        let is_combined = order.terms.is_combo() || order.terms.is_bound();
        let adjusted = match action.change {
            // A net price says nothing about one leg: it stays, and ends when a leg changes.
            Change::CashDividend { .. } if is_combined => continue,
            Change::Split { .. } if is_combined => return Some(cancel(Reason::CorporateAction)),
            Change::Delist { .. } => return Some(cancel(Reason::Delisted)),
            Change::CashDividend { amount } => match reduced(durable, instrument, order, amount) {
                Some(adjusted) => adjusted,
                None => continue,
            },
            Change::Split { new, old } => split_order(instrument, order, new, old),
            Change::Rename { .. } => return None,
        };
        let prices = [adjusted.limit_price, adjusted.stop_price];
        let stands = prices.into_iter().flatten().all(|price| (1..=PRICE_MAX).contains(&price));
        if !stands || adjusted.qty <= adjusted.filled || adjusted.qty > QUANTITY_MAX {
            return Some(cancel(Reason::CorporateAction));
        }
        let (id, adjusted) = (action.id.clone(), Box::new(adjusted));
        return Some(Event::Corporate(Box::new(CorporateEvent::Order { id, adjusted })));
    }
    None
}

/// The order on the ex-date of a cash dividend: open buy limits and sell stops that live longer
/// than the day come down by the dividend, to the tick below (FINRA Rule 5330).
fn reduced(
    durable: &Durable,
    instrument: &Instrument,
    order: &Order,
    amount: i64,
) -> Option<OrderAdjusted> {
    let terms = &order.terms;
    let lives_on =
        !matches!(terms.time_in_force, TimeInForce::Day | TimeInForce::Ioc | TimeInForce::Fok);
    let below_the_market = match (terms.side, terms.order_type) {
        (Side::Buy, OrderType::Limit) => true,
        (Side::Sell, OrderType::Stop | OrderType::StopLimit) => !order.triggered,
        _ => false,
    };
    if !lives_on || !below_the_market || terms.more().do_not_reduce {
        return None;
    }
    let less = |price: Option<Price>| {
        let rate = power_of_ten(u32::from(RATE_SCALE));
        let amount = i128::from(amount) * power_of_ten(u32::from(instrument.price_scale));
        price.map(|price| {
            let exact = i128::from(price) * rate - amount;
            to_tick(instrument, exact, rate, false)
        })
    };
    let limit_price = less(terms.limit_price);
    let hold = match (terms.side, limit_price) {
        (Side::Buy, Some(limit)) if limit > 0 => {
            order.hold.min(hold_at(durable, terms.instrument, limit, order.leaves()))
        }
        _ => order.hold,
    };
    Some(OrderAdjusted {
        order: order.number,
        qty: terms.qty,
        filled: order.filled,
        waits: order.extra().waits,
        limit_price,
        stop_price: less(terms.stop_price),
        more: terms.more.clone(),
        hold,
        shown_from: terms.more().display_qty.map(|_| order.extra().shown_from),
    })
}

/// `numerator / denominator` on the tick grid; 0 when nothing above zero is left.
fn to_tick(instrument: &Instrument, numerator: i128, denominator: i128, up: bool) -> Price {
    let rounding = if up { Rounding::Up } else { Rounding::Down };
    let price = clamp(divide(numerator.max(0), denominator, rounding).min(i128::from(PRICE_MAX)));
    if up { instrument.tick_up(price) } else { instrument.tick_down(price) }
}

/// The order after a split: the same value at the new ratio, prices to the tick away from the
/// market, quantity down to whole lots.
fn split_order(instrument: &Instrument, order: &Order, new: u32, old: u32) -> OrderAdjusted {
    let terms = &order.terms;
    let is_buy = terms.side == Side::Buy;
    // The price that an if-touched order waits for lies on the other side of the market.
    let stop_is_beyond = !terms.order_type.is_touched();
    let price = |price: Option<Price>, up: bool| {
        price.map(|price| {
            to_tick(instrument, i128::from(price) * i128::from(old), i128::from(new), up)
        })
    };
    let filled = quantity(order.filled, new, old);
    let leaves = instrument.whole_lots(quantity(order.leaves(), new, old));
    let waits = instrument.whole_lots(quantity(order.extra().waits, new, old));
    let mut more = terms.more.clone();
    if let Some(more) = more.as_deref_mut() {
        split_more(instrument, more, is_buy, (new, old));
    }
    let display = more.as_ref().and_then(|more| more.display_qty);
    let shown_from = display.map(|display| {
        let left = instrument.whole_lots(quantity(left_of_part(order), new, old)).min(display);
        // Of a part that is left with nothing the next one shows.
        let left = if left == 0 { display } else { left };
        (filled - (display - left)).max(0)
    });
    OrderAdjusted {
        order: order.number,
        qty: clamp(i128::from(filled) + i128::from(leaves) + i128::from(waits)),
        filled,
        waits,
        limit_price: price(terms.limit_price, !is_buy),
        stop_price: price(terms.stop_price, is_buy == stop_is_beyond),
        more,
        hold: order.hold,
        shown_from,
    }
}

/// What is left of the part that an iceberg shows, were there enough of it.
fn left_of_part(order: &Order) -> Quantity {
    let display = order.terms.more().display_qty.unwrap_or(0);
    display - (order.filled - order.extra().shown_from)
}

fn split_more(instrument: &Instrument, more: &mut MoreTerms, is_buy: bool, (new, old): (u32, u32)) {
    let price = |price: Price, up: bool| {
        to_tick(instrument, i128::from(price) * i128::from(old), i128::from(new), up)
            .max(instrument.tick_size)
    };
    if let Some(trail) = more.trail_price {
        more.trail_price = Some(price(trail, true));
    }
    if let Some(mark) = more.water_mark {
        more.water_mark = Some(price(mark, !is_buy));
    }
    if let Some(display) = more.display_qty {
        let shown = instrument.whole_lots(quantity(display, new, old));
        more.display_qty = Some(shown.max(instrument.lot_size));
    }
    // The orders that close the position stand on the other side.
    if let Some(profit) = &mut more.take_profit {
        profit.limit_price = price(profit.limit_price, is_buy);
    }
    if let Some(loss) = &mut more.stop_loss {
        loss.stop_price = loss.stop_price.map(|stop| price(stop, !is_buy));
        loss.limit_price = loss.limit_price.map(|limit| price(limit, is_buy));
        loss.trail_price = loss.trail_price.map(|trail| price(trail, true));
    }
}

/// A quantity at the new ratio, cut towards zero.
fn quantity(qty: Quantity, new: u32, old: u32) -> Quantity {
    let exact = i128::from(qty) * i128::from(new) / i128::from(old);
    clamp(exact.clamp(-i128::from(QUANTITY_MAX), i128::from(QUANTITY_MAX)))
}

fn position_step(
    durable: &Durable,
    action: &Action,
    index: AccountIndex,
) -> Option<CorporateEvent> {
    let record = durable.instrument(action.instrument)?;
    let (terms, id) = (&record.terms, action.id.clone());
    let position = durable.account(index)?.positions.get(&action.instrument)?;
    if position.qty == 0 {
        return None;
    }
    let removed = |qty: Quantity, of: Quantity, price: Price| {
        // Part and whole have one sign; the share is that of their sizes.
        let (part, whole) = (qty.saturating_abs(), of.saturating_abs());
        let cost = clamp(share_of(i128::from(position.cost), part, whole));
        (cost, bounded_amount(terms.value(price, qty, Rounding::HalfEven)))
    };
    let (qty, (cost, cash)) = match action.change {
        Change::Rename { .. } => return None,
        Change::CashDividend { amount } => {
            let amount = dividend(terms, position.qty, amount);
            let here = here(durable, index, record, amount);
            let owed = CorporateEvent::Owed { id, account: index, amount, here };
            return (amount != 0).then_some(owed);
        }
        Change::Delist { price } => (-position.qty, removed(position.qty, position.qty, price)),
        Change::Split { new, old } => {
            let exact = quantity(position.qty, new, old);
            let fraction = exact % terms.lot_size;
            let price = record.mark.price().unwrap_or(0);
            let whole = if exact == 0 { 1 } else { exact };
            let gone =
                if exact == 0 { (position.cost, 0) } else { removed(fraction, whole, price) };
            (exact - fraction - position.qty, gone)
        }
    };
    let lots = durable.account(index)?.lots(action.instrument);
    let left = (position.qty.saturating_add(qty), position.cost.saturating_sub(cost));
    let profit = bounded_amount(i128::from(cash) - i128::from(cost));
    let adjusted = Box::new(PositionAdjusted {
        lots: shared_out(lots, left.0, left.1),
        account: index,
        instrument: action.instrument,
        qty,
        cost: -cost,
        cash,
        realized_pl: profit,
        realized_here: here(durable, index, record, profit),
    });
    Some(CorporateEvent::Position { id, adjusted })
}

/// Money of an instrument in the currency of an account, when that is another one; nothing where
/// there is no rate.
fn here(
    durable: &Durable,
    index: AccountIndex,
    record: &InstrumentRecord,
    amount: Money,
) -> Option<Money> {
    let account = durable.account(index).filter(|it| it.currency != record.currency)?;
    let here = durable.money.convert(amount.into(), record.currency, account.currency);
    Some(bounded_amount(here.unwrap_or(0)))
}

/// What a position is paid, half-even to the money scale; negative for a short.
fn dividend(terms: &Instrument, qty: Quantity, amount: i64) -> Money {
    bounded_amount(dividend_of(terms, qty, amount))
}

fn dividend_of(terms: &Instrument, qty: Quantity, amount: i64) -> Balance {
    let scale = u32::from(RATE_SCALE - crate::units::MONEY_SCALE + terms.qty_scale);
    let value = i128::from(qty) * i128::from(amount);
    divide(value, power_of_ten(scale), Rounding::HalfEven)
}

/// The most that one account would be owed or would owe, when no event can carry it.
pub(crate) fn dividend_beyond_bounds(durable: &Durable, action: &Action) -> Option<Balance> {
    let Change::CashDividend { amount } = action.change else {
        return None;
    };
    let terms = &durable.instrument(action.instrument)?.terms;
    let is_beyond = |owed: &Balance| *owed > Balance::from(AMOUNT_MAX);
    if !is_beyond(&dividend_of(terms, QUANTITY_MAX, amount)) {
        return None;
    }
    let held = durable.accounts.iter().map(|account| account.position(action.instrument).qty);
    held.map(|qty| dividend_of(terms, qty, amount).abs()).max().filter(is_beyond)
}

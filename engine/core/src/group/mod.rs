//! Orders that belong together: bracket, OCO, OTO, multi-leg.
//!
//! A group is one command, one request and one turn. Its parent is the order that the client sent;
//! its legs are orders of their own with the numbers behind it. The legs of a bracket and of an OTO
//! are held until the parent fills, and grow with every part of it; two legs that cancel each other
//! lose what the other one fills, so they never trade more than the parent did. A multi-leg order is
//! the other way round: its legs trade together or not at all (`combo` says what it asks for, `books`
//! what stands there, `paying` what it costs, `trading` lives it, `resting` finds it again).

mod books;
mod combo;
mod deciding;
mod paying;
pub(crate) mod preview;
mod replacing;
mod resting;
mod trading;

pub(crate) use combo::check_net_price;
pub(crate) use resting::Combos;

use crate::ids::{IdKind, OrderNumber, format_uuid, make};
use crate::more_terms::{MoreTerms, StopLoss};
use crate::order::OrderTerms;
use crate::reply::Refusal;
use crate::units::PRICE_MAX;
use crate::words::{Held, OrderClass, OrderType, Side, TimeInForce, refusal};

fn refuse(field: &'static str, detail: &str) -> Result<(), Refusal> {
    Err(Refusal::malformed(refusal::INVALID_TERMS, detail).at(field))
}

/// Whether the terms of a group go together; what does not is refused and not kept.
pub(crate) fn check_group(terms: &OrderTerms) -> Result<(), Refusal> {
    let more = terms.more();
    if terms.is_combo() {
        return combo::check_combo(terms);
    }
    if !more.legs.is_empty() {
        return refuse("legs", "only a multi-leg order (mleg) has legs");
    }
    let (profit, loss) = (more.take_profit.is_some(), more.stop_loss.is_some());
    match (more.order_class, profit, loss) {
        (OrderClass::Simple, false, false) => return Ok(()),
        (OrderClass::Bracket, true, true) | (OrderClass::Oco, _, true) => {}
        (OrderClass::Oto, true, false) | (OrderClass::Oto, false, true) => {}
        (OrderClass::Simple, ..) => {
            return refuse("order_class", "say which order_class take_profit and stop_loss make");
        }
        (OrderClass::Bracket, ..) => {
            return refuse("order_class", "a bracket needs take_profit and stop_loss");
        }
        (OrderClass::Oco, ..) => return refuse("stop_loss", "an oco needs a stop_loss"),
        (OrderClass::Oto, ..) => {
            return refuse("order_class", "an oto needs one of take_profit and stop_loss");
        }
        (OrderClass::Mleg, ..) => {}
    }
    if matches!(terms.time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
        return refuse("time_in_force", "orders of a group must be able to wait");
    }
    if more.order_class == OrderClass::Oco && terms.order_type != OrderType::Limit {
        return refuse("type", "the first order of an oco is a limit order");
    }
    if let Some(loss) = &more.stop_loss {
        check_loss(loss)?;
    }
    check_sides(terms)
}

fn check_loss(loss: &StopLoss) -> Result<(), Refusal> {
    let given = [loss.stop_price, loss.trail_price, loss.trail_percent];
    if given.iter().flatten().count() != 1 {
        return refuse("stop_loss", "give one of stop_price, trail_price and trail_percent");
    }
    if loss.limit_price.is_some() && loss.stop_price.is_none() {
        return refuse("stop_loss", "only a stop_loss with a stop_price has a limit_price");
    }
    let fits = |price: &i64| (1..=PRICE_MAX).contains(price);
    let prices = [loss.stop_price, loss.limit_price, loss.trail_price, loss.trail_percent];
    if !prices.iter().flatten().all(fits) || loss.trail_percent.is_some_and(|it| it >= 1_000_000) {
        return refuse("stop_loss", "its prices must be greater than zero and within bounds");
    }
    Ok(())
}

/// The profit of an exit lies on the better side of its loss.
fn check_sides(terms: &OrderTerms) -> Result<(), Refusal> {
    let more = terms.more();
    let profit = match (&more.take_profit, more.order_class) {
        (_, OrderClass::Oco) => terms.limit_price,
        (profit, _) => profit.as_ref().map(|profit| profit.limit_price),
    };
    if profit.is_some_and(|price| !(1..=PRICE_MAX).contains(&price)) {
        return refuse(
            "take_profit",
            "its limit_price must be greater than zero and within bounds",
        );
    }
    let loss = more.stop_loss.as_ref().and_then(|loss| loss.stop_price);
    let (Some(profit), Some(loss)) = (profit, loss) else {
        return Ok(());
    };
    let is_fine = if exit_side(terms) == Side::Sell { profit > loss } else { profit < loss };
    if is_fine {
        return Ok(());
    }
    refuse("stop_loss", "the profit must be taken at a better price than the loss is stopped at")
}

/// The side of the legs: an OCO is an exit itself, the others enter first.
const fn exit_side_of(side: Side, class: OrderClass) -> Side {
    match class {
        OrderClass::Oco => side,
        _ => side.opposite(),
    }
}

fn exit_side(terms: &OrderTerms) -> Side {
    exit_side_of(terms.side, terms.more().order_class)
}

/// The parent with its ties, and the legs of a group whose parent gets this number.
pub(crate) fn tie(
    terms: &OrderTerms,
    number: OrderNumber,
    prefix: u64,
) -> (OrderTerms, Vec<OrderTerms>) {
    let (mut parent, more) = (terms.clone(), terms.more());
    let mut legs = Vec::new();
    if let Some(profit) = more.take_profit.as_ref().filter(|_| more.order_class != OrderClass::Oco)
    {
        let mut leg = leg_of(terms, number);
        leg.order_type = OrderType::Limit;
        leg.limit_price = Some(profit.limit_price);
        legs.push(leg);
    }
    if let Some(loss) = &more.stop_loss {
        legs.push(stop_leg(terms, number, loss));
    }
    if more.order_class == OrderClass::Oco {
        set_more(&mut parent, |more| more.sibling = Some(number + 1));
        legs.iter_mut().for_each(|leg| set_more(leg, |more| more.sibling = Some(number)));
    } else if let [profit, loss] = legs.as_mut_slice() {
        set_more(profit, |more| more.sibling = Some(number + 2));
        set_more(loss, |more| more.sibling = Some(number + 1));
    }
    for (leg, number) in legs.iter_mut().zip(number + 1..) {
        // An id that no client can have used: the order's own.
        leg.client_order_id = format_uuid(make(prefix, IdKind::Order, number)).as_str().into();
    }
    (parent, legs)
}

fn set_more(terms: &mut OrderTerms, change: impl FnOnce(&mut MoreTerms)) {
    change(terms.more.get_or_insert_default());
}

/// A leg without type and prices.
fn leg_of(parent: &OrderTerms, number: OrderNumber) -> OrderTerms {
    let more = parent.more();
    OrderTerms {
        side: exit_side(parent),
        limit_price: None,
        stop_price: None,
        more: MoreTerms {
            parent: Some(number),
            held: (more.order_class != OrderClass::Oco).then_some(Held::Parent),
            expires_ns: more.expires_ns,
            extended_hours: more.extended_hours,
            ..MoreTerms::NONE
        }
        .boxed(),
        ..parent.clone()
    }
}

fn stop_leg(parent: &OrderTerms, number: OrderNumber, loss: &StopLoss) -> OrderTerms {
    let mut leg = leg_of(parent, number);
    leg.order_type = match (loss.stop_price, loss.limit_price) {
        (None, _) => OrderType::TrailingStop,
        (_, None) => OrderType::Stop,
        (_, Some(_)) => OrderType::StopLimit,
    };
    (leg.stop_price, leg.limit_price) = (loss.stop_price, loss.limit_price);
    set_more(&mut leg, |more| {
        (more.trail_price, more.trail_percent) = (loss.trail_price, loss.trail_percent);
    });
    leg
}

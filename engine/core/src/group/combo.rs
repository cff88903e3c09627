//! Multi-leg orders: what they ask for, and whether it makes sense.
//!
//! The parent counts strategies. It stands under the leg with the largest multiplier (the first
//! of them), which prices it: the net price is the money that one strategy costs, divided by that
//! multiplier, so two options trade at the difference of their prices and stock with a call at the
//! price of a share. A debit is positive, a credit negative. Its legs are orders of their own with
//! the numbers behind it, bound to it and to each other, and stand in no book.

use crate::contract::Multiplier;
use crate::durable::Durable;
use crate::ids::{IdKind, InstrumentIndex, OrderNumber, format_uuid, make};
use crate::instrument::{Instrument, InstrumentRecord};
use crate::json::Value;
use crate::more_terms::{Leg, MoreTerms, legs_of};
use crate::order::{Order, OrderTerms};
use crate::reply::Refusal;
use crate::units::{Balance, PRICE_MAX, Price, QUANTITY_MAX, Quantity, Rounding, clamp};
use crate::wire::Fields;
use crate::words::{
    Held, OrderClass, OrderType, PositionIntent, SelfTrade, Side, TimeInForce, refusal,
};

/// How many legs a multi-leg order has at least and at most.
const LEGS: std::ops::RangeInclusive<usize> = 2..=4;
/// The most strategies that it may take to trade whole lots of all legs.
const STEP_MAX: i64 = 1_000_000;
/// The largest ratio of a leg.
const RATIO_MAX: i64 = 10_000;

fn refuse<T>(field: &'static str, detail: &str) -> Result<T, Refusal> {
    Err(Refusal::malformed(refusal::INVALID_TERMS, detail).at(field))
}

impl OrderTerms {
    /// Whether it is the parent of a multi-leg order.
    pub(crate) fn is_combo(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.order_class == OrderClass::Mleg)
    }

    /// Whether it is a leg that trades only together with the others of its multi-leg order.
    pub(crate) fn is_bound(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.held == Some(Held::Group))
    }
}

/// The multiplier of an instrument; one for what is simply held.
fn multiplier(instrument: &Instrument) -> Multiplier {
    instrument.contract.as_deref().map_or(Multiplier::ONE, |contract| contract.multiplier)
}

/// The leg that prices a strategy: the first with the largest multiplier.
pub(crate) fn pricing_leg<'a>(durable: &Durable, legs: &'a [Leg]) -> Option<&'a Leg> {
    let size = |leg: &Leg| {
        let record = durable.instrument(leg.instrument);
        record.map_or(0, |record| multiplier(&record.terms).number())
    };
    let largest = legs.iter().map(size).max()?;
    legs.iter().find(|leg| size(leg) == largest)
}

impl<'a> Fields<'a> {
    /// The leg that a multi-leg order stands under; `None` for every other order.
    pub(crate) fn pricing_leg(
        &self,
    ) -> Result<Option<(InstrumentIndex, &'a Instrument, Side)>, Refusal> {
        if self.get("order_class").and_then(Value::text) != Some(OrderClass::Mleg.word()) {
            return Ok(None);
        }
        let refuse =
            |field, detail: &str| Err(Refusal::malformed(refusal::INVALID_TERMS, detail).at(field));
        for field in ["symbol", "side"] {
            if self.get(field).is_some() {
                return refuse(field, "a multi-leg order has no symbol and no side: its legs have");
            }
        }
        let legs = legs_of(self)?;
        let priced = pricing_leg(self.durable, &legs).and_then(|leg| {
            let record = self.durable.instrument(leg.instrument)?;
            Some((leg.instrument, &record.terms, leg.side))
        });
        match priced {
            Some(priced) => Ok(Some(priced)),
            None => refuse("legs", "a multi-leg order has two to four legs"),
        }
    }
}

/// Whether the terms of a multi-leg order go together; what does not is refused and not kept.
pub(crate) fn check_combo(terms: &OrderTerms) -> Result<(), Refusal> {
    let more = terms.more();
    if !LEGS.contains(&more.legs.len()) {
        return refuse("legs", "a multi-leg order has two to four legs");
    }
    let is_twice = |(at, leg): (usize, &Leg)| {
        more.legs.iter().take(at).any(|other| other.instrument == leg.instrument)
    };
    if more.legs.iter().enumerate().any(is_twice) {
        return refuse("legs", "every leg trades another instrument");
    }
    let goes_with_its_side = |leg: &Leg| {
        leg.position_intent.is_none_or(|it| PositionIntent::of(leg.side, it.closes()) == it)
    };
    if !more.legs.iter().all(goes_with_its_side) {
        return refuse("position_intent", "the position_intent of a leg goes with its side");
    }
    if !matches!(terms.order_type, OrderType::Market | OrderType::Limit) {
        return refuse("type", "a multi-leg order is a market or a limit order");
    }
    check_net_price(terms)?;
    if matches!(terms.time_in_force, TimeInForce::Opg | TimeInForce::Cls) {
        return refuse("time_in_force", "multi-leg orders take no part in auctions");
    }
    let may = MoreTerms {
        order_class: OrderClass::Mleg,
        legs: more.legs.clone(),
        expires_ns: more.expires_ns,
        self_trade: more.self_trade,
        when_closed: more.when_closed,
        ..MoreTerms::NONE
    };
    if *more != may {
        return refuse(
            "order_class",
            "of the further terms it has only expire_time, self_trade and when_closed",
        );
    }
    if more.self_trade == Some(SelfTrade::Decrement) {
        return refuse("self_trade", "the legs of a multi-leg order cannot shrink by themselves");
    }
    Ok(())
}

/// A net price may be zero or a credit.
pub(crate) fn check_net_price(terms: &OrderTerms) -> Result<(), Refusal> {
    let refuse = |reason, field, detail| Err(Refusal::malformed(reason, detail).at(field));
    match (terms.order_type.has_limit(), terms.limit_price) {
        (true, None) => {
            return refuse(refusal::MISSING_PRICE, "limit_price", "give the net limit_price");
        }
        (false, Some(_)) => {
            let detail = "a market order has no limit_price; leave it out";
            return refuse(refusal::UNEXPECTED_PRICE, "limit_price", detail);
        }
        (_, Some(price)) if !(-PRICE_MAX..=PRICE_MAX).contains(&price) => {
            return refuse(
                refusal::INVALID_PRICE,
                "limit_price",
                "the net limit_price has more digits than the engine keeps: at most 18",
            );
        }
        _ => {}
    }
    match terms.stop_price {
        None => Ok(()),
        Some(_) => {
            let detail = "a multi-leg order has no stop_price; leave it out";
            refuse(refusal::UNEXPECTED_PRICE, "stop_price", detail)
        }
    }
}

/// One leg, with the instrument that it trades.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub leg: &'a Leg,
    pub record: &'a InstrumentRecord,
}

impl Part<'_> {
    /// An amount as this leg pays it: buys pay, sells are paid.
    pub fn signed(&self, amount: Balance) -> Balance {
        if self.leg.side == Side::Buy { amount } else { -amount }
    }

    /// How many strategies are whole lots of this leg.
    fn lots(&self) -> i64 {
        let lot = self.record.terms.lot_size.max(1);
        lot / greatest_common(lot, self.leg.ratio_qty).max(1)
    }
}

/// A multi-leg order and the instruments that it trades.
pub(super) struct Combo<'a> {
    pub terms: &'a OrderTerms,
    pub parts: Vec<Part<'a>>,
    /// The instrument that prices it.
    pub pricing: &'a InstrumentRecord,
    /// How many strategies trade whole lots of every leg.
    pub step: i64,
}

impl<'a> Combo<'a> {
    /// `None` when one of its instruments is not there.
    pub fn of(durable: &'a Durable, terms: &'a OrderTerms) -> Option<Combo<'a>> {
        let part = |leg: &'a Leg| Some(Part { leg, record: durable.instrument(leg.instrument)? });
        let parts = terms.more().legs.iter().map(part).collect::<Option<Vec<_>>>()?;
        let step = parts.iter().fold(1, |step, part| common_multiple(step, part.lots()));
        Some(Combo { terms, parts, pricing: durable.instrument(terms.instrument)?, step })
    }

    /// What one step of a leg is.
    pub fn step_of(&self, part: &Part<'_>) -> Quantity {
        part.leg.ratio_qty.saturating_mul(self.step).max(1)
    }

    /// The parent's quantity of one strategy.
    pub fn one(&self) -> Quantity {
        self.pricing.terms.one()
    }

    /// How many strategies a quantity of the parent is.
    pub fn count(&self, qty: Quantity) -> i64 {
        qty / self.one()
    }

    /// The money of one strategy at its limit; `None` at any price.
    pub fn limit_money(&self) -> Option<Balance> {
        let price = self.terms.limit_price?;
        Some(self.pricing.terms.value(price, self.one(), Rounding::Down))
    }

    /// The net price that an amount of money for so many strategies stands for, half-even.
    pub fn net_price(&self, money: Balance, strategies: i64) -> Price {
        let qty = self.one().saturating_mul(strategies);
        self.pricing.terms.average_price(money, qty).clamp(-PRICE_MAX, PRICE_MAX)
    }

    /// Whether its legs can be traded together at all.
    pub fn check(&self) -> Result<(), Refusal> {
        for part in &self.parts {
            let (ratio, one) = (part.leg.ratio_qty, part.record.terms.one());
            if ratio <= 0 || ratio % one != 0 || ratio / one > RATIO_MAX {
                return refuse("ratio_qty", "a ratio_qty is a whole number from 1 to 10000");
            }
            if part.record.terms.is_margined() {
                return refuse("legs", "legs are stocks, funds, coins and options: no futures");
            }
        }
        let ratio = |part: &Part<'_>| part.leg.ratio_qty / part.record.terms.one();
        if self.parts.iter().map(ratio).fold(0, greatest_common) != 1 {
            return refuse("ratio_qty", "divide the ratios by what they have in common");
        }
        self.check_venue()?;
        if self.step > STEP_MAX {
            return refuse("ratio_qty", "no fair number of strategies is whole lots of all legs");
        }
        if self.terms.qty % self.one() != 0 {
            let detail = "the qty counts whole strategies";
            return Err(Refusal::malformed(refusal::INVALID_QUANTITY, detail).at("qty"));
        }
        let most = |part: &Part<'_>| QUANTITY_MAX / part.leg.ratio_qty;
        if let Some(part) = self.parts.iter().find(|it| self.count(self.terms.qty) > most(it)) {
            let terms = &part.record.terms;
            let detail = format!(
                "{} times {} {} is more than {}",
                self.count(self.terms.qty),
                terms.format_quantity(part.leg.ratio_qty),
                terms.symbol,
                terms.format_quantity(QUANTITY_MAX)
            );
            return Err(Refusal::malformed(refusal::INVALID_QUANTITY, detail).at("qty"));
        }
        Ok(())
    }

    fn check_venue(&self) -> Result<(), Refusal> {
        let venue = |record: &InstrumentRecord| (record.terms.exchange, record.currency);
        if self.parts.iter().any(|part| venue(part.record) != venue(self.pricing)) {
            return refuse("legs", "all legs trade on one exchange in one currency");
        }
        Ok(())
    }

    /// Whether the order stands under the leg that prices it, as the wire puts it.
    pub fn is_priced_by(&self, leg: Option<&Leg>) -> bool {
        leg.is_some_and(|leg| {
            (leg.instrument, leg.side) == (self.terms.instrument, self.terms.side)
        })
    }

    /// The terms of a leg for so many strategies, without its ties.
    pub fn leg_terms(&self, part: &Part<'_>, strategies: i64) -> OrderTerms {
        OrderTerms {
            instrument: part.leg.instrument,
            side: part.leg.side,
            qty: part.leg.ratio_qty.saturating_mul(strategies),
            limit_price: None,
            more: MoreTerms {
                when_closed: self.terms.more().when_closed,
                position_intent: part.leg.position_intent,
                ..MoreTerms::NONE
            }
            .boxed(),
            ..self.terms.clone()
        }
    }
}

fn common_multiple(one: i64, other: i64) -> i64 {
    (one / greatest_common(one, other).max(1)).saturating_mul(other).max(1)
}

fn greatest_common(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common(other, one % other) }
}

/// The legs of a multi-leg order whose parent gets this number, bound to it.
pub(super) fn tie_legs(combo: &Combo<'_>, number: OrderNumber, prefix: u64) -> Vec<OrderTerms> {
    let more = combo.terms.more();
    let strategies = combo.count(combo.terms.qty);
    let tied = |(part, own): (&Part<'_>, OrderNumber)| OrderTerms {
        // An id that no client can have used: the order's own.
        client_order_id: format_uuid(make(prefix, IdKind::Order, own)).as_str().into(),
        more: MoreTerms {
            parent: Some(number),
            held: Some(Held::Group),
            expires_ns: more.expires_ns,
            self_trade: more.self_trade,
            when_closed: more.when_closed,
            position_intent: part.leg.position_intent,
            ..MoreTerms::NONE
        }
        .boxed(),
        ..combo.leg_terms(part, strategies)
    };
    combo.parts.iter().zip(number + 1..).map(tied).collect()
}

/// How many strategies are left of an open multi-leg order.
pub(super) fn strategies_left(combo: &Combo<'_>, order: &Order) -> i64 {
    combo.count(clamp(i128::from(order.leaves())))
}

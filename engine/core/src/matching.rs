//! Incoming orders meet the other side; every amount of a fill is decided here.

use crate::account::Position;
use crate::book::{Owner, reaches};
use crate::durable::{Due, Durable};
use crate::event::{Event, Fill};
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::live::Live;
use crate::market::{Market, Offer};
use crate::order::Order;
use crate::sink::{Print, Sink};
use crate::units::{
    AMOUNT_MAX, Balance, Money, Price, QUANTITY_MAX, Quantity, Rounding, clamp, divide, share_of,
};
use crate::words::{Counterparty, Liquidity, OrderType, Reason, Side, TimeInForce};

/// How one side of a trade takes part in it.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    pub liquidity: Liquidity,
    pub counterparty: Counterparty,
}

impl Role {
    pub const fn new(liquidity: Liquidity, counterparty: Counterparty) -> Role {
        Role { liquidity, counterparty }
    }
}

impl<S: Sink> Live<'_, S> {
    /// Lets an order take what it can at once.
    pub fn execute(&mut self, number: OrderNumber) {
        while let Some((order, offer)) = self.next_offer(number) {
            let (instrument, side, leaves) =
                (order.terms.instrument, order.terms.side, order.leaves());
            let maker = match offer.resting {
                Some((_, Owner::User(maker))) => Some(maker),
                _ => None,
            };
            if maker.is_some_and(|maker| self.leave_if_due(maker)) {
                continue;
            }
            let wanted = leaves.min(offer.qty);
            let payable = self.payable(number, offer.price, wanted, Liquidity::Taker);
            if payable == 0 {
                self.cancel(number, Reason::InsufficientBuyingPower, None);
                return;
            }
            let qty = match maker {
                Some(maker) => self.payable(maker, offer.price, payable, Liquidity::Maker),
                None => payable,
            };
            if let (0, Some(maker)) = (qty, maker) {
                self.cancel(maker, Reason::InsufficientBuyingPower, None);
                continue;
            }
            self.trade(number, &offer, maker, qty);
            self.print_trade(instrument, offer.price, qty, Some(side));
        }
    }

    fn next_offer(&self, number: OrderNumber) -> Option<(&Order, Offer)> {
        let order = self.order(number).filter(|order| order.leaves() > 0)?;
        let offer = self.market(order.terms.instrument)?.offers(order.terms.side).next()?;
        let reaches = reaches(order.terms.side, order.price_limit(), offer.price);
        reaches.then_some((order, offer))
    }

    fn trade(
        &mut self,
        taker: OrderNumber,
        offer: &Offer,
        maker: Option<OrderNumber>,
        qty: Quantity,
    ) {
        let counterparty = if maker.is_some() { Counterparty::User } else { Counterparty::House };
        self.fill(taker, offer.price, qty, Role::new(Liquidity::Taker, counterparty));
        match maker {
            Some(maker) => {
                self.fill(maker, offer.price, qty, Role::new(Liquidity::Maker, counterparty));
            }
            None => self.take_outside(taker, offer, qty),
        }
    }

    /// Takes liquidity of the house that a user's order has just traded with.
    fn take_outside(&mut self, taker: OrderNumber, offer: &Offer, qty: Quantity) {
        let Some((instrument, side)) =
            self.durable.order(taker).map(|order| (order.terms.instrument, order.terms.side))
        else {
            return;
        };
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        match offer.resting {
            Some((handle, Owner::Agent(id))) => {
                if qty == offer.qty {
                    market.agents.remove(&id);
                }
                market.book.reduce(handle, qty);
            }
            _ => market.street.take(side.opposite(), offer.price, qty),
        }
    }

    pub fn print_trade(
        &mut self,
        instrument: InstrumentIndex,
        price: Price,
        qty: Quantity,
        side: Option<Side>,
    ) {
        let time_ns = self.now_ns();
        self.print(Print { instrument, time_ns, price, qty, side });
    }

    /// Fills one side of a trade.
    pub fn fill(&mut self, number: OrderNumber, price: Price, qty: Quantity, role: Role) {
        let fill =
            self.order(number).and_then(|order| decide_fill(self.durable, order, price, qty, role));
        if let Some(fill) = fill {
            self.emit(Event::Filled(fill));
        }
    }

    /// How much of `wanted` the order's account can pay at this price, in whole lots.
    pub fn payable(
        &self,
        number: OrderNumber,
        price: Price,
        wanted: Quantity,
        liquidity: Liquidity,
    ) -> Quantity {
        self.order(number).map_or(0, |order| payable(self.durable, order, price, wanted, liquidity))
    }

    /// What happens to the part of an order that could not be filled at once.
    pub fn settle(&mut self, number: OrderNumber) {
        let Some(order) = self.durable.open_order(number) else {
            return;
        };
        let nothing_there = order.filled == 0 && order.price_limit().is_none();
        match order.terms.time_in_force {
            TimeInForce::Ioc | TimeInForce::Fok => {
                let reason = if nothing_there { Reason::NoLiquidity } else { Reason::IocRemainder };
                self.cancel(number, reason, None);
            }
            TimeInForce::Day | TimeInForce::Gtc => self.ephemeral.link(self.durable, number),
        }
    }

    /// Lets an order that has just come to the market trade, then rest.
    pub fn enter(&mut self, number: OrderNumber) {
        let Some(instrument) = self.order(number).map(|order| order.terms.instrument) else {
            return;
        };
        if self.may_trade(instrument) {
            self.execute(number);
        }
        self.settle(number);
        self.serve_waiting(instrument);
    }

    /// Lets market-priced orders that wait take what has come since.
    pub fn serve_waiting(&mut self, instrument: InstrumentIndex) {
        if !self.may_trade(instrument) {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            let Some(market) = self.market(instrument) else {
                return;
            };
            if market.waiting(side).next().is_none() || market.offers(side).next().is_none() {
                continue;
            }
            let waiting: Vec<OrderNumber> = market.waiting(side).collect();
            for number in waiting {
                if self.is_full() {
                    self.ephemeral.unfinished.insert(instrument);
                    return;
                }
                if !self.leave_if_due(number) {
                    self.execute(number);
                }
            }
        }
    }

    /// Cancels an open order and sets its hold free.
    pub fn cancel(
        &mut self,
        order: OrderNumber,
        reason: Reason,
        request: Option<crate::event::RequestId>,
    ) {
        if let Some(release) = self.order(order).map(|order| order.hold) {
            self.emit(Event::Canceled { order, reason, release, request });
        }
    }

    /// Closes an order that is due to leave; says whether it was.
    pub fn leave_if_due(&mut self, number: OrderNumber) -> bool {
        let Some(order) = self.order(number) else {
            return false;
        };
        let release = order.hold;
        match self.durable.due(order) {
            None => return false,
            Some(Due::Cancel) => self.cancel(number, Reason::Requested, None),
            Some(Due::Expire) => self.emit(Event::Expired { order: number, release }),
        }
        true
    }
}

/// Decides every amount of a fill.
pub(crate) fn decide_fill(
    durable: &Durable,
    order: &Order,
    price: Price,
    qty: Quantity,
    role: Role,
) -> Option<Fill> {
    let terms = &order.terms;
    let instrument = &durable.instrument(terms.instrument)?.terms;
    let account = durable.account(terms.account)?;
    let notional = instrument.notional(price, qty);
    let fee = fee_of(durable, instrument, terms.side, qty, notional, role.liquidity);
    let completes = qty == order.leaves();
    let (cost, realized_pl) =
        cost_of(account.position(terms.instrument), terms.side, qty, notional);
    let release = if completes {
        order.hold
    } else {
        let spent = i128::from(notional) + i128::from(fee);
        release_of(durable, order, qty, spent - account.buying_power())
    };
    Some(Fill {
        number: durable.next_fill,
        order: order.number,
        account: terms.account,
        instrument: terms.instrument,
        side: terms.side,
        price,
        qty,
        value: i128::from(price) * i128::from(qty),
        notional,
        fee,
        release,
        cost,
        realized_pl,
        liquidity: role.liquidity,
        counterparty: role.counterparty,
        completes,
    })
}

/// Cost that a fill adds to or removes from a position at average cost, and the profit of a sell.
fn cost_of(position: Position, side: Side, qty: Quantity, notional: Money) -> (Money, Money) {
    match side {
        Side::Buy => (notional, 0),
        Side::Sell => {
            let share = share_of(i128::from(position.cost), qty, position.qty.max(1));
            (clamp(share), notional - clamp(share))
        }
    }
}

/// The fee of a fill. A sell never pays more than its proceeds, so no account falls below zero.
fn fee_of(
    durable: &Durable,
    instrument: &Instrument,
    side: Side,
    qty: Quantity,
    notional: Money,
    liquidity: Liquidity,
) -> Money {
    let Some(exchange) = durable.exchange_for(instrument) else {
        return 0;
    };
    let fee = exchange.terms.fees.of_fill(instrument, qty, notional, liquidity);
    if side == Side::Sell { fee.min(notional) } else { fee }
}

/// What a partial fill sets free of a hold: what the rest no longer needs, and at least `needed`,
/// the part of the price that buying power does not cover.
fn release_of(durable: &Durable, order: &Order, qty: Quantity, needed: Balance) -> Money {
    let leaves = order.leaves();
    let rest = leaves - qty;
    let hold = i128::from(order.hold);
    let kept = match order.price_limit() {
        Some(limit) if order.terms.side == Side::Buy => {
            i128::from(hold_at(durable, order.terms.instrument, limit, rest))
        }
        _ => divide(hold * i128::from(rest), i128::from(leaves), Rounding::Up),
    };
    clamp((hold - kept).max(needed).clamp(0, hold))
}

/// The cash that a buy at this price sets aside: value and fee, rounded up. At the engine's bound
/// when it is beyond.
pub(crate) fn hold_at(
    durable: &Durable,
    instrument: InstrumentIndex,
    price: Price,
    qty: Quantity,
) -> Money {
    let Some(record) = durable.instrument(instrument) else {
        return AMOUNT_MAX;
    };
    let value = record.terms.value(price, qty, Rounding::Up).min(i128::from(AMOUNT_MAX));
    let fees = durable.exchange_for(&record.terms).map(|exchange| exchange.terms.fees);
    let fee = fees.map_or(0, |fees| fees.of_hold(&record.terms, qty, clamp(value)));
    clamp((value + i128::from(fee)).min(i128::from(AMOUNT_MAX)))
}

/// How much of `wanted` the account of an order can pay at this price, in whole lots. A sell is
/// bounded only by what one event can carry.
pub(crate) fn payable(
    durable: &Durable,
    order: &Order,
    price: Price,
    wanted: Quantity,
    liquidity: Liquidity,
) -> Quantity {
    let terms = &order.terms;
    let (Some(record), Some(account)) =
        (durable.instrument(terms.instrument), durable.account(terms.account))
    else {
        return 0;
    };
    let instrument = &record.terms;
    let bounded = instrument.quantity_within_bounds(price, wanted);
    if terms.side == Side::Sell {
        return bounded;
    }
    let position = account.position(terms.instrument);
    let bounded = bounded.min(instrument.whole_lots(QUANTITY_MAX - position.qty));
    let room = i128::from(AMOUNT_MAX - position.cost);
    let budget = (account.buying_power() + i128::from(order.hold)).min(room);
    let cost = |qty: Quantity| {
        let notional = instrument.notional(price, qty);
        let fee = fee_of(durable, instrument, Side::Buy, qty, notional, liquidity);
        i128::from(notional) + i128::from(fee)
    };
    most_lots(bounded, instrument.lot_size, |qty| cost(qty) <= budget)
}

/// The largest multiple of `lot` up to `most` that fits, found by halving; `most` itself when it
/// fits, whole lots or not.
fn most_lots(most: Quantity, lot: Quantity, fits: impl Fn(Quantity) -> bool) -> Quantity {
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0, most / lot);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle * lot) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low * lot
}

/// What an order would meet if it came now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    /// How much it would fill.
    pub filled: Quantity,
    /// Sum of the notionals.
    pub notional: Balance,
    /// Sum of the fees.
    pub fees: Balance,
    /// The last price it would meet.
    pub worst: Option<Price>,
}

/// Walks the offers that an order of these terms would meet, fill by fill.
pub(crate) fn walk(
    durable: &Durable,
    market: &Market,
    instrument: &Instrument,
    terms: &crate::order::OrderTerms,
) -> Walk {
    let mut walk = Walk::default();
    let limit = if terms.order_type == OrderType::Market { None } else { terms.limit_price };
    for offer in market.offers(terms.side) {
        if walk.filled == terms.qty || !reaches(terms.side, limit, offer.price) {
            break;
        }
        if is_leaving(durable, &offer) {
            continue;
        }
        let qty = offer.qty.min(terms.qty - walk.filled);
        let notional = instrument.notional(offer.price, qty);
        let fee = fee_of(durable, instrument, terms.side, qty, notional, Liquidity::Taker);
        walk.filled += qty;
        walk.notional += i128::from(notional);
        walk.fees += i128::from(fee);
        walk.worst = Some(offer.price);
    }
    walk
}

/// Whether the order behind an offer is due to leave and will not trade.
fn is_leaving(durable: &Durable, offer: &Offer) -> bool {
    let Some((_, Owner::User(number))) = offer.resting else {
        return false;
    };
    durable.order(number).is_some_and(|order| durable.due(order).is_some())
}

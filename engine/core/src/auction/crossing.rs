//! An auction that was left trades: instrument by instrument, order by order, at one price.
//!
//! Orders that take any price come first, then better limit prices; at one price the street, then
//! orders by time. The work is bounded by the turn: where it stands is an event.

use super::{Count, expected};
use crate::book::{Handle, Owner, Resting, reaches};
use crate::event::Event;
use crate::ids::{ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::market::Market;
use crate::matching::Role;
use crate::session::{Crossing, Phase, SessionEvent};
use crate::sink::Sink;
use crate::units::{Price, Quantity};
use crate::words::{AuctionKind, Counterparty, How, Liquidity, Side};

/// Who trades next on a side.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Party {
    User(OrderNumber),
    Bot(Handle, u64),
    Street(Price),
}

/// A side of the next trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub party: Party,
    pub qty: Quantity,
}

impl<S: Sink> Live<'_, S> {
    /// Uncrosses the auctions that were left, as much as the turn may.
    pub fn cross_auctions(&mut self) {
        while let Some(crossing) = self.durable.sessions.crossings.first().copied() {
            // Orders that are due to leave take no part, so they go first.
            self.work_off_due();
            if self.durable.next_due().is_some() {
                return;
            }
            match self.cross_from(&crossing) {
                Some((next, left)) => {
                    self.tell(SessionEvent::CrossingMoved { next, left });
                    self.release_after_auction(crossing.exchange, crossing.next..next);
                    return;
                }
                None => {
                    self.tell(SessionEvent::CrossingEnded);
                    self.release_after_auction(crossing.exchange, crossing.next..crossing.end);
                }
            }
        }
    }

    fn tell(&mut self, event: SessionEvent) {
        self.emit(Event::Session(Box::new(event)));
    }

    /// Crosses instruments from where the crossing stands; says where it has to go on and what is
    /// left there, if the turn was full.
    fn cross_from(&mut self, crossing: &Crossing) -> Option<(InstrumentIndex, Quantity)> {
        let mut begun = crossing.price;
        for index in crossing.next..crossing.end {
            let price = begun.take();
            let is_here = self.durable.phase(index) == Phase::Auction(crossing.auction)
                && crossing.covers(index, self.exchange_of(index)?);
            let is_fresh = self.market(index).is_some_and(|market| market.is_fresh);
            if !is_here || !is_fresh {
                continue;
            }
            if self.is_full() {
                return Some((index, 0));
            }
            if self.ephemeral.is_isolated {
                if self.cross_apart(crossing.auction, index) {
                    continue;
                }
                return Some((index, 0));
            }
            let Some((price, qty)) = price.or_else(|| self.find_price(crossing.auction, index))
            else {
                continue;
            };
            let left = self.cross(crossing.auction, index, price, qty);
            if left > 0 {
                return Some((index, left));
            }
        }
        None
    }

    fn exchange_of(&self, index: InstrumentIndex) -> Option<ExchangeIndex> {
        self.terms_of(index).map(|terms| terms.exchange)
    }

    /// Decides the price of an instrument's auction and tells it, if anything trades.
    pub fn find_price(
        &mut self,
        auction: AuctionKind,
        instrument: InstrumentIndex,
    ) -> Option<(Price, Quantity)> {
        let market = self.market(instrument)?;
        let first = expected(self.durable, market, instrument, auction, Count::All)?;
        let found = match self.size_for(auction, instrument, first.price) {
            true => {
                let market = self.market(instrument)?;
                expected(self.durable, market, instrument, auction, Count::All)?
            }
            false => first,
        };
        self.tell(SessionEvent::Crossed {
            instrument,
            auction,
            price: found.price,
            qty: found.qty,
            imbalance: found.imbalance,
            side: found.side,
        });
        Some((found.price, found.qty))
    }

    /// Trades at the auction's price until nothing is left, nobody is left, or the turn is full;
    /// gives what is left in that last case.
    pub fn cross(
        &mut self,
        auction: AuctionKind,
        instrument: InstrumentIndex,
        price: Price,
        qty: Quantity,
    ) -> Quantity {
        let (mut left, mut traded) = (qty, 0);
        while left > 0 && !self.is_full() {
            let (Some(buy), Some(sell)) = (
                self.next_taker(auction, instrument, Side::Buy, price),
                self.next_taker(auction, instrument, Side::Sell, price),
            ) else {
                left = 0;
                break;
            };
            let paired = self.pair(instrument, price, [buy, sell], left);
            left -= paired;
            traded += paired;
        }
        if traded > 0 {
            self.print_outside(instrument, price, traded, None);
        }
        left
    }

    /// Lets two sides trade; gives how much. One that cannot pay leaves instead.
    fn pair(
        &mut self,
        instrument: InstrumentIndex,
        price: Price,
        sides: [Taker; 2],
        left: Quantity,
    ) -> Quantity {
        let mut qty = left.min(sides[0].qty).min(sides[1].qty);
        for side in sides {
            let Party::User(number) = side.party else {
                continue;
            };
            if self.changes_size(number, price) {
                return 0;
            }
            qty = self.payable(number, price, qty, Liquidity::Maker);
            if qty == 0 {
                self.cancel(number, self.why_unpayable(number), None);
                return 0;
            }
        }
        let is_user = |taker: &Taker| matches!(taker.party, Party::User(_));
        let counterparty = match sides.iter().all(is_user) {
            true => Counterparty::User,
            false => Counterparty::House,
        };
        for (side, taker) in [Side::Buy, Side::Sell].into_iter().zip(sides) {
            self.take_part(instrument, side, taker, (price, qty), counterparty);
        }
        qty
    }

    /// Gives the orders for an amount of money that take any price the quantity that it buys at
    /// this one; says whether that changed any.
    fn size_for(
        &mut self,
        auction: AuctionKind,
        instrument: InstrumentIndex,
        price: Price,
    ) -> bool {
        let mut numbers: Vec<OrderNumber> = Vec::new();
        if let Some(market) = self.market(instrument) {
            for side in [Side::Buy, Side::Sell] {
                let parked = market.parked.iter().flat_map(|it| it.orders(auction, side));
                numbers.extend(market.waiting(side).chain(parked));
            }
        }
        let mut changed = false;
        for number in numbers {
            changed |= !self.is_full() && self.changes_size(number, price);
        }
        changed
    }

    /// Gives an order for an amount of money its quantity at the auction's price; says whether
    /// that changed it.
    pub fn changes_size(&mut self, number: OrderNumber, price: Price) -> bool {
        let leaves = |live: &Self| live.order(number).map(|order| order.leaves());
        let before = leaves(self);
        let notional = self.order(number).and_then(|order| order.terms.more().notional);
        if notional.is_some() {
            self.size(number, Some(price));
        }
        leaves(self) != before
    }

    fn take_part(
        &mut self,
        instrument: InstrumentIndex,
        side: Side,
        taker: Taker,
        (price, qty): (Price, Quantity),
        counterparty: Counterparty,
    ) {
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        match taker.party {
            Party::User(number) => {
                let role = Role::new(Liquidity::Maker, counterparty).how(How::Auction);
                self.fill(number, price, qty, role);
            }
            Party::Bot(handle, id) => market.reduce_bot((handle, id), qty, taker.qty),
            Party::Street(level) => market.street.take(side, level, qty),
        }
    }

    /// Who trades next on a side at this price.
    pub fn next_taker(
        &self,
        auction: AuctionKind,
        instrument: InstrumentIndex,
        side: Side,
        price: Price,
    ) -> Option<Taker> {
        let market = self.market(instrument)?;
        let parked = market.parked.as_ref();
        let parked = parked.and_then(|parked| parked.orders(auction, side).next());
        let priced = parked.and_then(|number| self.order(number)?.price_limit());
        let any_price = parked.filter(|_| priced.is_none());
        let waiting = [market.waiting(side).next(), any_price].into_iter().flatten();
        if let Some(first) = waiting.min_by_key(|number| self.priority(*number)) {
            return self.as_taker(first);
        }
        let resting = market.best_in_auction(side);
        let parked = parked.zip(priced).filter(|(number, limit)| match resting {
            None => true,
            Some(best) => self.comes_first(side, (*number, *limit), best),
        });
        let booked = resting.and_then(|best| Some((best.price, self.resting_taker(best)?)));
        let best = match parked {
            Some((number, limit)) => Some((limit, self.as_taker(number)?)),
            None => booked,
        };
        let is_alone = market.is_seated();
        let street =
            if is_alone { None } else { street_first(market, side, best.map(|(limit, _)| limit)) };
        let (limit, taker) = street.or(best)?;
        reaches(side, Some(limit), price).then_some(taker)
    }

    fn priority(&self, number: OrderNumber) -> u64 {
        self.order(number).map_or(u64::MAX, |order| order.priority)
    }

    fn as_taker(&self, number: OrderNumber) -> Option<Taker> {
        let qty = self.order(number)?.leaves();
        Some(Taker { party: Party::User(number), qty })
    }

    /// All of an iceberg trades, not just the part that is shown.
    fn resting_taker(&self, resting: Resting) -> Option<Taker> {
        match resting.owner {
            Owner::User(number) => self.as_taker(number),
            Owner::Agent(id) => {
                Some(Taker { party: Party::Bot(resting.handle, id), qty: resting.qty })
            }
        }
    }

    /// Whether an order that is for the auction only comes before the best of the book.
    fn comes_first(&self, side: Side, parked: (OrderNumber, Price), best: Resting) -> bool {
        let (number, limit) = parked;
        if limit != best.price {
            return !reaches(side, Some(best.price), limit);
        }
        match best.owner {
            Owner::User(other) => self.priority(number) < self.priority(other),
            Owner::Agent(_) => false,
        }
    }

    /// Lets trading go on where an auction is done: late orders come to their places first.
    fn release_after_auction(
        &mut self,
        exchange: ExchangeIndex,
        range: std::ops::Range<InstrumentIndex>,
    ) {
        let state = self.durable.exchange(exchange).map(|record| record.state);
        if state.is_some_and(|state| state.is_extended()) {
            self.ephemeral.relink(self.durable, exchange);
        }
        for index in range.clone() {
            self.ephemeral.wake(self.durable, index);
        }
        self.release(exchange, range);
    }
}

/// The street's best level, when no order has a better price.
fn street_first(market: &Market, side: Side, best: Option<Price>) -> Option<(Price, Taker)> {
    let (level, qty) = market.street.available(side).next()?;
    let is_first = best.is_none_or(|best| match side {
        Side::Buy => level >= best,
        Side::Sell => level <= best,
    });
    is_first.then_some((level, Taker { party: Party::Street(level), qty }))
}

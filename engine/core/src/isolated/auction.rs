//! An auction of an isolated world: the outside has its auction, and each account takes part in
//! it as if it were the only one.
//!
//! Where the outside crosses by itself (bots, or a crossed street), accounts trade at the price
//! that it finds, as far as it is on the other side at that price. Else there is no price of an
//! auction: buys trade at the outside's best ask, sells at its best bid, as far as it shows there.
//! No order of a user moves the price, and none is better served than the outside allowed.

use crate::auction::{Count, Party, expected};
use crate::book::{Owner, reaches};
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::isolated::SIDES;
use crate::live::Live;
use crate::market::Market;
use crate::matching::Role;
use crate::order::Order;
use crate::sink::Sink;
use crate::units::{Price, Quantity, clamp};
use crate::words::{AuctionKind, Counterparty, How, Liquidity, Side};

/// One side of an account in an auction.
#[derive(Clone, Copy)]
struct Turn {
    auction: AuctionKind,
    instrument: InstrumentIndex,
    side: Side,
    price: Price,
}

impl Market {
    /// What the outside shows best of a side, whoever took of it.
    fn shown_best(&self, side: Side) -> Option<Price> {
        let street = self.street.displayed(side).next().map(|(price, _)| price);
        let bots = self.bots_book().best(side).map(|order| order.price);
        let best = street.into_iter().chain(bots);
        if side == Side::Buy { best.max() } else { best.min() }
    }

    /// How much of the other side can reach an order of the account at work: what is there for it
    /// at this price, less what trades before it on its own side.
    fn room_at(&self, account: AccountIndex, turn: Turn, order: &Order) -> i128 {
        let there = self.offers(account, turn.side);
        let there = there.filter(|it| reaches(turn.side, Some(turn.price), it.price));
        let there: i128 = there.map(|offer| i128::from(offer.qty)).sum();
        let Some((limit, apart)) = order.price_limit().zip(self.apart.as_ref()) else {
            return there;
        };
        let street = self.street.available(turn.side);
        let street = street.filter(|(price, _)| match turn.side {
            Side::Buy => *price >= limit,
            Side::Sell => *price <= limit,
        });
        let street: i128 = street.map(|(_, qty)| i128::from(qty)).sum();
        there - street - apart.ahead(turn.side, limit, order)
    }
}

impl<S: Sink> Live<'_, S> {
    /// Lets every account and then the house have their auction; says whether all of it is done.
    pub(crate) fn cross_apart(&mut self, auction: AuctionKind, index: InstrumentIndex) -> bool {
        self.ephemeral.stand(index);
        let found = self.market(index).and_then(|market| {
            expected(self.durable, market, index, auction, Count::All).map(|found| found.price)
        });
        let tenants = self.ephemeral.market_mut(index).map_or(Vec::new(), Market::tenants);
        for account in tenants {
            self.ephemeral.sit(index, account);
            for side in SIDES {
                let shown = self.market(index).and_then(|it| it.shown_best(side.opposite()));
                let Some(price) = found.or(shown) else {
                    continue;
                };
                let turn = Turn { auction, instrument: index, side, price };
                if !self.cross_side(account, turn) {
                    return false;
                }
            }
        }
        self.ephemeral.stand(index);
        if let Some((price, qty)) = self.find_price(auction, index) {
            self.cross(auction, index, price, qty);
        }
        true
    }

    /// Lets a side of the account at work trade; says whether it is done.
    fn cross_side(&mut self, account: AccountIndex, turn: Turn) -> bool {
        let Turn { auction, instrument, side, price } = turn;
        while let Some(taker) = self.next_taker(auction, instrument, side, price) {
            if self.is_full() {
                return false;
            }
            let Party::User(number) = taker.party else {
                break;
            };
            if self.changes_size(number, price) {
                continue;
            }
            let room = self.order(number).zip(self.market(instrument));
            let room = room.map_or(0, |(order, market)| market.room_at(account, turn, order));
            let wanted = taker.qty.min(clamp(room.max(0)));
            if wanted == 0 {
                break;
            }
            let qty = self.payable(number, price, wanted, Liquidity::Maker);
            if qty == 0 {
                self.cancel(number, self.why_unpayable(number), None);
                continue;
            }
            let role = Role::new(Liquidity::Maker, Counterparty::House).how(How::Auction);
            self.fill(number, price, qty, role);
            self.take_best(account, turn, qty);
        }
        true
    }

    /// Takes a quantity from the outside, best prices first.
    fn take_best(&mut self, account: AccountIndex, turn: Turn, qty: Quantity) {
        let Some(market) = self.ephemeral.market_mut(turn.instrument) else {
            return;
        };
        let mut left = qty;
        for offer in market.offers(account, turn.side).collect::<Vec<_>>() {
            let part = left.min(offer.qty);
            match offer.resting {
                Some((handle, Owner::Agent(id))) => {
                    market.take_of_bot((handle, id), part, offer.qty);
                }
                _ => market.street.take(turn.side.opposite(), offer.price, part),
            }
            left -= part;
            if left == 0 {
                return;
            }
        }
    }
}

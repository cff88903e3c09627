//! Open orders that are not in the market in this part of the day: those for an auction, and
//! those that sleep.

use std::collections::BTreeMap;

use super::Seat;
use crate::durable::Durable;
use crate::ids::{ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::market::{Ephemeral, Market};
use crate::order::Order;
use crate::units::Price;
use crate::words::{AuctionKind, Side, Source};

/// Market-priced orders come before all limit prices.
const ANY_PRICE: Price = Price::MIN;

/// The place of an order in its list: rank of its price, then place in time.
type Rank = (Price, u64);

/// Where an order is parked.
#[derive(Clone, Copy, Debug)]
pub struct ParkedPlace {
    auction: Option<AuctionKind>,
    side: Side,
    rank: Rank,
}

/// The parked orders of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Parked {
    auctions: [[BTreeMap<Rank, OrderNumber>; 2]; 2],
    idle: [BTreeMap<Rank, OrderNumber>; 2],
}

impl Parked {
    /// Parks an order.
    pub fn add(&mut self, seat: Seat, order: &Order) -> ParkedPlace {
        let (auction, price) = match seat {
            Seat::Auction(auction) => (Some(auction), order.price_limit()),
            _ => (None, None),
        };
        let side = order.terms.side;
        let rank = match (price, side) {
            (None, _) => ANY_PRICE,
            (Some(price), Side::Buy) => -price,
            (Some(price), Side::Sell) => price,
        };
        let place = ParkedPlace { auction, side, rank: (rank, order.priority) };
        self.list_mut(place).insert(place.rank, order.number);
        place
    }

    /// Takes an order out.
    pub fn remove(&mut self, place: ParkedPlace) {
        self.list_mut(place).remove(&place.rank);
    }

    fn list_mut(&mut self, place: ParkedPlace) -> &mut BTreeMap<Rank, OrderNumber> {
        let lists = match place.auction {
            Some(AuctionKind::Open) => &mut self.auctions[0],
            Some(_) => &mut self.auctions[1],
            None => &mut self.idle,
        };
        &mut lists[place.side.index()]
    }

    /// The orders of a side for an auction: those that take any price, then better prices first,
    /// earlier ones first.
    pub fn orders(&self, auction: AuctionKind, side: Side) -> impl Iterator<Item = OrderNumber> {
        let lists = match auction {
            AuctionKind::Open => self.auctions.first(),
            AuctionKind::Close => self.auctions.get(1),
            AuctionKind::Halt => None,
        };
        let list = lists.map(|lists| &lists[side.index()]);
        list.into_iter().flat_map(|list| list.values().copied())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.auctions.iter().flatten().chain(&self.idle).all(BTreeMap::is_empty)
    }

    /// The orders that sleep, by place in time.
    pub fn idle(&self) -> Vec<OrderNumber> {
        let mut orders: Vec<(u64, OrderNumber)> =
            self.idle.iter().flatten().map(|(rank, number)| (rank.1, *number)).collect();
        orders.sort_unstable();
        orders.into_iter().map(|(_, number)| number).collect()
    }
}

impl Ephemeral {
    /// Links the orders of an instrument that sleep, by place in time.
    pub fn wake(&mut self, durable: &Durable, instrument: InstrumentIndex) {
        let market = self.market_mut(instrument);
        for number in market.map_or(Vec::new(), Market::sleepers) {
            self.unlink(durable, number);
            self.link(durable, number);
        }
    }

    /// An exchange closes or is closed no longer: what the street said before the night is no offer
    /// after it. Bots' orders stand until they are taken out.
    pub fn pass_night(&mut self, durable: &Durable, exchange: ExchangeIndex, is_over: bool) {
        for (record, market) in durable.instruments.iter().zip(&mut self.markets) {
            if record.terms.exchange != exchange || record.terms.source != Source::Street {
                continue;
            }
            let is_old = std::mem::replace(&mut market.is_of_yesterday, !is_over);
            if is_over && is_old {
                market.replace_street(Side::Buy, &[]);
                market.replace_street(Side::Sell, &[]);
            }
        }
    }

    /// Links all open orders of an exchange anew, by place in time: orders that slept come back to
    /// their places among those that did not, behind bots of the same price.
    pub fn relink(&mut self, durable: &Durable, exchange: ExchangeIndex) {
        self.link_again(durable, |order| {
            let record = durable.instrument(order.terms.instrument);
            record.is_some_and(|record| record.terms.exchange == exchange)
        });
    }

    /// Links those open orders anew, by price and place in time.
    pub fn link_again(&mut self, durable: &Durable, is_concerned: impl Fn(&Order) -> bool) {
        let concerned = durable.orders.open().filter(|order| is_concerned(order));
        let mut open: Vec<&Order> = concerned.collect();
        open.sort_by_key(|order| order.priority);
        for order in &open {
            self.unlink(durable, order.number);
        }
        for order in open {
            self.link(durable, order.number);
        }
    }
}

//! Isolated worlds: each account meets the outside market as if it were alone.
//!
//! The outside is kept once: the street's levels, the bots' book, prices, prints. What is an
//! account's own (resting and armed orders, its queue estimates) stands in a booth of its own, one
//! for each account that has open orders in the instrument. Before an account's turn its booth is
//! put in the place of the market's orders (`sit`), so that the rules of matching are those of every
//! world and see nobody else; outside the turns nobody sits there. What an account took of a level
//! or of a bot's order is remembered for it alone, and forgotten with that level or order.
//!
//! Users' orders never meet: not those of two accounts, nor two of one account.

mod auction;
mod bots;
mod index;
mod taken;
mod working;

use std::collections::BTreeMap;

use self::index::Index;
pub(crate) use self::index::{Reach, Touch};
use self::taken::Taken;
use crate::book::{Book, Handle, Resting, is_better};
use crate::command::StreetLevel;
use crate::durable::Durable;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::market::{Ephemeral, Market, Offer};
use crate::profile::queue::Queue;
use crate::session::Parked;
use crate::street::Street;
use crate::triggers::Triggers;
use crate::units::{Nanos, Price, Quantity};
use crate::words::{Sharing, Side};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// What an account has in the market of one instrument.
#[derive(Clone, Debug, Default)]
struct Booth {
    book: Book,
    hidden: Option<Box<Book>>,
    triggers: Triggers,
    queue: Queue,
    waiting: [BTreeMap<u64, OrderNumber>; 2],
    parked: Option<Box<Parked>>,
}

/// What the market of an instrument keeps in an isolated world besides.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    /// Resting orders of bots.
    pub(crate) house: Book,
    /// By bot's order: the place in time that a user's order would have got when it came.
    since: BTreeMap<u64, u64>,
    taken: Taken,
    seated: Option<AccountIndex>,
    booths: BTreeMap<AccountIndex, Box<Booth>>,
    index: Index,
    /// When the price band moved last.
    bands_ns: Nanos,
}

impl Apart {
    /// What stands of the outside before an incoming order of the account at work.
    pub(crate) fn best_offer(&self, street: &Street, side: Side) -> Option<Offer> {
        let there = side.opposite();
        let level = street.available(there).next();
        let order = self.bots(self.seated, there).next();
        let street_first = match (level, order) {
            (Some((price, _)), Some(order)) => !is_better(there, order.price, price),
            (level, _) => level.is_some(),
        };
        match (street_first, level, order) {
            (true, Some((price, qty)), _) => Some(Offer { price, qty, resting: None }),
            (_, _, order) => order.map(Offer::of),
        }
    }

    /// All that an incoming order of an account can meet, in the order in which it trades.
    pub(crate) fn offers(&self, street: &Street, account: AccountIndex, side: Side) -> Vec<Offer> {
        let there = side.opposite();
        let of_street = self.levels(street, account, there);
        let of_street =
            of_street.into_iter().map(|(price, qty)| Offer { price, qty, resting: None });
        let of_bots = self.bots(Some(account), there).map(Offer::of);
        let mut offers: Vec<Offer> = of_street.chain(of_bots).collect();
        match there {
            Side::Buy => offers.sort_by_key(|offer| std::cmp::Reverse(offer.price)),
            Side::Sell => offers.sort_by_key(|offer| offer.price),
        }
        offers
    }

    /// The street's levels as an account sees them.
    fn levels(&self, street: &Street, account: AccountIndex, side: Side) -> Vec<StreetLevel> {
        if self.seated == Some(account) {
            return street.available(side).collect();
        }
        let left = |(price, shown): StreetLevel| {
            let left = shown - self.taken.of_level(side, price, account);
            (left > 0).then_some((price, left))
        };
        street.displayed(side).filter_map(left).collect()
    }

    /// The bots' orders of a side, as an account sees them or as they are.
    fn bots(&self, account: Option<AccountIndex>, side: Side) -> impl Iterator<Item = Resting> {
        self.house.orders(side).filter_map(move |order| {
            let taken = account.map_or(0, |account| self.taken.of_bot(order.owner, account));
            let qty = order.qty - taken;
            (qty > 0).then_some(Resting { qty, ..order })
        })
    }
}

/// What an incoming order can meet: what the account sees alone, or the one market of all.
pub(crate) enum Offers<A, B> {
    Apart(A),
    Shared(B),
}

impl<A: Iterator<Item = Offer>, B: Iterator<Item = Offer>> Iterator for Offers<A, B> {
    type Item = Offer;

    #[inline]
    fn next(&mut self) -> Option<Offer> {
        match self {
            Offers::Apart(offers) => offers.next(),
            Offers::Shared(offers) => offers.next(),
        }
    }
}

impl Market {
    /// The market of an instrument of which nothing is known yet.
    pub(crate) fn begin(is_isolated: bool) -> Market {
        Market { apart: is_isolated.then(Box::default), ..Market::default() }
    }

    /// The book in which the bots' orders rest.
    pub(crate) fn bots_book(&self) -> &Book {
        self.apart.as_ref().map_or(&self.book, |apart| &apart.house)
    }

    /// The same, to change it.
    pub(crate) fn bots_book_mut(&mut self) -> &mut Book {
        match &mut self.apart {
            None => &mut self.book,
            Some(apart) => &mut apart.house,
        }
    }

    /// Lets a bot's order rest; `since` is the place in time that a user's would get.
    pub(crate) fn add_bot(&mut self, side: Side, (price, qty): StreetLevel, id: u64, since: u64) {
        let owner = crate::book::Owner::Agent(id);
        let handle = self.bots_book_mut().add(side, price, qty, owner);
        self.agents.insert(id, handle);
        if let Some(apart) = &mut self.apart {
            apart.since.insert(id, since);
        }
    }

    /// Takes some of what is `left` of a bot's order, which leaves with the last of it.
    pub(crate) fn reduce_bot(
        &mut self,
        (handle, id): (Handle, u64),
        qty: Quantity,
        left: Quantity,
    ) {
        if qty == left {
            self.remove_bot(id);
        } else {
            self.bots_book_mut().reduce(handle, qty);
        }
    }

    /// Takes a bot's order out; says whether it was there.
    pub(crate) fn remove_bot(&mut self, id: u64) -> bool {
        let Some(handle) = self.agents.remove(&id) else {
            return false;
        };
        self.bots_book_mut().remove(handle);
        if let Some(apart) = &mut self.apart {
            apart.since.remove(&id);
            apart.taken.forget_bot(id);
        }
        true
    }

    /// A user's order took some of a bot's.
    pub(crate) fn take_of_bot(
        &mut self,
        (handle, id): (Handle, u64),
        qty: Quantity,
        left: Quantity,
    ) {
        match &mut self.apart {
            None => self.reduce_bot((handle, id), qty, left),
            Some(apart) => {
                if let Some(account) = apart.seated {
                    apart.taken.take_of_bot(id, account, qty);
                }
            }
        }
    }

    /// Puts new levels in the place of a side of the street.
    pub(crate) fn replace_street(&mut self, side: Side, levels: &[StreetLevel]) {
        self.stand();
        let old: Vec<StreetLevel> = match &self.apart {
            Some(_) => self.street.displayed(side).collect(),
            None => Vec::new(),
        };
        self.street.replace(side, levels);
        let Some(apart) = &mut self.apart else {
            self.queue.street_moved(&self.street, side);
            return;
        };
        let stays = |level: &StreetLevel| old.contains(level);
        let kept: Vec<StreetLevel> = self.street.displayed(side).filter(stays).collect();
        apart.taken.keep_levels(side, |price| kept.iter().any(|level| level.0 == price));
        for account in apart.index.queued() {
            self.sit(account);
            self.queue.street_moved(&self.street, side);
        }
        self.stand();
    }

    /// Puts the booth of an account in the place of the market's orders.
    pub(crate) fn sit(&mut self, account: AccountIndex) {
        if self.apart.as_ref().is_none_or(|apart| apart.seated == Some(account)) {
            return;
        }
        self.stand();
        let Some(mut apart) = self.apart.take() else {
            return;
        };
        if let Some(mut booth) = apart.booths.remove(&account) {
            self.swap_with(&mut booth);
        }
        for (side, price, qty) in apart.taken.levels_of(account) {
            self.street.take(side, price, qty);
        }
        apart.seated = Some(account);
        self.apart = Some(apart);
    }

    /// Puts the booth of whoever sits there back in its place: only the outside is left.
    pub(crate) fn stand(&mut self) {
        let Some(account) = self.apart.as_mut().and_then(|apart| apart.seated.take()) else {
            return;
        };
        let Some(mut apart) = self.apart.take() else {
            return;
        };
        for side in SIDES {
            for (price, qty) in self.street.taken(side) {
                apart.taken.set_level(side, price, account, qty);
            }
            self.street.give_back(side);
        }
        apart.index.put(account, Reach::of(self));
        let mut booth = Box::<Booth>::default();
        self.swap_with(&mut booth);
        if !booth.is_empty() {
            apart.booths.insert(account, booth);
        }
        self.apart = Some(apart);
    }

    fn swap_with(&mut self, booth: &mut Booth) {
        std::mem::swap(&mut self.book, &mut booth.book);
        std::mem::swap(&mut self.hidden, &mut booth.hidden);
        self.triggers.swap_orders(&mut booth.triggers);
        std::mem::swap(&mut self.queue, &mut booth.queue);
        std::mem::swap(&mut self.waiting, &mut booth.waiting);
        std::mem::swap(&mut self.parked, &mut booth.parked);
    }

    /// Lets trailing stops hear a trade.
    pub(crate) fn trails_hear(&mut self, price: Price) {
        if self.apart.is_none() {
            self.triggers.trails.hear(price);
            return;
        }
        self.stand();
        if let Some(apart) = &mut self.apart {
            for account in apart.index.trailing() {
                if let Some(booth) = apart.booths.get_mut(&account) {
                    booth.triggers.trails.hear(price);
                }
            }
        }
    }

    /// What the outside shows of a side, best first: levels of the street, orders of bots.
    pub(crate) fn outside_levels(&self, side: Side) -> (Vec<StreetLevel>, &Book) {
        match &self.apart {
            None => (self.street.available(side).collect(), &self.book),
            Some(apart) => (self.street.displayed(side).collect(), &apart.house),
        }
    }

    /// Whether an account of an isolated world is at work here.
    pub(crate) fn is_seated(&self) -> bool {
        self.apart.as_ref().is_some_and(|apart| apart.seated.is_some())
    }

    /// The resting order of a side that comes next in an auction: of the account at work, else of
    /// the house.
    pub(crate) fn best_in_auction(&self, side: Side) -> Option<Resting> {
        if self.is_seated() {
            self.best(side)
        } else {
            self.best(side).or(self.bots_book().best(side))
        }
    }

    /// Forgets street and bots, and what was taken of them.
    pub(crate) fn forget_outside(&mut self) {
        self.stand();
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            self.remove_bot(id);
        }
        self.street = Street::default();
        if let Some(apart) = &mut self.apart {
            apart.taken = Taken::default();
        }
    }

    /// The orders that sleep, in the order in which they come back.
    pub(crate) fn sleepers(&mut self) -> Vec<OrderNumber> {
        self.stand();
        let booths = self.apart.iter().flat_map(|apart| apart.booths.values());
        let parked = booths.filter_map(|booth| booth.parked.as_ref());
        self.parked.iter().chain(parked).flat_map(|parked| parked.idle()).collect()
    }
}

impl Booth {
    fn is_empty(&self) -> bool {
        let is_empty = |book: &Book| SIDES.iter().all(|side| book.best(*side).is_none());
        is_empty(&self.book)
            && self.hidden.as_deref().is_none_or(is_empty)
            && !self.triggers.is_armed()
            && !self.queue.is_kept()
            && self.waiting.iter().all(BTreeMap::is_empty)
            && self.parked.as_ref().is_none_or(|parked| parked.is_empty())
    }
}

impl Ephemeral {
    /// Before an account's turn in an instrument; nothing in a shared world.
    #[inline]
    pub(crate) fn sit(&mut self, instrument: InstrumentIndex, account: AccountIndex) {
        if self.is_isolated {
            if let Some(market) = self.market_mut(instrument) {
                market.sit(account);
            }
        }
    }

    /// The same for the account and instrument of an order.
    #[inline]
    pub(crate) fn sit_owner(&mut self, durable: &Durable, number: OrderNumber) {
        if self.is_isolated {
            if let Some(order) = durable.order(number) {
                self.sit(order.terms.instrument, order.terms.account);
            }
        }
    }
}

impl Durable {
    /// Whether each account meets the outside alone.
    pub(crate) fn is_isolated(&self) -> bool {
        self.created.as_ref().is_some_and(|created| created.sharing == Sharing::Isolated)
    }
}

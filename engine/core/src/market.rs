//! The ephemeral state: everything that is rebuilt from the market after a start.
//!
//! Books, the street, the bots' orders, live quotes. Nothing here is covered by snapshots or the
//! state hash. After a restart it is built against the user's favour: resting orders stand behind
//! the street, and nothing trades before the first fresh quote of its instrument.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::book::{Book, Handle, Owner, Resting, is_better, reaches};
use crate::command::StreetLevel;
use crate::durable::Durable;
use crate::event::Event;
use crate::feed::{Feed, Quiet};
use crate::group::Combos;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::{Instrument, InstrumentRecord, Mark, mid};
use crate::isolated::{Apart, Offers};
use crate::lane::Lane;
use crate::linking::Place;
use crate::order::Order;
use crate::paged::Paged;
use crate::profile::impact::{Flow, Stress};
use crate::profile::queue::Queue;
use crate::risk::watch::{Arm, Watch};
use crate::session::Parked;
use crate::street::Street;
use crate::triggers::{Seen, Triggers};
use crate::units::{Nanos, Price, Quantity};
use crate::words::{SessionState, Side, Source};

/// What an incoming order can trade with next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// At this price.
    pub price: Price,
    /// This much.
    pub qty: Quantity,
    /// An order in the book, or the street when `None`.
    pub resting: Option<(Handle, Owner)>,
}

impl Offer {
    /// A resting order.
    pub(crate) const fn of(order: Resting) -> Offer {
        let resting = Some((order.handle, order.owner));
        Offer { price: order.price, qty: order.qty, resting }
    }
}

/// The live prices of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveQuote {
    /// Best bid of the street and its displayed size.
    pub bid: Option<StreetLevel>,
    /// Best ask of the street and its displayed size.
    pub ask: Option<StreetLevel>,
    /// Last traded price.
    pub last: Option<Price>,
    /// Highest traded price since the last mark.
    pub high: Option<Price>,
    /// Lowest traded price since the last mark.
    pub low: Option<Price>,
    /// When it changed last.
    pub time_ns: Nanos,
}

/// The market of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Resting orders of users and bots.
    pub book: Book,
    /// Resting orders that are not shown, when there ever were any.
    pub hidden: Option<Box<Book>>,
    /// The street's levels.
    pub street: Street,
    /// Orders that wait for their stop price.
    pub triggers: Triggers,
    /// Live prices.
    pub quote: LiveQuote,
    /// The last trade of the second before: where the price band lies. A band that followed each
    /// trade would let one order walk through it.
    pub band_reference: Option<Price>,
    /// Whether there was a quote since the start, so orders may trade.
    pub is_fresh: bool,
    /// Whether the street has said nothing since its exchange closed.
    pub is_of_yesterday: bool,
    /// Whether the street is modelled around a bar, not quoted.
    pub is_modelled: bool,
    /// Whether spread or range are wider than usual.
    pub(crate) stress: Stress,
    /// What was traded lately.
    pub(crate) flow: Flow,
    /// What of the street stands before resting orders.
    pub(crate) queue: Queue,
    /// Whether the quote changed since `World::quotes` told it.
    pub is_untold: bool,
    /// Whether prices changed since the last mark.
    pub is_unmarked: bool,
    /// Resting orders of bots by their id.
    pub agents: BTreeMap<u64, Handle>,
    pub(crate) waiting: [BTreeMap<u64, OrderNumber>; 2],
    /// Which prices reach nothing, for the feed.
    pub(crate) quiet: Quiet,
    /// Known to be straight as long as the lane is at this number.
    pub(crate) lane_epoch: u64,
    /// Orders that are not in the market now, though they are open.
    pub parked: Option<Box<Parked>>,
    /// The outside and the accounts, each for itself, in an isolated world.
    pub(crate) apart: Option<Box<Apart>>,
}

impl Market {
    /// What an incoming order of an account can trade with, in the order in which it trades:
    /// better prices first; at one price the street, then resting orders that are shown, then
    /// hidden ones; earlier ones first.
    pub fn offers(&self, account: AccountIndex, side: Side) -> impl Iterator<Item = Offer> {
        match &self.apart {
            None => Offers::Shared(self.all_offers(side)),
            Some(apart) => Offers::Apart(apart.offers(&self.street, account, side).into_iter()),
        }
    }

    fn all_offers(&self, side: Side) -> impl Iterator<Item = Offer> {
        let there = side.opposite();
        let mut street = self.street.available(there).peekable();
        let mut shown = self.book.orders(there).peekable();
        let mut hidden = self.hidden.as_deref().map(|book| book.orders(there).peekable());
        let mut book = std::iter::from_fn(move || {
            let hidden_first = match (shown.peek(), hidden.as_mut().and_then(|it| it.peek())) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(shown), Some(hidden)) => is_better(there, hidden.price, shown.price),
            };
            if hidden_first { hidden.as_mut()?.next() } else { shown.next() }
        })
        .peekable();
        std::iter::from_fn(move || {
            let street_first = match (street.peek(), book.peek()) {
                (Some((price, _)), Some(order)) => match side {
                    Side::Buy => *price <= order.price,
                    Side::Sell => *price >= order.price,
                },
                (street, _) => street.is_some(),
            };
            if street_first {
                let (price, qty) = street.next()?;
                return Some(Offer { price, qty, resting: None });
            }
            book.next().map(Offer::of)
        })
    }

    /// What an incoming order of `side` trades with next: the first of `offers` (of the account
    /// at work).
    pub fn best_offer(&self, side: Side) -> Option<Offer> {
        if let Some(apart) = &self.apart {
            return apart.best_offer(&self.street, side);
        }
        let there = side.opposite();
        let street = self.street.available(there).next();
        let order = self.best(there);
        let street_first = match (street, order) {
            (Some((price, _)), Some(order)) => reaches(side, Some(order.price), price),
            (street, _) => street.is_some(),
        };
        match (street_first, street, order) {
            (true, Some((price, qty)), _) => Some(Offer { price, qty, resting: None }),
            (_, _, order) => order.map(Offer::of),
        }
    }

    /// Whether no market-priced order waits on either side.
    pub fn nobody_waits(&self) -> bool {
        self.waiting.iter().all(BTreeMap::is_empty)
    }

    /// The resting order of a side that trades next, shown or hidden.
    pub fn best(&self, side: Side) -> Option<Resting> {
        let shown = self.book.best(side);
        let Some(hidden) = self.hidden.as_deref().and_then(|book| book.best(side)) else {
            return shown;
        };
        shown.filter(|shown| !is_better(side, hidden.price, shown.price)).or(Some(hidden))
    }

    /// Market-priced orders of a side that wait for liquidity, earliest first.
    pub fn waiting(&self, side: Side) -> impl Iterator<Item = OrderNumber> {
        self.waiting[side.index()].values().copied()
    }

    /// Notes a traded price.
    pub fn traded(&mut self, price: Price, time_ns: Nanos) {
        let quote = &mut self.quote;
        quote.last = Some(price);
        self.band_reference.get_or_insert(price);
        quote.high = Some(quote.high.map_or(price, |high| high.max(price)));
        quote.low = Some(quote.low.map_or(price, |low| low.min(price)));
        self.triggers.hear(price);
        self.changed(time_ns);
    }

    /// Notes that prices changed.
    pub fn changed(&mut self, time_ns: Nanos) {
        self.quote.time_ns = time_ns;
        self.is_untold = true;
        self.is_unmarked = true;
    }

    /// Best level of a side of the outside source: the street's quote, or where bots stand.
    pub fn outside(&self, instrument: &Instrument, side: Side) -> Option<StreetLevel> {
        match (instrument.source, side) {
            (Source::Street, Side::Buy) => self.quote.bid,
            (Source::Street, Side::Sell) => self.quote.ask,
            (Source::Agents, side) => {
                let level = self.bots_book().best_of_agents(side)?;
                Some((level.price, crate::units::clamp(level.qty)))
            }
        }
    }

    /// Bid and ask of the outside source.
    pub fn seen(&self, instrument: &Instrument) -> Seen {
        let price = |side| self.outside(instrument, side).map(|(price, _)| price);
        Seen { bid: price(Side::Buy), ask: price(Side::Sell) }
    }

    /// The prices that a mark would record now.
    pub fn mark(&self, instrument: &Instrument) -> Mark {
        let price = |side| self.outside(instrument, side).map(|(price, _)| price);
        Mark {
            bid: price(Side::Buy),
            ask: price(Side::Sell),
            last: self.quote.last,
            high: self.quote.high,
            low: self.quote.low,
        }
    }

    /// The price that stands for the instrument now: the mid, else the last trade, else the one
    /// side that stands.
    pub fn price(&self, instrument: &Instrument) -> Option<Price> {
        self.mark(instrument).price()
    }

    /// The mid of the outside source, when both sides stand.
    pub fn mid(&self, instrument: &Instrument) -> Option<Price> {
        let (bid, _) = self.outside(instrument, Side::Buy)?;
        let (ask, _) = self.outside(instrument, Side::Sell)?;
        Some(mid(bid, ask))
    }
}

/// The markets of all instruments, and where each open order is linked.
#[derive(Clone, Debug, Default)]
pub struct Ephemeral {
    /// By instrument.
    pub markets: Vec<Market>,
    /// Instruments where matching stopped at the bound of a turn and goes on in the next.
    pub unfinished: BTreeSet<InstrumentIndex>,
    /// The time of the input at work.
    pub now_ns: Nanos,
    /// When an exchange opened, since the start.
    pub opened: BTreeMap<u32, Nanos>,
    /// Accounts that are watched while prices move.
    pub watch: Watch,
    /// Orders that came alive and have not met the market yet; between turns those for which
    /// there was no room.
    pub arrivals: VecDeque<OrderNumber>,
    /// Instruments that have or had trailing stops.
    pub trailing: BTreeSet<InstrumentIndex>,
    /// When water marks were recorded last.
    pub trails_ns: Nanos,
    /// The short way of common commands.
    pub lane: Lane,
    /// The short way of a feed that touches nobody.
    pub(crate) feed: Feed,
    /// Multi-leg orders that rest beside the books.
    pub(crate) combos: Combos,
    /// Whether each account meets the outside alone.
    pub(crate) is_isolated: bool,
    /// By the place where the order is kept.
    pub(crate) places: Paged<Option<Place>>,
}

impl Ephemeral {
    /// The markets of a world that starts: all open orders linked by price and place in time,
    /// nothing fresh.
    pub fn rebuild(durable: &Durable) -> Ephemeral {
        let is_isolated = durable.is_isolated();
        let markets = durable.instruments.iter().map(|_| Market::begin(is_isolated)).collect();
        let watch = Watch::rebuild(durable);
        let mut ephemeral = Ephemeral { markets, watch, is_isolated, ..Ephemeral::default() };
        let mut open: Vec<&Order> = durable.orders.open().collect();
        open.sort_by_key(|order| order.priority);
        for order in open {
            ephemeral.link(durable, order.number);
        }
        ephemeral.combos.rest();
        ephemeral
    }

    /// The market of an instrument.
    pub fn market(&self, instrument: InstrumentIndex) -> Option<&Market> {
        self.markets.get(instrument as usize)
    }

    /// The market of an instrument, to change it.
    pub fn market_mut(&mut self, instrument: InstrumentIndex) -> Option<&mut Market> {
        self.markets.get_mut(instrument as usize)
    }

    /// The live price of an instrument, else the recorded one.
    pub fn price(&self, index: InstrumentIndex, record: &InstrumentRecord) -> Option<Price> {
        let live = self.market(index).and_then(|market| market.price(&record.terms));
        live.or_else(|| record.mark.price())
    }

    /// Follows an event that has just changed the durable state.
    pub fn follow(&mut self, durable: &Durable, event: &Event) {
        if durable.risk.is_some() {
            self.watch.follow(durable, event);
        }
        match event {
            Event::WorldCreated(_) => self.is_isolated = durable.is_isolated(),
            Event::SessionChanged { session, .. } if session.state == SessionState::Open => {
                self.opened.insert(session.exchange, self.now_ns);
            }
            Event::InstrumentListed(_) => {
                self.markets.push(Market { is_fresh: true, ..Market::begin(self.is_isolated) });
            }
            Event::Filled(fill) if fill.completes => self.unlink(durable, fill.order),
            Event::Filled(fill) => self.reduce(durable, fill.order, fill.qty),
            Event::Changed(change) => self.follow_change(durable, change),
            Event::Canceled { order, .. }
            | Event::Expired { order, .. }
            | Event::Triggered { order, .. } => self.unlink(durable, *order),
            Event::Replaced(replaced) if replaced.keeps_priority => {
                self.shrink_to(durable, replaced.order);
            }
            Event::Replaced(replaced) => self.unlink(durable, replaced.order),
            _ => {}
        }
    }

    /// Arms an account at a price.
    pub fn arm_account(&mut self, account: AccountIndex, arm: Arm) {
        if let Some(market) = self.markets.get_mut(arm.instrument as usize) {
            market.triggers.armed.insert(arm.way, arm.price, account);
            self.watch.arms.entry(account).or_default().push(arm);
        }
    }

    /// Disarms an account everywhere.
    pub fn disarm_account(&mut self, account: AccountIndex) {
        for arm in self.watch.arms.remove(&account).unwrap_or_default() {
            if let Some(market) = self.markets.get_mut(arm.instrument as usize) {
                market.triggers.armed.remove(arm.way, arm.price, account);
            }
        }
    }

    /// Forgets what the market said of an instrument: street, bots and prices are gone until the
    /// next input.
    pub fn forget_market(&mut self, instrument: InstrumentIndex) {
        let Some(market) = self.markets.get_mut(instrument as usize) else {
            return;
        };
        market.forget_outside();
        market.quote = LiveQuote { time_ns: market.quote.time_ns, ..LiveQuote::default() };
        market.band_reference = None;
        market.triggers.forget_heard();
        market.is_fresh = false;
        market.is_untold = true;
    }
}

//! Inputs of the outside market: quotes, depth, prints, and the orders of house bots.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::book::{Owner, reaches};
use crate::command::{AgentCancel, AgentOrder, Depth, Quote, StreetLevel, Trade};
use crate::ids::InstrumentIndex;
use crate::instrument::Instrument;
use crate::live::Live;
use crate::market::Offer;
use crate::matching::Role;
use crate::reply::Refusal;
use crate::sink::Sink;
use crate::units::{PRICE_MAX, Price, QUANTITY_MAX, Quantity};
use crate::words::{Counterparty, DepthModel, How, Liquidity, QueueModel, Side, Source, refusal};

/// How a resting order of a user takes part in a trade with the house.
pub(crate) const RESTS: Role = Role::new(Liquidity::Maker, Counterparty::House);

impl<S: Sink> Live<'_, S> {
    /// The street quotes: one level a side.
    pub fn quote(&mut self, quote: &Quote) -> Result<(), Refusal> {
        self.street_moves(quote.instrument, quote.bid.as_slice(), quote.ask.as_slice())
    }

    /// The street shows its depth.
    pub fn depth(&mut self, depth: &Depth) -> Result<(), Refusal> {
        self.street_moves(depth.instrument, &depth.bids, &depth.asks)
    }

    fn street_moves(
        &mut self,
        instrument: InstrumentIndex,
        bids: &[StreetLevel],
        asks: &[StreetLevel],
    ) -> Result<(), Refusal> {
        self.check_source(instrument, Source::Street)?;
        let terms = self.terms_of(instrument);
        bids.iter().chain(asks).try_for_each(|level| check_level(terms, *level))?;
        self.set_street(instrument, &merged(bids), &merged(asks));
        self.work_on(instrument);
        Ok(())
    }

    /// Puts the street's levels in their place, whole lots of each, and notes the best of them.
    pub fn set_street(
        &mut self,
        instrument: InstrumentIndex,
        bids: &[StreetLevel],
        asks: &[StreetLevel],
    ) {
        let time_ns = self.now_ns();
        self.ephemeral.combos.moved(instrument);
        let Some(terms) = self.durable.instrument(instrument).map(|record| &record.terms) else {
            return;
        };
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        let rules = self.durable.fill_rules(instrument);
        let is_modelled = rules.is_some_and(|rules| rules.depth != DepthModel::Displayed);
        let is_whole = |(_, qty): &StreetLevel| terms.whole_lots(*qty) == *qty;
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            if !is_modelled && levels.iter().all(is_whole) {
                market.replace_street(side, levels);
                continue;
            }
            let mut whole: Vec<StreetLevel> =
                levels.iter().map(|(price, qty)| (*price, terms.whole_lots(*qty))).collect();
            if is_modelled {
                let size = self.durable.modelled_size(instrument, market.flow.volume());
                keep_touch(&mut whole, side, size);
            }
            market.replace_street(side, &whole);
        }
        market.is_modelled = false;
        market.quote.bid = bids.iter().copied().max_by_key(|(price, _)| *price);
        market.quote.ask = asks.iter().copied().min_by_key(|(price, _)| *price);
        (market.is_fresh, market.is_of_yesterday) = (true, false);
        market.changed(time_ns);
        if rules.is_some() {
            if let (Some((bid, _)), Some((ask, _))) = (market.quote.bid, market.quote.ask) {
                market.stress.note(ask.saturating_sub(bid));
            }
        }
    }

    /// Lets everything happen that new liquidity or a new price makes possible.
    pub fn work_on(&mut self, instrument: InstrumentIndex) {
        self.ephemeral.combos.moved(instrument);
        if self.ephemeral.is_isolated {
            return self.work_apart(instrument);
        }
        self.ephemeral.unfinished.remove(&instrument);
        if self.may_trade(instrument) {
            self.serve_waiting(instrument);
            self.uncross(instrument);
            self.cross_street(instrument);
        }
        self.fire_stops(instrument);
    }

    /// Lets the street trade with resting orders that it has come to cross: at the order's own
    /// limit price, up to the displayed size.
    pub fn cross_street(&mut self, instrument: InstrumentIndex) {
        for side in [Side::Buy, Side::Sell] {
            while let Some((resting, street)) = self.crossed(instrument, side) {
                let Owner::User(number) = resting.owner else {
                    break;
                };
                if self.is_full() {
                    self.ephemeral.unfinished.insert(instrument);
                    return;
                }
                let wanted = resting.qty.min(street.1);
                let role = RESTS.how(How::StreetCame).reached(street.0);
                let qty = self.fill_resting(instrument, number, (resting.price, wanted), role);
                if let Some(market) = self.ephemeral.market_mut(instrument) {
                    market.street.take(side.opposite(), street.0, qty);
                }
            }
        }
    }

    fn crossed(
        &self,
        instrument: InstrumentIndex,
        side: Side,
    ) -> Option<(crate::book::Resting, StreetLevel)> {
        let market = self.market(instrument)?;
        let resting = market.best(side)?;
        let street = market.street.available(side.opposite()).next()?;
        reaches(side, Some(resting.price), street.0).then_some((resting, street))
    }

    /// Fills a resting order of a user against the house at its own price; gives how much. An
    /// order that is due or that its account cannot pay leaves instead.
    pub fn fill_resting(
        &mut self,
        instrument: InstrumentIndex,
        number: u64,
        (price, wanted): (Price, Quantity),
        role: Role,
    ) -> Quantity {
        if self.leave_if_due(number) {
            return 0;
        }
        let Some(side) = self.order(number).map(|order| order.terms.side) else {
            return 0;
        };
        let qty = self.payable(number, price, wanted, Liquidity::Maker);
        if qty == 0 {
            self.cancel(number, self.why_unpayable(number), None);
            return 0;
        }
        self.fill(number, price, qty, role);
        self.print_trade(instrument, price, qty, Some(side.opposite()));
        qty
    }

    /// Lets resting orders trade that came to cross each other while nothing could trade: the
    /// later one takes, at the price of the earlier.
    pub fn uncross(&mut self, instrument: InstrumentIndex) {
        while let Some(later) = self.later_of_crossed(instrument) {
            if self.is_full() {
                self.ephemeral.unfinished.insert(instrument);
                return;
            }
            if !self.leave_if_due(later) {
                self.execute(later);
            }
        }
    }

    /// Of the best bid and ask, when they cross, the one that came later; a user's order when
    /// the other is a bot's.
    fn later_of_crossed(&self, instrument: InstrumentIndex) -> Option<u64> {
        let market = self.market(instrument)?;
        let (bid, ask) = (market.best(Side::Buy)?, market.best(Side::Sell)?);
        if bid.price < ask.price {
            return None;
        }
        let priority = |number| self.order(number).map_or(0, |order| order.priority);
        match (bid.owner, ask.owner) {
            (Owner::User(buy), Owner::User(sell)) if priority(buy) > priority(sell) => Some(buy),
            (_, Owner::User(sell)) => Some(sell),
            (Owner::User(buy), _) => Some(buy),
            _ => None,
        }
    }

    /// The street traded: resting orders at a better price than the print must have traded too,
    /// at their own price and up to its size. A print at the limit price itself fills nothing.
    pub fn trade_print(&mut self, trade: &Trade) -> Result<(), Refusal> {
        let instrument = trade.instrument;
        self.check_source(instrument, Source::Street)?;
        check_level(self.terms_of(instrument), (trade.price, trade.qty))?;
        self.print_outside(instrument, trade.price, trade.qty, trade.side);
        let queue = self.note_flow(trade);
        if self.ephemeral.is_isolated {
            self.print_apart(trade, queue);
        } else {
            self.fill_by_print(trade, queue);
            self.fire_stops(instrument);
        }
        Ok(())
    }

    /// Lets a print fill resting orders.
    pub fn fill_by_print(&mut self, trade: &Trade, queue: QueueModel) {
        let instrument = trade.instrument;
        let mut left = self.terms_of(instrument).map_or(0, |terms| terms.whole_lots(trade.qty));
        while left > 0 && self.may_trade(instrument) {
            let is_enough = queue == QueueModel::Touch;
            let next = self.traded_through(instrument, trade.price, is_enough);
            let Some((number, price, resting)) = next else {
                break;
            };
            let how = if price == trade.price { How::Touched } else { How::TradedThrough };
            let role = RESTS.how(how).reached(trade.price);
            left -= self.fill_resting(instrument, number, (price, left.min(resting)), role);
        }
        if queue == QueueModel::VolumeAhead && left > 0 && self.may_trade(instrument) {
            self.serve_queue(instrument, trade.price, left);
        }
    }

    /// Notes what was traded where the profile asks for it; gives when prints fill resting orders.
    fn note_flow(&mut self, trade: &Trade) -> QueueModel {
        let Some(rules) = self.durable.fill_rules(trade.instrument) else {
            return QueueModel::TradeThrough;
        };
        let time_ns = self.turn.time_ns;
        if let Some(market) = self.ephemeral.market_mut(trade.instrument) {
            market.flow.note_print(time_ns, trade.qty);
        }
        rules.queue
    }

    fn traded_through(
        &self,
        instrument: InstrumentIndex,
        price: Price,
        touch_is_enough: bool,
    ) -> Option<(u64, Price, Quantity)> {
        let market = self.market(instrument)?;
        let through = |side: Side| {
            let best = market.best(side)?;
            let beyond =
                (touch_is_enough || best.price != price) && reaches(side, Some(best.price), price);
            match best.owner {
                Owner::User(number) if beyond => Some((number, best.price, best.qty)),
                _ => None,
            }
        };
        through(Side::Buy).or_else(|| through(Side::Sell))
    }

    /// A house bot's order: trades by the same rules as a user's, then rests.
    pub fn agent_order(&mut self, order: &AgentOrder) -> Result<(), Refusal> {
        self.check_source(order.instrument, Source::Agents)?;
        let level = (order.price.unwrap_or(1), order.qty);
        check_level(self.terms_of(order.instrument), level)?;
        let taken = self.market(order.instrument).is_some_and(|m| m.agents.contains_key(&order.id));
        if taken {
            return Err(Refusal::malformed(
                refusal::MALFORMED,
                "this agent order id rests already",
            ));
        }
        if let Some(market) = self.ephemeral.market_mut(order.instrument) {
            market.is_fresh = true;
        }
        let qty = self.terms_of(order.instrument).map_or(0, |terms| terms.whole_lots(order.qty));
        if self.ephemeral.is_isolated {
            self.agent_comes(order, qty);
            return Ok(());
        }
        let left = if self.is_open(order.instrument) { self.agent_takes(order, qty) } else { qty };
        self.agent_rests(order, left);
        self.work_on(order.instrument);
        Ok(())
    }

    /// What is left of a bot's order rests.
    pub fn agent_rests(&mut self, order: &AgentOrder, left: Quantity) {
        self.ephemeral.combos.moved(order.instrument);
        let (time_ns, since) = (self.now_ns(), self.durable.next_priority);
        let market = self.ephemeral.market_mut(order.instrument);
        if let (Some(market), Some(price)) = (market, order.price.filter(|_| left > 0)) {
            market.add_bot(order.side, (price, left), order.id, since);
            market.changed(time_ns);
        }
    }

    pub fn agent_takes(&mut self, order: &AgentOrder, mut left: Quantity) -> Quantity {
        let instrument = order.instrument;
        while left > 0 {
            let Some(offer) = self.offer_to(instrument, order.side) else {
                break;
            };
            if !reaches(order.side, order.price, offer.price) {
                break;
            }
            left -= self.agent_trades(order, &offer, left.min(offer.qty));
        }
        left
    }

    /// Trades with one resting order: a user's is filled against the house, a bot's is a print
    /// only.
    fn agent_trades(&mut self, order: &AgentOrder, offer: &Offer, wanted: Quantity) -> Quantity {
        let instrument = order.instrument;
        if let Some((_, Owner::User(number))) = offer.resting {
            return self.fill_resting(instrument, number, (offer.price, wanted), RESTS);
        }
        if let (Some((handle, Owner::Agent(id))), Some(market)) =
            (offer.resting, self.ephemeral.market_mut(instrument))
        {
            market.reduce_bot((handle, id), wanted, offer.qty);
        }
        self.print_outside(instrument, offer.price, wanted, Some(order.side));
        wanted
    }

    /// Takes a bot's order out of the book; one that has traded meanwhile is no error.
    pub fn agent_cancel(&mut self, cancel: &AgentCancel) -> Result<(), Refusal> {
        self.check_source(cancel.instrument, Source::Agents)?;
        let time_ns = self.now_ns();
        if let Some(market) = self.ephemeral.market_mut(cancel.instrument) {
            if market.remove_bot(cancel.id) {
                market.changed(time_ns);
            }
        }
        match self.ephemeral.is_isolated {
            true => self.fire_apart(cancel.instrument),
            false => self.fire_stops(cancel.instrument),
        }
        Ok(())
    }

    /// Whether the instrument exists and takes liquidity from this source.
    pub fn check_source(&self, instrument: InstrumentIndex, source: Source) -> Result<(), Refusal> {
        self.find_instrument(instrument)?;
        if self.terms_of(instrument).is_some_and(|terms| terms.source == source) {
            return Ok(());
        }
        let detail = format!("this instrument has no {} as its source", source.word());
        Err(Refusal::malformed(refusal::MALFORMED, detail).at("symbol"))
    }
}

/// Leaves the best level of a side alone, at a size that is modelled; the shown one where nothing
/// is known.
fn keep_touch(levels: &mut Vec<StreetLevel>, side: Side, size: Option<Quantity>) {
    match side {
        Side::Buy => levels.sort_by_key(|(price, _)| std::cmp::Reverse(*price)),
        Side::Sell => levels.sort_by_key(|(price, _)| *price),
    }
    levels.retain(|(_, shown)| *shown > 0);
    levels.truncate(1);
    if let (Some(level), Some(size)) = (levels.first_mut(), size) {
        level.1 = size;
    }
}

/// Levels of one price as one level with all of their size.
fn merged(levels: &[StreetLevel]) -> Cow<'_, [StreetLevel]> {
    let is_strict = levels.is_sorted_by(|one, other| one.0 < other.0)
        || levels.is_sorted_by(|one, other| one.0 > other.0);
    if is_strict {
        return Cow::Borrowed(levels);
    }
    let mut sizes: BTreeMap<Price, Quantity> = BTreeMap::new();
    for (price, qty) in levels {
        let size = sizes.entry(*price).or_default();
        *size = size.saturating_add(*qty).min(QUANTITY_MAX);
    }
    Cow::Owned(sizes.into_iter().collect())
}

/// A price and size that the market can show.
pub(crate) fn check_level(
    terms: Option<&Instrument>,
    (price, qty): (Price, Quantity),
) -> Result<(), Refusal> {
    let Some(terms) = terms else {
        return Ok(());
    };
    if price <= 0 || price > PRICE_MAX {
        let (said, most) = (terms.format_price(price), terms.format_price(PRICE_MAX));
        let detail = format!("a market price is greater than zero and at most {most}, not {said}");
        return Err(Refusal::malformed(refusal::INVALID_PRICE, detail));
    }
    if !(0..=QUANTITY_MAX).contains(&qty) {
        let (said, most) = (terms.format_quantity(qty), terms.format_quantity(QUANTITY_MAX));
        let detail = format!("a market size lies between 0 and {most}, it is not {said}");
        return Err(Refusal::malformed(refusal::INVALID_QUANTITY, detail));
    }
    Ok(())
}

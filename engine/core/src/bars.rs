//! A bar of the outside market: one path through its prices, no fill outside its range.
//!
//! The path goes from the open to the nearer of high and low, to the other, to the close. Waiting
//! market orders fill at the open; limit orders at their price, or at the open when it is better;
//! stop orders fire on the path and fill at their stop price, or at the open when it lies beyond.

use crate::book::{Owner, reaches};
use crate::command::Bar;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::live::Live;
use crate::matching::Role;
use crate::outside::check_level;
use crate::profile::impact::{self, Asked, Moved};
use crate::receipt::worse_by;
use crate::reply::Refusal;
use crate::sink::Sink;
use crate::triggers::Wait;
use crate::units::{Price, Quantity};
use crate::words::{
    Counterparty, GapModel, How, Liquidity, MarketOrders, PathModel, Side, Source, TimeInForce,
    TriggerSource, refusal,
};

/// Where the path through a bar stands, and how much users may still fill.
struct Path {
    instrument: InstrumentIndex,
    price: Price,
    left: Option<Quantity>,
    bar: Bar,
    /// Whether prices must go beyond the price of a resting order.
    is_through: bool,
    gap: GapModel,
}

impl Path {
    fn bounded(&self, qty: Quantity) -> Quantity {
        self.left.map_or(qty, |left| left.min(qty))
    }

    const fn is_used_up(&self) -> bool {
        matches!(self.left, Some(0))
    }
}

/// How an order that waited at any price takes part on the path.
const TAKES: Role = Role::new(Liquidity::Taker, Counterparty::House);
/// How an order that rested takes part on the path.
const RESTS: Role = Role::new(Liquidity::Maker, Counterparty::House);

/// What the path meets next.
enum Meeting {
    Limit(OrderNumber),
    Stop(OrderNumber),
}

impl<S: Sink> Live<'_, S> {
    /// The street's bar closed: orders fill along its path, then the street stands at its close.
    pub fn bar(&mut self, bar: &Bar) -> Result<(), Refusal> {
        self.check_source(bar.instrument, Source::Street)?;
        check_bar(self.terms_of(bar.instrument), bar)?;
        self.set_street(bar.instrument, &[], &[]);
        if self.may_trade(bar.instrument) {
            match self.ephemeral.is_isolated {
                true => self.walk_bar_apart(bar),
                false => self.walk_bar(bar),
            }
        }
        let time_ns = self.now_ns();
        if let Some(market) = self.ephemeral.market_mut(bar.instrument) {
            for price in [bar.open, bar.high, bar.low, bar.close] {
                market.traded(price, time_ns);
            }
            market.triggers.forget_heard();
            if self.durable.fill_rules(bar.instrument).is_some() {
                market.flow.note_bar(bar.volume);
                market.stress.note(bar.high.saturating_sub(bar.low));
            }
        }
        self.stand_at_close(bar);
        self.watch_prices(bar.instrument);
        Ok(())
    }

    pub fn walk_bar(&mut self, bar: &Bar) {
        let Some(mut path) = self.path_of(bar) else {
            return;
        };
        self.fill_waiting(&mut path);
        self.gap_to_open(&mut path);
        let turns = if self.goes_up_first(bar) { [bar.high, bar.low] } else { [bar.low, bar.high] };
        for target in [turns[0], turns[1], bar.close] {
            self.follow_path(&mut path, target);
        }
    }

    /// The path at its open, as the profile says.
    fn path_of(&self, bar: &Bar) -> Option<Path> {
        let record = self.durable.instrument(bar.instrument)?;
        let profile = self.durable.profile_for(record)?;
        let rules = profile.rules.as_deref();
        Some(Path {
            instrument: bar.instrument,
            price: bar.open,
            left: profile.cap(&record.terms, bar.volume),
            bar: *bar,
            is_through: rules.is_some_and(|rules| rules.bar_through),
            gap: rules.map_or(GapModel::Open, |rules| rules.gap),
        })
    }

    /// Whether the path goes to the high before it goes to the low.
    fn goes_up_first(&self, bar: &Bar) -> bool {
        let up = i128::from(bar.high) - i128::from(bar.open);
        let down = i128::from(bar.open) - i128::from(bar.low);
        let rules = self.durable.fill_rules(bar.instrument);
        match rules.map_or(PathModel::NearerFirst, |rules| rules.path) {
            PathModel::NearerFirst => up < down,
            PathModel::HighFirst => true,
            PathModel::LowFirst => false,
            PathModel::StopsFirst => {
                let nearest = |side| self.market(bar.instrument)?.triggers.nearest(side);
                let fires_up = nearest(false).is_some_and(|(stop, _)| stop <= bar.high);
                let fires_down = nearest(true).is_some_and(|(stop, _)| stop >= bar.low);
                if fires_up == fires_down { up < down } else { fires_up }
            }
        }
    }

    fn fill_waiting(&mut self, path: &mut Path) {
        for side in [Side::Buy, Side::Sell] {
            let market = self.market(path.instrument);
            let waiting: Vec<OrderNumber> =
                market.map_or(Vec::new(), |market| market.waiting(side).collect());
            for number in waiting {
                self.fill_on_path(path, number, TAKES.how(How::BarOpen));
            }
        }
    }

    /// The open may lie beyond limit and stop prices: those orders trade at the open.
    fn gap_to_open(&mut self, path: &mut Path) {
        for side in [Side::Buy, Side::Sell] {
            while let Some(number) = self.limit_reached(path, side) {
                self.fill_on_path(path, number, RESTS.how(How::BarOpen));
            }
        }
        for falling in [false, true] {
            while let Some((_, number)) = self.stop_within(path, falling, path.price) {
                self.fire_on_path(path, number, How::StopGap);
            }
        }
        self.trail_path(path);
    }

    /// The resting order of a side that trades at the price where the path stands.
    fn limit_reached(&self, path: &Path, side: Side) -> Option<OrderNumber> {
        let (price, number) = self.nearest_limit(path, side)?;
        let enough = !path.is_through || price != path.price;
        (enough && reaches(side, Some(price), path.price)).then_some(number)
    }

    fn nearest_limit(&self, path: &Path, side: Side) -> Option<(Price, OrderNumber)> {
        let best = self.market(path.instrument)?.best(side).filter(|_| !path.is_used_up())?;
        match best.owner {
            Owner::User(number) => Some((best.price, number)),
            Owner::Agent(_) => None,
        }
    }

    /// The armed order that a path to `target` reaches first, rising or falling.
    fn stop_within(
        &self,
        path: &Path,
        falling: bool,
        target: Price,
    ) -> Option<(Price, OrderNumber)> {
        let nearest = self.market(path.instrument)?.triggers.nearest(falling)?;
        let reached = if falling { nearest.0 >= target } else { nearest.0 <= target };
        reached.then_some(nearest)
    }

    /// Trailing stops follow the path to where it stands.
    fn trail_path(&mut self, path: &Path) {
        if let Some(market) = self.ephemeral.market_mut(path.instrument) {
            market.triggers.trails.walk(path.price);
        }
    }

    /// Goes to `target`, letting every order on the way trade in the order in which the path
    /// meets it: rising prices meet sell limits and buy stops, falling ones the others.
    fn follow_path(&mut self, path: &mut Path, target: Price) {
        let limit_side = if target > path.price { Side::Sell } else { Side::Buy };
        while let Some((price, meeting)) = self.next_meeting(path, limit_side, target) {
            path.price = price;
            match meeting {
                Meeting::Limit(number) => {
                    self.fill_on_path(path, number, RESTS.how(How::BarPath));
                }
                Meeting::Stop(number) => self.fire_on_path(path, number, How::StopFired),
            }
        }
        path.price = target;
        self.trail_path(path);
    }

    fn next_meeting(
        &self,
        path: &Path,
        limit_side: Side,
        target: Price,
    ) -> Option<(Price, Meeting)> {
        let stop = self.stop_within(path, limit_side == Side::Buy, target);
        let limit = self
            .nearest_limit(path, limit_side)
            .filter(|(price, _)| reaches(limit_side, Some(*price), target))
            .filter(|(price, _)| !path.is_through || *price != target);
        // A price the path has passed already (an order that fired on the way) trades where the
        // path stands.
        let meets = |price: Price| match limit_side {
            Side::Sell => price.max(path.price),
            Side::Buy => price.min(path.price),
        };
        let limit_first = match (limit, stop) {
            (Some((limit, _)), Some((stop, _))) => reaches(limit_side, Some(limit), stop),
            (limit, _) => limit.is_some(),
        };
        if limit_first {
            return limit.map(|(price, number)| (meets(price), Meeting::Limit(number)));
        }
        stop.map(|(price, number)| (meets(price), Meeting::Stop(number)))
    }

    fn fire_on_path(&mut self, path: &mut Path, number: OrderNumber, how: How) {
        if self.leave_if_due(number) {
            return;
        }
        self.fire(number, path.price);
        let Some(order) = self.order(number) else {
            return;
        };
        let (limit, side, leaves) = (order.price_limit(), order.terms.side, order.leaves());
        let is_whole = order.terms.time_in_force != TimeInForce::Fok;
        if reaches(side, limit, path.price) && (is_whole || path.bounded(leaves) == leaves) {
            self.fill_on_path(path, number, TAKES.how(how).reached(path.price));
        }
        self.settle(number);
    }

    /// Fills an order at the price where the path stands, as far as the volume allows.
    fn fill_on_path(&mut self, path: &mut Path, number: OrderNumber, role: Role) {
        let liquidity = role.liquidity;
        if path.is_used_up() || self.leave_if_due(number) {
            return;
        }
        self.size(number, Some(path.price));
        let asked = self.order(number).map(|it| (it.leaves(), it.terms.side, it.terms.account));
        let Some((leaves, side, account)) = asked else {
            return;
        };
        let wanted = path.bounded(leaves);
        let moved = self.moved_on_path(path, number, wanted, role);
        let qty = self.payable(number, moved.price, wanted, liquidity);
        if qty > 0 {
            self.fill(number, moved.price, qty, role.moved(moved));
            let aggressor = match liquidity {
                Liquidity::Taker => side,
                Liquidity::Maker => side.opposite(),
            };
            self.print_trade(path.instrument, moved.price, qty, Some(aggressor));
            path.left = path.left.map(|left| left - qty);
        }
        if qty < wanted {
            self.cancel(number, self.why_unpayable(number), None);
        }
        self.arrive_on_path(path, account);
    }

    /// The next order of an account in an instrument that came alive.
    fn next_arrival(
        &mut self,
        instrument: InstrumentIndex,
        account: AccountIndex,
    ) -> Option<OrderNumber> {
        let asked = (instrument, account);
        let is_here = |number: &OrderNumber| {
            let terms = self.order(*number).map(|order| &order.terms);
            terms.is_some_and(|terms| (terms.instrument, terms.account) == asked)
        };
        let at = self.ephemeral.arrivals.iter().position(is_here)?;
        self.ephemeral.arrivals.remove(at)
    }

    /// Orders that came alive stand on the path from here on.
    fn arrive_on_path(&mut self, path: &mut Path, account: AccountIndex) {
        while let Some(number) = self.next_arrival(path.instrument, account) {
            if self.is_held(number) || !self.has_trail(number) {
                continue;
            }
            let Some(order) = self.order(number) else {
                continue;
            };
            let falling = Wait::of(&order.terms, TriggerSource::Last).falling;
            let is_armed = order.is_armed();
            let is_market = order.price_limit().is_none();
            self.settle(number);
            let reached = self.stop_within(path, falling, path.price);
            if is_armed && reached.is_some_and(|(_, reached)| reached == number) {
                self.fire_on_path(path, number, How::StopFired);
            } else if !is_armed && is_market {
                self.fill_on_path(path, number, TAKES.how(How::StopFired));
            }
        }
    }

    /// The price of a fill where the path stands: a resting order's own, else what the profile
    /// makes of it. A stop order that the bar opens beyond starts at the worst price of the bar
    /// where the profile says so.
    fn moved_on_path(&self, path: &Path, number: OrderNumber, qty: Quantity, role: Role) -> Moved {
        let (bar, price) = (path.bar, path.price);
        let found = self.order(number).filter(|_| role.liquidity == Liquidity::Taker);
        let Some((order, record)) = found.zip(self.durable.instrument(path.instrument)) else {
            return Moved::not(price);
        };
        let (side, limit) = (order.terms.side, order.price_limit());
        let from = match (role.how, path.gap, side) {
            (How::StopGap, GapModel::Worst, Side::Buy) => {
                limit.map_or(bar.high, |limit| bar.high.min(limit))
            }
            (How::StopGap, GapModel::Worst, Side::Sell) => {
                limit.map_or(bar.low, |limit| bar.low.max(limit))
            }
            _ => price,
        };
        let bar = Some((bar.low, bar.high, bar.volume));
        let asked = Asked { side, limit, price: from, qty, bar };
        let moved = self
            .market(path.instrument)
            .map(|market| impact::moved(self.durable, self.ephemeral, record, market, asked));
        let moved = moved.unwrap_or(Moved::not(from));
        Moved { slippage: moved.slippage.saturating_add(worse_by(side, from, price)), ..moved }
    }

    /// Puts the street around the close, or nowhere when market orders wait for the next bar.
    fn stand_at_close(&mut self, bar: &Bar) {
        let Some(terms) = self.terms_of(bar.instrument) else {
            return;
        };
        let record = self.durable.instrument(bar.instrument);
        let Some(profile) = record.and_then(|record| self.durable.profile_for(record)) else {
            return;
        };
        if profile.market_orders == MarketOrders::NextBar {
            return;
        }
        let size = profile.street_size(terms, bar.volume);
        let (bid, ask) = profile.street_around(terms, bar.close);
        self.set_street(bar.instrument, &[(bid, size)], &[(ask, size)]);
        if let Some(market) = self.ephemeral.market_mut(bar.instrument) {
            market.is_modelled = true;
        }
    }
}

fn check_bar(terms: Option<&Instrument>, bar: &Bar) -> Result<(), Refusal> {
    for price in [bar.open, bar.high, bar.low, bar.close] {
        check_level(terms, (price, bar.volume))?;
    }
    let inside = |price: Price| (bar.low..=bar.high).contains(&price);
    if inside(bar.open) && inside(bar.close) {
        return Ok(());
    }
    let detail = "open and close of a bar must lie between its low and its high";
    Err(Refusal::malformed(refusal::INVALID_PRICE, detail))
}

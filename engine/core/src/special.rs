//! Terms that only some orders have: which of them go together, and what is decided when such an
//! order comes (the first stop price of a trailing stop, the quantity of an amount of money).

use crate::change::ChangeEvent;
use crate::checks::{Checks, Failure};
use crate::contract::deposits::free_to_sell;
use crate::contract::terms::Multiplier;
use crate::costs::most_lots;
use crate::durable::Durable;
use crate::event::Event;
use crate::group::check_group;
use crate::ids::{AccountIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::live::Live;
use crate::market::Market;
use crate::more_terms::{MoreTerms, PERCENT_SCALE};
use crate::order::{Order, OrderTerms};
use crate::reply::Refusal;
use crate::sink::Sink;
use crate::trails::Distance;
use crate::triggers::Wait;
use crate::units::{
    AMOUNT_MAX, Balance, MONEY_SCALE, Money, PRICE_MAX, Price, QUANTITY_MAX, Quantity, Rounding,
    TIME_MAX_NS, divide, format_money, format_time, power_of_ten,
};
use crate::words::{OrderClass, OrderType, PositionIntent, Reason, Side, TimeInForce, refusal};

/// A hundred percent.
const WHOLE: i64 = 100 * 10_i64.pow(PERCENT_SCALE as u32);

fn refuse(field: &'static str, detail: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal::malformed(refusal::INVALID_TERMS, detail).at(field))
}

/// Whether the terms of an order go together; what does not is refused and not kept.
pub(crate) fn check_more(terms: &OrderTerms) -> Result<(), Refusal> {
    let more = terms.more();
    check_trail(terms.order_type, more)?;
    check_date(terms.time_in_force, more)?;
    if terms.more.is_none() {
        return Ok(());
    }
    let is_set_by_engine = more.parent.is_some()
        || more.sibling.is_some()
        || more.held.is_some()
        || more.water_mark.is_some();
    if is_set_by_engine {
        return refuse("order_class", "only the engine ties orders to each other");
    }
    if more.trigger.is_some() && !terms.order_type.is_triggered() {
        return refuse("trigger", "only an order that waits for a price has a trigger");
    }
    let meant = |intent: PositionIntent| PositionIntent::of(terms.side, intent.closes()) == intent;
    if !more.position_intent.is_none_or(meant) {
        return refuse("position_intent", "it does not go with the side of the order");
    }
    check_display(terms, more)?;
    check_notional(terms, more)?;
    check_group(terms)
}

fn check_trail(kind: OrderType, more: &MoreTerms) -> Result<(), Refusal> {
    let given = usize::from(more.trail_price.is_some()) + usize::from(more.trail_percent.is_some());
    match (kind, given) {
        (OrderType::TrailingStop, 1) => {}
        (OrderType::TrailingStop, _) => {
            return refuse("trail_price", "give one of trail_price and trail_percent");
        }
        (_, 0) => return Ok(()),
        _ => {
            let field = if more.trail_price.is_some() { "trail_price" } else { "trail_percent" };
            return refuse(field, "only a trailing_stop order trails");
        }
    }
    if !(1..=PRICE_MAX).contains(&more.trail_price.unwrap_or(1)) {
        return refuse("trail_price", "it must trail by more than zero");
    }
    if !(1..WHOLE).contains(&more.trail_percent.unwrap_or(1)) {
        return refuse(
            "trail_percent",
            "it must trail by more than zero and less than 100 percent",
        );
    }
    Ok(())
}

fn check_date(tif: TimeInForce, more: &MoreTerms) -> Result<(), Refusal> {
    match (tif == TimeInForce::Gtd, more.expires_ns) {
        (true, None) => refuse("expire_time", "a gtd order needs an expire_time"),
        (false, Some(_)) => refuse("expire_time", "only a gtd order has an expire_time"),
        (true, Some(date)) if !(0..=TIME_MAX_NS).contains(&date) => {
            refuse("expire_time", "the expire_time is out of bounds")
        }
        _ => Ok(()),
    }
}

fn check_display(terms: &OrderTerms, more: &MoreTerms) -> Result<(), Refusal> {
    let rests = terms.order_type.has_limit()
        && !matches!(terms.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    if let Some(display) = more.display_qty {
        if !rests || more.hidden {
            return refuse("display_qty", "only a limit order that rests and is shown has one");
        }
        if display <= 0 || display > terms.qty {
            return refuse("display_qty", "it must be greater than zero and not above the qty");
        }
    }
    if more.hidden && !rests {
        return refuse("hidden", "only a limit order that rests can be hidden");
    }
    if more.post_only && (!rests || terms.order_type != OrderType::Limit) {
        return refuse("post_only", "only a limit order that rests can be post_only");
    }
    Ok(())
}

fn check_notional(terms: &OrderTerms, more: &MoreTerms) -> Result<(), Refusal> {
    let Some(notional) = more.notional else {
        return Ok(());
    };
    if terms.qty != 0 {
        return refuse("notional", "give one of qty and notional");
    }
    if !matches!(terms.order_type, OrderType::Market | OrderType::Limit) {
        return refuse("notional", "only market and limit orders can be for an amount of money");
    }
    if more.order_class != OrderClass::Simple {
        return refuse("notional", "an order with legs needs a qty");
    }
    if notional <= 0 || notional > AMOUNT_MAX {
        return refuse("notional", "the notional must be greater than zero and within bounds");
    }
    Ok(())
}

/// The further terms of an order after a replace: trail, date and displayed quantity can change.
pub(crate) fn replaced_more(
    old: &OrderTerms,
    asked: Option<&MoreTerms>,
    time_in_force: TimeInForce,
) -> Result<Option<Box<MoreTerms>>, Refusal> {
    let (mut more, asked) = (old.more().clone(), asked.cloned().unwrap_or_default());
    if asked.trail_price.is_some() || asked.trail_percent.is_some() {
        (more.trail_price, more.trail_percent) = (asked.trail_price, asked.trail_percent);
    }
    more.expires_ns = asked.expires_ns.or(more.expires_ns);
    more.display_qty = asked.display_qty.or(more.display_qty);
    if time_in_force != TimeInForce::Gtd && asked.expires_ns.is_none() {
        more.expires_ns = None;
    }
    let (trail_price, trail_percent) = (asked.trail_price, asked.trail_percent);
    let (expires_ns, display_qty) = (asked.expires_ns, asked.display_qty);
    let may = MoreTerms { trail_price, trail_percent, expires_ns, display_qty, ..MoreTerms::NONE };
    if asked != may {
        refuse("more", "of the further terms only trail, expire_time and display_qty can change")?;
    }
    Ok(more.boxed())
}

/// Whether the further terms that a replace may change go together.
pub(crate) fn check_replaced(terms: &OrderTerms) -> Result<(), Refusal> {
    let more = terms.more();
    check_trail(terms.order_type, more)?;
    check_date(terms.time_in_force, more)?;
    check_display(terms, more)
}

/// The whole lots that an amount of money trades at one price.
fn lots_at(instrument: &Instrument, price: Price, money: Balance, most: Quantity) -> Quantity {
    let fits = |qty: Quantity| instrument.value(price, qty, Rounding::Up) <= money;
    most_lots(instrument.whole_lots(most), instrument.lot_size, fits)
}

/// The whole lots that an amount of money trades with what stands there, and beyond it at the
/// last price or at `reference`.
fn lots_for(
    market: &Market,
    instrument: &Instrument,
    (account, side): (AccountIndex, Side),
    (money, reference): (Balance, Option<Price>),
) -> Quantity {
    let (mut left, mut lots, mut last) = (money, 0, None);
    for offer in market.offers(account, side) {
        let qty = lots_at(instrument, offer.price, left, offer.qty);
        lots += qty;
        left -= i128::from(instrument.notional(offer.price, qty));
        last = Some(offer.price);
        if qty < offer.qty {
            return lots;
        }
    }
    let beyond = last.or(reference).filter(|price| *price > 0);
    lots + beyond.map_or(0, |price| lots_at(instrument, price, left, QUANTITY_MAX - lots))
}

/// What an order for an amount of money has not yet traded for.
fn money_left(instrument: &Instrument, order: &Order, notional: Money) -> Balance {
    let multiplier = instrument.contract.as_ref().map_or(Multiplier::ONE, |it| it.multiplier);
    let value = order.filled_value.saturating_mul(i128::from(multiplier.units));
    let scales = u32::from(instrument.scales()) + u32::from(multiplier.scale);
    let scale = u32::from(MONEY_SCALE);
    let spent = if scales >= scale {
        divide(value, power_of_ten(scales - scale), Rounding::Up)
    } else {
        value.saturating_mul(power_of_ten(scale - scales))
    };
    (i128::from(notional) - spent).max(0)
}

impl Checks<'_> {
    /// Whether an amount of money trades at least one lot.
    pub fn has_size(&self) -> Result<(), Failure> {
        let (Some(notional), Some(instrument), 0) =
            (self.terms.more().notional, self.instrument(), self.terms.qty)
        else {
            return Ok(());
        };
        let price = self.terms.limit_price.or_else(|| self.reference()).unwrap_or(0);
        let lot = instrument.value(price, instrument.lot_size, Rounding::Up);
        let detail = "the notional does not buy one lot; ask for more";
        let failure = Failure::new(Reason::NotionalTooSmall, detail).at("notional");
        Err(failure.compare(format_money(notional.into()), format_money(lot)))
    }

    /// Whether a post-only order would rest.
    pub fn takes_nothing(&self) -> Result<(), Failure> {
        if !self.terms.more().post_only {
            return Ok(());
        }
        let market = self.ephemeral.market(self.terms.instrument);
        let offer =
            market.and_then(|market| market.offers(self.terms.account, self.terms.side).next());
        let limit = self.terms.limit_price;
        let crosses =
            offer.filter(|offer| crate::book::reaches(self.terms.side, limit, offer.price));
        let (Some(offer), Some(instrument)) = (crosses, self.instrument()) else {
            return Ok(());
        };
        let detail = "a post-only order must not trade at once; give a price away from the market";
        let failure = Failure::new(Reason::WouldTakeLiquidity, detail).at("limit_price");
        let price = |price: Price| instrument.format_price(price);
        Err(failure.compare(price(limit.unwrap_or(0)), price(offer.price)))
    }

    /// Whether an order that says whether it opens or closes does just that.
    pub fn does_as_meant(&self) -> Result<(), Failure> {
        let Some(intent) = self.terms.more().position_intent else {
            return Ok(());
        };
        let account = self.durable.account(self.terms.account);
        let position = account.map(|it| it.position(self.terms.instrument)).unwrap_or_default();
        let closing = position.closing(self.terms.side);
        let fits = if intent.closes() { self.terms.qty <= closing } else { closing == 0 };
        if fits {
            return Ok(());
        }
        let inferred = PositionIntent::of(self.terms.side, !intent.closes());
        let detail = format!(
            "position intent mismatch, inferred: {}, specified: {}; leave it out or change the order",
            inferred.word(),
            intent.word()
        );
        let failure = Failure::new(Reason::PositionIntentMismatch, detail).at("position_intent");
        Err(failure.compare(intent.word().to_owned(), inferred.word().to_owned()))
    }

    /// Whether a reduce-only order is no larger than what it can close.
    pub fn only_reduces(&self) -> Result<(), Failure> {
        if !self.terms.more().reduce_only {
            return Ok(());
        }
        let account = self.durable.account(self.terms.account);
        let position = account.map(|it| it.position(self.terms.instrument)).unwrap_or_default();
        let closing = position.closing(self.terms.side);
        let Some(instrument) = self.instrument().filter(|_| self.terms.qty > closing) else {
            return Ok(());
        };
        let detail = "a reduce-only order must not be larger than the position that it closes";
        let failure = Failure::new(Reason::WouldNotReduce, detail).at("qty");
        let qty = |qty: Quantity| instrument.format_quantity(qty);
        Err(failure.compare(qty(self.terms.qty), qty(closing)))
    }
}

fn set_trail(terms: &mut OrderTerms, mark: Price, stop: Price) {
    terms.stop_price = Some(stop);
    if let Some(more) = &mut terms.more {
        more.water_mark = Some(mark);
    }
}

impl Checks<'_> {
    /// The order with what it left open decided: the quantity of an amount of money, the first
    /// stop price of a trailing stop.
    pub fn prepared(&self) -> OrderTerms {
        let mut terms = self.terms.clone();
        if let Some(notional) = terms.more().notional {
            terms.qty = self.size_of(i128::from(notional));
        }
        if terms.order_type == OrderType::TrailingStop {
            if let Some((mark, stop)) = self.first_stop() {
                set_trail(&mut terms, mark, stop);
            }
        }
        terms
    }

    fn size_of(&self, money: Balance) -> Quantity {
        let market = self.ephemeral.market(self.terms.instrument);
        let (Some(instrument), Some(market)) = (self.instrument(), market) else {
            return 0;
        };
        if let Some(limit) = self.terms.limit_price {
            return if limit > 0 { lots_at(instrument, limit, money, QUANTITY_MAX) } else { 0 };
        }
        let reference = self.reference().filter(|price| *price > 0);
        if self.takes_part() && market.is_fresh {
            let who = (self.terms.account, self.terms.side);
            return lots_for(market, instrument, who, (money, reference));
        }
        reference.map_or(0, |price| lots_at(instrument, price, money, QUANTITY_MAX))
    }

    /// Water mark and stop price of a trailing stop that comes now.
    fn first_stop(&self) -> Option<(Price, Price)> {
        let instrument = self.instrument()?;
        let market = self.ephemeral.market(self.terms.instrument)?;
        let wait = Wait::of(self.terms, instrument.trigger);
        let shown = market.seen(instrument).by(wait.source, wait.side).or(market.quote.last);
        let mark = shown.or_else(|| self.reference()).filter(|price| *price > 0)?;
        let distance = Distance::of(self.terms.more(), instrument.tick_size);
        Some((mark, distance.stop(self.terms.side, mark)))
    }
}

impl<S: Sink> Live<'_, S> {
    /// Whether a good-till-date order still has time.
    pub fn has_time(&self, terms: &OrderTerms) -> Result<(), Failure> {
        let now_ns = self.now_ns();
        let date = terms.more.as_ref().and_then(|more| more.expires_ns);
        let Some(date) = date.filter(|date| *date <= now_ns) else {
            return Ok(());
        };
        let detail = "the expire_time has passed already; give a later one";
        let failure = Failure::new(Reason::Expired, detail).at("expire_time");
        Err(failure.compare(format_time(date), format_time(now_ns)))
    }

    /// The order with all that it left open decided.
    pub fn prepared(&self, terms: &OrderTerms) -> OrderTerms {
        Checks { durable: self.durable, ephemeral: self.ephemeral, terms }.prepared()
    }

    /// Sets water mark and stop price of a trailing stop to where the market stands; nothing when
    /// there was never a price.
    pub fn begin_trail(&self, terms: &mut OrderTerms) {
        let checks = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        if let Some((mark, stop)) = checks.first_stop() {
            set_trail(terms, mark, stop);
        }
    }

    /// Lets a trailing stop that comes alive begin to trail; says whether it can wait.
    pub fn has_trail(&mut self, number: OrderNumber) -> bool {
        let Some(order) = self.order(number) else {
            return false;
        };
        let trails = order.terms.order_type == OrderType::TrailingStop && order.is_armed();
        if !trails || order.terms.more().water_mark.is_some() {
            return true;
        }
        let mut terms = order.terms.clone();
        self.begin_trail(&mut terms);
        let (Some(mark), Some(stop)) = (terms.more().water_mark, terms.stop_price) else {
            return false;
        };
        self.emit(Event::Changed(ChangeEvent::TrailMoved { order: number, mark, stop }));
        true
    }

    /// Keeps the water mark that a trailing stop has by now when its terms are replaced.
    pub fn keep_trail(&self, order: &Order, terms: &mut OrderTerms) {
        let Some(instrument) = self.terms_of(terms.instrument) else {
            return;
        };
        let market = self.market(terms.instrument);
        let live = market.and_then(|market| market.triggers.trails.get(order.number));
        let recorded = terms.more().water_mark;
        let Some(mark) = live.map(|trail| trail.mark).or(recorded).filter(|_| order.is_armed())
        else {
            return;
        };
        let distance = Distance::of(terms.more(), instrument.tick_size);
        terms.stop_price = Some(distance.stop(terms.side, mark));
        if let Some(more) = &mut terms.more {
            more.water_mark = Some(mark);
        }
    }

    /// The quantity that a waiting order for an amount of money has by now: its own when it is
    /// not for one. At `price`, else against what stands there.
    pub fn size_now(&self, order: &Order, price: Option<Price>) -> Option<Quantity> {
        let notional = order.terms.more.as_ref()?.notional?;
        if order.terms.order_type != OrderType::Market {
            return None;
        }
        let instrument = self.terms_of(order.terms.instrument)?;
        let money = money_left(instrument, order, notional);
        let lots = match price {
            Some(price) => lots_at(instrument, price, money, QUANTITY_MAX),
            None => {
                let market = self.market(order.terms.instrument)?;
                let who = (order.terms.account, order.terms.side);
                market.offers(who.0, who.1).next()?;
                lots_for(market, instrument, who, (money, None))
            }
        };
        Some(lots.min(self.deliverable(order)))
    }

    /// What a sell of a cash account can deliver beyond what other orders promised and calls lock.
    fn deliverable(&self, order: &Order) -> Quantity {
        let room = QUANTITY_MAX - order.filled;
        let Some(account) = self.durable.account(order.terms.account) else {
            return 0;
        };
        if order.terms.side == Side::Buy || account.margin().is_some() {
            return room;
        }
        let free = free_to_sell(self.durable, account, order.terms.instrument);
        free.saturating_add(order.promised()).clamp(0, room)
    }
}

/// What a reduce-only order can still close; everything for other orders.
pub(crate) fn reducible(durable: &Durable, order: &Order) -> Quantity {
    if !order.terms.more.as_ref().is_some_and(|more| more.only_closes()) {
        return Quantity::MAX;
    }
    let account = durable.account(order.terms.account);
    let position = account.map(|account| account.position(order.terms.instrument));
    position.unwrap_or_default().closing(order.terms.side)
}

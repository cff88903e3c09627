//! The life of a multi-leg order: taken as a whole, traded as a whole, and ended as a whole.
//!
//! It takes what stands in the books of its legs and stands in none of them. What it cannot trade
//! rests beside them, and is looked at again when the market of one of its legs has moved. In
//! closed hours, halts and auctions of any of its legs it sleeps.

use super::books::{Books, Obstacle, Plan, Take};
use super::combo::{Combo, Part, pricing_leg, strategies_left, tie_legs};
use super::paying::{Outlay, Payment};
use crate::change::{ChangeEvent, LegsFilled};
use crate::checks::{Checks, Failure};
use crate::durable::Durable;
use crate::event::Event;
use crate::ids::OrderNumber;
use crate::live::{EVENTS_MAX, Live};
use crate::market::Ephemeral;
use crate::matching::Role;
use crate::order::{Order, OrderTerms};
use crate::orders::Kept;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::risk::review::Verdict;
use crate::sink::Sink;
use crate::units::{Balance, Money, Rounding, clamp, divide, format_money};
use crate::words::{Counterparty, How, Liquidity, Reason, Status, TimeInForce, refusal};

/// How many resting multi-leg orders a turn looks at.
const LOOKS_MAX: usize = 256;
/// The most events of one trade of all legs of an order that rested.
const EVENTS_PER_TRADE: u32 = 520;

/// A multi-leg order as it makes sense in this world; what does not is refused and not kept.
pub(crate) fn sensible<'a>(
    durable: &'a Durable,
    terms: &'a OrderTerms,
) -> Result<Combo<'a>, Refusal> {
    let unknown = || Refusal::malformed(refusal::UNKNOWN_SYMBOL, "no such instrument").at("legs");
    let combo = Combo::of(durable, terms).ok_or_else(unknown)?;
    combo.check()?;
    if !combo.is_priced_by(pricing_leg(durable, &terms.more().legs)) {
        let detail = "a multi-leg order stands under the leg with the largest multiplier";
        return Err(Refusal::malformed(refusal::INVALID_TERMS, detail).at("symbol"));
    }
    Ok(combo)
}

/// The leg orders of a multi-leg order, in the order of its legs.
pub(super) fn legs_of<'a>(durable: &'a Durable, order: &Order) -> Vec<Kept<'a>> {
    order.extra().legs.iter().filter_map(|leg| durable.order(*leg)).collect()
}

/// What a multi-leg order is checked with.
pub(super) struct ComboChecks<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    pub combo: &'a Combo<'a>,
}

impl<'a> ComboChecks<'a> {
    fn books(&self) -> Books<'a> {
        let (durable, ephemeral) = (self.durable, self.ephemeral);
        Books { durable, ephemeral, combo: self.combo, orders: &[] }
    }

    /// How many strategies it asks for.
    pub fn strategies(&self) -> i64 {
        self.combo.count(self.combo.terms.qty)
    }

    /// What would trade if it came now.
    pub fn plan(&self) -> Plan {
        self.books().plan(self.strategies())
    }

    /// The terms of all legs, as orders of their own.
    pub fn legs(&self) -> Vec<OrderTerms> {
        let leg = |part| self.combo.leg_terms(part, self.strategies());
        self.combo.parts.iter().map(leg).collect()
    }

    /// What fails, in the documented order: every leg for itself, then the order as a whole.
    pub fn failures(&self) -> Vec<Failure> {
        let mut failures = self.failures_of_form();
        failures.extend(self.failures_of_intent(self.strategies()));
        failures.extend(self.would_fill().err());
        failures.extend(self.hold().err());
        failures
    }

    /// What fails whatever stands in the books and in the account.
    pub fn failures_of_form(&self) -> Vec<Failure> {
        let (durable, ephemeral) = (self.durable, self.ephemeral);
        let mut failures: Vec<Failure> = Vec::new();
        for terms in &self.legs() {
            let of_leg = Checks { durable, ephemeral, terms }.failures_of_leg();
            let is_told = |failure: &Failure| failures.contains(failure);
            let new: Vec<Failure> = of_leg.into_iter().filter(|it| !is_told(it)).collect();
            failures.extend(new);
        }
        failures.extend(self.whole_lots().err());
        failures.extend(self.on_the_tick_grid().err());
        failures
    }

    /// Which of so many strategies' legs do not what they say that they do to the position.
    pub fn failures_of_intent(&self, strategies: i64) -> Vec<Failure> {
        let (durable, ephemeral) = (self.durable, self.ephemeral);
        let fails = |part: &Part<'_>| {
            let terms = &self.combo.leg_terms(part, strategies);
            Checks { durable, ephemeral, terms }.does_as_meant().err()
        };
        self.combo.parts.iter().filter_map(fails).collect()
    }

    /// A quantity of which no step trades whole lots of all legs never trades whole.
    fn whole_lots(&self) -> Result<(), Failure> {
        let (strategies, step) = (self.strategies(), self.combo.step);
        if strategies % step == 0 {
            return Ok(());
        }
        let detail = format!("{step} strategies are whole lots of all legs: ask for a multiple");
        let failure = Failure::new(Reason::InvalidLot, detail).at("qty");
        Err(failure.compare(strategies.to_string(), step.to_string()))
    }

    /// The net price is a multiple of the smallest tick of the legs that have its decimals.
    fn on_the_tick_grid(&self) -> Result<(), Failure> {
        let pricing = &self.combo.pricing.terms;
        let alike = self.combo.parts.iter().map(|part| &part.record.terms);
        let alike = alike.filter(|terms| terms.price_scale == pricing.price_scale);
        let tick = alike.map(|terms| terms.tick_size).min().unwrap_or(pricing.tick_size);
        let Some(limit) = self.combo.terms.limit_price.filter(|limit| limit % tick != 0) else {
            return Ok(());
        };
        let text = pricing.format_price(tick);
        let detail = format!("the net limit_price must be a multiple of the tick size {text}");
        let failure = Failure::new(Reason::InvalidTick, detail).at("limit_price");
        Err(failure.compare(pricing.format_price(limit), text))
    }

    fn would_fill(&self) -> Result<(), Failure> {
        if self.combo.terms.time_in_force != TimeInForce::Fok {
            return Ok(());
        }
        let filled = self.plan().strategies;
        if filled >= self.strategies() {
            return Ok(());
        }
        let detail = "a fill-or-kill order must fill completely at once; ask for less or use ioc";
        let failure = Failure::new(Reason::WouldNotFill, detail).at("qty");
        Err(failure.compare(self.strategies().to_string(), filled.to_string()))
    }

    /// What it sets aside, if the account has what the strategy as a whole asks for.
    pub fn hold(&self) -> Result<Money, Failure> {
        let orders: &[&Order] = &[];
        match self.payment(orders) {
            Some(payment) => payment.hold(self.strategies(), &self.plan(), 0),
            None => Ok(0),
        }
    }

    pub fn payment(&self, orders: &'a [&'a Order]) -> Option<Payment<'a>> {
        let account = self.durable.account(self.combo.terms.account)?;
        let (durable, ephemeral, combo) = (self.durable, self.ephemeral, self.combo);
        Some(Payment { durable, ephemeral, combo, account, orders })
    }
}

impl Payment<'_> {
    /// What so many strategies set aside, when the order holds `own` already; fails when the
    /// account has not what they ask for.
    pub fn hold(&self, strategies: i64, plan: &Plan, own: Money) -> Result<Money, Failure> {
        let outlay: Outlay<'_> = self.estimate(strategies, plan);
        self.is_covered(&outlay)?;
        let hold = self.need(&outlay).max(0);
        let power = self.power() + Balance::from(own);
        if hold == 0 || (hold <= power && hold <= Balance::from(crate::units::AMOUNT_MAX)) {
            return Ok(clamp(hold));
        }
        let currency = &self.combo.pricing.terms.currency;
        let (needs, has) = (format_money(hold), format_money(power));
        let detail = format!("the order needs {needs} {currency}, the account can spend {has}");
        let failure = Failure::new(Reason::InsufficientBuyingPower, detail).at("qty");
        Err(failure.compare(needs, has))
    }
}

impl Checks<'_> {
    /// What fails of a leg for itself.
    fn failures_of_leg(&self) -> Vec<Failure> {
        let checks = [
            self.account_is_active(),
            self.instrument_is_active(),
            self.market_is_open(),
            self.within_bounds(),
            self.has_reference_price(),
            self.borrows_enough(),
        ];
        checks.into_iter().filter_map(Result::err).collect()
    }
}

impl<S: Sink> Live<'_, S> {
    /// Accepts or rejects a multi-leg order that makes sense by its form.
    pub fn take_combo(&mut self, terms: &OrderTerms, digest: u64) -> Result<Reply, Refusal> {
        let order = self.next_order();
        let combo = sensible(self.durable, terms)?;
        let legs = tie_legs(&combo, order, self.durable.prefix);
        self.find_free_ids(&legs)?;
        let (hold, verdict) = match self.check_combo(&combo, &legs) {
            Ok(passed) => passed,
            Err(failure) => return self.reject(order, terms, digest, failure),
        };
        let is_delayed = self.send(terms, order);
        let passed = verdict.as_ref().map(|verdict| verdict.passed);
        self.emit(Event::Accepted { order, terms: terms.clone(), digest, hold, passed });
        for (terms, number) in legs.into_iter().zip(order + 1..) {
            let (hold, passed) = (0, None);
            self.emit(Event::Accepted { order: number, terms, digest, hold, passed });
        }
        self.tell_alerts(order, verdict);
        if !is_delayed {
            self.arrive(order);
        }
        Ok(Reply::new(Outcome::Created, Body::Order(order)))
    }

    fn check_combo(
        &self,
        combo: &Combo<'_>,
        legs: &[OrderTerms],
    ) -> Result<(Money, Option<Box<Verdict>>), Failure> {
        self.has_time(combo.terms)?;
        let checks = ComboChecks { durable: self.durable, ephemeral: self.ephemeral, combo };
        if let Some(failure) = checks.failures().into_iter().next() {
            return Err(failure);
        }
        let hold = checks.hold()?;
        Ok((hold, self.judge_legs(legs, &[])?))
    }

    /// Judges every leg by the risk policy, those before it counted in.
    pub(super) fn judge_legs(
        &self,
        legs: &[OrderTerms],
        replaces: &[&Order],
    ) -> Result<Option<Box<Verdict>>, Failure> {
        let mut all: Option<Box<Verdict>> = None;
        for (at, leg) in legs.iter().enumerate() {
            let beside = legs.get(..at).unwrap_or(&[]);
            let verdict = self.judge_beside(leg, replaces.get(at).copied(), beside)?;
            match (&mut all, verdict) {
                (Some(all), Some(verdict)) => {
                    all.passed.checks |= verdict.passed.checks;
                    all.alerts.extend(verdict.alerts);
                }
                (_, verdict) => all = verdict,
            }
        }
        Ok(all)
    }

    /// Lets a multi-leg order that has just come trade, then rest.
    pub(crate) fn enter_combo(&mut self, number: OrderNumber) {
        self.work_combo(number, false);
        let Some(order) = self.order(number) else {
            return;
        };
        let nothing_there = order.filled == 0 && order.terms.limit_price.is_none();
        match order.terms.time_in_force {
            TimeInForce::Ioc | TimeInForce::Fok => {
                let reason = if nothing_there { Reason::NoLiquidity } else { Reason::IocRemainder };
                self.cancel(number, reason, None);
            }
            _ => self.ephemeral.link(self.durable, number),
        }
    }

    /// Lets resting multi-leg orders trade with what has come into the markets of their legs.
    pub fn work_combos(&mut self) {
        for _ in 0..LOOKS_MAX {
            if !self.has_room_to_trade() {
                return;
            }
            let Some(number) = self.ephemeral.combos.next() else {
                return;
            };
            self.work_combo(number, true);
            self.let_arrive();
        }
    }

    /// Whether a fill-or-kill order could not fill completely now.
    pub(crate) fn combo_fails_to_fill(&self, order: &Order) -> bool {
        let Some(combo) = Combo::of(self.durable, &order.terms) else {
            return true;
        };
        let checks =
            ComboChecks { durable: self.durable, ephemeral: self.ephemeral, combo: &combo };
        checks.would_fill().is_err()
    }

    fn has_room_to_trade(&self) -> bool {
        self.events + EVENTS_PER_TRADE <= EVENTS_MAX
    }

    /// Trades a multi-leg order as far as the books of its legs go; one that rested as far as a
    /// turn may, and it is looked at again in the next.
    fn work_combo(&mut self, number: OrderNumber, rested: bool) {
        while let Some(step) = self.next_step(number) {
            match step {
                Step::Clears(maker, Obstacle::Due) => drop(self.leave_if_due(maker)),
                Step::Clears(maker, Obstacle::CannotPay) => {
                    self.cancel(maker, self.why_unpayable(maker), None);
                }
                Step::Clears(maker, Obstacle::OwnMaker) => {
                    self.cancel(maker, Reason::SelfTrade, None);
                }
                Step::Clears(_, Obstacle::EndsTaker) => {
                    self.cancel(number, Reason::SelfTrade, None);
                }
                Step::Ends(reason) => self.cancel(number, reason, None),
                Step::Trades(trade, goes_on) => {
                    self.trade_combo(number, *trade);
                    if !goes_on {
                        return;
                    }
                    if rested && !self.has_room_to_trade() {
                        self.look_again(number);
                        return;
                    }
                }
            }
        }
    }

    fn look_again(&mut self, number: OrderNumber) {
        if let Some(instrument) = self.order(number).map(|order| order.terms.instrument) {
            self.ephemeral.combos.moved(instrument);
        }
    }

    /// What happens to a multi-leg order next; nothing when it has to wait.
    fn next_step(&mut self, number: OrderNumber) -> Option<Step> {
        let legs = self.order(number)?.extra().legs.clone();
        if self.leave_if_due(number) || legs.iter().any(|leg| self.leave_if_due(*leg)) {
            return None;
        }
        let order = self.durable.open_order(number)?;
        let combo = Combo::of(self.durable, &order.terms)?;
        for part in &combo.parts {
            self.ephemeral.sit(part.leg.instrument, order.terms.account);
        }
        let orders = legs_of(self.durable, order);
        let orders: Vec<&Order> = orders.iter().map(|order| &**order).collect();
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let books = Books { durable, ephemeral, combo: &combo, orders: &orders };
        let left = strategies_left(&combo, order);
        let plan = books.plan(left);
        let is_fok = order.terms.time_in_force == TimeInForce::Fok;
        if plan.strategies == 0 || (is_fok && plan.strategies < left) {
            return None;
        }
        if let Some((maker, obstacle)) = books.obstacle(&plan) {
            return Some(Step::Clears(maker, obstacle));
        }
        let account = durable.account(order.terms.account)?;
        let payment = Payment { durable, ephemeral, combo: &combo, account, orders: &orders };
        let steps = plan.strategies / combo.step;
        let paid = most(steps, |steps| {
            let strategies = steps * combo.step;
            payment.can_trade(&books.cut(&plan.takes, strategies), order.hold)
        });
        if paid == 0 || (is_fok && paid < steps) {
            let one = books.cut(&plan.takes, combo.step);
            return Some(Step::Ends(why_unpaid(&payment, &one)));
        }
        let part = self.part_of_steps(order, paid).filter(|_| meets_street(&plan));
        let strategies = part.unwrap_or(paid) * combo.step;
        let plan = books.cut(&plan.takes, strategies);
        let need = payment.need(&Outlay::of_plan(&combo, &plan));
        let trade = Trade {
            price: combo.net_price(plan.cash, strategies),
            qty: combo.one().saturating_mul(strategies),
            release: release_of(order, (strategies, left), need - payment.power()),
            completes: strategies == left,
            legs: legs.into_iter().zip(plan.takes).collect(),
        };
        Some(Step::Trades(Box::new(trade), part.is_none()))
    }

    /// The part that chance gives an order that meets the street.
    fn part_of_steps(&self, order: &Order, steps: i64) -> Option<i64> {
        let lots = u64::try_from(steps).unwrap_or(0);
        let some = self.part_of_lots(order, lots)?;
        i64::try_from(some).ok()
    }

    /// Trades all legs: the parent first, which sets free what the legs are paid with.
    fn trade_combo(&mut self, number: OrderNumber, trade: Trade) {
        let Trade { price, qty, release, completes, legs } = trade;
        let value = i128::from(price) * i128::from(qty);
        let filled = LegsFilled { order: number, price, qty, value, release, completes };
        self.emit(Event::Changed(ChangeEvent::LegsFilled(filled)));
        let mut traded = Vec::new();
        for (leg, takes) in legs {
            traded.extend(self.durable.order(leg).map(|order| order.terms.instrument));
            for take in takes {
                self.trade_leg(leg, &take);
            }
        }
        for instrument in traded {
            self.fire_stops(instrument);
            self.serve_waiting(instrument);
        }
    }

    fn trade_leg(&mut self, leg: OrderNumber, take: &Take) {
        let Some((instrument, side)) =
            self.order(leg).map(|order| (order.terms.instrument, order.terms.side))
        else {
            return;
        };
        let (maker, price) = (take.maker(), take.moved.price);
        let counterparty = if maker.is_some() { Counterparty::User } else { Counterparty::House };
        let role = Role::new(Liquidity::Taker, counterparty)
            .how(How::MultiLeg)
            .offered(take.offer.qty)
            .moved(take.moved);
        self.fill(leg, price, take.qty, role);
        match maker {
            Some(maker) => {
                let role = Role::new(Liquidity::Maker, counterparty);
                self.fill(maker, take.offer.price, take.qty, role);
            }
            None => self.take_outside(leg, &take.offer, take.qty),
        }
        self.print_trade(instrument, price, take.qty, Some(side));
    }

    /// The end of a leg is the end of its whole order, for the same reason.
    pub(crate) fn leg_closed(&mut self, leg: OrderNumber) {
        let Some(order) = self.durable.order(leg) else {
            return;
        };
        let (status, reason) = (order.status, order.reason.unwrap_or(Reason::Requested));
        let parent = order.terms.more().parent.and_then(|parent| self.order(parent));
        let Some((parent, release)) = parent.map(|parent| (parent.number, parent.hold)) else {
            return;
        };
        if status == Status::Expired {
            self.emit(Event::Expired { order: parent, release });
            self.after_close(parent);
        } else {
            self.cancel(parent, reason, None);
        }
    }
}

/// What a multi-leg order does next.
enum Step {
    /// A resting order in its way is dealt with first.
    Clears(OrderNumber, Obstacle),
    /// It leaves.
    Ends(Reason),
    /// It trades, and whether it may trade more after that.
    Trades(Box<Trade>, bool),
}

/// One trade of all legs.
struct Trade {
    price: i64,
    qty: i64,
    release: Money,
    completes: bool,
    legs: Vec<(OrderNumber, Vec<Take>)>,
}

/// The largest number up to `most` that fits, found by halving.
fn most(most: i64, fits: impl Fn(i64) -> bool) -> i64 {
    crate::costs::most_lots(most, 1, |steps| steps == 0 || fits(steps))
}

fn meets_street(plan: &Plan) -> bool {
    plan.takes.iter().flatten().any(|take| take.offer.resting.is_none())
}

/// Why an order that cannot trade a single strategy leaves.
fn why_unpaid(payment: &Payment<'_>, plan: &Plan) -> Reason {
    let outlay = Outlay::of_plan(payment.combo, plan);
    if !payment.closes_as_meant(&outlay) {
        return Reason::WouldNotReduce;
    }
    payment.is_covered(&outlay).err().map_or(Reason::InsufficientBuyingPower, |it| it.reason)
}

/// What a trade sets free of the hold: what the rest no longer needs, and at least `needed`, what
/// the account's power does not cover.
fn release_of(order: &Order, (traded, left): (i64, i64), needed: Balance) -> Money {
    let hold = Balance::from(order.hold);
    let rest = Balance::from(left - traded);
    let kept = divide(hold * rest, Balance::from(left.max(1)), Rounding::Up);
    clamp((hold - kept).max(needed).clamp(0, hold))
}

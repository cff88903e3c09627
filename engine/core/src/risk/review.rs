//! Judges an order by the policy, after it has passed the checks that every world makes.
//!
//! A rule rejects only what makes its figure worse: orders that close or shrink a position pass
//! every limit on positions. Figures count open orders as if they had filled, on their own side.

use crate::account::Account;
use crate::checks::Failure;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::live::Live;
use crate::order::{Order, OrderTerms};
use crate::sink::Sink;
use crate::units::{
    Balance, MONEY_SCALE, Price, RATE_SCALE, Rounding, divide, format_decimal, format_money,
    portion_of, power_of_ten,
};
use crate::wide::compare_products;
use crate::words::{Measure, OrderType, Reason, RiskAction, RiskCheck, RiskLevel, Side, Status};

use super::event::RiskEvent;
use super::policy::{Policy, RATE_ONE, Rule};
use super::subject::{Exposure, Subject, equity, price};
use super::{Alert, BASE_CHECKS, Passed, RiskState, bit};

/// What a policy says about an order that it lets pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What the accepted order keeps.
    pub passed: Passed,
    /// Soft limits that it came to.
    pub alerts: Vec<Alert>,
}

impl<S: Sink> Live<'_, S> {
    /// Judges an order by the policy; nothing without one.
    pub fn judge(
        &self,
        terms: &OrderTerms,
        replaces: Option<&Order>,
    ) -> Result<Option<Box<Verdict>>, Failure> {
        self.judge_beside(terms, replaces, &[])
    }

    /// Judges one leg of an order as if those beside it were open.
    pub fn judge_beside(
        &self,
        terms: &OrderTerms,
        replaces: Option<&Order>,
        beside: &[OrderTerms],
    ) -> Result<Option<Box<Verdict>>, Failure> {
        if self.durable.risk.is_none() {
            return Ok(None);
        }
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        Subject { durable, ephemeral, terms, now_ns: self.now_ns(), replaces, beside }.review()
    }

    /// Raises the alerts of an order that was accepted.
    pub fn tell_alerts(&mut self, order: OrderNumber, verdict: Option<Box<Verdict>>) {
        let Some(verdict) = verdict else {
            return;
        };
        let Some(account) = self.order(order).map(|order| order.terms.account) else {
            return;
        };
        for alert in verdict.alerts {
            let (level, order) = (RiskLevel::Soft, Some(order));
            self.emit(RiskEvent::Alerted { account, level, alert, order }.into());
        }
    }
}

/// A figure before and after the order; none is below zero.
#[derive(Clone, Copy)]
struct Figure {
    before: i128,
    after: i128,
    /// What it is a share of; of nothing or of debts every share is too much.
    whole: Option<i128>,
    scale: u8,
}

impl Figure {
    const fn amount(before: i128, after: i128, scale: u8) -> Figure {
        Figure { before, after, whole: None, scale }
    }

    /// A share of money.
    fn share(before: i128, after: i128, whole: i128) -> Figure {
        Figure { before, after, whole: Some(whole.max(0)), scale: RATE_SCALE }
    }

    /// Whether it is beyond the limit of a rule.
    fn is_beyond(&self, rule: &Rule) -> bool {
        let limit = i128::from(rule.limit);
        match self.whole {
            None => self.after > limit,
            Some(whole) => compare_products((self.after, RATE_ONE), (limit, whole)).is_gt(),
        }
    }

    /// Whether it has come to the share of the limit that raises an alert.
    fn is_near(&self, rule: &Rule) -> bool {
        let soft = i128::from(rule.limit) * i128::from(rule.alert_at);
        let (one, whole) = match self.whole {
            None => (RATE_ONE, 1),
            Some(whole) => (RATE_ONE * RATE_ONE, whole),
        };
        rule.alert_at > 0 && compare_products((self.after, one), (soft, whole)).is_ge()
    }

    fn text(&self) -> String {
        match self.whole {
            None => format_decimal(self.after, self.scale, 0),
            Some(0) => "unbounded".to_owned(),
            Some(whole) => {
                let share = portion_of(self.after, RATE_ONE as i64, whole, Rounding::HalfEven);
                format_decimal(divide(share, 1_000, Rounding::HalfEven), 6, 0)
            }
        }
    }
}

/// One order under review.
pub(super) struct Review<'a> {
    subject: &'a Subject<'a>,
    risk: &'a RiskState,
    policy: &'a Policy,
    account: &'a Account,
    index: AccountIndex,
    instrument: &'a Instrument,
}

impl<'a> Review<'a> {
    pub(super) fn of(subject: &'a Subject<'a>, risk: &'a RiskState) -> Option<Review<'a>> {
        let index = subject.terms.account;
        Some(Review {
            subject,
            risk,
            policy: &risk.policy,
            account: subject.durable.account(index)?,
            index,
            instrument: &subject.durable.instrument(subject.terms.instrument)?.terms,
        })
    }

    pub(super) fn run(&self) -> Result<Verdict, Failure> {
        self.not_killed()?;
        self.not_stopped()?;
        let mut checks = BASE_CHECKS | bit(RiskCheck::KillSwitch) | bit(RiskCheck::LossStop);
        let mut alerts = Vec::new();
        for (place, rule) in self.policy.rules.iter().enumerate() {
            if !self.concerns(rule) {
                continue;
            }
            if let Some(alert) = self.judge(place as u32, rule)? {
                alerts.push(alert);
            }
            checks |= bit(check_of(rule.measure));
        }
        if self.policy.wash_trade {
            self.no_wash_trade()?;
            checks |= bit(RiskCheck::WashTrade);
        }
        if self.policy.day_trading.is_some() {
            self.day_trades_left()?;
            checks |= bit(RiskCheck::DayTrades);
        }
        let passed = Passed { version: self.risk.version, checks, keep: self.policy.keeps() };
        Ok(Verdict { passed, alerts })
    }

    pub(super) fn failures(&self) -> Vec<Failure> {
        let rules = self.policy.rules.iter().filter(|rule| self.concerns(rule));
        let mut failures: Vec<Failure> =
            rules.filter_map(|rule| self.judge(0, rule).err()).collect();
        failures.extend(self.not_killed().err());
        failures.extend(self.not_stopped().err());
        failures.extend(
            Some(()).filter(|()| self.policy.wash_trade).and_then(|()| self.no_wash_trade().err()),
        );
        failures.extend(self.day_trades_left().err());
        failures
    }

    /// Whether a rule is about this order; a replace is no further order.
    fn concerns(&self, rule: &Rule) -> bool {
        let counts = matches!(rule.measure, Measure::OrderRate | Measure::OpenOrders);
        let counts_again = counts && self.subject.replaces.is_some();
        !(rule.measure.is_watched() || counts_again)
            && rule.who.includes(self.account)
            && rule.what.includes(self.instrument)
    }

    fn not_killed(&self) -> Result<(), Failure> {
        match self.risk.killed(self.account) {
            None => Ok(()),
            Some(switch) => {
                let detail = format!("a kill switch is on: {}", switch.reason);
                Err(Failure::new(Reason::KillSwitch, detail))
            }
        }
    }

    fn not_stopped(&self) -> Result<(), Failure> {
        let stop = self.account.risk.as_deref().and_then(|risk| risk.stop.as_ref());
        let Some(stop) = stop.filter(|_| self.opens()) else {
            return Ok(());
        };
        let detail = "the account came to its loss limit: it may only close positions until the \
                      stop ends";
        let failure = Failure::new(super::command::reason_of_stop(stop.measure), detail);
        Err(failure.compare(stop.value.clone(), stop.limit.clone()))
    }

    /// The accounts that a rule adds up.
    fn together(&self, rule: &Rule) -> &[AccountIndex] {
        if rule.who.is_user() {
            self.risk.together(&self.account.owner)
        } else {
            std::slice::from_ref(&self.index)
        }
    }

    /// Judges by one rule: an alert when it comes near, a failure when it goes beyond.
    fn judge(&self, place: u32, rule: &Rule) -> Result<Option<Alert>, Failure> {
        if rule.measure.is_ban() {
            return self.not_banned(rule).map(|()| None);
        }
        let Some(figure) = self.figure(rule).filter(|figure| figure.after > figure.before) else {
            return Ok(None);
        };
        let limit = format_decimal(i128::from(rule.limit), rule.measure.scale(), 0);
        let is_beyond = figure.is_beyond(rule);
        if is_beyond && rule.action != RiskAction::Alert {
            let detail = detail_of(rule.measure);
            let failure = Failure::new(reason_of(rule.measure), detail).at(field_of(rule.measure));
            return Err(failure.compare(figure.text(), limit));
        }
        if !is_beyond && !figure.is_near(rule) {
            return Ok(None);
        }
        let (measure, value) = (rule.measure, figure.text());
        Ok(Some(Alert { rule: place, measure, value, limit }))
    }

    /// What the rule measures, before and after the order.
    fn figure(&self, rule: &Rule) -> Option<Figure> {
        let terms = self.subject.terms;
        let quantity = |qty: i128| {
            qty * power_of_ten(12 - u32::from(self.instrument.qty_scale)) / power_of_ten(6)
        };
        match rule.measure {
            Measure::OrderQty => {
                Some(Figure::amount(0, quantity(i128::from(terms.qty)), MONEY_SCALE))
            }
            Measure::OrderValue => {
                let price = self.subject.judged_price()?;
                let value = self.instrument.value(price, terms.qty, Rounding::Up);
                Some(Figure::amount(0, value, MONEY_SCALE))
            }
            Measure::OrderRate => {
                let since_ns = self.subject.now_ns - rule.window_ns;
                let accounts = self.together(rule).iter().filter_map(|index| self.risk_of(*index));
                let taken: usize = accounts.map(|risk| risk.taken_after(since_ns)).sum();
                Some(Figure::amount(taken as i128, taken as i128 + 1, 0))
            }
            Measure::OpenOrders => {
                let open = self.open_orders(rule);
                Some(Figure::amount(open, open + 1, 0))
            }
            Measure::PriceCollar => self.aggression(),
            Measure::PositionQty => {
                let (before, after) = self.quantities(rule);
                Some(Figure::amount(quantity(before), quantity(after), MONEY_SCALE))
            }
            _ => Some(self.exposure_figure(rule)),
        }
    }

    fn risk_of(&self, index: AccountIndex) -> Option<&super::AccountRisk> {
        self.subject.durable.account(index)?.risk.as_deref()
    }

    fn open_orders(&self, rule: &Rule) -> i128 {
        let durable = self.subject.durable;
        let accounts = self.together(rule).iter();
        let orders = accounts.flat_map(|index| self.subject.open_orders(*index));
        let covered = orders.filter(|order| {
            let record = durable.instrument(order.terms.instrument);
            record.is_some_and(|record| rule.what.covers(self.instrument, &record.terms))
        });
        covered.count() as i128
    }

    /// How far the limit price lies on the aggressive side: above the market for buys, below it
    /// for sells. A stop-limit order is held against its own stop price.
    fn aggression(&self) -> Option<Figure> {
        let terms = self.subject.terms;
        let limit = i128::from(terms.limit_price?);
        let reference = match terms.order_type {
            OrderType::Limit => self.subject.reference(),
            _ => terms.stop_price.or_else(|| self.subject.reference()),
        };
        let reference = i128::from(reference?);
        let beyond = match terms.side {
            Side::Buy => limit - reference,
            Side::Sell => reference - limit,
        };
        Some(Figure::share(0, beyond.max(0), reference))
    }

    /// The quantity on the order's side, before and after it.
    fn quantities(&self, rule: &Rule) -> (i128, i128) {
        let terms = self.subject.terms;
        let exposures = self.together(rule).iter();
        let exposures = exposures.map(|index| self.subject.exposure_of(*index, terms.instrument));
        let sum = exposures.fold(Exposure::default(), Exposure::plus);
        let before = sum.on_side(terms.side) + self.subject.left_before();
        let after = sum.on_side(terms.side) + self.subject.left_after();
        (before.max(0), after.max(0))
    }

    /// Whether the order opens or enlarges a position, or could after other open orders fill.
    fn opens(&self) -> bool {
        let terms = self.subject.terms;
        let exposure = self.subject.exposure_of(self.index, terms.instrument);
        exposure.on_side(terms.side) + self.subject.left_after() > 0
    }

    /// Value of the covered positions, over what the rule compares it with.
    fn exposure_figure(&self, rule: &Rule) -> Figure {
        let (before, after) = self.exposures(rule);
        let durable = self.subject.durable;
        let accounts = || self.together(rule).iter();
        match rule.measure {
            Measure::CapitalShare => {
                let capital = accounts().filter_map(|index| durable.account(*index));
                let capital = capital.map(Account::capital).sum();
                Figure::share(before, after, capital)
            }
            Measure::Concentration | Measure::Leverage => {
                let equity =
                    accounts().map(|index| equity(durable, self.subject.ephemeral, *index)).sum();
                Figure::share(before, after, equity)
            }
            _ => Figure::amount(before, after, MONEY_SCALE),
        }
    }

    /// Gross value of the covered positions with the open orders of their larger side, before and
    /// after the order.
    fn exposures(&self, rule: &Rule) -> (i128, i128) {
        let terms = self.subject.terms;
        let mut before = 0;
        let mut change = 0;
        for index in self.together(rule) {
            for (instrument, exposure) in self.subject.exposures_of(*index) {
                let Some(record) = self.subject.durable.instrument(instrument) else {
                    continue;
                };
                if !rule.what.covers(self.instrument, &record.terms) {
                    continue;
                }
                let value = |qty: i128| self.value(instrument, &record.terms, qty);
                if *index == self.index && instrument == terms.instrument {
                    let with = |qty: i128| value(exposure.with(terms.side, qty).gross());
                    before += with(self.subject.left_before());
                    change = with(self.subject.left_after()) - with(self.subject.left_before());
                } else {
                    before += value(exposure.gross());
                }
            }
        }
        (before, before + change)
    }

    fn value(&self, index: InstrumentIndex, terms: &Instrument, quantity: i128) -> i128 {
        let is_ordered = index == self.subject.terms.instrument;
        let live = price(self.subject.durable, self.subject.ephemeral, index);
        let own = if is_ordered { self.subject.judged_price() } else { None };
        let price = live.or(own).unwrap_or(0);
        terms.value(price, crate::units::clamp(quantity), Rounding::HalfEven)
    }

    fn not_banned(&self, rule: &Rule) -> Result<(), Failure> {
        let terms = self.subject.terms;
        let symbol = self.instrument.symbol.clone();
        if rule.measure == Measure::Restricted {
            if !self.opens() {
                return Ok(());
            }
            let detail = "this instrument is restricted: positions in it can only be closed";
            let failure = Failure::new(Reason::Restricted, detail).at("symbol");
            return Err(failure.compare(symbol, "restricted".to_owned()));
        }
        let exposure = self.subject.exposure_of(self.index, terms.instrument);
        let short = exposure.on_side(Side::Sell) + self.subject.left_after();
        if terms.side == Side::Buy || short <= 0 {
            return Ok(());
        }
        let detail = "this account may not sell short: sell at most what it holds";
        let failure = Failure::new(Reason::ShortNotPermitted, detail).at("qty");
        let quantity = |qty: i128| self.instrument.format_quantity(crate::units::clamp(qty));
        let free = i128::from(terms.qty) - short;
        Err(failure.compare(quantity(i128::from(terms.qty)), quantity(free.max(0))))
    }

    /// Whether the order could trade with an open order of the same user.
    fn no_wash_trade(&self) -> Result<(), Failure> {
        let terms = self.subject.terms;
        if self.subject.durable.is_isolated() {
            // Orders of users never meet.
            return Ok(());
        }
        let accounts = self.risk.together(&self.account.owner).iter();
        let mut orders = accounts.flat_map(|index| self.subject.open_orders(*index));
        let meets = |price: Option<Price>| match (terms.limit_price, price, terms.side) {
            (Some(own), Some(other), Side::Buy) => own >= other,
            (Some(own), Some(other), Side::Sell) => own <= other,
            _ => true,
        };
        let met = orders.find(|order| {
            order.terms.instrument == terms.instrument
                && order.status != Status::Held
                && order.terms.side != terms.side
                && meets(order.price_limit())
        });
        let Some(met) = met else {
            return Ok(());
        };
        let detail = "an open order of the same user stands on the other side and could trade \
                      with this one: cancel it first";
        let price = |price: Option<Price>| {
            price.map_or("market".to_owned(), |price| self.instrument.format_price(price))
        };
        let failure = Failure::new(Reason::WashTrade, detail);
        Err(failure.compare(price(terms.limit_price), price(met.price_limit())))
    }

    /// Whether a sell or cover that would be a day trade is one too many.
    fn day_trades_left(&self) -> Result<(), Failure> {
        let Some(rule) = &self.policy.day_trading else {
            return Ok(());
        };
        let own = self.account.risk.as_deref().filter(|_| self.account.margin().is_some());
        let Some(own) = own else {
            return Ok(());
        };
        let terms = self.subject.terms;
        let qty = self.account.position(terms.instrument).qty;
        let closes = match terms.side {
            Side::Buy => qty < 0,
            Side::Sell => qty > 0,
        };
        let is_day_trade =
            closes && own.day == self.risk.day && own.opened.contains(&terms.instrument);
        let first = (self.risk.day + 1).saturating_sub(rule.days);
        let made = own.day_trades_since(first);
        if !is_day_trade || made < rule.day_trades as usize {
            return Ok(());
        }
        let equity = equity(self.subject.durable, self.subject.ephemeral, self.index);
        if equity >= Balance::from(rule.minimum_equity) {
            return Ok(());
        }
        let detail = format!(
            "this would be day trade {} within {} days, with less equity than {}",
            made + 1,
            rule.days,
            format_money(i128::from(rule.minimum_equity))
        );
        let failure = Failure::new(Reason::DayTradeLimit, detail);
        Err(failure.compare((made + 1).to_string(), rule.day_trades.to_string()))
    }
}

/// The reason that a rule of this measure rejects with.
const fn reason_of(measure: Measure) -> Reason {
    match measure {
        Measure::OrderQty | Measure::OrderValue => Reason::OrderSizeLimit,
        Measure::OrderRate => Reason::OrderRateLimit,
        Measure::OpenOrders => Reason::OpenOrdersLimit,
        Measure::PriceCollar => Reason::PriceCollar,
        Measure::CapitalShare => Reason::CapitalShareLimit,
        Measure::Concentration => Reason::ConcentrationLimit,
        Measure::Leverage => Reason::LeverageLimit,
        Measure::Restricted => Reason::Restricted,
        Measure::NoShort => Reason::ShortNotPermitted,
        _ => Reason::PositionLimit,
    }
}

/// The check whose bit a rule of this measure sets.
const fn check_of(measure: Measure) -> RiskCheck {
    match measure {
        Measure::OrderQty | Measure::OrderValue => RiskCheck::OrderSize,
        Measure::OrderRate => RiskCheck::OrderRate,
        Measure::OpenOrders => RiskCheck::OpenOrders,
        Measure::PriceCollar => RiskCheck::PriceCollar,
        Measure::CapitalShare => RiskCheck::CapitalShare,
        Measure::Concentration => RiskCheck::Concentration,
        Measure::Leverage => RiskCheck::Leverage,
        Measure::Restricted => RiskCheck::Restricted,
        Measure::NoShort => RiskCheck::Short,
        _ => RiskCheck::Position,
    }
}

/// What to do about it.
const fn detail_of(measure: Measure) -> &'static str {
    match measure {
        Measure::OrderQty | Measure::OrderValue => "one order may not be so large: send less",
        Measure::OrderRate => "too many orders in this time: wait a little",
        Measure::OpenOrders => "too many open orders: cancel one first",
        Measure::PriceCollar => "the limit price lies too far beyond the market: move it closer",
        Measure::CapitalShare => "the position would be too large a share of the capital",
        Measure::Concentration => "the position would be too large a share of the equity",
        Measure::Leverage => "all positions would be too large a multiple of the equity",
        _ => "the position would be larger than the policy allows: send less or close some",
    }
}

const fn field_of(measure: Measure) -> &'static str {
    match measure {
        Measure::PriceCollar => "limit_price",
        _ => "qty",
    }
}

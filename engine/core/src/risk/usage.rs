//! How much of each limit an account uses, by the figures that orders are judged by.

use std::collections::BTreeMap;

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::{AccountIndex, InstrumentIndex, format_uuid};
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, push_list};
use crate::market::Ephemeral;
use crate::order::Order;
use crate::units::{
    Balance, MONEY_SCALE, Nanos, RATE_SCALE, Rounding, clamp, divide, format_decimal, format_money,
    portion_of, power_of_ten,
};
use crate::words::{Measure, OrderType, Side};

use super::policy::{Policy, RATE_ONE, Rule, What};
use super::subject::{Exposure, counts, equity, price};
use super::{AccountRisk, RiskState};

/// What one limit is used by, on one of the things that it limits.
struct Usage {
    rule: u32,
    /// The instrument, class or sector; `None` when it is about all of them together.
    target: Option<String>,
    /// As text for people; `None` for a share of nothing or of debts.
    used: Option<String>,
}

/// The present as it bears on one account.
struct Standing<'a> {
    durable: &'a Durable,
    ephemeral: &'a Ephemeral,
    index: AccountIndex,
    now_ns: Nanos,
}

/// Every limit of the policy that concerns an account with what it uses of it, and its exposures.
pub(crate) fn usage(
    durable: &Durable,
    ephemeral: &Ephemeral,
    index: AccountIndex,
    now_ns: Nanos,
) -> Option<String> {
    let account = durable.account(index)?;
    let standing = Standing { durable, ephemeral, index, now_ns };
    let (none, idle) = (Policy::default(), RiskState::default());
    let world = durable.risk.as_deref();
    let policy = world.map_or(&none, |world| &world.policy);
    let world = world.unwrap_or(&idle);
    let concerns = |rule: &&Rule| rule.who.includes(account);
    let rules = policy.rules.iter().enumerate().filter(|(_, rule)| concerns(rule));
    let used: Vec<Usage> =
        rules.flat_map(|(place, rule)| standing.used(world, place as u32, rule)).collect();
    let mut out = String::new();
    ObjectWriter::begin(&mut out)
        .text("account_id", &format_uuid(account.id))
        .value("version", world.version)
        .text("equity", &format_money(equity(durable, ephemeral, index)))
        .with("limits", |out| push_list(out, &used, push_usage))
        .with("exposures", |out| {
            push_list(out, standing.exposures(index), |out, (instrument, exposure)| {
                standing.push_exposure(out, instrument, exposure);
            });
        })
        .value("as_of_seq", durable.turn.seq)
        .end();
    Some(out)
}

fn push_usage(out: &mut String, usage: &Usage) {
    ObjectWriter::begin(out)
        .value("rule", usage.rule)
        .maybe_text("target", usage.target.as_deref())
        .maybe_text("used", usage.used.as_deref())
        .end();
}

/// The name under which a rule counts an instrument; `None` for one that it does not cover. A rule
/// on all of them has one name, the empty one.
fn target_of(what: &What, terms: &Instrument) -> Option<String> {
    let class = || terms.asset_class.word().to_owned();
    match what {
        What::All => Some(String::new()),
        What::EachInstrument => Some(terms.symbol.clone()),
        What::Instrument(symbol) => (terms.symbol == *symbol).then(|| symbol.clone()),
        What::EachClass => Some(class()),
        What::Class(wanted) => (terms.asset_class == *wanted).then(class),
        What::EachSector => (!terms.sector.is_empty()).then(|| terms.sector.clone()),
        What::Sector(sector) => (terms.sector == *sector).then(|| sector.clone()),
    }
}

/// The targets that a rule names itself.
fn named(what: &What) -> Option<String> {
    match what {
        What::All => Some(String::new()),
        What::Instrument(name) | What::Sector(name) => Some(name.clone()),
        What::Class(class) => Some(class.word().to_owned()),
        _ => None,
    }
}

impl Standing<'_> {
    fn used(&self, world: &RiskState, place: u32, rule: &Rule) -> Vec<Usage> {
        let made = |(target, used): (String, Option<String>)| Usage {
            rule: place,
            target: Some(target).filter(|target| !target.is_empty()),
            used,
        };
        if rule.measure.is_watched() {
            return vec![made((String::new(), Some(self.lost(rule))))];
        }
        if rule.measure == Measure::OrderRate {
            let target = named(&rule.what).unwrap_or_default();
            return vec![made((target, Some(self.taken(world, rule).to_string())))];
        }
        self.figures(world, rule).into_iter().map(made).collect()
    }

    fn together(&self, world: &RiskState, rule: &Rule) -> Vec<AccountIndex> {
        match self.durable.account(self.index) {
            Some(account) if rule.who.is_user() => world.together(&account.owner).to_vec(),
            _ => vec![self.index],
        }
    }

    /// What was lost since the day began or from the peak, never less than nothing.
    fn lost(&self, rule: &Rule) -> String {
        let none = AccountRisk::default();
        let account = self.durable.account(self.index);
        let risk = account.and_then(|account| account.risk.as_deref()).unwrap_or(&none);
        let equity = equity(self.durable, self.ephemeral, self.index);
        let from = if rule.measure.ends_with_day() { risk.day_start } else { risk.peak };
        let from = from.unwrap_or(equity);
        let lost = (from - equity).max(0);
        match rule.measure {
            Measure::DailyLoss => format_money(lost),
            _ => {
                let share = portion_of(lost, 1_000_000, from.max(1), Rounding::HalfEven);
                format_decimal(share, 6, 0)
            }
        }
    }

    /// How many orders were taken within the window of a rule.
    fn taken(&self, world: &RiskState, rule: &Rule) -> usize {
        let accounts = self.together(world, rule);
        let risks =
            accounts.iter().filter_map(|index| self.durable.account(*index)?.risk.as_deref());
        risks.map(|risk| risk.taken_after(self.now_ns - rule.window_ns)).sum()
    }

    /// The figure of each target of a rule, as text.
    fn figures(&self, world: &RiskState, rule: &Rule) -> BTreeMap<String, Option<String>> {
        let accounts = self.together(world, rule);
        let mut sums: BTreeMap<String, i128> =
            named(&rule.what).map(|name| (name, 0)).into_iter().collect();
        match rule.measure {
            Measure::OrderQty
            | Measure::OrderValue
            | Measure::OpenOrders
            | Measure::PriceCollar => {
                for order in accounts.iter().flat_map(|index| self.orders(*index)) {
                    self.count_order(&mut sums, rule, order);
                }
            }
            Measure::PositionQty => self.sum_quantities(&mut sums, rule, &accounts),
            _ => {
                for index in &accounts {
                    for (instrument, exposure) in self.exposures(*index) {
                        self.count_exposure(&mut sums, rule, instrument, exposure);
                    }
                }
            }
        }
        let whole = self.whole(rule, &accounts);
        let text = |sum: i128| used_text(rule.measure, sum, whole);
        sums.into_iter().map(|(target, sum)| (target, text(sum))).collect()
    }

    fn orders(&self, index: AccountIndex) -> impl Iterator<Item = &Order> {
        self.durable.open_orders(index).filter(|order| !order.terms.is_combo())
    }

    /// What the figure of a rule is a share or multiple of.
    fn whole(&self, rule: &Rule, accounts: &[AccountIndex]) -> Option<Balance> {
        match rule.measure {
            Measure::CapitalShare => {
                let known = accounts.iter().filter_map(|index| self.durable.account(*index));
                Some(known.map(Account::capital).sum())
            }
            Measure::Concentration | Measure::Leverage => {
                let worth = |index: &AccountIndex| equity(self.durable, self.ephemeral, *index);
                Some(accounts.iter().map(worth).sum())
            }
            _ => None,
        }
    }

    fn count_order(&self, sums: &mut BTreeMap<String, i128>, rule: &Rule, order: &Order) {
        let index = order.terms.instrument;
        let Some(terms) = self.durable.instrument(index).map(|record| &record.terms) else {
            return;
        };
        let Some(target) = target_of(&rule.what, terms) else {
            return;
        };
        let sum = sums.entry(target).or_default();
        let judged = || {
            let own = order.terms.limit_price.or(order.terms.stop_price);
            own.or_else(|| price(self.durable, self.ephemeral, index))
        };
        let figure = match rule.measure {
            Measure::OrderQty => in_money_scale(terms, i128::from(order.terms.qty)),
            Measure::OrderValue => {
                judged().map_or(0, |price| terms.value(price, order.terms.qty, Rounding::Up))
            }
            Measure::PriceCollar => self.beyond(order),
            _ => {
                *sum += 1;
                return;
            }
        };
        *sum = (*sum).max(figure);
    }

    /// How far a limit price lies on the aggressive side of the market, as a share in 10^-9.
    fn beyond(&self, order: &Order) -> i128 {
        let terms = &order.terms;
        let market = price(self.durable, self.ephemeral, terms.instrument);
        let reference = match terms.order_type {
            OrderType::Limit => market,
            _ => terms.stop_price.or(market),
        };
        let (Some(limit), Some(reference)) = (terms.limit_price, reference) else {
            return 0;
        };
        let (limit, reference) = (i128::from(limit), i128::from(reference));
        let beyond = if terms.side == Side::Buy { limit - reference } else { reference - limit };
        divide(beyond.max(0).saturating_mul(RATE_ONE), reference.max(1), Rounding::HalfEven)
    }

    /// Quantities of all accounts together, by instrument.
    fn sum_quantities(
        &self,
        sums: &mut BTreeMap<String, i128>,
        rule: &Rule,
        accounts: &[AccountIndex],
    ) {
        let mut all: BTreeMap<InstrumentIndex, Exposure> = BTreeMap::new();
        for (instrument, exposure) in accounts.iter().flat_map(|index| self.exposures(*index)) {
            let sum = all.entry(instrument).or_default();
            *sum = sum.plus(exposure);
        }
        for (instrument, exposure) in all {
            let Some(terms) = self.durable.instrument(instrument).map(|record| &record.terms)
            else {
                continue;
            };
            if let Some(target) = target_of(&rule.what, terms) {
                sums.insert(target, in_money_scale(terms, exposure.gross()));
            }
        }
    }

    fn count_exposure(
        &self,
        sums: &mut BTreeMap<String, i128>,
        rule: &Rule,
        instrument: InstrumentIndex,
        exposure: Exposure,
    ) {
        let Some(terms) = self.durable.instrument(instrument).map(|record| &record.terms) else {
            return;
        };
        let Some(target) = target_of(&rule.what, terms) else {
            return;
        };
        let figure = match rule.measure {
            Measure::Restricted => i128::from(exposure.held() != 0),
            Measure::NoShort => i128::from(exposure.held() < 0),
            _ => self.value(instrument, terms, exposure.gross()),
        };
        *sums.entry(target).or_default() += figure;
    }

    fn value(&self, index: InstrumentIndex, terms: &Instrument, quantity: i128) -> i128 {
        let price = price(self.durable, self.ephemeral, index).unwrap_or(0);
        terms.value(price, clamp(quantity), Rounding::HalfEven)
    }

    /// Positions of an account, and what its open orders would add to each side.
    fn exposures(&self, index: AccountIndex) -> BTreeMap<InstrumentIndex, Exposure> {
        let mut exposures: BTreeMap<InstrumentIndex, Exposure> = BTreeMap::new();
        let Some(account) = self.durable.account(index) else {
            return exposures;
        };
        for (instrument, position) in account.positions.iter().filter(|(_, it)| it.qty != 0) {
            exposures.insert(*instrument, Exposure::holding(position.qty));
        }
        for order in self.orders(index).filter(|order| counts(order)) {
            let exposure = exposures.entry(order.terms.instrument).or_default();
            *exposure = exposure.with(order.terms.side, i128::from(order.leaves()));
        }
        exposures
    }

    fn push_exposure(&self, out: &mut String, index: InstrumentIndex, exposure: Exposure) {
        let Some(terms) = self.durable.instrument(index).map(|record| &record.terms) else {
            out.push_str("null");
            return;
        };
        let quantity = |qty: i128| terms.format_quantity(clamp(qty));
        let at = price(self.durable, self.ephemeral, index).map(|price| terms.format_price(price));
        ObjectWriter::begin(out)
            .text("symbol", &terms.symbol)
            .text("asset_class", terms.asset_class.word())
            .text("sector", &terms.sector)
            .text("currency", &terms.currency)
            .text("qty", &quantity(exposure.held()))
            .text("buying", &quantity(exposure.on_side(Side::Buy) - exposure.held()))
            .text("selling", &quantity(exposure.on_side(Side::Sell) + exposure.held()))
            .maybe_text("price", at.as_deref())
            .text("value", &format_money(self.value(index, terms, exposure.held())))
            .text("gross", &format_money(self.value(index, terms, exposure.gross())))
            .end();
    }
}

/// A quantity in the scale of limits on quantities.
fn in_money_scale(terms: &Instrument, qty: i128) -> i128 {
    qty * power_of_ten(12 - u32::from(terms.qty_scale)) / power_of_ten(6)
}

/// A figure as text; shares with six decimals.
fn used_text(measure: Measure, sum: i128, whole: Option<Balance>) -> Option<String> {
    let million = |value: i128| divide(value, 1_000, Rounding::HalfEven);
    match whole {
        Some(whole) if whole <= 0 => (sum == 0).then(|| "0".to_owned()),
        Some(whole) => {
            let share = portion_of(sum, RATE_ONE as i64, whole, Rounding::HalfEven);
            Some(format_decimal(million(share), 6, 0))
        }
        None if measure.scale() == RATE_SCALE => Some(format_decimal(million(sum), 6, 0)),
        None if measure.scale() == MONEY_SCALE => Some(format_decimal(sum, MONEY_SCALE, 0)),
        None => Some(sum.to_string()),
    }
}

//! Questions: value, book, preview, instruments, exchanges. They read the present and change
//! nothing.

use std::collections::BTreeMap;

use crate::book::LevelView;
use crate::checks::{Checks, Failure, check_terms};
use crate::durable::Durable;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::instrument::{Instrument, InstrumentRecord};
use crate::json::{ObjectWriter, push_list, push_text};
use crate::market::{Ephemeral, Market};
use crate::objects;
use crate::order::OrderTerms;
use crate::reply::Refusal;
use crate::risk::subject::Subject;
use crate::units::{Nanos, Price, clamp, format_money};
use crate::words::Side;

/// What a question reads.
pub(crate) struct Present<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    /// The last turn, or 0.
    pub seq: u64,
}

impl Present<'_> {
    /// The live price of an instrument, else the recorded one.
    pub fn price(&self, index: InstrumentIndex, record: &InstrumentRecord) -> Option<Price> {
        self.ephemeral.price(index, record)
    }

    /// What an account and its positions are worth now.
    pub fn value(&self, index: AccountIndex) -> Option<String> {
        let account = self.durable.account(index)?;
        let price = |index: InstrumentIndex, record: &InstrumentRecord| self.price(index, record);
        let worth = self.durable.worth_at(account, price);
        let mut out = String::new();
        let open = account.positions.iter().filter(|(_, position)| position.qty != 0);
        ObjectWriter::begin(&mut out)
            .with("account", |out| {
                objects::push_account(out, self.durable, account, worth, self.seq);
            })
            .with("positions", |out| {
                push_list(out, open, |out, (index, position)| {
                    if let Some(record) = self.durable.instrument(*index) {
                        let price = self.price(*index, record);
                        let held = (&record.terms, *position);
                        objects::push_position(out, self.durable, account, held, price);
                    }
                });
            })
            .end();
        Some(out)
    }

    /// The book of an instrument: the street, bots and users together, best levels first.
    pub fn book(&self, index: InstrumentIndex, depth: usize) -> Option<String> {
        let terms = &self.durable.instrument(index)?.terms;
        let market = self.ephemeral.market(index)?;
        let mut out = String::new();
        let has_quote = market.quote.time_ns != 0;
        ObjectWriter::begin(&mut out)
            .text("symbol", &terms.symbol)
            .with("bids", |out| push_levels(out, terms, market, (Side::Buy, depth)))
            .with("asks", |out| push_levels(out, terms, market, (Side::Sell, depth)))
            .with("quote", |out| match has_quote {
                true => objects::push_quote(out, self.durable, terms, market),
                false => out.push_str("null"),
            })
            .value("as_of_seq", self.seq)
            .end();
        Some(out)
    }

    /// Where an account stands against the risk policy.
    pub fn standing(&self, index: AccountIndex) -> Option<String> {
        crate::risk::answer::standing(self.durable, self.ephemeral, index)
    }

    /// How much of each limit an account uses.
    pub fn usage(&self, index: AccountIndex, now_ns: Nanos) -> Option<String> {
        crate::risk::usage::usage(self.durable, self.ephemeral, index, now_ns)
    }

    /// An order as the risk policy judges it.
    pub(crate) fn subject<'a>(
        &'a self,
        terms: &'a OrderTerms,
        beside: &'a [OrderTerms],
    ) -> Subject<'a> {
        let (durable, ephemeral) = (self.durable, self.ephemeral);
        Subject { durable, ephemeral, terms, now_ns: durable.turn.time_ns, replaces: None, beside }
    }

    /// All instruments, by symbol.
    pub fn instruments(&self) -> String {
        let mut out = String::new();
        // A former symbol finds its instrument, too, but is no instrument of its own.
        let records = self.durable.instrument_of.iter().filter_map(|(symbol, index)| {
            let record = self.durable.instrument(*index)?;
            (record.terms.symbol == *symbol).then_some(record)
        });
        ObjectWriter::begin(&mut out)
            .with("items", |out| {
                push_list(out, records, |out, record| {
                    objects::push_instrument(out, self.durable, record);
                });
            })
            .end();
        out
    }

    /// All exchanges, by id.
    pub fn exchanges(&self) -> String {
        let mut out = String::new();
        let all = self.durable.exchange_of.values();
        let records = all.filter_map(|index| self.durable.exchange(*index));
        ObjectWriter::begin(&mut out)
            .with("items", |out| {
                push_list(out, records, |out, record| {
                    objects::push_exchange(out, record);
                });
            })
            .end();
        out
    }

    /// What an order would do if it came now: cost, fees, failed checks, warnings.
    pub fn preview(&self, terms: &OrderTerms) -> Result<String, Refusal> {
        check_terms(terms)?;
        if terms.is_combo() {
            return self.preview_combo(terms);
        }
        let asked = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        let prepared = terms.more.is_some().then(|| asked.prepared());
        let terms = prepared.as_ref().unwrap_or(terms);
        let checks = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        let mut failures = checks.failures();
        failures.extend(self.subject(terms, &[]).failures());
        let estimate = self.estimate(&checks);
        let account = self.durable.account(terms.account);
        let power = checks.power();
        let is_margin = account.is_some_and(|account| account.margin().is_some());
        let after = match terms.side {
            Side::Sell if !is_margin => {
                power - estimate.cost - estimate.fees - i128::from(checks.hold())
            }
            _ => power - i128::from(checks.hold()),
        };
        let mut out = String::new();
        ObjectWriter::begin(&mut out)
            .text("cost", &format_money(estimate.cost))
            .text("fees", &format_money(estimate.fees))
            .text("buying_power_after", &format_money(after))
            .maybe_text("expected_slippage", estimate.slippage.as_deref())
            .with("rejections", |out| push_list(out, &failures, push_failure))
            .with("warnings", |out| push_list(out, estimate.warnings, push_warning))
            .end();
        Ok(out)
    }

    /// Cost and fees of what would fill at once, and of the rest at the order's own price.
    fn estimate(&self, checks: &Checks<'_>) -> Estimate {
        let terms = checks.terms;
        let (Some(record), Some(market)) =
            (self.durable.instrument(terms.instrument), self.ephemeral.market(terms.instrument))
        else {
            return Estimate::default();
        };
        let instrument = &record.terms;
        let walk = if terms.order_type.is_triggered() { Default::default() } else { checks.walk() };
        let rest = (terms.qty - walk.filled).max(0);
        let reference = walk.worst.or_else(|| self.price(terms.instrument, record));
        let price = terms.limit_price.or(terms.stop_price).or(reference).unwrap_or(0);
        let rest_value = i128::from(instrument.notional(price, rest));
        let fees = self.durable.fees_for(record);
        let rest_fee = fees
            .filter(|_| rest > 0)
            .map_or(0, |fees| fees.of_hold(instrument, rest, clamp(rest_value)));
        let sign: i128 = if terms.side == Side::Buy { 1 } else { -1 };
        let slippage = market.mid(instrument).filter(|_| walk.filled > 0).map(|mid| {
            let average = instrument.average_price(walk.notional, walk.filled);
            instrument.format_price(clamp((i128::from(average) - i128::from(mid)) * sign))
        });
        let mut warnings = Vec::new();
        if rest > 0 && !terms.order_type.is_triggered() {
            warnings.push((
                "would_wait",
                format!("{} would not fill at once", instrument.format_quantity(rest)),
            ));
        }
        Estimate {
            cost: (walk.notional + rest_value) * sign,
            fees: walk.fees + i128::from(rest_fee),
            slippage,
            warnings,
        }
    }
}

/// What an order would cost.
#[derive(Default)]
struct Estimate {
    cost: i128,
    fees: i128,
    slippage: Option<String>,
    warnings: Vec<(&'static str, String)>,
}

/// Appends the best levels of a side: `[price, qty, orders]`, a street level counting as one
/// order.
fn push_levels(
    out: &mut String,
    terms: &Instrument,
    market: &Market,
    (side, depth): (Side, usize),
) {
    let mut levels: BTreeMap<Price, LevelView> = BTreeMap::new();
    let (street, book) = market.outside_levels(side);
    for level in book.levels(side).take(depth) {
        levels.insert(level.price, level);
    }
    for (price, qty) in street.into_iter().take(depth) {
        let level = levels.entry(price).or_insert(LevelView { price, qty: 0, orders: 0 });
        level.qty += i128::from(qty);
        level.orders += 1;
    }
    let mut sorted: Vec<LevelView> = levels.into_values().collect();
    if side == Side::Buy {
        sorted.reverse();
    }
    push_list(out, sorted.iter().take(depth), |out, level| {
        out.push('[');
        push_text(out, &terms.format_price(level.price));
        out.push(',');
        push_text(out, &terms.format_quantity(clamp(level.qty)));
        out.push(',');
        out.push_str(&level.orders.to_string());
        out.push(']');
    });
}

pub(crate) fn push_failure(out: &mut String, failure: &Failure) {
    ObjectWriter::begin(out)
        .text("reason", failure.reason.word())
        .text("detail", &failure.detail)
        .maybe_text("value", failure.value.as_deref())
        .maybe_text("limit", failure.limit.as_deref())
        .end();
}

pub(crate) fn push_warning(out: &mut String, (reason, detail): (&'static str, String)) {
    ObjectWriter::begin(out).text("reason", reason).text("detail", &detail).end();
}

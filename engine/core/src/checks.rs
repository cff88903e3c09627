//! What an order must pass before it is accepted, in the documented order.

use crate::account::Account;
use crate::command::Input;
use crate::contract::deposits::{can_write, free_to_sell, hold_of_write};
use crate::contract::state::units_of;
use crate::costs::{hold_at, margin_hold, power_for, signed};
use crate::durable::Durable;
use crate::instrument::Instrument;
use crate::market::Ephemeral;
use crate::matching::{Walk, walk};
use crate::order::OrderTerms;
use crate::reply::Refusal;
use crate::session::Phase;
use crate::special::check_more;
use crate::units::{
    Money, Nanos, ORDER_VALUE_MAX, PRICE_MAX, Price, QUANTITY_MAX, Quantity, Rounding, clamp,
    format_money,
};
use crate::words::{
    AccountStatus, CostMethod, InstrumentStatus, OrderType, Reason, Side, TimeInForce, refusal,
};

/// The longest request id and name.
pub const TEXT_MAX: usize = 128;

/// A failed check: which, the offending value and the limit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub reason: Reason,
    pub detail: String,
    pub field: Option<&'static str>,
    pub value: Option<String>,
    pub limit: Option<String>,
    /// When the exchange opens next, where that is what to wait for.
    pub next_open_ns: Option<Nanos>,
}

impl Failure {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Failure {
        Failure {
            reason,
            detail: detail.into(),
            field: None,
            value: None,
            limit: None,
            next_open_ns: None,
        }
    }

    pub fn at(mut self, field: &'static str) -> Failure {
        self.field = Some(field);
        self
    }

    /// The same failure, saying when the exchange opens next, if that is known.
    pub fn opening(mut self, next_open_ns: Option<Nanos>) -> Failure {
        self.next_open_ns = next_open_ns.filter(|time_ns| *time_ns > 0);
        self
    }

    pub fn compare(mut self, value: String, limit: String) -> Failure {
        self.value = Some(value);
        self.limit = Some(limit);
        self
    }
}

/// Whether a text can be an id or a name.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    (1..=TEXT_MAX).contains(&bytes.len())
        && (bytes.iter().all(is_plain) || !text.chars().any(char::is_control))
}

/// Whether an order makes sense at all; what does not is refused and not kept.
pub(crate) fn check_terms(terms: &OrderTerms) -> Result<(), Refusal> {
    if !is_name(&terms.client_order_id) {
        let detail = format!("give a client_order_id of 1 to {TEXT_MAX} printable characters");
        return Err(Refusal::malformed(refusal::MALFORMED, detail).at("client_order_id"));
    }
    if terms.more().notional.is_none() {
        check_quantity(terms.qty)?;
    }
    if terms.is_combo() {
        // A net price may be zero or a credit.
        return check_more(terms);
    }
    let kind = terms.order_type;
    check_price(kind, kind.has_limit(), terms.limit_price, "limit_price")?;
    check_price(kind, kind.has_stop(), terms.stop_price, "stop_price")?;
    crate::session::check_hours(terms)?;
    check_more(terms)
}

/// A quantity that can be traded at all.
pub(crate) fn check_quantity(qty: i64) -> Result<(), Refusal> {
    if qty > 0 {
        return Ok(());
    }
    let detail = "the quantity must be greater than zero";
    Err(Refusal::malformed(refusal::INVALID_QUANTITY, detail).at("qty"))
}

/// A price that fits the type of the order.
pub(crate) fn check_price(
    kind: OrderType,
    wanted: bool,
    price: Option<Price>,
    field: &'static str,
) -> Result<(), Refusal> {
    let word = kind.word();
    match (wanted, price) {
        (true, None) => {
            let detail = format!("a {word} order needs a {field}");
            Err(Refusal::malformed(refusal::MISSING_PRICE, detail).at(field))
        }
        (false, Some(_)) => {
            let detail = format!("a {word} order has no {field}; leave it out");
            Err(Refusal::malformed(refusal::UNEXPECTED_PRICE, detail).at(field))
        }
        (true, Some(price)) if price <= 0 || price > PRICE_MAX => {
            let detail = format!("the {field} must be greater than zero and within bounds");
            Err(Refusal::malformed(refusal::INVALID_PRICE, detail).at(field))
        }
        _ => Ok(()),
    }
}

/// What the checks look at.
pub(crate) struct Checks<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    pub terms: &'a OrderTerms,
}

/// One check of an order.
type Check = fn(&Checks<'_>) -> Result<(), Failure>;

/// The checks in the order in which they are made and documented.
const ORDER_OF_CHECKS: [Check; 14] = [
    |checks| checks.account_is_active(),
    |checks| checks.instrument_is_active(),
    |checks| checks.market_is_open(),
    |checks| checks.whole_lots(),
    |checks| checks.on_the_tick_grid(),
    |checks| checks.within_band(),
    |checks| checks.within_bounds(),
    |checks| checks.has_reference_price(),
    |checks| checks.has_size(),
    |checks| checks.takes_nothing(),
    |checks| checks.does_as_meant(),
    |checks| checks.only_reduces(),
    |checks| checks.would_fill(),
    |checks| checks.holds_enough(),
];

impl Checks<'_> {
    /// Makes all checks; gives the hold that the order needs.
    pub fn run(&self) -> Result<Money, Failure> {
        if let Some(hold) = self.plain() {
            debug_assert_eq!(self.make(), Ok(hold), "{:?}", self.terms);
            return Ok(hold);
        }
        self.make()
    }

    fn make(&self) -> Result<Money, Failure> {
        for check in ORDER_OF_CHECKS {
            check(self)?;
        }
        let hold = self.hold();
        self.can_pay(hold)?;
        Ok(hold)
    }

    /// All failed checks, for the preview.
    pub fn failures(&self) -> Vec<Failure> {
        let failures = ORDER_OF_CHECKS.iter().filter_map(|check| check(self).err());
        failures.chain(self.can_pay(self.hold()).err()).collect()
    }

    pub fn instrument(&self) -> Option<&Instrument> {
        self.durable.instrument(self.terms.instrument).map(|record| &record.terms)
    }

    pub fn account_is_active(&self) -> Result<(), Failure> {
        let account = self.durable.account(self.terms.account);
        if account.is_some_and(Account::is_journal) {
            let detail = "a journal records trades that were made elsewhere and sends no orders";
            return Err(Failure::new(Reason::AccountNotActive, detail).at("account_id"));
        }
        if account.is_some_and(|account| account.status == AccountStatus::Active) {
            return Ok(());
        }
        Err(Failure::new(Reason::AccountNotActive, "this account may not trade"))
    }

    pub fn instrument_is_active(&self) -> Result<(), Failure> {
        let active = |terms: &Instrument| terms.status == InstrumentStatus::Active;
        if self.instrument().is_some_and(active) {
            return Ok(());
        }
        Err(Failure::new(Reason::InstrumentNotActive, "this instrument does not trade")
            .at("symbol"))
    }

    /// Whether the order would meet others at once in this part of the day.
    pub fn takes_part(&self) -> bool {
        match self.durable.phase(self.terms.instrument) {
            Phase::Continuous => crate::session::auction_of(self.terms).is_none(),
            Phase::Extended => crate::session::is_extended(self.terms),
            _ => false,
        }
    }

    fn whole_lots(&self) -> Result<(), Failure> {
        let Some(instrument) = self.instrument() else {
            return Ok(());
        };
        if self.terms.qty % instrument.lot_size == 0 {
            return Ok(());
        }
        let lot = instrument.format_quantity(instrument.lot_size);
        let detail = format!("the quantity must be a multiple of the lot size {lot}");
        let failure = Failure::new(Reason::InvalidLot, detail).at("qty");
        Err(failure.compare(instrument.format_quantity(self.terms.qty), lot))
    }

    pub fn on_the_tick_grid(&self) -> Result<(), Failure> {
        let Some(instrument) = self.instrument() else {
            return Ok(());
        };
        let prices =
            [("limit_price", self.terms.limit_price), ("stop_price", self.terms.stop_price)];
        for (field, price) in prices {
            let off_grid = |price: &Price| price % instrument.tick_at(*price) != 0;
            let Some(price) = price.filter(off_grid) else {
                continue;
            };
            let tick = instrument.format_price(instrument.tick_at(price));
            let detail = format!("the {field} must be a multiple of the tick size {tick}");
            let failure = Failure::new(Reason::InvalidTick, detail).at(field);
            return Err(failure.compare(instrument.format_price(price), tick));
        }
        Ok(())
    }

    /// The price at which the size of the order is judged.
    fn judged_price(&self) -> Option<Price> {
        self.terms.limit_price.or(self.terms.stop_price).or_else(|| self.reference())
    }

    pub fn within_bounds(&self) -> Result<(), Failure> {
        let Some(instrument) = self.instrument() else {
            return Ok(());
        };
        let price = self.judged_price().unwrap_or(1);
        let value = instrument.value(price, self.terms.qty, Rounding::Up);
        if value > i128::from(ORDER_VALUE_MAX) {
            let failure = Failure::new(Reason::OrderTooLarge, "the order's value is beyond bounds");
            let limit = format_money(i128::from(ORDER_VALUE_MAX));
            return Err(failure.at("qty").compare(format_money(value), limit));
        }
        self.position_within_bounds(self.terms.qty)
    }

    /// What the position would be when so much of the order fills can be held.
    pub fn position_within_bounds(&self, qty: Quantity) -> Result<(), Failure> {
        let Some(instrument) = self.instrument() else {
            return Ok(());
        };
        let held = self.account().map_or(0, |it| it.position(self.terms.instrument).qty);
        let adds = signed(self.terms.side, qty);
        let after = i128::from(held) + i128::from(adds);
        if after.abs() <= i128::from(QUANTITY_MAX) {
            return self.delivers_within_bounds(clamp(after.abs()));
        }
        let failure = Failure::new(Reason::OrderTooLarge, "the position would be beyond bounds");
        let limit = instrument.format_quantity(QUANTITY_MAX);
        Err(failure.at("qty").compare(instrument.format_quantity(clamp(after)), limit))
    }

    /// What so many options deliver can be held: margin counts it.
    pub fn delivers_within_bounds(&self, held: Quantity) -> Result<(), Failure> {
        let contract = self.instrument().and_then(|instrument| instrument.contract.as_deref());
        let underlying = contract.filter(|it| it.option.is_some()).and_then(|it| it.underlying);
        let Some(base) = underlying.and_then(|base| self.durable.instrument(base)) else {
            return Ok(());
        };
        let units = units_of(self.durable, self.terms.instrument, held);
        if units <= QUANTITY_MAX {
            return Ok(());
        }
        let detail = "the options would deliver more than can be held";
        let limit = base.terms.format_quantity(QUANTITY_MAX);
        let value = base.terms.format_quantity(units);
        Err(Failure::new(Reason::OrderTooLarge, detail).at("qty").compare(value, limit))
    }

    /// The price that stands for the instrument: live, else as recorded.
    pub fn reference(&self) -> Option<Price> {
        let record = self.durable.instrument(self.terms.instrument)?;
        let market = self.ephemeral.market(self.terms.instrument)?;
        market.price(&record.terms).or_else(|| record.mark.price())
    }

    pub fn has_reference_price(&self) -> Result<(), Failure> {
        let needs_one = match self.terms.order_type {
            OrderType::Market => true,
            OrderType::TrailingStop => self.terms.stop_price.is_none(),
            _ => false,
        };
        if !needs_one || self.reference().is_some() {
            return Ok(());
        }
        let detail = "there has been no price for this instrument yet: send a limit order, or wait \
                      for the first quote";
        Err(Failure::new(Reason::NoReferencePrice, detail).at("symbol"))
    }

    /// What the order would meet if it came now.
    pub fn walk(&self) -> Walk {
        let market = self.ephemeral.market(self.terms.instrument);
        match (self.durable.instrument(self.terms.instrument), market) {
            (Some(record), Some(market)) if self.takes_part() && market.is_fresh => {
                walk(self.durable, self.ephemeral, (market, record), self.terms)
            }
            _ => Walk::default(),
        }
    }

    fn would_fill(&self) -> Result<(), Failure> {
        let is_fok = self.terms.time_in_force == TimeInForce::Fok;
        if !is_fok || self.terms.order_type.is_triggered() {
            return Ok(());
        }
        let filled = self.certain();
        let Some(instrument) = self.instrument().filter(|_| filled < self.terms.qty) else {
            return Ok(());
        };
        let detail = "a fill-or-kill order must fill completely at once; ask for less or use ioc";
        let failure = Failure::new(Reason::WouldNotFill, detail).at("qty");
        let value = instrument.format_quantity(self.terms.qty);
        Err(failure.compare(value, instrument.format_quantity(filled)))
    }

    fn account(&self) -> Option<&Account> {
        self.durable.account(self.terms.account)
    }

    fn is_margin(&self) -> bool {
        self.account().is_some_and(|account| account.margin().is_some())
    }

    fn holds_enough(&self) -> Result<(), Failure> {
        self.lots_are_there()?;
        if self.terms.side == Side::Buy {
            return Ok(());
        }
        if self.is_margin() {
            return self.may_borrow();
        }
        let (Some(account), Some(instrument)) = (self.account(), self.instrument()) else {
            return Ok(());
        };
        let free = free_to_sell(self.durable, account, self.terms.instrument);
        if self.terms.qty <= free {
            return Ok(());
        }
        if instrument.is_option() {
            return can_write(self.durable, account, self.terms, free);
        }
        let detail = "a cash account sells only what it holds and has not promised to other sell \
                      orders";
        let failure = Failure::new(Reason::InsufficientQuantity, detail).at("qty");
        let value = instrument.format_quantity(self.terms.qty);
        Err(failure.compare(value, instrument.format_quantity(free)))
    }

    /// Whether what a sell of a margin account would sell short can be borrowed.
    pub fn borrows_enough(&self) -> Result<(), Failure> {
        let is_short = self.terms.side == Side::Sell && self.is_margin();
        if is_short { self.may_borrow() } else { Ok(()) }
    }

    /// Whether what the order would sell short can be borrowed.
    fn may_borrow(&self) -> Result<(), Failure> {
        let (Some(account), Some(instrument)) = (self.account(), self.instrument()) else {
            return Ok(());
        };
        let position = account.position(self.terms.instrument);
        let opening = self.terms.qty - position.free_to_close(Side::Sell, 0).min(self.terms.qty);
        let Some(left) = self.durable.borrowable(self.terms.instrument, account) else {
            return Ok(());
        };
        if opening <= left {
            return Ok(());
        }
        let shortable =
            self.durable.margin_of(self.terms.instrument).is_some_and(|it| it.shortable);
        let failure = if shortable {
            let detail = "there is not so much to borrow: sell less short, or try again later";
            Failure::new(Reason::BorrowUnavailable, detail)
        } else {
            let detail = "this instrument may not be sold short: sell only what you hold";
            Failure::new(Reason::NotShortable, detail)
        };
        let (value, limit) =
            (instrument.format_quantity(opening), instrument.format_quantity(left));
        Err(failure.at("qty").compare(value, limit))
    }

    /// Whether the lots that the order names are there, each once.
    fn lots_are_there(&self) -> Result<(), Failure> {
        let named = &self.terms.more().lot_ids;
        if named.is_empty() {
            return Ok(());
        }
        let account = self.account().filter(|it| it.terms.cost_method == CostMethod::Specific);
        let lots = account.map_or(&[][..], |account| account.lots(self.terms.instrument));
        let is_known = |(at, id): (usize, &u64)| {
            lots.iter().any(|lot| lot.id == *id) && !named.iter().take(at).any(|other| other == id)
        };
        if named.iter().enumerate().all(is_known) {
            return Ok(());
        }
        let detail =
            "name lots of this position, each once, in an account that keeps specific lots";
        Err(Failure::new(Reason::UnknownLot, detail).at("lot_ids"))
    }

    /// The cash that the order sets aside: at its limit price, else at its stop price, else the
    /// cost of walking the book, and beyond the book at its worst or the reference price. On
    /// margin it is the initial requirement of what the order would open, and the fee.
    pub fn hold(&self) -> Money {
        if let Some(account) = self.account().filter(|account| account.margin().is_some()) {
            return margin_hold(
                self.durable,
                account,
                self.terms,
                (self.terms.qty, self.value()),
                0,
                self.ephemeral,
            );
        }
        if self.terms.side == Side::Sell {
            let account = self.account().zip(self.instrument().filter(|it| it.is_option()));
            return account.map_or(0, |(account, _)| {
                hold_of_write(self.durable, account, self.terms, self.terms.qty)
            });
        }
        let (instrument, qty) = (self.terms.instrument, self.terms.qty);
        if let Some(price) = self.terms.limit_price.or(self.terms.stop_price) {
            return hold_at(self.durable, instrument, price, qty);
        }
        let walk = self.walk();
        let price = walk.worst.or_else(|| self.reference()).unwrap_or(0);
        let rest = qty - walk.filled;
        let beyond = if rest > 0 { hold_at(self.durable, instrument, price, rest) } else { 0 };
        clamp(walk.notional + walk.fees + i128::from(beyond))
    }

    /// What the order is worth as far as can be told: at its limit or stop price (a sell at the
    /// reference price when that is higher), else what the book would give.
    fn value(&self) -> i128 {
        let Some(instrument) = self.instrument() else {
            return 0;
        };
        let value = |price: Price, qty| instrument.value(price, qty, Rounding::Up);
        let Some(price) = self.terms.limit_price.or(self.terms.stop_price) else {
            let walk = self.walk();
            let price = walk.worst.or_else(|| self.reference()).unwrap_or(0);
            return walk.notional + value(price, self.terms.qty - walk.filled);
        };
        let reference = if self.terms.side == Side::Sell { self.reference() } else { None };
        value(price.max(reference.unwrap_or(price)), self.terms.qty)
    }

    /// What the account can spend on this order.
    pub fn power(&self) -> i128 {
        let (durable, instrument) = (self.durable, self.terms.instrument);
        self.account().map_or(0, |it| power_for(durable, self.ephemeral, it, instrument))
    }

    /// Whether the order opens nothing: such an order of a margin account is always paid.
    fn only_closes(&self, account: &Account) -> bool {
        let position = account.position(self.terms.instrument);
        position.free_to_close(self.terms.side, 0) >= self.terms.qty
    }

    pub fn can_pay(&self, hold: Money) -> Result<(), Failure> {
        let Some(account) = self.account() else {
            return Ok(());
        };
        let Some(record) = self.durable.instrument(self.terms.instrument) else {
            return Ok(());
        };
        let power = self.power();
        let is_paid = match account.margin() {
            None => self.terms.side == Side::Sell && hold == 0,
            Some(_) => self.only_closes(account),
        };
        if is_paid || i128::from(hold) <= power {
            return Ok(());
        }
        let currency = &record.terms.currency;
        let detail = format!(
            "the order needs {} {currency}, the account can spend {}",
            format_money(i128::from(hold)),
            format_money(power)
        );
        let failure = Failure::new(Reason::InsufficientBuyingPower, detail).at("qty");
        Err(failure.compare(format_money(i128::from(hold)), format_money(power)))
    }
}

/// Whether an input changes nothing, whatever it says.
pub(crate) const fn is_question(input: &Input) -> bool {
    if let Input::Risk(command) = input {
        return command.is_question();
    }
    matches!(
        input,
        Input::Preview(_)
            | Input::Value { .. }
            | Input::Book { .. }
            | Input::Instruments
            | Input::Exchanges
            | Input::Rules(_)
            | Input::Presets
    )
}

//! Commands that create: the world, exchanges, instruments, accounts.

use crate::checks::is_name;
use crate::clock::next_midnight;
use crate::command::{CreateWorld, OpenAccount};
use crate::contract;
use crate::digest;
use crate::event::{Event, RequestId};
use crate::exchange::Exchange;
use crate::instrument::Instrument;
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::units::{
    AMOUNT_MAX, ORDER_VALUE_MAX, PRICE_MAX, QUANTITY_MAX, RATE_SCALE, SCALE_MAX, format_money,
    power_of_ten,
};
use crate::words::refusal;

impl<S: Sink> Live<'_, S> {
    /// Creates the world; the same command again is answered with what exists.
    pub fn create_world(&mut self, create: &CreateWorld) -> Result<Reply, Refusal> {
        if create.world != self.durable.name {
            let detail = format!("this is the world {}", self.durable.name);
            return Err(malformed(detail).at("world"));
        }
        match &self.durable.created {
            Some(created) if created == create => Ok(Reply::new(Outcome::Existing, Body::World)),
            Some(created) if created.sharing != create.sharing => {
                let detail = format!("the world is {} and stays so", created.sharing.word());
                Err(reused(&detail).at("sharing"))
            }
            Some(_) => Err(reused("the world exists with another seed").at("seed")),
            None => {
                self.emit(Event::WorldCreated(create.clone()));
                Ok(Reply::new(Outcome::Created, Body::World))
            }
        }
    }

    /// Lists an exchange; the same terms again are answered with what exists.
    pub fn list_exchange(&mut self, exchange: &Exchange) -> Result<Reply, Refusal> {
        if let Some(index) = self.durable.exchange_of.get(&exchange.id) {
            let same = self.durable.exchange(*index).is_some_and(|known| known.terms == *exchange);
            if same {
                return Ok(Reply::new(Outcome::Existing, Body::Exchange(*index)));
            }
            return Err(reused("the exchange is listed with other terms").at("exchange"));
        }
        check_exchange(exchange)?;
        let index = self.durable.exchanges.len() as u32;
        let day_end_ns = next_midnight(self.now_ns());
        self.emit(Event::ExchangeListed { exchange: exchange.clone(), day_end_ns });
        Ok(Reply::new(Outcome::Created, Body::Exchange(index)))
    }

    /// Lists an instrument; the same terms again are answered with what exists.
    pub fn list_instrument(&mut self, instrument: &Instrument) -> Result<Reply, Refusal> {
        if let Some(index) = self.durable.instrument_of.get(&instrument.symbol) {
            let known = self.terms_of(*index).is_some_and(|known| known == instrument);
            if known {
                return Ok(Reply::new(Outcome::Existing, Body::Instrument(*index)));
            }
            return Err(reused("the instrument is listed with other terms").at("symbol"));
        }
        if self.durable.corporate.is_promised(&instrument.symbol) {
            return Err(reused("an announced change of symbol will take it").at("symbol"));
        }
        if self.durable.exchange(instrument.exchange).is_none() {
            return Err(malformed("list its exchange first").at("exchange"));
        }
        check_instrument(instrument)?;
        contract::listing::check(self.durable, instrument, self.now_ns())?;
        let index = self.durable.instruments.len() as u32;
        self.emit(Event::InstrumentListed(instrument.clone()));
        self.begin_periods(index);
        Ok(Reply::new(Outcome::Created, Body::Instrument(index)))
    }

    /// Opens an account with its starting cash; the same command again is answered with what
    /// exists.
    pub fn open_account(&mut self, open: &OpenAccount) -> Result<Reply, Refusal> {
        let digest = digest::of_open_account(open);
        if let Some(index) = self.durable.account_of.get(&open.id).copied() {
            let same = self.durable.account(index).is_some_and(|known| {
                known.owner == open.owner
                    && known.kind == open.kind
                    && self.durable.currency_code(known.currency) == open.currency
                    && known.opened_with() == open.starting_cash
                    && known.terms == open.terms
            });
            if same {
                return Ok(Reply::new(Outcome::Existing, Body::Account(index)));
            }
            return Err(reused("the account exists with other terms").at("account_id"));
        }
        check_account(open)?;
        let index = self.durable.accounts.len() as u32;
        self.emit(Event::AccountOpened {
            id: open.id,
            owner: open.owner.clone(),
            kind: open.kind,
            currency: open.currency.clone(),
            request: RequestId { id: open.request_id.as_str().into(), digest },
            terms: open.terms.clone(),
        });
        if open.starting_cash > 0 {
            self.emit(Event::Deposited { account: index, amount: open.starting_cash });
        }
        Ok(Reply::new(Outcome::Created, Body::Account(index)))
    }
}

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::malformed(refusal::MALFORMED, detail)
}

fn reused(detail: &str) -> Refusal {
    Refusal::new(Outcome::IdReused, refusal::ID_REUSED, detail)
}

pub(crate) fn require(is_fine: bool, field: &'static str, detail: &str) -> Result<(), Refusal> {
    if is_fine { Ok(()) } else { Err(malformed(detail).at(field)) }
}

pub(crate) fn is_currency(code: &str) -> bool {
    (3..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn check_exchange(exchange: &Exchange) -> Result<(), Refusal> {
    let whole = 10_i64.pow(u32::from(RATE_SCALE));
    let is_rate = |rate: i64| (0..=whole).contains(&rate);
    let fees = &exchange.fees;
    let profile = &exchange.profile;
    require(is_name(&exchange.id), "exchange", "an exchange needs an id")?;
    require(is_name(&exchange.name), "name", "an exchange needs a name")?;
    require(is_currency(&exchange.currency), "currency", "a currency is 3 to 8 capitals")?;
    require(is_name(&exchange.calendar), "calendar", "an exchange needs a calendar")?;
    require(is_rate(fees.maker_rate), "fees", "a fee rate lies between 0 and 1")?;
    require(is_rate(fees.taker_rate), "fees", "a fee rate lies between 0 and 1")?;
    require((0..=AMOUNT_MAX / 4).contains(&fees.per_share), "fees", "a fee is not negative")?;
    require((0..=AMOUNT_MAX / 4).contains(&fees.minimum), "fees", "a fee is not negative")?;
    let mic = exchange.rules.as_ref().map_or("", |rules| rules.mic.as_str());
    require(mic.is_empty() || is_name(mic), "mic", "a mic is a name")?;
    let band = exchange.rules.as_ref().map_or(0, |rules| rules.band);
    require(is_rate(band), "band", "a band is a percentage between 0 and 100")?;
    require(is_name(&profile.name), "profile", "a profile needs a name")?;
    require(is_rate(profile.participation), "profile", "participation lies between 0 and 1")?;
    require(profile.spread_ticks <= 1_000_000, "profile", "the spread is at most 1000000 ticks")
}

fn check_instrument(instrument: &Instrument) -> Result<(), Refusal> {
    let steps = 1..=PRICE_MAX / 1_000_000;
    let lots = 1..=QUANTITY_MAX / 1_000_000;
    require(is_name(&instrument.symbol), "symbol", "an instrument needs a symbol")?;
    require(is_name(&instrument.name), "name", "an instrument needs a name")?;
    require(is_currency(&instrument.currency), "currency", "a currency is 3 to 8 capitals")?;
    require(instrument.price_scale <= SCALE_MAX, "price_scale", "a scale is at most 12")?;
    require(instrument.qty_scale <= SCALE_MAX, "qty_scale", "a scale is at most 12")?;
    require(steps.contains(&instrument.tick_size), "tick_size", "the tick size is above zero")?;
    require(lots.contains(&instrument.lot_size), "lot_size", "the lot size is above zero")?;
    if let Some(rules) = &instrument.rules {
        let fault = rules.fault(instrument.tick_size);
        require(fault.is_none(), "tick_table", fault.unwrap_or(""))?;
        let is_fine = rules.industry.is_empty() || is_name(&rules.industry);
        require(is_fine, "industry", "an industry is a name")?;
        let is_rate = (0..=10_i64.pow(u32::from(RATE_SCALE))).contains(&rules.band);
        require(is_rate, "band", "a band is a percentage between 0 and 100")?;
    }
    let lot_value =
        instrument.value(instrument.tick_size, instrument.lot_size, crate::units::Rounding::Up);
    let fits = lot_value < power_of_ten(16);
    require(fits, "lot_size", "one lot at one tick must be worth less than 10^10")
}

fn check_account(open: &OpenAccount) -> Result<(), Refusal> {
    require(is_name(&open.owner), "owner", "an account needs an owner")?;
    require(is_name(&open.request_id), "request_id", "a request needs an id")?;
    require(is_currency(&open.currency), "currency", "a currency is 3 to 8 capitals")?;
    crate::margin::text::check_terms(open.kind, &open.terms)?;
    let most = format_money(i128::from(ORDER_VALUE_MAX));
    let fits = (0..=ORDER_VALUE_MAX).contains(&open.starting_cash);
    require(fits, "starting_cash", &format!("the starting cash lies between 0 and {most}"))
}

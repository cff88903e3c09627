//! Sessions, halts and trading rules as text: commands, tape, and objects of the wire.

use super::{DayMarks, ExchangeRules, Halt, InstrumentRules, Phase, Resume, Scope, SessionEvent};
use crate::command::{Input, Session};
use crate::durable::Durable;
use crate::exchange::ExchangeRecord;
use crate::ids::InstrumentIndex;
use crate::instrument::{Instrument, InstrumentRecord};
use crate::json::{ObjectWriter, Value, push_list, push_text};
use crate::reply::Refusal;
use crate::tape_read::Fields as TapeFields;
use crate::units::{
    Nanos, PRICE_MAX, QUANTITY_MAX, RATE_SCALE, TIME_MAX_NS, format_decimal, format_time,
};
use crate::wire::{Fields, malformed};
use crate::words::{AuctionKind, InstrumentStatus, SessionState, Side, refusal};

/// Decimal digits of a band on the wire: a percentage whose units are those of `RATE_SCALE`.
const BAND_SCALE: u8 = RATE_SCALE - 2;
/// A band is at most this share: all of the price.
const BAND_MAX: i64 = 1_000_000_000;

// --- commands -----------------------------------------------------------------------------------

impl<'a> Fields<'a> {
    /// An exchange that is listed.
    fn listed_exchange(&self) -> Result<u32, Refusal> {
        let exchange = self.durable.exchange_of.get(self.text("exchange")?).copied();
        exchange.ok_or_else(|| malformed("no such exchange in this world").at("exchange"))
    }

    fn time_or_unknown(&self, field: &'static str) -> Result<Nanos, Refusal> {
        if self.get(field).is_none() {
            return Ok(0);
        }
        let time_ns: Nanos = self.integer(field)?;
        if (0..=TIME_MAX_NS).contains(&time_ns) {
            return Ok(time_ns);
        }
        let detail = format!(
            "{field} {time_ns} is no time: give nanoseconds since 1970 up to {TIME_MAX_NS}, or 0 \
             when it is not known"
        );
        Err(malformed(detail).at(field))
    }

    pub fn session(&self) -> Result<Input, Refusal> {
        let (states, kinds) = (SessionState::ALL, AuctionKind::ALL);
        let word = |_| self.word("auction", AuctionKind::from_word, kinds, AuctionKind::word);
        Ok(Input::Session(Session {
            exchange: self.listed_exchange()?,
            state: self.word("state", SessionState::from_word, states, SessionState::word)?,
            auction: self.get("auction").map(word).transpose()?,
            next_ns: self.time_or_unknown("next_ns")?,
            next_open_ns: self.time_or_unknown("next_open_ns")?,
        }))
    }

    fn scope(&self) -> Result<Scope, Refusal> {
        match (self.get("symbol").is_some(), self.get("exchange").is_some()) {
            (true, false) => Ok(Scope::Instrument(self.instrument()?.0)),
            (false, true) => Ok(Scope::Exchange(self.listed_exchange()?)),
            _ => Err(malformed("name a symbol or an exchange").at("symbol")),
        }
    }

    pub fn halt(&self) -> Result<Input, Refusal> {
        Ok(Input::Halt(Halt { scope: self.scope()?, reason: self.text("reason")?.to_owned() }))
    }

    pub fn resume(&self) -> Result<Input, Refusal> {
        let auction =
            if self.get("auction").is_some() { Some(self.flag("auction")?) } else { None };
        Ok(Input::Resume(Resume { scope: self.scope()?, auction }))
    }

    fn band(&self) -> Result<i64, Refusal> {
        let band = self.decimal("band", BAND_SCALE, refusal::MALFORMED)?.unwrap_or(0);
        let detail = "a band is a percentage between 0 and 100";
        if (0..=BAND_MAX).contains(&band) { Ok(band) } else { Err(malformed(detail).at("band")) }
    }

    fn flag_or_off(&self, field: &'static str) -> Result<bool, Refusal> {
        if self.get(field).is_some() { self.flag(field) } else { Ok(false) }
    }

    pub fn exchange_rules(&self) -> Result<Option<Box<ExchangeRules>>, Refusal> {
        let rules = ExchangeRules {
            mic: self.text_or("mic", "")?.to_owned(),
            band: self.band()?,
            halt_auction: self.flag_or_off("halt_auction")?,
        };
        Ok((rules != ExchangeRules::default()).then(|| Box::new(rules)))
    }

    pub fn instrument_rules(
        &self,
        price_scale: u8,
    ) -> Result<Option<Box<InstrumentRules>>, Refusal> {
        let row = |value: &Value<'_>| {
            let price = |value: &Value<'_>| {
                crate::units::parse_decimal(value.decimal()?, price_scale.min(12)).ok()
            };
            let [from, step] = value.list()? else {
                return None;
            };
            Some((price(from)?, price(step)?))
        };
        let table = self.get("tick_table").map(|value| {
            let rows = value.list().filter(|rows| rows.len() <= super::rules::TICK_ROWS_MAX);
            rows.and_then(|rows| rows.iter().map(row).collect::<Option<Vec<_>>>())
        });
        let detail = "tick_table is a list of [from_price, step], at most 64";
        let rules = InstrumentRules {
            industry: self.text_or("industry", "")?.to_owned(),
            tick_table: match table {
                None => Vec::new(),
                Some(table) => table.ok_or_else(|| malformed(detail).at("tick_table"))?,
            },
            band: self.band()?,
        };
        Ok((rules != InstrumentRules::default()).then(|| Box::new(rules)))
    }
}

// --- tape ---------------------------------------------------------------------------------------

/// Adds the rules of an exchange to its listing.
pub(crate) fn with_exchange_rules<'a>(
    object: ObjectWriter<'a>,
    rules: Option<&ExchangeRules>,
) -> ObjectWriter<'a> {
    let Some(rules) = rules else {
        return object;
    };
    object.with("rules", |out| {
        ObjectWriter::begin(out)
            .text("mic", &rules.mic)
            .value("band", rules.band)
            .value("halt_auction", rules.halt_auction)
            .end();
    })
}

/// Adds the rules of an instrument to its listing.
pub(crate) fn with_instrument_rules<'a>(
    object: ObjectWriter<'a>,
    rules: Option<&InstrumentRules>,
) -> ObjectWriter<'a> {
    let Some(rules) = rules else {
        return object;
    };
    object.with("rules", |out| {
        ObjectWriter::begin(out)
            .text("industry", &rules.industry)
            .with("tick_table", |out| {
                push_list(out, &rules.tick_table, |out, (from, step)| {
                    out.push_str(&format!("[{from},{step}]"));
                });
            })
            .value("band", rules.band)
            .end();
    })
}

/// Adds what a change of session says beyond state and next change.
pub(crate) fn with_session<'a>(
    object: ObjectWriter<'a>,
    session: &Session,
    marks: &DayMarks,
) -> ObjectWriter<'a> {
    let mut object = object.value("below", marks.regular);
    if let Some(auction) = session.auction {
        object = object.text("auction", auction.word());
    }
    let told = [
        ("next_open_ns", session.next_open_ns),
        ("extended_below", marks.extended as i64),
        ("opening_below", marks.opening as i64),
    ];
    for (key, value) in told.into_iter().filter(|(_, value)| *value != 0) {
        object = object.value(key, value);
    }
    object
}

fn with_scope<'a>(object: ObjectWriter<'a>, durable: &Durable, scope: Scope) -> ObjectWriter<'a> {
    match scope {
        Scope::Exchange(index) => {
            let record = durable.exchange(index);
            object.text("exchange", record.map_or("", |record| record.terms.id.as_str()))
        }
        Scope::Instrument(index) => object.text("symbol", symbol(durable, index)),
    }
}

fn symbol(durable: &Durable, index: InstrumentIndex) -> &str {
    durable.instrument(index).map_or("", |record| record.terms.symbol.as_str())
}

/// Appends an event.
pub(crate) fn push_event(out: &mut String, durable: &Durable, event: &SessionEvent) {
    let begin = |out, name| ObjectWriter::begin(out).text("e", name);
    match event {
        SessionEvent::Halted { scope, reason } => {
            with_scope(begin(out, "halted"), durable, *scope).text("reason", reason).end();
        }
        SessionEvent::Resumed { scope, auction } => {
            with_scope(begin(out, "resumed"), durable, *scope).value("auction", auction).end();
        }
        SessionEvent::Crossed { instrument, auction, price, qty, imbalance, side } => {
            begin(out, "auction_crossed")
                .text("symbol", symbol(durable, *instrument))
                .text("auction", auction.word())
                .value("price", price)
                .value("qty", qty)
                .value("imbalance", imbalance)
                .maybe_text("side", side.map(Side::word))
                .end();
        }
        SessionEvent::CrossingMoved { next, left } => {
            begin(out, "crossing_moved").value("next", next).value("left", left).end();
        }
        SessionEvent::CrossingEnded => begin(out, "crossing_ended").end(),
    }
}

type Read<T> = Result<T, String>;

impl TapeFields<'_> {
    fn tape_scope(&self) -> Read<Scope> {
        match self.value.get("symbol") {
            Some(_) => self.symbol().map(Scope::Instrument),
            None => self.exchange().map(Scope::Exchange),
        }
    }

    /// A member that is 0 when it was left out.
    fn told<T: std::str::FromStr + Default>(&self, key: &str) -> Read<T> {
        if self.value.get(key).is_some() { self.integer(key) } else { Ok(T::default()) }
    }

    /// An event of sessions, if it fits the state.
    pub fn session_event(&self) -> Read<SessionEvent> {
        let has_crossing = !self.durable.sessions.crossings.is_empty();
        let event = match self.text("e")? {
            "halted" => {
                SessionEvent::Halted { scope: self.tape_scope()?, reason: self.owned("reason")? }
            }
            "resumed" => {
                SessionEvent::Resumed { scope: self.tape_scope()?, auction: self.flag("auction")? }
            }
            "auction_crossed" if has_crossing => SessionEvent::Crossed {
                instrument: self.symbol()?,
                auction: self.word("auction", AuctionKind::from_word)?,
                price: self.bounded("price", PRICE_MAX)?,
                qty: self.bounded("qty", QUANTITY_MAX)?,
                imbalance: self.bounded("imbalance", QUANTITY_MAX)?,
                side: self
                    .value
                    .get("side")
                    .map(|_| self.word("side", Side::from_word))
                    .transpose()?,
            },
            "crossing_moved" if has_crossing => SessionEvent::CrossingMoved {
                next: self.integer("next")?,
                left: self.bounded("left", QUANTITY_MAX)?,
            },
            "crossing_ended" if has_crossing => SessionEvent::CrossingEnded,
            name => return Err(format!("no event is called {name:?} here")),
        };
        Ok(event)
    }

    /// A change of session and the marks after it.
    pub fn session_changed(&self) -> Read<(Session, DayMarks)> {
        let auction = self.value.get("auction");
        let session = Session {
            exchange: self.exchange()?,
            state: self.word("state", SessionState::from_word)?,
            auction: auction.map(|_| self.word("auction", AuctionKind::from_word)).transpose()?,
            next_ns: self.integer("next_ns")?,
            next_open_ns: self.told("next_open_ns")?,
        };
        let marks = DayMarks {
            regular: self.integer("below")?,
            extended: self.told("extended_below")?,
            opening: self.told("opening_below")?,
        };
        Ok((session, marks))
    }

    fn rules(&self) -> Option<TapeFields<'_>> {
        self.value.get("rules").map(|value| TapeFields { durable: self.durable, value })
    }

    pub fn exchange_rules(&self) -> Read<Option<Box<ExchangeRules>>> {
        let Some(fields) = self.rules() else {
            return Ok(None);
        };
        Ok(Some(Box::new(ExchangeRules {
            mic: fields.owned("mic")?,
            band: fields.bounded("band", BAND_MAX)?,
            halt_auction: fields.flag("halt_auction")?,
        })))
    }

    pub fn instrument_rules(&self, tick_size: i64) -> Read<Option<Box<InstrumentRules>>> {
        let Some(fields) = self.rules() else {
            return Ok(None);
        };
        let table = fields.value.get("tick_table").and_then(Value::list);
        let row = |value: &Value<'_>| {
            let list = value.list()?;
            Some((list.first()?.integer()?, list.get(1)?.integer()?))
        };
        let table = table.and_then(|rows| rows.iter().map(row).collect::<Option<Vec<_>>>());
        let rules = InstrumentRules {
            industry: fields.owned("industry")?,
            tick_table: table.ok_or("tick_table is no table")?,
            band: fields.bounded("band", BAND_MAX)?,
        };
        match rules.fault(tick_size.max(1)) {
            None => Ok(Some(Box::new(rules))),
            Some(fault) => Err(fault.to_owned()),
        }
    }
}

// --- objects ------------------------------------------------------------------------------------

/// Whether an instrument trades, as a client sees it.
pub(crate) fn status_of(durable: &Durable, record: &InstrumentRecord) -> InstrumentStatus {
    let index = durable.instrument_of.get(&record.terms.symbol);
    match index.map(|index| durable.phase(*index)) {
        Some(Phase::Halted) => InstrumentStatus::Halted,
        _ => record.terms.status,
    }
}

fn percent(band: i64) -> Option<String> {
    (band != 0).then(|| format_decimal(i128::from(band), BAND_SCALE, 0))
}

/// Adds what sessions and rules say about an instrument.
pub(crate) fn with_instrument<'a>(
    object: ObjectWriter<'a>,
    record: &InstrumentRecord,
) -> ObjectWriter<'a> {
    let halt = record.halt.as_deref().map(|halt| halt.reason.as_str());
    let mut object = object;
    if let Some(reason) = halt {
        object = object.text("halt_reason", reason);
    }
    let Some(rules) = record.terms.rules.as_deref() else {
        return object;
    };
    if !rules.industry.is_empty() {
        object = object.text("industry", &rules.industry);
    }
    if let Some(band) = percent(rules.band) {
        object = object.text("band", &band);
    }
    if rules.tick_table.is_empty() {
        return object;
    }
    object.with("tick_table", |out| push_table(out, &record.terms, rules))
}

fn push_table(out: &mut String, terms: &Instrument, rules: &InstrumentRules) {
    push_list(out, &rules.tick_table, |out, (from, step)| {
        out.push('[');
        push_text(out, &terms.format_price(*from));
        out.push(',');
        push_text(out, &terms.format_price(*step));
        out.push(']');
    });
}

/// Adds what sessions and rules say about an exchange.
pub(crate) fn with_exchange<'a>(
    object: ObjectWriter<'a>,
    record: &ExchangeRecord,
) -> ObjectWriter<'a> {
    let mut object = object;
    if let Some(auction) = record.session.auction {
        object = object.text("auction", auction.word());
    }
    if let Some(halt) = &record.session.halt {
        object = object.text("halt_reason", &halt.reason);
    }
    if record.has_sessions && record.next_ns > 0 {
        object = object.text("next_change", &format_time(record.next_ns));
    }
    if let Some(time_ns) = record.next_open_ns() {
        object = object.text("next_open", &format_time(time_ns));
    }
    let Some(rules) = record.terms.rules.as_deref() else {
        return object;
    };
    if !rules.mic.is_empty() {
        object = object.text("mic", &rules.mic);
    }
    if let Some(band) = percent(rules.band) {
        object = object.text("band", &band);
    }
    object
}

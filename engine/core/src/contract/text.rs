//! The terms of a contract as text: on the wire, on the tape and in snapshots.

use crate::contract::terms::{Contract, Deposit, MULTIPLIER_SCALE, Multiplier, OptionTerms};
use crate::durable::Durable;
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, Value, parse};
use crate::reply::Refusal;
use crate::units::{
    AMOUNT_MAX, MONEY_SCALE, PRICE_MAX, RATE_SCALE, Rounding, SECOND_NS, TIME_MAX_NS, clamp,
    format_decimal, format_money, format_time, parse_time,
};
use crate::wire::{Fields, malformed};
use crate::words::{AssetClass, Delivery, Right, Style, refusal};

/// The fields of `contract`, so that a misspelt one is not passed over.
const FIELDS: [&str; 15] = [
    "multiplier",
    "tick_value",
    "underlying",
    "base",
    "expiry",
    "expiry_ns",
    "strike",
    "right",
    "style",
    "settlement",
    "initial_margin",
    "maintenance_margin",
    "initial_margin_rate",
    "maintenance_margin_rate",
    "funding_interval_s",
];

/// Reads the contract of a `list_instrument` command for an instrument of these other terms; the
/// value of a tick with it.
pub(crate) fn decode(
    listing: &Fields<'_>,
    class: AssetClass,
    price_scale: u8,
) -> Result<(Option<Box<Contract>>, Option<i64>), Refusal> {
    if listing.get("contract").is_none() {
        return Ok((None, None));
    }
    let fields = listing.part("contract")?;
    if let Some(name) = fields.names().find(|name| !FIELDS.contains(name)) {
        let detail = format!("a contract has no field {name:?}; it has {}", FIELDS.join(", "));
        return Err(malformed(detail).at("contract"));
    }
    let multiplier = match fields.decimal("multiplier", MULTIPLIER_SCALE, refusal::MALFORMED)? {
        Some(number) => Multiplier::of(number),
        None => Multiplier::ONE,
    };
    let initial = deposit(&fields, "initial_margin", "initial_margin_rate")?;
    let maintenance = deposit(&fields, "maintenance_margin", "maintenance_margin_rate")?;
    let contract = Contract {
        multiplier,
        underlying: underlying(&fields)?,
        base: fields.text_or("base", "")?.to_owned(),
        expiry_ns: expiry(&fields)?,
        option: option(&fields, price_scale)?,
        delivery: match fields.get("settlement") {
            None => Delivery::Cash,
            Some(_) => {
                fields.word("settlement", Delivery::from_word, Delivery::ALL, Delivery::word)?
            }
        },
        is_margined: class.is_future() || !initial.is_none(),
        initial,
        maintenance: if maintenance.is_none() { initial } else { maintenance },
        funding_interval_ns: fields
            .decimal("funding_interval_s", 0, refusal::MALFORMED)?
            .unwrap_or(0)
            .saturating_mul(SECOND_NS),
    };
    let tick_value = fields.decimal("tick_value", MONEY_SCALE, refusal::MALFORMED)?;
    Ok((Some(Box::new(contract)), tick_value))
}

fn deposit(
    fields: &Fields<'_>,
    amount: &'static str,
    rate: &'static str,
) -> Result<Deposit, Refusal> {
    Ok(Deposit {
        per_contract: fields.decimal(amount, MONEY_SCALE, refusal::MALFORMED)?.unwrap_or(0),
        rate: fields.rate(rate)?,
    })
}

fn underlying(fields: &Fields<'_>) -> Result<Option<u32>, Refusal> {
    let Some(symbol) = fields.maybe_text("underlying")? else {
        return Ok(None);
    };
    let index = fields.durable.find_instrument(&symbol);
    index.map(Some).ok_or_else(|| malformed("list its underlying first").at("contract"))
}

fn expiry(fields: &Fields<'_>) -> Result<i64, Refusal> {
    if let Some(expiry_ns) = fields.decimal("expiry_ns", 0, refusal::MALFORMED)? {
        return Ok(expiry_ns);
    }
    let Some(text) = fields.maybe_text("expiry")? else {
        return Ok(0);
    };
    let detail = "the expiry is a time such as 2026-03-20T20:00:00Z";
    parse_time(&text).ok_or_else(|| malformed(detail).at("contract"))
}

fn option(fields: &Fields<'_>, price_scale: u8) -> Result<Option<OptionTerms>, Refusal> {
    if fields.get("strike").is_none() && fields.get("right").is_none() {
        return Ok(None);
    }
    Ok(Some(OptionTerms {
        strike: fields.needed("strike", price_scale.min(12), refusal::INVALID_PRICE)?,
        right: fields.word("right", Right::from_word, Right::ALL, Right::word)?,
        style: match fields.get("style") {
            None => Style::American,
            Some(_) => fields.word("style", Style::from_word, Style::ALL, Style::word)?,
        },
    }))
}

/// Appends the terms as canonical JSON: integers at their scales, the underlying by its place in
/// the listing, and only what is not as in `Contract::plain`.
pub(crate) fn write(out: &mut String, contract: &Contract) {
    let mut object = ObjectWriter::begin(out)
        .value("multiplier", contract.multiplier.number())
        .value("is_margined", contract.is_margined)
        .text("settlement", contract.delivery.word());
    if let Some(option) = contract.option {
        object = object
            .value("strike", option.strike)
            .text("right", option.right.word())
            .text("style", option.style.word());
    }
    if let Some(underlying) = contract.underlying {
        object = object.value("underlying", underlying);
    }
    if !contract.base.is_empty() {
        object = object.text("base", &contract.base);
    }
    for (key, number) in numbers(contract).into_iter().filter(|(_, number)| *number != 0) {
        object = object.value(key, number);
    }
    object.end();
}

/// The numbers of a contract that are 0 when they are left out.
fn numbers(contract: &Contract) -> [(&'static str, i64); 6] {
    [
        ("expiry_ns", contract.expiry_ns),
        ("initial", contract.initial.per_contract),
        ("initial_rate", contract.initial.rate),
        ("maintenance", contract.maintenance.per_contract),
        ("maintenance_rate", contract.maintenance.rate),
        ("funding_interval_ns", contract.funding_interval_ns),
    ]
}

/// Reads what `write` wrote. What is within bounds only by the checks of the listing is checked
/// again by `Contract::is_sound`.
pub(crate) fn read(value: &Value<'_>) -> Result<Contract, String> {
    let number = |key: &str, most: i64| match value.get(key) {
        None => Ok(0),
        Some(number) => number
            .integer::<i64>()
            .filter(|number| (0..=most).contains(number))
            .ok_or_else(|| format!("{key} is out of bounds")),
    };
    let word = |key: &str| value.get(key).and_then(Value::text).unwrap_or("");
    let option = match value.get("strike") {
        None => None,
        Some(_) => Some(OptionTerms {
            strike: number("strike", PRICE_MAX)?,
            right: Right::from_word(word("right")).ok_or("right is no word")?,
            style: Style::from_word(word("style")).ok_or("style is no word")?,
        }),
    };
    Ok(Contract {
        multiplier: Multiplier::of(number("multiplier", i64::MAX)?),
        underlying: value.get("underlying").and_then(Value::integer),
        base: word("base").to_owned(),
        expiry_ns: number("expiry_ns", TIME_MAX_NS)?,
        option,
        delivery: Delivery::from_word(word("settlement")).ok_or("settlement is no word")?,
        is_margined: matches!(value.get("is_margined"), Some(Value::Bool(true))),
        initial: Deposit {
            per_contract: number("initial", AMOUNT_MAX)?,
            rate: number("initial_rate", i64::MAX)?,
        },
        maintenance: Deposit {
            per_contract: number("maintenance", AMOUNT_MAX)?,
            rate: number("maintenance_rate", i64::MAX)?,
        },
        funding_interval_ns: number("funding_interval_ns", TIME_MAX_NS)?,
    })
}

/// The contract of an instrument as the member of an object; empty when it has none.
pub(crate) fn member(terms: &Instrument) -> String {
    let Some(contract) = terms.contract.as_deref() else {
        return String::new();
    };
    let mut out = String::new();
    ObjectWriter::begin(&mut out).with("contract", |out| write(out, contract)).end();
    out
}

/// Reads the contract of an event.
pub(crate) fn read_member(value: &Value<'_>) -> Result<Option<Box<Contract>>, String> {
    value.get("contract").map(|value| read(value).map(Box::new)).transpose()
}

impl Contract {
    /// Its canonical text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        write(&mut out, self);
        out
    }

    /// Reads its canonical text.
    pub(crate) fn from_text(text: &str) -> Result<Contract, String> {
        read(&parse(text.as_bytes())?)
    }
}

/// Appends the terms as a client sees them: decimals as text, and the value of one tick.
pub(crate) fn push(out: &mut String, durable: &Durable, terms: &Instrument, contract: &Contract) {
    let one = terms.one();
    let tick_value = contract.value(terms.tick_size, one, terms.scales(), Rounding::HalfEven);
    let number = i128::from(contract.multiplier.number());
    let mut object = ObjectWriter::begin(out)
        .text("multiplier", &format_decimal(number, MULTIPLIER_SCALE, 0))
        .text("tick_value", &format_money(i128::from(clamp(tick_value))))
        .text("settlement", contract.delivery.word());
    let underlying = contract.underlying.and_then(|index| durable.instrument(index));
    if let Some(record) = underlying {
        object = object.text("underlying", &record.terms.symbol);
    }
    if !contract.base.is_empty() {
        object = object.text("base", &contract.base);
    }
    if contract.expiry_ns != 0 {
        object = object.text("expiry", &format_time(contract.expiry_ns));
    }
    if let Some(option) = contract.option {
        object = object
            .text("strike", &terms.format_price(option.strike))
            .text("right", option.right.word())
            .text("style", option.style.word());
    }
    for (key, amount) in [
        ("initial_margin", contract.initial.per_contract),
        ("maintenance_margin", contract.maintenance.per_contract),
    ] {
        if amount != 0 {
            object = object.text(key, &format_money(i128::from(amount)));
        }
    }
    for (key, rate) in [
        ("initial_margin_rate", contract.initial.rate),
        ("maintenance_margin_rate", contract.maintenance.rate),
    ] {
        if rate != 0 {
            object = object.text(key, &format_decimal(i128::from(rate), RATE_SCALE, 0));
        }
    }
    if contract.funding_interval_ns != 0 {
        object = object.value("funding_interval_s", contract.funding_interval_ns / SECOND_NS);
    }
    with_state(object, durable, terms).end();
}

/// What has become of a contract: its last settlement, and its next funding.
fn with_state<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    terms: &Instrument,
) -> ObjectWriter<'a> {
    let index = durable.instrument_of.get(&terms.symbol);
    let Some(state) = index.and_then(|index| durable.contract_state(*index)) else {
        return object;
    };
    let mut object = object;
    if state.settlement_price != 0 {
        object = object.text("settlement_price", &terms.format_price(state.settlement_price));
    }
    if state.funding_rate != 0 {
        let rate = i128::from(state.funding_rate);
        object = object.text("funding_rate", &format_decimal(rate, RATE_SCALE, 0));
    }
    if state.next_funding_ns != 0 {
        object = object.text("next_funding", &format_time(state.next_funding_ns));
    }
    object
}

//! What only some orders ask for: trailing, hidden, iceberg, notional, groups and the like.
//!
//! One line of `more_terms!` is a term: its field, how it is written, its default. Wire, tape,
//! snapshot, digest and the order object all follow from that line, so a new term is one line.
//! Orders that ask for none of it carry no `MoreTerms` at all.

use crate::durable::Durable;
use crate::ids::{IdKind, InstrumentIndex, OrderNumber, number_of, parse_uuid};
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, Value, parse, push_list, push_text};
use crate::project::{fill_id, order_id};
use crate::reply::Refusal;
use crate::units::{
    AMOUNT_MAX, Money, Nanos, PRICE_MAX, Price, QUANTITY_MAX, Quantity, TIME_MAX_NS,
    format_decimal, format_money, format_time, parse_time,
};
use crate::wire::{Fields, malformed};
use crate::words::{
    Forced, Held, OrderClass, PositionIntent, SelfTrade, Side, TriggerSource, WhenClosed, refusal,
};

mod groups;

pub(crate) use groups::legs_of;
use groups::{LegsTerm, StopLossTerm, TakeProfitTerm};

/// Decimal digits of a percentage: `1.5` percent is 15,000.
pub const PERCENT_SCALE: u8 = 4;
/// The most legs and lots that an order may name.
const LIST_MAX: usize = 100;

/// The order that takes the profit of a bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeProfit {
    /// Its limit price.
    pub limit_price: Price,
}

/// The order that stops the loss of a bracket: one of stop price, trail amount, trail percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopLoss {
    /// Its stop price.
    pub stop_price: Option<Price>,
    /// Its limit price; it becomes a market order without one.
    pub limit_price: Option<Price>,
    /// How far it trails, as an amount.
    pub trail_price: Option<Price>,
    /// How far it trails, as a percentage at `PERCENT_SCALE`.
    pub trail_percent: Option<i64>,
}

/// One leg of a multi-leg order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What is traded.
    pub instrument: InstrumentIndex,
    /// Buys or sells.
    pub side: Side,
    /// How much for each whole unit of the group.
    pub ratio_qty: Quantity,
    /// What it says that it does to the position.
    pub position_intent: Option<PositionIntent>,
}

/// What a term is shown with.
pub(crate) struct Shown<'a> {
    pub durable: &'a Durable,
    pub instrument: &'a Instrument,
}

/// How one kind of term is read from the wire, written on the tape, read back, and shown.
trait Term<T> {
    /// From a command; the default where it is left out.
    fn ask(fields: &Fields<'_>, key: &'static str, instrument: &Instrument) -> Result<T, Refusal>;
    /// Canonical JSON, integers at their scales.
    fn write(value: &T, out: &mut String);
    /// What `write` wrote; `None` for everything else.
    fn read(value: &Value<'_>) -> Option<T>;
    /// JSON for clients, decimals as text.
    fn show(value: &T, shown: &Shown<'_>, out: &mut String);
}

macro_rules! more_terms {
    ($($(#[$doc:meta])* $field:ident: $kind:ty, $term:ident, $default:expr;)+) => {
        /// What only some orders ask for.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct MoreTerms { $($(#[$doc])* pub $field: $kind,)+ }

        impl MoreTerms {
            /// Asks for nothing.
            pub const NONE: MoreTerms = MoreTerms { $($field: $default,)+ };

            /// The names of all terms.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($field)),+];

            /// Reads the terms of a command.
            pub(crate) fn ask(
                fields: &Fields<'_>,
                instrument: &Instrument,
            ) -> Result<Option<Box<MoreTerms>>, Refusal> {
                let is_term =
                    |name: &str| matches!(name, "expire_time" $(| stringify!($field))+);
                if !fields.names().any(is_term) {
                    return Ok(None);
                }
                let terms = MoreTerms {
                    $($field: $term::ask(fields, stringify!($field), instrument)?,)+
                };
                Ok(terms.boxed())
            }

            /// Appends the terms that are not default as a canonical JSON object.
            pub(crate) fn write(&self, out: &mut String) {
                let mut object = ObjectWriter::begin(out);
                $(if self.$field != MoreTerms::NONE.$field {
                    object = object
                        .with(stringify!($field), |out| $term::write(&self.$field, out));
                })+
                object.end();
            }

            /// Reads what `write` wrote.
            pub(crate) fn read(value: &Value<'_>) -> Result<MoreTerms, String> {
                let Value::Object(members) = value else {
                    return Err("more is no object".to_owned());
                };
                let mut terms = MoreTerms::NONE;
                for (key, value) in members {
                    match key.as_str() {
                        $(stringify!($field) => {
                            terms.$field =
                                $term::read(value).ok_or_else(|| format!("{key} is wrong"))?;
                        })+
                        _ => return Err(format!("no term is called {key:?}")),
                    }
                }
                Ok(terms)
            }

            /// Gives each term that is not default to `tell`: its name and its JSON.
            pub(crate) fn show(&self, shown: &Shown<'_>, tell: &mut dyn FnMut(&'static str, &str)) {
                let mut text = String::new();
                $(if self.$field != MoreTerms::NONE.$field {
                    text.clear();
                    $term::show(&self.$field, shown, &mut text);
                    tell(stringify!($field), &text);
                })+
            }
        }
    };
}

more_terms! {
    /// How far a trailing stop trails, as an amount.
    trail_price: Option<Price>, PriceTerm, None;
    /// How far a trailing stop trails, in percent at `PERCENT_SCALE`.
    trail_percent: Option<i64>, PercentTerm, None;
    /// Which price reaches the stop price; the instrument's own source when left out.
    trigger: Option<TriggerSource>, TriggerTerm, None;
    /// How much of it the book shows at a time (iceberg).
    display_qty: Option<Quantity>, QuantityTerm, None;
    /// Whether the book shows nothing of it.
    hidden: bool, FlagTerm, false;
    /// Whether it must not take liquidity when it comes.
    post_only: bool, FlagTerm, false;
    /// Whether it only makes a position smaller.
    reduce_only: bool, FlagTerm, false;
    /// How much money to trade for; the quantity follows from the price.
    notional: Option<Money>, MoneyTerm, None;
    /// When a good-till-date order leaves.
    expires_ns: Option<Nanos>, TimeTerm, None;
    /// Whether it also trades before and after the regular session.
    extended_hours: bool, FlagTerm, false;
    /// Which group it begins.
    order_class: OrderClass, ClassTerm, OrderClass::Simple;
    /// The order that takes the profit.
    take_profit: Option<TakeProfit>, TakeProfitTerm, None;
    /// The order that stops the loss.
    stop_loss: Option<StopLoss>, StopLossTerm, None;
    /// What a multi-leg order trades.
    legs: Vec<Leg>, LegsTerm, Vec::new();
    /// The order that it belongs to; set by the engine.
    parent: Option<OrderNumber>, ParentTerm, None;
    /// The order that it and that cancel each other; set by the engine.
    sibling: Option<OrderNumber>, ParentTerm, None;
    /// What a held order waits for; set by the engine.
    held: Option<Held>, HeldTerm, None;
    /// The best price since a trailing stop was armed; set by the engine.
    water_mark: Option<Price>, MarkTerm, None;
    /// What happens when it would trade with an order of the same owner.
    self_trade: Option<SelfTrade>, SelfTradeTerm, None;
    /// Whether a cash dividend leaves its price as it is.
    do_not_reduce: bool, FlagTerm, false;
    /// The lots that a sell closes, each named by the fill that opened it.
    lot_ids: Vec<u64>, FillsTerm, Vec::new();
    /// What happens when it cannot trade in this part of the day; it waits when left out.
    when_closed: Option<WhenClosed>, WhenClosedTerm, None;
    /// Why the engine itself sent it to close a position; set by the engine.
    forced: Option<Forced>, ForcedTerm, None;
    /// Whether it is the order of a trade that was recorded; set by the engine.
    recorded: bool, RecordedTerm, false;
    /// What it says that it does to the position: opens or closes.
    position_intent: Option<PositionIntent>, IntentTerm, None;
}

impl Default for MoreTerms {
    fn default() -> MoreTerms {
        MoreTerms::NONE
    }
}

impl MoreTerms {
    /// `None` when it asks for nothing.
    pub fn boxed(self) -> Option<Box<MoreTerms>> {
        (self != MoreTerms::NONE).then(|| Box::new(self))
    }

    /// Whether it may only make a position smaller: reduce-only, or meant to close.
    pub fn only_closes(&self) -> bool {
        self.reduce_only || self.position_intent.is_some_and(PositionIntent::closes)
    }

    /// The canonical JSON text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Reads the canonical JSON text.
    pub(crate) fn from_text(text: &str) -> Result<MoreTerms, String> {
        MoreTerms::read(&parse(text.as_bytes())?)
    }
}

fn push_integer(value: i64, out: &mut String) {
    out.push_str(&value.to_string());
}

fn bounded(value: &Value<'_>, most: i64) -> Option<i64> {
    value.integer().filter(|number| (0..=most).contains(number))
}

struct PriceTerm;

impl Term<Option<Price>> for PriceTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        instrument: &Instrument,
    ) -> Result<Option<Price>, Refusal> {
        fields.price(key, instrument)
    }
    fn write(value: &Option<Price>, out: &mut String) {
        push_integer(value.unwrap_or(0), out);
    }
    fn read(value: &Value<'_>) -> Option<Option<Price>> {
        bounded(value, PRICE_MAX).map(Some)
    }
    fn show(value: &Option<Price>, shown: &Shown<'_>, out: &mut String) {
        push_text(out, &shown.instrument.format_price(value.unwrap_or(0)));
    }
}

struct PercentTerm;

impl Term<Option<i64>> for PercentTerm {
    fn ask(fields: &Fields<'_>, key: &'static str, _: &Instrument) -> Result<Option<i64>, Refusal> {
        fields.decimal(key, PERCENT_SCALE, refusal::INVALID_PRICE)
    }
    fn write(value: &Option<i64>, out: &mut String) {
        push_integer(value.unwrap_or(0), out);
    }
    fn read(value: &Value<'_>) -> Option<Option<i64>> {
        bounded(value, AMOUNT_MAX).map(Some)
    }
    fn show(value: &Option<i64>, _: &Shown<'_>, out: &mut String) {
        push_text(out, &format_decimal(i128::from(value.unwrap_or(0)), PERCENT_SCALE, 0));
    }
}

struct QuantityTerm;

impl Term<Option<Quantity>> for QuantityTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        instrument: &Instrument,
    ) -> Result<Option<Quantity>, Refusal> {
        fields.decimal(key, instrument.qty_scale, refusal::INVALID_QUANTITY)
    }
    fn write(value: &Option<Quantity>, out: &mut String) {
        push_integer(value.unwrap_or(0), out);
    }
    fn read(value: &Value<'_>) -> Option<Option<Quantity>> {
        bounded(value, QUANTITY_MAX).map(Some)
    }
    fn show(value: &Option<Quantity>, shown: &Shown<'_>, out: &mut String) {
        push_text(out, &shown.instrument.format_quantity(value.unwrap_or(0)));
    }
}

struct MoneyTerm;

impl Term<Option<Money>> for MoneyTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        _: &Instrument,
    ) -> Result<Option<Money>, Refusal> {
        fields.decimal(key, crate::units::MONEY_SCALE, refusal::INVALID_QUANTITY)
    }
    fn write(value: &Option<Money>, out: &mut String) {
        push_integer(value.unwrap_or(0), out);
    }
    fn read(value: &Value<'_>) -> Option<Option<Money>> {
        bounded(value, AMOUNT_MAX).map(Some)
    }
    fn show(value: &Option<Money>, _: &Shown<'_>, out: &mut String) {
        push_text(out, &format_money(i128::from(value.unwrap_or(0))));
    }
}

/// A time: nanoseconds as `expires_ns`, or RFC 3339 text as `expire_time`.
struct TimeTerm;

impl Term<Option<Nanos>> for TimeTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        _: &Instrument,
    ) -> Result<Option<Nanos>, Refusal> {
        if fields.get(key).is_some() {
            return fields.integer(key).map(Some);
        }
        let Some(text) = fields.maybe_text("expire_time")? else {
            return Ok(None);
        };
        let detail = "expire_time must be an RFC 3339 time such as 2026-01-05T21:00:00Z";
        parse_time(&text).map(Some).ok_or_else(|| malformed(detail).at("expire_time"))
    }
    fn write(value: &Option<Nanos>, out: &mut String) {
        push_integer(value.unwrap_or(0), out);
    }
    fn read(value: &Value<'_>) -> Option<Option<Nanos>> {
        bounded(value, TIME_MAX_NS).map(Some)
    }
    fn show(value: &Option<Nanos>, _: &Shown<'_>, out: &mut String) {
        push_text(out, &format_time(value.unwrap_or(0)));
    }
}

struct FlagTerm;

impl Term<bool> for FlagTerm {
    fn ask(fields: &Fields<'_>, key: &'static str, _: &Instrument) -> Result<bool, Refusal> {
        fields.flag(key)
    }
    fn write(value: &bool, out: &mut String) {
        out.push_str(if *value { "true" } else { "false" });
    }
    fn read(value: &Value<'_>) -> Option<bool> {
        match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
    fn show(value: &bool, _: &Shown<'_>, out: &mut String) {
        FlagTerm::write(value, out);
    }
}

/// Declares the term of a word that may be left out.
macro_rules! word_term {
    ($term:ident, $word:ident) => {
        struct $term;

        impl Term<Option<$word>> for $term {
            fn ask(
                fields: &Fields<'_>,
                key: &'static str,
                _: &Instrument,
            ) -> Result<Option<$word>, Refusal> {
                if fields.get(key).is_none() {
                    return Ok(None);
                }
                fields.word(key, $word::from_word, $word::ALL, $word::word).map(Some)
            }
            fn write(value: &Option<$word>, out: &mut String) {
                push_text(out, value.map_or("", $word::word));
            }
            fn read(value: &Value<'_>) -> Option<Option<$word>> {
                value.text().and_then($word::from_word).map(Some)
            }
            fn show(value: &Option<$word>, _: &Shown<'_>, out: &mut String) {
                $term::write(value, out);
            }
        }
    };
}

word_term!(TriggerTerm, TriggerSource);
word_term!(SelfTradeTerm, SelfTrade);
word_term!(WhenClosedTerm, WhenClosed);
word_term!(IntentTerm, PositionIntent);

struct ClassTerm;

impl Term<OrderClass> for ClassTerm {
    fn ask(fields: &Fields<'_>, key: &'static str, _: &Instrument) -> Result<OrderClass, Refusal> {
        if fields.get(key).is_none() {
            return Ok(OrderClass::Simple);
        }
        fields.word(key, OrderClass::from_word, OrderClass::ALL, OrderClass::word)
    }
    fn write(value: &OrderClass, out: &mut String) {
        push_text(out, value.word());
    }
    fn read(value: &Value<'_>) -> Option<OrderClass> {
        value.text().and_then(OrderClass::from_word)
    }
    fn show(value: &OrderClass, _: &Shown<'_>, out: &mut String) {
        ClassTerm::write(value, out);
    }
}

/// A price that no command may set.
struct MarkTerm;

impl Term<Option<Price>> for MarkTerm {
    fn ask(_: &Fields<'_>, _: &'static str, _: &Instrument) -> Result<Option<Price>, Refusal> {
        Ok(None)
    }
    fn write(value: &Option<Price>, out: &mut String) {
        PriceTerm::write(value, out);
    }
    fn read(value: &Value<'_>) -> Option<Option<Price>> {
        PriceTerm::read(value)
    }
    fn show(value: &Option<Price>, shown: &Shown<'_>, out: &mut String) {
        PriceTerm::show(value, shown, out);
    }
}

/// What an order waits for; no command may set it.
struct HeldTerm;

impl Term<Option<Held>> for HeldTerm {
    fn ask(_: &Fields<'_>, _: &'static str, _: &Instrument) -> Result<Option<Held>, Refusal> {
        Ok(None)
    }
    fn write(value: &Option<Held>, out: &mut String) {
        push_text(out, value.map_or("", Held::word));
    }
    fn read(value: &Value<'_>) -> Option<Option<Held>> {
        value.text().and_then(Held::from_word).map(Some)
    }
    fn show(value: &Option<Held>, _: &Shown<'_>, out: &mut String) {
        HeldTerm::write(value, out);
    }
}

/// An order that it is tied to; no command may set it.
struct ParentTerm;

impl Term<Option<OrderNumber>> for ParentTerm {
    fn ask(
        _: &Fields<'_>,
        _: &'static str,
        _: &Instrument,
    ) -> Result<Option<OrderNumber>, Refusal> {
        Ok(None)
    }
    fn write(value: &Option<OrderNumber>, out: &mut String) {
        out.push_str(&value.unwrap_or(0).to_string());
    }
    fn read(value: &Value<'_>) -> Option<Option<OrderNumber>> {
        value.integer().map(Some)
    }
    fn show(value: &Option<OrderNumber>, shown: &Shown<'_>, out: &mut String) {
        push_text(out, &order_id(shown.durable, value.unwrap_or(0)));
    }
}

/// Why the engine sent the order; a command cannot say it.
struct ForcedTerm;

impl Term<Option<Forced>> for ForcedTerm {
    fn ask(_: &Fields<'_>, _: &'static str, _: &Instrument) -> Result<Option<Forced>, Refusal> {
        Ok(None)
    }
    fn write(value: &Option<Forced>, out: &mut String) {
        push_text(out, value.map_or("", Forced::word));
    }
    fn read(value: &Value<'_>) -> Option<Option<Forced>> {
        value.text().and_then(Forced::from_word).map(Some)
    }
    fn show(value: &Option<Forced>, _: &Shown<'_>, out: &mut String) {
        Self::write(value, out);
    }
}

/// A flag that no command can set.
struct RecordedTerm;

impl Term<bool> for RecordedTerm {
    fn ask(_: &Fields<'_>, _: &'static str, _: &Instrument) -> Result<bool, Refusal> {
        Ok(false)
    }
    fn write(value: &bool, out: &mut String) {
        FlagTerm::write(value, out);
    }
    fn read(value: &Value<'_>) -> Option<bool> {
        FlagTerm::read(value)
    }
    fn show(value: &bool, shown: &Shown<'_>, out: &mut String) {
        FlagTerm::show(value, shown, out);
    }
}

/// Fills, by their ids.
struct FillsTerm;

impl Term<Vec<u64>> for FillsTerm {
    fn ask(fields: &Fields<'_>, key: &'static str, _: &Instrument) -> Result<Vec<u64>, Refusal> {
        let wrong = || malformed(format!("{key} must be a list of fill ids")).at(key);
        let list = match fields.get(key) {
            None => return Ok(Vec::new()),
            Some(value) => value.list().filter(|list| list.len() <= LIST_MAX),
        };
        let number = |value: &Value<'_>| {
            let id = value.text().and_then(parse_uuid)?;
            number_of(fields.durable.prefix, IdKind::Fill, id)
        };
        list.ok_or_else(wrong)?.iter().map(|value| number(value).ok_or_else(wrong)).collect()
    }
    fn write(value: &Vec<u64>, out: &mut String) {
        push_list(out, value, |out, number| out.push_str(&number.to_string()));
    }
    fn read(value: &Value<'_>) -> Option<Vec<u64>> {
        value.list()?.iter().map(Value::integer).collect()
    }
    fn show(value: &Vec<u64>, shown: &Shown<'_>, out: &mut String) {
        push_list(out, value, |out, number| push_text(out, &fill_id(shown.durable, *number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_defaults_are_left_out() {
        let terms = MoreTerms {
            trail_percent: Some(15_000),
            hidden: true,
            order_class: OrderClass::Bracket,
            take_profit: Some(TakeProfit { limit_price: 12 }),
            stop_loss: Some(StopLoss { stop_price: Some(8), ..StopLoss::default() }),
            legs: vec![Leg {
                instrument: 3,
                side: Side::Sell,
                ratio_qty: 2,
                position_intent: Some(PositionIntent::SellToOpen),
            }],
            parent: Some(7),
            self_trade: Some(SelfTrade::Decrement),
            lot_ids: vec![1, 2],
            ..MoreTerms::NONE
        };
        let text = terms.text();
        assert_eq!(
            text,
            "{\"trail_percent\":15000,\"hidden\":true,\"order_class\":\"bracket\",\
             \"take_profit\":{\"limit_price\":12},\"stop_loss\":{\"stop_price\":8},\
             \"legs\":[{\"instrument\":3,\"side\":\"sell\",\"ratio_qty\":2,\
             \"position_intent\":\"sell_to_open\"}],\"parent\":7,\"self_trade\":\"decrement\",\"lot_ids\":[1,2]}"
        );
        assert_eq!(MoreTerms::from_text(&text), Ok(terms));
        assert_eq!(MoreTerms::NONE.boxed(), None);
        assert_eq!(MoreTerms::NONE.text(), "{}");
    }

    #[test]
    fn an_unknown_or_wrong_term_is_refused() {
        for text in ["{\"x\":1}", "{\"hidden\":1}", "{\"trail_price\":-1}", "[]", "{\"legs\":1}"] {
            assert!(MoreTerms::from_text(text).is_err(), "{text}");
        }
    }
}

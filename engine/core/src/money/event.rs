//! What can happen to money apart from trading, and its text on the tape.
//!
//! One line of `money_events!` is a member of an event: its name, its type, how it is written.
//! Writing and reading follow from that line.

use crate::durable::Durable;
use crate::event::RequestId;
use crate::ids::{AccountIndex, CurrencyIndex, ExchangeIndex, FillNumber, IdKind, InstrumentIndex};
use crate::json::{ObjectWriter, Value, push_list, push_text};
use crate::lots::{Closed, Lot, LotChange};
use crate::margin::WHOLE;
use crate::money::InstrumentMargin;
use crate::project::{account_id, fill_id};
use crate::tape_read::Fields;
use crate::units::{AMOUNT_MAX, Balance, Money, Nanos, PRICE_MAX, Price, QUANTITY_MAX, Quantity};
use crate::words::{LedgerKind, Side};

type Read<T> = Result<T, String>;

/// How one kind of member is written on the tape and read back.
trait Member<T> {
    fn write(value: &T, durable: &Durable, out: &mut String);
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<T>;
}

macro_rules! money_events {
    ($($(#[$doc:meta])* $event:ident = $name:literal {
        $($(#[$member_doc:meta])* $field:ident: $kind:ty, $member:ident;)*
    })+) => {
        /// What can happen to money apart from trading.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum MoneyEvent { $($(#[$doc])* $event { $($(#[$member_doc])* $field: $kind,)* },)+ }

        impl MoneyEvent {
            /// Appends the event as it stands on the tape.
            pub(crate) fn push(&self, out: &mut String, durable: &Durable) {
                match self {
                    $(MoneyEvent::$event { $($field),* } => {
                        ObjectWriter::begin(out).text("e", $name)
                            $(.with(stringify!($field), |out| {
                                <$member as Member<$kind>>::write($field, durable, out);
                            }))*
                            .end();
                    })+
                }
            }

            /// Reads the event of this name; `None` when it is none of these.
            pub(crate) fn read(name: &str, fields: &Fields<'_>) -> Read<Option<MoneyEvent>> {
                Ok(Some(match name {
                    $($name => MoneyEvent::$event {
                        $($field: <$member as Member<$kind>>::read(fields, stringify!($field))?,)*
                    },)+
                    _ => return Ok(None),
                }))
            }
        }
    };
}

money_events! {
    /// A currency comes up.
    CurrencyAdded = "currency_added" {
        /// Its code.
        code: String, Code;
    }
    /// A rate of exchange is stated.
    RateSet = "rate_set" {
        /// One unit of this
        from: CurrencyIndex, Currency;
        /// gives of this
        to: CurrencyIndex, Currency;
        /// so much, in 10^-9.
        rate: i64, Amount;
    }
    /// What margin accounts must know of an instrument is set.
    MarginSet = "margin_set" {
        /// Which.
        symbol: InstrumentIndex, Symbol;
        /// What.
        margin: InstrumentMargin, MarginTerms;
    }
    /// After how many trading days the sells of an exchange are settled is set.
    SettlementSet = "settlement_set" {
        /// Which.
        exchange: ExchangeIndex, Exchange;
        /// How many; 0: at once.
        days: u32, Count;
    }
    /// Money comes into an account or leaves it.
    Paid = "paid" {
        /// Whose.
        account: AccountIndex, Account;
        /// In which currency.
        currency: CurrencyIndex, Currency;
        /// How much; below zero: leaves.
        amount: Money, Signed;
        /// What for.
        kind: LedgerKind, Kind;
        /// The id of the transfer, when it is one; empty otherwise.
        transfer: String, Text;
        /// Digest of the transfer.
        transfer_digest: u64, Hex;
        /// What it adds to the capital, in the currency of the account; tapes of the past have
        /// none, and it counted for nothing there.
        capital: Option<Money>, MaybeSigned;
        /// The request.
        request: RequestId, Request;
    }
    /// Money of one currency becomes money of another.
    Converted = "converted" {
        /// Whose.
        account: AccountIndex, Account;
        /// From this
        from: CurrencyIndex, Currency;
        /// to this,
        to: CurrencyIndex, Currency;
        /// so much of the first,
        paid: Money, Amount;
        /// so much of the second,
        got: Money, Amount;
        /// at this rate, in 10^-9.
        rate: i64, Amount;
        /// The request.
        request: RequestId, Request;
    }
    /// A day of margin accounts ended: interest and borrow fees are charged from now on.
    AccrualBegan = "accrual_began" {
        /// How many days are charged.
        days: u32, Count;
        /// When the next day ends.
        next_ns: Nanos, Amount;
    }
    /// Interest on borrowed cash.
    InterestCharged = "interest_charged" {
        /// Whose.
        account: AccountIndex, Account;
        /// In which currency.
        currency: CurrencyIndex, Currency;
        /// How much.
        amount: Money, Amount;
        /// On how much.
        borrowed: Money, Amount;
        /// What is next of the account.
        step: u32, Count;
    }
    /// The fee on borrowed stock.
    BorrowCharged = "borrow_charged" {
        /// Whose.
        account: AccountIndex, Account;
        /// Of what.
        symbol: InstrumentIndex, Symbol;
        /// How much.
        amount: Money, Amount;
        /// On how much stock,
        qty: Quantity, Amount;
        /// at this price.
        price: Price, Amount;
        /// What is next of the account.
        step: u32, Count;
    }
    /// Everything of the day is charged.
    AccrualEnded = "accrual_ended" {}
    /// Proceeds of sells are settled.
    Settled = "settled" {
        /// Whose.
        account: AccountIndex, Account;
        /// Where they were sold.
        exchange: ExchangeIndex, Exchange;
        /// For which day of that exchange.
        day: u32, Count;
    }
    /// A position leaves an account that is reset.
    PositionArchived = "position_archived" {
        /// Whose.
        account: AccountIndex, Account;
        /// Of what.
        symbol: InstrumentIndex, Symbol;
        /// How much; below zero: short.
        qty: Quantity, SignedQuantity;
    }
    /// Cash leaves an account that is reset; debts do too.
    CashArchived = "cash_archived" {
        /// Whose.
        account: AccountIndex, Account;
        /// In which currency.
        currency: CurrencyIndex, Currency;
        /// How much; below zero: a debt.
        amount: Money, Signed;
    }
    /// An account begins again, empty, under its id.
    AccountReset = "account_reset" {
        /// Which.
        account: AccountIndex, Account;
        /// What it was worth.
        equity: Balance, Wide;
        /// The request.
        request: RequestId, Request;
    }
    /// A trade is taken back: the inverse of its fill, as a new entry.
    TradeBusted = "trade_busted" {
        /// The fill.
        fill: FillNumber, Fill;
        /// Whose.
        account: AccountIndex, Account;
        /// Of what.
        symbol: InstrumentIndex, Symbol;
        /// The side of the fill.
        side: Side, SideWord;
        /// How much it was.
        qty: Quantity, Amount;
        /// What was paid or got.
        notional: Money, Amount;
        /// The fee that is given back.
        fee: Money, Amount;
        /// What is added to the cost of the position.
        cost: Money, Signed;
        /// What is added to its profit.
        realized_pl: Money, Signed;
        /// The same in the currency of the account.
        realized_here: Money, Signed;
        /// What is done to its lots.
        lots: LotChange, Lots;
        /// The request.
        request: RequestId, Request;
    }
}

/// An amount that tapes of the past do not have.
struct MaybeSigned;

impl Member<Option<Money>> for MaybeSigned {
    fn write(value: &Option<Money>, durable: &Durable, out: &mut String) {
        match value {
            Some(value) => Signed::write(value, durable, out),
            None => out.push_str("null"),
        }
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<Option<Money>> {
        fields.value.get(key).map(|_| Signed::read(fields, key)).transpose()
    }
}

struct Text;

impl Member<String> for Text {
    fn write(value: &String, _: &Durable, out: &mut String) {
        push_text(out, value);
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<String> {
        fields.owned(key)
    }
}

/// The code of a currency that comes up.
struct Code;

impl Member<String> for Code {
    fn write(value: &String, _: &Durable, out: &mut String) {
        push_text(out, value);
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<String> {
        fields.currency_code(key)
    }
}

/// A whole number from zero within the bounds of an amount.
struct Amount;

impl Member<i64> for Amount {
    fn write(value: &i64, _: &Durable, out: &mut String) {
        out.push_str(&value.to_string());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<i64> {
        fields.bounded(key, i64::MAX - 1)
    }
}

fn signed(fields: &Fields<'_>, key: &'static str, most: i64) -> Read<i64> {
    let number: i64 = fields.integer(key)?;
    let fits = number.unsigned_abs() <= most.unsigned_abs();
    fits.then_some(number).ok_or_else(|| format!("{key} is out of bounds"))
}

/// An amount on either side of zero.
struct Signed;

impl Member<i64> for Signed {
    fn write(value: &i64, _: &Durable, out: &mut String) {
        out.push_str(&value.to_string());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<i64> {
        signed(fields, key, AMOUNT_MAX)
    }
}

/// A quantity on either side of zero.
struct SignedQuantity;

impl Member<i64> for SignedQuantity {
    fn write(value: &i64, _: &Durable, out: &mut String) {
        out.push_str(&value.to_string());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<i64> {
        signed(fields, key, QUANTITY_MAX)
    }
}

struct Count;

impl Member<u32> for Count {
    fn write(value: &u32, _: &Durable, out: &mut String) {
        out.push_str(&value.to_string());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<u32> {
        fields.integer(key)
    }
}

/// A sum of amounts; bounded so that sums of it cannot overflow.
struct Wide;

impl Member<Balance> for Wide {
    fn write(value: &Balance, _: &Durable, out: &mut String) {
        out.push_str(&value.to_string());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<Balance> {
        let number: Balance = fields.integer(key)?;
        let fits = number.unsigned_abs() < 1 << 100;
        fits.then_some(number).ok_or_else(|| format!("{key} is out of bounds"))
    }
}

struct Hex;

impl Member<u64> for Hex {
    fn write(value: &u64, _: &Durable, out: &mut String) {
        push_text(out, &format!("{value:016x}"));
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<u64> {
        u64::from_str_radix(fields.text(key)?, 16).map_err(|_| format!("{key} is no hex"))
    }
}

struct Account;

impl Member<AccountIndex> for Account {
    fn write(value: &AccountIndex, durable: &Durable, out: &mut String) {
        push_text(out, &account_id(durable, *value));
    }
    fn read(fields: &Fields<'_>, _: &'static str) -> Read<AccountIndex> {
        fields.account()
    }
}

struct Symbol;

impl Member<InstrumentIndex> for Symbol {
    fn write(value: &InstrumentIndex, durable: &Durable, out: &mut String) {
        push_text(out, durable.instrument(*value).map_or("", |record| &record.terms.symbol));
    }
    fn read(fields: &Fields<'_>, _: &'static str) -> Read<InstrumentIndex> {
        fields.symbol()
    }
}

struct Exchange;

impl Member<ExchangeIndex> for Exchange {
    fn write(value: &ExchangeIndex, durable: &Durable, out: &mut String) {
        push_text(out, durable.exchange(*value).map_or("", |record| &record.terms.id));
    }
    fn read(fields: &Fields<'_>, _: &'static str) -> Read<ExchangeIndex> {
        fields.exchange()
    }
}

struct Currency;

impl Member<CurrencyIndex> for Currency {
    fn write(value: &CurrencyIndex, durable: &Durable, out: &mut String) {
        push_text(out, durable.currency_code(*value));
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<CurrencyIndex> {
        let code = fields.text(key)?;
        fields.durable.find_currency(code).ok_or_else(|| format!("{key} is no currency"))
    }
}

struct Fill;

impl Member<FillNumber> for Fill {
    fn write(value: &FillNumber, durable: &Durable, out: &mut String) {
        push_text(out, &fill_id(durable, *value));
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<FillNumber> {
        fields.number(key, IdKind::Fill)
    }
}

struct Kind;

impl Member<LedgerKind> for Kind {
    fn write(value: &LedgerKind, _: &Durable, out: &mut String) {
        push_text(out, value.word());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<LedgerKind> {
        fields.word(key, LedgerKind::from_word)
    }
}

struct SideWord;

impl Member<Side> for SideWord {
    fn write(value: &Side, _: &Durable, out: &mut String) {
        push_text(out, value.word());
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<Side> {
        fields.word(key, Side::from_word)
    }
}

/// A request as `{"id":...,"digest":...}`.
struct Request;

impl Member<RequestId> for Request {
    fn write(value: &RequestId, _: &Durable, out: &mut String) {
        ObjectWriter::begin(out)
            .text("request", value.id.as_str())
            .text("digest", &format!("{:016x}", value.digest))
            .end();
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<RequestId> {
        let value = fields.value.get(key).ok_or_else(|| format!("{key} is missing"))?;
        let request = Fields { durable: fields.durable, value }.request()?;
        request.ok_or_else(|| format!("{key} is no request"))
    }
}

struct MarginTerms;

impl Member<InstrumentMargin> for MarginTerms {
    fn write(value: &InstrumentMargin, _: &Durable, out: &mut String) {
        ObjectWriter::begin(out)
            .maybe_value("initial_rate", value.initial_rate)
            .maybe_value("maintenance_rate", value.maintenance_rate)
            .value("shortable", value.shortable)
            .maybe_value("borrow_qty", value.borrow_qty)
            .value("borrow_rate", value.borrow_rate)
            .end();
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<InstrumentMargin> {
        let value = fields.value.get(key).ok_or_else(|| format!("{key} is missing"))?;
        let fields = Fields { durable: fields.durable, value };
        let maybe =
            |key: &str, most: i64| value.get(key).map(|_| fields.bounded(key, most)).transpose();
        Ok(InstrumentMargin {
            initial_rate: maybe("initial_rate", WHOLE)?,
            maintenance_rate: maybe("maintenance_rate", WHOLE)?,
            shortable: fields.flag("shortable")?,
            borrow_qty: maybe("borrow_qty", QUANTITY_MAX)?,
            borrow_rate: fields.bounded("borrow_rate", 100 * WHOLE)?,
        })
    }
}

/// A change of lots as `{"closed":[[id,qty,cost],...],"opened":[qty,cost]}`.
pub(crate) struct Lots;

impl Member<LotChange> for Lots {
    fn write(value: &LotChange, _: &Durable, out: &mut String) {
        push_lots(out, value);
    }
    fn read(fields: &Fields<'_>, key: &'static str) -> Read<LotChange> {
        read_lots(fields.value.get(key).ok_or_else(|| format!("{key} is missing"))?)
    }
}

/// Appends a change of lots.
pub(crate) fn push_lots(out: &mut String, change: &LotChange) {
    ObjectWriter::begin(out)
        .with("closed", |out| {
            push_list(out, &change.closed, |out, lot| {
                out.push_str(&format!("[{},{},{}]", lot.id, lot.qty, lot.cost));
            });
        })
        .with("opened", |out| {
            out.push_str(&format!("[{},{}]", change.opened.0, change.opened.1));
        })
        .end();
}

/// Appends lots as `[[id,qty,cost,opened_ns],...]`.
pub(crate) fn push_lot_list(out: &mut String, lots: &[Lot]) {
    push_list(out, lots, |out, lot| {
        out.push_str(&format!("[{},{},{},{}]", lot.id, lot.qty, lot.cost, lot.opened_ns));
    });
}

/// Reads lots.
pub(crate) fn read_lot_list(value: &Value<'_>) -> Read<Vec<Lot>> {
    let wrong = || "lots are no lots".to_owned();
    let lot = |value: &Value<'_>| -> Read<Lot> {
        let part = |at: usize, most: i64| -> Read<i64> {
            let number = value.list().and_then(|parts| parts.get(at)).and_then(Value::integer);
            let number: i64 = number.ok_or_else(wrong)?;
            let fits = number.unsigned_abs() <= most.unsigned_abs();
            fits.then_some(number).ok_or_else(wrong)
        };
        Ok(Lot {
            id: part(0, i64::MAX)? as u64,
            qty: part(1, QUANTITY_MAX)?,
            cost: part(2, AMOUNT_MAX)?,
            opened_ns: part(3, i64::MAX)?,
        })
    };
    value.list().ok_or_else(wrong)?.iter().map(lot).collect()
}

/// Reads a change of lots.
pub(crate) fn read_lots(value: &Value<'_>) -> Read<LotChange> {
    let wrong = || "lots are no change of lots".to_owned();
    let number = |value: Option<&Value<'_>>, most: i64| -> Read<i64> {
        let number = value.and_then(Value::integer::<i64>);
        number.filter(|it| it.unsigned_abs() <= most.unsigned_abs()).ok_or_else(wrong)
    };
    let closed = value.get("closed").and_then(Value::list).ok_or_else(wrong)?;
    let lot = |value: &Value<'_>| -> Read<Closed> {
        let parts = value.list().ok_or_else(wrong)?;
        Ok(Closed {
            id: parts.first().and_then(Value::integer).ok_or_else(wrong)?,
            qty: number(parts.get(1), QUANTITY_MAX)?,
            cost: number(parts.get(2), AMOUNT_MAX)?,
        })
    };
    let opened = value.get("opened").and_then(Value::list).ok_or_else(wrong)?;
    Ok(LotChange {
        closed: closed.iter().map(lot).collect::<Read<Vec<_>>>()?,
        opened: (number(opened.first(), QUANTITY_MAX)?, number(opened.get(1), AMOUNT_MAX)?),
    })
}

/// The bounds of a price are those of an amount.
const _: () = assert!(PRICE_MAX == AMOUNT_MAX);

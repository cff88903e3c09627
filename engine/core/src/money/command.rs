//! Commands about money, and how they are read from the wire.

use crate::command::Input;
use crate::ids::{
    AccountIndex, ExchangeIndex, FillNumber, IdKind, InstrumentIndex, number_of, parse_uuid,
};
use crate::margin::WHOLE;
use crate::money::InstrumentMargin;
use crate::reply::Refusal;
use crate::submit::not_found;
use crate::units::{MONEY_SCALE, Money, Price, QUANTITY_MAX, Quantity, RATE_SCALE};
use crate::wire::{Fields, malformed};
use crate::words::{LedgerKind, Side, refusal};

/// The most trading days that a settlement may take.
const SETTLEMENT_DAYS_MAX: u32 = 10;

/// A trade that is recorded: it was made elsewhere, or replaces one that was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Whose.
    pub account: AccountIndex,
    /// Of what.
    pub instrument: InstrumentIndex,
    /// Bought or sold.
    pub side: Side,
    /// How much.
    pub qty: Quantity,
    /// At this price.
    pub price: Price,
    /// What it cost beyond that.
    pub fee: Money,
    /// The request id, which becomes the id of its order.
    pub request_id: String,
}

/// A fill that is taken back, as it stands in the read models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bust {
    /// Its number.
    pub fill: FillNumber,
    /// Whose.
    pub account: AccountIndex,
    /// Of what.
    pub instrument: InstrumentIndex,
    /// Bought or sold.
    pub side: Side,
    /// How much.
    pub qty: Quantity,
    /// What was paid or got.
    pub notional: Money,
    /// What the exchange took.
    pub fee: Money,
    /// The profit that it made.
    pub realized_pl: Money,
    /// The request id.
    pub request_id: String,
}

/// A command about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyCommand {
    /// States a rate of exchange.
    SetRate {
        /// One unit of this
        from: String,
        /// gives of this
        to: String,
        /// so much, in 10^-9.
        rate: i64,
    },
    /// Sets what margin accounts must know of an instrument.
    SetMargin {
        /// Which.
        instrument: InstrumentIndex,
        /// What.
        margin: InstrumentMargin,
    },
    /// Sets after how many trading days the sells of an exchange are settled.
    SetSettlement {
        /// Which.
        exchange: ExchangeIndex,
        /// How many; 0: at once.
        days: u32,
    },
    /// Money comes in or goes out.
    Pay {
        /// Whose.
        account: AccountIndex,
        /// In which currency; the account's own when `None`.
        currency: Option<String>,
        /// How much, above zero.
        amount: Money,
        /// Whether it goes out.
        is_out: bool,
        /// What for: a deposit, a withdrawal, a transfer.
        kind: LedgerKind,
        /// The id of a transfer, the same on both sides of it; empty otherwise.
        transfer: String,
        /// The request id.
        request_id: String,
    },
    /// Money of one currency becomes money of another at the stated rate.
    Convert {
        /// Whose.
        account: AccountIndex,
        /// From this
        from: String,
        /// to this,
        to: String,
        /// so much of the first.
        amount: Money,
        /// The request id.
        request_id: String,
    },
    /// An account begins again under its id; what it was is remembered.
    Reset {
        /// Which.
        account: AccountIndex,
        /// Cash it begins with.
        starting_cash: Money,
        /// The request id.
        request_id: String,
    },
    /// Records a trade.
    Record(Trade),
    /// Takes a trade back.
    Bust(Bust),
    /// Takes a trade back and records what it should have been.
    Correct(Bust, Trade),
}

impl MoneyCommand {
    /// The word for it on the wire and on the tape.
    pub const fn kind(&self) -> &'static str {
        match self {
            MoneyCommand::SetRate { .. } => "set_rate",
            MoneyCommand::SetMargin { .. } => "set_margin",
            MoneyCommand::SetSettlement { .. } => "set_settlement",
            MoneyCommand::Pay { kind: LedgerKind::Transfer, is_out: true, .. } => "transfer_out",
            MoneyCommand::Pay { kind: LedgerKind::Transfer, .. } => "transfer_in",
            MoneyCommand::Pay { is_out: true, .. } => "withdraw",
            MoneyCommand::Pay { .. } => "deposit",
            MoneyCommand::Convert { .. } => "convert",
            MoneyCommand::Reset { .. } => "reset",
            MoneyCommand::Record(_) => "record_trade",
            MoneyCommand::Bust(_) => "bust_trade",
            MoneyCommand::Correct(..) => "correct_trade",
        }
    }
}

/// Reads a command about money; `None` when the kind is none of these.
pub(crate) fn decode(fields: &Fields<'_>, kind: &str) -> Option<Result<Input, Refusal>> {
    let command = match kind {
        "set_rate" => set_rate(fields),
        "set_margin" => set_margin(fields),
        "set_settlement" => set_settlement(fields),
        "deposit" => pay(fields, false, LedgerKind::Deposit),
        "withdraw" => pay(fields, true, LedgerKind::Withdrawal),
        "transfer_in" => pay(fields, false, LedgerKind::Transfer),
        "transfer_out" => pay(fields, true, LedgerKind::Transfer),
        "convert" => convert(fields),
        "reset" => reset(fields),
        "record_trade" => trade(fields, RECORDED).map(MoneyCommand::Record),
        "bust_trade" => bust(fields).map(MoneyCommand::Bust),
        "correct_trade" => correct(fields),
        _ => return None,
    };
    Some(command.map(|command| Input::Money(Box::new(command))))
}

fn money(fields: &Fields<'_>, field: &'static str) -> Result<Money, Refusal> {
    fields.needed(field, MONEY_SCALE, refusal::MALFORMED)
}

fn request_id(fields: &Fields<'_>) -> Result<String, Refusal> {
    let id = fields.request_id()?;
    id.ok_or_else(|| malformed("give a request_id").at("request_id"))
}

fn set_rate(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    Ok(MoneyCommand::SetRate {
        from: fields.text("from")?.to_owned(),
        to: fields.text("to")?.to_owned(),
        rate: fields.needed("rate", RATE_SCALE, refusal::MALFORMED)?,
    })
}

fn set_margin(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    let (instrument, terms) = fields.instrument()?;
    let rate = |field| fields.decimal(field, RATE_SCALE, refusal::MALFORMED);
    let shortable = fields.get("shortable").is_none() || fields.flag("shortable")?;
    let margin = InstrumentMargin {
        initial_rate: rate("initial_rate")?,
        maintenance_rate: rate("maintenance_rate")?,
        shortable,
        borrow_qty: fields.decimal("borrow_qty", terms.qty_scale, refusal::INVALID_QUANTITY)?,
        borrow_rate: rate("borrow_rate")?.unwrap_or(0),
    };
    let within = |rate: i64, most: i64| (0..=most).contains(&rate);
    let rates = [margin.initial_rate, margin.maintenance_rate];
    if !rates.into_iter().flatten().all(|rate| within(rate, WHOLE)) {
        return Err(malformed("a margin rate lies between 0 and 1").at("initial_rate"));
    }
    if !within(margin.borrow_rate, 100 * WHOLE) {
        return Err(malformed("the borrow rate lies between 0 and 100").at("borrow_rate"));
    }
    if let Some(qty) = margin.borrow_qty.filter(|qty| !(0..=QUANTITY_MAX).contains(qty)) {
        let (said, most) = (terms.format_quantity(qty), terms.format_quantity(QUANTITY_MAX));
        let detail = format!("the borrow quantity {said} must lie between 0 and {most}");
        return Err(malformed(detail).at("borrow_qty"));
    }
    Ok(MoneyCommand::SetMargin { instrument, margin })
}

fn set_settlement(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    let exchange = fields.durable.exchange_of.get(fields.text("exchange")?).copied();
    let exchange =
        exchange.ok_or_else(|| malformed("no such exchange in this world").at("exchange"))?;
    let days: u32 = fields.integer("days")?;
    if days > SETTLEMENT_DAYS_MAX {
        return Err(malformed("trades are settled within 10 days").at("days"));
    }
    Ok(MoneyCommand::SetSettlement { exchange, days })
}

fn pay(fields: &Fields<'_>, is_out: bool, kind: LedgerKind) -> Result<MoneyCommand, Refusal> {
    let account = fields.account()?;
    let (transfer, request_id) = if kind == LedgerKind::Transfer {
        let id = fields.text("transfer_id")?;
        if !crate::checks::is_name(id) {
            return Err(malformed("a transfer_id has 1 to 128 characters").at("transfer_id"));
        }
        (id.to_owned(), fields.request_id()?.unwrap_or_else(|| id.to_owned()))
    } else {
        (String::new(), request_id(fields)?)
    };
    Ok(MoneyCommand::Pay {
        account,
        currency: fields.maybe_text("currency")?,
        amount: money(fields, "amount")?,
        is_out,
        kind,
        transfer,
        request_id,
    })
}

fn convert(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    Ok(MoneyCommand::Convert {
        account: fields.account()?,
        from: fields.text("from")?.to_owned(),
        to: fields.text("to")?.to_owned(),
        amount: money(fields, "amount")?,
        request_id: request_id(fields)?,
    })
}

fn reset(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    Ok(MoneyCommand::Reset {
        account: fields.account()?,
        starting_cash: money(fields, "starting_cash")?,
        request_id: request_id(fields)?,
    })
}

/// Where a recorded trade says what it is.
const RECORDED: [&str; 5] = ["symbol", "side", "qty", "price", "fee"];

fn trade(fields: &Fields<'_>, names: [&'static str; 5]) -> Result<Trade, Refusal> {
    let [symbol, side, qty, price, fee] = names;
    let account = fields.account()?;
    let (instrument, terms) = fields.instrument_at(symbol)?;
    Ok(Trade {
        account,
        instrument,
        side: fields.side_at(side)?,
        qty: fields.needed_quantity(qty, terms)?,
        price: fields.needed_price(price, terms)?,
        fee: fields.decimal(fee, MONEY_SCALE, refusal::MALFORMED)?.unwrap_or(0),
        request_id: request_id(fields)?,
    })
}

fn bust(fields: &Fields<'_>) -> Result<Bust, Refusal> {
    let account = fields.account()?;
    let (instrument, terms) = fields.instrument()?;
    let id = parse_uuid(fields.text("fill_id")?);
    let fill = id.and_then(|id| number_of(fields.durable.prefix, IdKind::Fill, id));
    Ok(Bust {
        fill: fill.ok_or_else(|| not_found("no such fill of this world", "fill_id"))?,
        account,
        instrument,
        side: fields.side()?,
        qty: fields.needed_quantity("qty", terms)?,
        notional: money(fields, "notional")?,
        fee: money(fields, "fee")?,
        realized_pl: money(fields, "realized_pl")?,
        request_id: request_id(fields)?,
    })
}

fn correct(fields: &Fields<'_>) -> Result<MoneyCommand, Refusal> {
    let wrong = bust(fields)?;
    let other = |new, same| if fields.get(new).is_some() { new } else { same };
    let (symbol, side) = (other("new_symbol", "symbol"), other("new_side", "side"));
    let mut right = trade(fields, [symbol, side, "new_qty", "new_price", "new_fee"])?;
    right.request_id = format!("{}-corrected", wrong.request_id);
    if !crate::checks::is_name(&right.request_id) {
        return Err(malformed("give a shorter request_id").at("request_id"));
    }
    Ok(MoneyCommand::Correct(wrong, right))
}

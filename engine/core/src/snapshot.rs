//! The durable state as canonical bytes: equal states give equal bytes.
//!
//! Layout: magic, version, then every field in a fixed order; integers little-endian, text and
//! lists with a 32-bit length. Derived indexes are not written; they are rebuilt. The reader takes
//! any bytes and never panics.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::account::{Account, AccountTerms, Position};
use crate::command::CreateWorld;
use crate::contract::state::{Wheel, Work};
use crate::contract::{Contract, ContractState};
use crate::dates::{Dates, list_date};
use crate::delay::Delays;
use crate::durable::{Currency, Durable};
use crate::event::Turn;
use crate::evolve::list_day_order;
use crate::exchange::{Exchange, ExchangeRecord, Fees, Profile};
use crate::ids::OrderNumber;
use crate::instrument::{Instrument, InstrumentRecord, Mark};
use crate::label::Label;
use crate::listing::is_currency;
use crate::lots::Lot;
use crate::margin::MarginTerms;
use crate::money::{AccountMore, Accrual, Archive, InstrumentMargin, MoneyState, Wallet};
use crate::more_terms::MoreTerms;
use crate::order::{Extra, Order, OrderTerms};
use crate::orders::{Chain, Orders};
use crate::requests::{Request, Requests};
use crate::risk::policy::Policy;
use crate::risk::text::{parse_policy, policy_text};
use crate::risk::{AccountRisk, Call, RiskState, Stop, Switch};
use crate::session::*;
use crate::stored::{Input, Output, Stored, put_all};
use crate::units::SCALE_MAX;
use crate::words::*;

const MAGIC: &[u8; 8] = b"PTSNAP\0\0";
/// The version of the snapshots that this engine writes and reads.
pub const SNAPSHOT_VERSION: u32 = 4;

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError(pub String);

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "not a snapshot: {}", self.0)
    }
}

impl std::error::Error for SnapshotError {}

/// The snapshot of a state.
pub(crate) fn write(durable: &Durable) -> Vec<u8> {
    let mut out = Output { bytes: MAGIC.to_vec(), orders: &durable.orders };
    SNAPSHOT_VERSION.put(&mut out);
    durable.put(&mut out);
    out.bytes
}

/// SHA-256 of the snapshot of a state.
pub(crate) fn state_hash(durable: &Durable) -> [u8; 32] {
    Sha256::digest(write(durable)).into()
}

/// The state of a snapshot.
pub(crate) fn read(data: &[u8]) -> Result<Durable, SnapshotError> {
    let body = data.strip_prefix(MAGIC).ok_or_else(|| bad("it begins with something else"))?;
    let mut input = Input { rest: body };
    let version = u32::get(&mut input)?;
    if version != SNAPSHOT_VERSION {
        return Err(bad(&format!("version {version} is not known here")));
    }
    let mut durable = Durable::get(&mut input)?;
    if !input.rest.is_empty() {
        return Err(bad("something follows its end"));
    }
    index(&mut durable)?;
    Ok(durable)
}

pub(crate) fn bad(why: &str) -> SnapshotError {
    SnapshotError(why.to_owned())
}

/// Rebuilds what is derived, refusing names that point nowhere.
fn index(durable: &mut Durable) -> Result<(), SnapshotError> {
    durable.prefix = crate::ids::world_prefix(&durable.name);
    if !durable.currencies.iter().all(|currency| is_currency(&currency.code)) {
        return Err(bad("a currency is none"));
    }
    for (index, exchange) in durable.exchanges.iter().enumerate() {
        durable.exchange_of.insert(exchange.terms.id.clone(), index as u32);
        durable.day_orders.push(Default::default());
        durable.sessions.day_orders.push(Default::default());
    }
    for (index, record) in durable.instruments.iter().enumerate() {
        let known = durable.exchange(record.terms.exchange).is_some();
        let terms = &record.terms;
        let steps = terms.tick_size > 0 && terms.lot_size > 0;
        let steps = steps && terms.price_scale.max(terms.qty_scale) <= SCALE_MAX;
        let sound = record.terms.contract.as_ref();
        let sound = sound.is_none_or(|it| it.is_sound(record.terms.scales()));
        let whole = record.contract.is_some() == record.terms.contract.is_some();
        if !known
            || !steps
            || !sound
            || !whole
            || record.currency as usize >= durable.currencies.len()
        {
            return Err(bad("an instrument is not whole"));
        }
        for symbol in record.former.iter().chain([&record.terms.symbol]) {
            durable.instrument_of.insert(symbol.clone(), index as u32);
        }
    }
    if durable.orders.iter().any(|order| order.number >= durable.next_order) {
        return Err(bad("an order has a number of the future"));
    }
    for (index, account) in durable.accounts.iter_mut().enumerate() {
        account.requests.hand_over(&durable.orders, index as u32);
    }
    for (index, account) in durable.accounts.iter().enumerate() {
        let last = account.positions.keys().next_back();
        if last.is_some_and(|last| *last as usize >= durable.instruments.len())
            || account.currency as usize >= durable.currencies.len()
        {
            return Err(bad("an account is not whole"));
        }
        durable.account_of.insert(account.id, index as u32);
        if account.margin().is_some() {
            durable.money.margin_accounts.insert(index as u32);
        }
        for (exchange, day, _) in account.more.iter().flat_map(|more| more.unsettled.keys()) {
            durable.money.unsettled.insert((*exchange, *day, index as u32));
        }
    }
    let open: Vec<OrderNumber> = durable.orders.open().map(|order| order.number).collect();
    for number in open {
        list_order(durable, number)?;
    }
    crate::contract::state::rebuild(durable);
    if let Some(risk) = durable.risk.as_deref_mut() {
        for (index, account) in durable.accounts.iter().enumerate() {
            risk.index_account(index as u32, account);
        }
    }
    for (index, account) in durable.accounts.iter().enumerate() {
        let first = durable.orders.first(&account.open_orders);
        if first.is_some_and(|first| first.number < account.cancel_below) {
            durable.canceling.insert(index as u32);
        }
    }
    Ok(())
}

/// Puts an open order into the lists that it belongs to.
fn list_order(durable: &mut Durable, number: OrderNumber) -> Result<(), SnapshotError> {
    let whole = || bad("an order is not whole");
    let place = durable.orders.place(number).ok_or_else(whole)?;
    let order = durable.orders.at(place).filter(|order| order.is_sound()).ok_or_else(whole)?;
    let terms = &order.terms;
    durable.instrument(terms.instrument).ok_or_else(whole)?;
    let account = durable.accounts.get_mut(terms.account as usize).ok_or_else(whole)?;
    durable.orders.enlist(&mut account.open_orders, Chain::Account, place);
    list_day_order(durable, place);
    list_date(durable, place);
    Ok(())
}

macro_rules! stored_words {
    ($($kind:ty),+) => {$(
        impl Stored for $kind {
            fn put(&self, out: &mut Output<'_>) {
                out.bytes.push(*self as u8);
            }
            fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                let index = usize::from(u8::get(input)?);
                <$kind>::ALL.get(index).copied().ok_or_else(|| bad("an unknown word"))
            }
        }
    )+};
}

stored_words!(
    Side,
    OrderType,
    TimeInForce,
    Status,
    Reason,
    AssetClass,
    ContractWork,
    AccountKind,
    CostMethod,
    AccountStatus,
    InstrumentStatus,
    Source,
    TriggerSource,
    MarketOrders,
    SessionState,
    AuctionKind,
    Sharing,
    Measure,
    Clean
);

macro_rules! stored_records {
    ($($kind:ident { $($field:ident),+ $(,)? } $(derived { $($derived:ident),+ })?;)+) => {$(
        impl Stored for $kind {
            fn put(&self, out: &mut Output<'_>) {
                $(self.$field.put(out);)+
            }
            fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                $(let $field = Stored::get(input)?;)+
                Ok($kind { $($field),+ $(, $($derived: Default::default()),+)? })
            }
        }
    )+};
}

pub(crate) use stored_records;

stored_records! {
    Turn { seq, time_ns, market_seq };
    CreateWorld { world, seed, sharing };
    Currency { code, house, fees, funding, clearing };
    Exchange { id, name, currency, calendar, fees, profile, rules };
    ExchangeRecord { terms, has_sessions, state, next_ns, expire_below, session, ruling };
    ExchangeRules { mic, band, halt_auction };
    ExchangeSession { auction, next_open_ns, extended_below, opening_below, halt };
    Halted { reason, since_ns, is_auction };
    InstrumentRules { industry, tick_table, band };
    DayMarks { regular, extended, opening };
    Crossing { auction, exchange, next, end, below, marks, price };
    Sessions { crossings } derived { day_orders };
    Instrument {
        symbol, name, asset_class, exchange, sector, currency, tick_size, lot_size, price_scale,
        qty_scale, source, trigger, status, contract, rules,
    };
    Mark { bid, ask, last, high, low };
    InstrumentRecord {
        terms, currency, mark, house, clearing, interest, halt, former, contract, ruling, shorted,
        margin, splits, fills_from,
    } derived {
        has_options
    };
    Wheel { total, count, start, passed };
    Work { kind, price, rate, next, wheel };
    ContractState {
        settles, ended, settlement_price, final_price, funding_rate, next_funding_ns, works,
        splits_before, keeping,
    } derived { holders, orders, due_ns };
    Position { qty, promised, cost, realized_pl, seq, covering };
    MarginTerms { multiplier, long_maintenance, short_maintenance, interest_rate };
    AccountTerms { margin, cost_method };
    Lot { id, qty, cost, opened_ns };
    Wallet { cash, held };
    Archive { time_ns, starting_cash, equity, realized_pl };
    InstrumentMargin { initial_rate, maintenance_rate, shortable, borrow_qty, borrow_rate };
    Accrual { opened_ns, next_ns, days, account, step };
    MoneyState { rates, transfers, busted, accrual, settlement, days }
        derived { margin_accounts, unsettled };
    Request { digest, order, time_ns };
    Account {
        id, owner, kind, currency, status, cash, held, realized_pl, deposited, starting_cash, receivable, seq,
        cancel_below, positions, requests, volumes, terms, more, risk,
    } derived { open_orders };
    OrderTerms {
        account, client_order_id, instrument, side, order_type, qty, limit_price, stop_price,
        time_in_force, more,
    };
    Order {
        number, terms, filled, filled_value, hold, status, reason, triggered, priority, created_ns,
        updated_ns, seq, extra,
    };
    Stop { measure, value, limit };
    Call { since_ns, due_ns };
    AccountRisk {
        killed, stop, taken, day_start, peak, fired, call, clean, based, day, opened, day_trades,
    };
    RiskState {
        version, policy, killed, killed_users, day, days, next_day_ns, baselined, swept, sweep_flattens,
    } derived { accounts_of, cleaning, called };
    Delays { due, count, last, latencies };
    Extra { shown_from, waits, legs };
    Dates { passed_ns } derived { orders };
    Durable {
        name, turn, created, currencies, exchanges, instruments, accounts, orders, next_order,
        next_fill, next_priority, marked_ns, equity_ns, money, risk, sessions, corporate, dates, delays,
    } derived {
        prefix, contracts, account_of, instrument_of, exchange_of, day_orders, canceling
    };
}

/// Marks a fill number that something follows that snapshots of the past do not have.
const MORE_FOLLOWS: u64 = 1 << 63;

impl Stored for AccountMore {
    fn put(&self, out: &mut Output<'_>) {
        self.wallets.put(out);
        self.unsettled.put(out);
        self.lots.put(out);
        self.archives.put(out);
        let mark = if self.put_in == 0 { 0 } else { MORE_FOLLOWS };
        (self.fills_from | mark).put(out);
        if mark != 0 {
            self.put_in.put(out);
        }
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (wallets, unsettled) = (Stored::get(input)?, Stored::get(input)?);
        let (lots, archives) = (Stored::get(input)?, Stored::get(input)?);
        let fills_from = u64::get(input)?;
        let put_in = if fills_from & MORE_FOLLOWS == 0 { 0 } else { Stored::get(input)? };
        let fills_from = fills_from & !MORE_FOLLOWS;
        Ok(AccountMore { wallets, unsettled, lots, archives, fills_from, put_in })
    }
}

/// As its one text, which is the reason alone where nobody noted who set it.
impl Stored for Switch {
    fn put(&self, out: &mut Output<'_>) {
        self.text().put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Switch::from_text(&String::get(input)?).ok_or_else(|| bad("a kill switch is none"))
    }
}

/// As its canonical text, so that a new term changes no layout.
impl Stored for MoreTerms {
    fn put(&self, out: &mut Output<'_>) {
        self.text().put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        MoreTerms::from_text(&String::get(input)?).map_err(|why| bad(&why))
    }
}

/// As its canonical text, so that a new term changes no layout.
impl Stored for Contract {
    fn put(&self, out: &mut Output<'_>) {
        self.text().put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Contract::from_text(&String::get(input)?).map_err(|why| bad(&why))
    }
}

/// Settings are kept as their canonical text, so that a new one changes no layout.
macro_rules! stored_settings {
    ($($kind:ty: $write:path, $read:path;)+) => {$(
        impl Stored for $kind {
            fn put(&self, out: &mut Output<'_>) {
                $write(self).put(out);
            }
            fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                $read(&String::get(input)?).map_err(|why| bad(&why))
            }
        }
    )+};
}

stored_settings! {
    Fees: crate::fees::text::text_of, crate::fees::text::from_text;
    Profile: crate::profile::text::text_of, crate::profile::text::from_text;
}

impl Stored for Box<crate::profile::Ruling> {
    fn put(&self, out: &mut Output<'_>) {
        crate::profile::text::text_of_ruling(self).put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let text = String::get(input)?;
        crate::profile::text::ruling_from_text(&text).map(Box::new).map_err(|why| bad(&why))
    }
}

/// As its text, so that a new rule changes no layout.
impl Stored for Policy {
    fn put(&self, out: &mut Output<'_>) {
        policy_text(self).put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        parse_policy(&String::get(input)?).map_err(|error| bad(&error.detail))
    }
}

/// The orders by rising number, each behind its number.
impl Stored for Orders {
    fn put(&self, out: &mut Output<'_>) {
        (self.len() as u32).put(out);
        for order in self.iter() {
            order.number.put(out);
            order.put(out);
        }
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = u32::get(input)?;
        let mut orders = Orders::default();
        for _ in 0..length {
            let number = OrderNumber::get(input)?;
            let order = Order::get(input)?;
            if order.number != number {
                return Err(bad("an order has another number"));
            }
            orders.insert(order);
            orders.pack();
        }
        Ok(orders)
    }
}

impl Stored for Label {
    fn put(&self, out: &mut Output<'_>) {
        (self.as_bytes().len() as u32).put(out);
        out.bytes.extend_from_slice(self.as_bytes());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        String::get(input).map(Label::from)
    }
}

/// The uses by id, then the ids in the order they came.
impl Stored for Requests {
    fn put(&self, out: &mut Output<'_>) {
        let all: Vec<_> = self.iter(out.orders).collect();
        let mut by_id: Vec<_> = all.iter().collect();
        by_id.sort_unstable_by_key(|(id, _)| id.as_bytes());
        (self.len() as u32).put(out);
        for (id, request) in by_id {
            id.put(out);
            request.put(out);
        }
        put_all(out, self.len(), all.iter().map(|(id, _)| id));
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let mut by_id: BTreeMap<String, Request> = Stored::get(input)?;
        let (mut requests, orders) = (Requests::default(), Orders::default());
        for id in Vec::<String>::get(input)? {
            let request = by_id.remove(&id).ok_or_else(|| bad("a request id is not whole"))?;
            requests.push(&orders, &id.into(), request);
        }
        Ok(requests)
    }
}

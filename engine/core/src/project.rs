//! Fills the rows of the read models: called after every event, live and in a rebuild alike.
//!
//! A row's cells depend on the durable state after its turn and on nothing else, so batches of any
//! size end in the same tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::corporate;
use crate::delay::DelayEvent;
use crate::details;
use crate::durable::Durable;
use crate::event::{Event, Fill, Turn};
use crate::ids::{AccountIndex, IdKind, InstrumentIndex, OrderNumber, format_uuid, make};
use crate::order::Order;
use crate::postings::{Asset, Line, Party, postings};
use crate::risk::records::{alert_rows, check_row};
use crate::rows::{
    AccountRow, AlertRow, CheckRow, EquityRow, FillRow, LedgerRow, OrderRow, PositionRow, Rows,
};
use crate::units::{MINUTE_NS, Nanos, Rounding, clamp, divide, format_money};

/// What a turn touched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub accounts: BTreeSet<AccountIndex>,
    pub positions: BTreeSet<(AccountIndex, InstrumentIndex)>,
    pub orders: BTreeSet<OrderNumber>,
    pub equity: BTreeSet<AccountIndex>,
    /// Positions whose rows stand under the symbol that the instrument had before.
    pub renamed: BTreeSet<(AccountIndex, InstrumentIndex)>,
}

/// Collects the rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Projector {
    touched: Touched,
    accounts: BTreeMap<AccountIndex, AccountRow>,
    positions: BTreeMap<(AccountIndex, InstrumentIndex), PositionRow>,
    renamed: Vec<PositionRow>,
    orders: BTreeMap<OrderNumber, OrderRow>,
    equity: BTreeMap<(AccountIndex, Nanos), EquityRow>,
    fills: Vec<FillRow>,
    ledger: Vec<LedgerRow>,
    alerts: Vec<AlertRow>,
    checks: Vec<CheckRow>,
}

impl Projector {
    /// Notes what an event touched; appends its fill, its ledger lines, its alerts, its checks.
    pub fn event(&mut self, durable: &Durable, turn: &Turn, i: u32, event: &Event) {
        touch(&mut self.touched, durable, event);
        if let Event::Filled(fill) = event {
            self.fills.extend(fill_row(durable, turn, i, fill));
        }
        let order = match event {
            Event::Filled(fill) => Some(order_id(durable, fill.order)),
            _ => None,
        };
        for (index, line) in postings(event).iter().enumerate() {
            self.ledger.extend(ledger_row(durable, turn, (i, index as u32), &order, line));
        }
        self.alerts.extend(alert_rows(durable, turn, i, event));
        self.checks.extend(check_row(durable, turn, i, event));
        if let Event::Rejected { order, .. } | Event::Accepted { order, .. } = event {
            // An old request id may take a closed order out of memory within the very turn.
            self.keep_order(durable, *order);
        }
    }

    /// The row of the order that an event just told of came, or was refused.
    pub fn order_of(&self, event: &Event, number: OrderNumber) -> Option<&OrderRow> {
        let is_new = matches!(event, Event::Rejected { .. } | Event::Accepted { .. });
        self.orders.get(&number).filter(|_| is_new)
    }

    /// The row of the fill that was the event at place `i` of the turn, when it was the last one.
    pub fn fill_at(&self, turn: &Turn, i: u32) -> Option<&FillRow> {
        self.fills.last().filter(|row| (row.seq, row.i) == (turn.seq, i))
    }

    fn keep_order(&mut self, durable: &Durable, number: OrderNumber) {
        if let Some(row) = durable.order(number).and_then(|order| order_row(durable, &order)) {
            self.orders.insert(number, row);
        }
    }

    /// Makes the rows of everything that the turn touched, and says what it was.
    pub fn end(&mut self, durable: &Durable, turn: &Turn) -> Touched {
        let touched = std::mem::take(&mut self.touched);
        for index in &touched.accounts {
            if let Some(account) = durable.account(*index) {
                self.accounts.insert(*index, account_row(durable, account, turn.seq));
            }
        }
        for (index, instrument) in &touched.positions {
            let row = durable
                .account(*index)
                .and_then(|account| position_row(durable, account, *instrument, turn.seq));
            if let Some(row) = row {
                self.positions.insert((*index, *instrument), row);
            }
        }
        for (index, instrument) in &touched.renamed {
            self.renamed.extend(former_row(durable, *index, *instrument, turn.seq));
        }
        for number in &touched.orders {
            self.keep_order(durable, *number);
        }
        let minute_ns = turn.time_ns - turn.time_ns.rem_euclid(MINUTE_NS);
        for index in &touched.equity {
            if let Some(account) = durable.account(*index) {
                let row = equity_row(durable, account, minute_ns, turn.seq);
                self.equity.insert((*index, minute_ns), row);
            }
        }
        touched
    }

    /// The rows so far; none are left.
    pub fn take(&mut self) -> Rows {
        let mut positions: Vec<PositionRow> = std::mem::take(&mut self.renamed);
        positions.extend(std::mem::take(&mut self.positions).into_values());
        Rows {
            accounts: std::mem::take(&mut self.accounts).into_values().collect(),
            positions,
            orders: std::mem::take(&mut self.orders).into_values().collect(),
            equity: std::mem::take(&mut self.equity).into_values().collect(),
            fills: std::mem::take(&mut self.fills),
            ledger: std::mem::take(&mut self.ledger),
            alerts: std::mem::take(&mut self.alerts),
            checks: std::mem::take(&mut self.checks),
        }
    }
}

/// Notes what an event touched.
pub(crate) fn touch(touched: &mut Touched, durable: &Durable, event: &Event) {
    match event {
        Event::AccountOpened { .. } => {
            let index = durable.accounts.len().saturating_sub(1) as AccountIndex;
            touched.accounts.insert(index);
            touched.equity.insert(index);
        }
        Event::Deposited { account, .. } => {
            touched.accounts.insert(*account);
            touched.equity.insert(*account);
        }
        Event::Delay(event) => {
            if let DelayEvent::Arrived { order: Some(order), .. } = &**event {
                touched.orders.insert(*order);
            }
        }
        Event::Rejected { order, .. } => {
            touched.orders.insert(*order);
        }
        Event::Accepted { order, terms, .. } => {
            touched.orders.insert(*order);
            touched.accounts.insert(terms.account);
        }
        Event::Triggered { order, .. } => {
            touched.orders.insert(*order);
        }
        Event::Canceled { order, .. } | Event::Expired { order, .. } => {
            touch_order(touched, durable, *order);
        }
        Event::Replaced(replaced) => touch_order(touched, durable, replaced.order),
        Event::Contract(event) => crate::contract::event::touch(touched, event),
        Event::Risk(event) => crate::risk::event::touch(touched, event),
        Event::Changed(change) => {
            if let Some(order) = change.order() {
                touch_order(touched, durable, order);
            }
        }
        Event::Filled(fill) => {
            touched.orders.insert(fill.order);
            touched.accounts.insert(fill.account);
            touched.equity.insert(fill.account);
            touched.positions.insert((fill.account, fill.instrument));
        }
        Event::Money(event) => crate::money::evolve::touch(touched, event),
        Event::Marked { new_minute: true, .. } => {
            let holders = durable.accounts.iter().enumerate().filter(|(_, account)| {
                account.positions.values().any(|position| position.qty != 0)
            });
            for (index, _) in holders {
                touched.accounts.insert(index as AccountIndex);
                touched.equity.insert(index as AccountIndex);
            }
        }
        Event::Corporate(event) => corporate::event::touch(touched, durable, event),
        _ => {}
    }
}

fn touch_order(touched: &mut Touched, durable: &Durable, number: OrderNumber) {
    touched.orders.insert(number);
    if let Some(order) = durable.order(number) {
        touched.accounts.insert(order.terms.account);
    }
}

/// UUID text of an order.
pub(crate) fn order_id(durable: &Durable, number: OrderNumber) -> String {
    format_uuid(make(durable.prefix, IdKind::Order, number))
}

/// UUID text of a fill.
pub(crate) fn fill_id(durable: &Durable, number: u64) -> String {
    format_uuid(make(durable.prefix, IdKind::Fill, number))
}

/// UUID text of an account.
pub(crate) fn account_id(durable: &Durable, index: AccountIndex) -> String {
    durable.account(index).map_or(String::new(), |account| format_uuid(account.id))
}

/// The row of an account; `seq` is the turn that touched it.
pub(crate) fn account_row(durable: &Durable, account: &Account, seq: u64) -> AccountRow {
    let worth = durable.worth(account);
    AccountRow {
        account_id: format_uuid(account.id),
        owner: account.owner.clone(),
        kind: account.kind.word(),
        currency: durable.currency_code(account.currency).to_owned(),
        cash: format_money(account.cash),
        held: format_money(account.held),
        equity: format_money(worth.equity),
        buying_power: format_money(worth.buying_power(account)),
        unrealized_pl: format_money(worth.unrealized_pl),
        realized_pl: format_money(account.realized_pl),
        status: account.status.word(),
        details: details::of_account(durable, account, &worth),
        seq,
    }
}

fn equity_row(durable: &Durable, account: &Account, minute_ns: Nanos, seq: u64) -> EquityRow {
    EquityRow {
        account_id: format_uuid(account.id),
        minute_ns,
        equity: format_money(durable.worth(account).equity),
        cash: format_money(account.cash),
        seq,
    }
}

fn position_row(
    durable: &Durable,
    account: &Account,
    instrument: InstrumentIndex,
    seq: u64,
) -> Option<PositionRow> {
    let terms = &durable.instrument(instrument)?.terms;
    let position = account.position(instrument);
    let average = terms.average_price(i128::from(position.cost), position.qty);
    Some(PositionRow {
        account_id: format_uuid(account.id),
        symbol: terms.symbol.clone(),
        qty: terms.format_quantity(position.qty),
        avg_entry_price: terms.format_price(average),
        cost_basis: format_money(i128::from(position.cost)),
        realized_pl: format_money(position.realized_pl),
        details: details::of_position(durable, account, terms, &position),
        seq,
    })
}

/// The row that a position leaves behind under the symbol that its instrument had before: flat.
fn former_row(
    durable: &Durable,
    index: AccountIndex,
    instrument: InstrumentIndex,
    seq: u64,
) -> Option<PositionRow> {
    let record = durable.instrument(instrument)?;
    Some(PositionRow {
        account_id: account_id(durable, index),
        symbol: record.former.last()?.clone(),
        qty: record.terms.format_quantity(0),
        avg_entry_price: record.terms.format_price(0),
        cost_basis: format_money(0),
        realized_pl: format_money(0),
        details: String::new(),
        seq,
    })
}

/// The row of an order.
pub(crate) fn order_row(durable: &Durable, order: &Order) -> Option<OrderRow> {
    let terms = &order.terms;
    let instrument = &durable.instrument(terms.instrument)?.terms;
    let average = (order.filled > 0).then(|| {
        let filled = i128::from(order.filled);
        instrument.format_price(clamp(divide(order.filled_value, filled, Rounding::HalfEven)))
    });
    Some(OrderRow {
        order_id: order_id(durable, order.number),
        number: order.number,
        account_id: account_id(durable, terms.account),
        client_order_id: terms.client_order_id.to_string(),
        symbol: instrument.symbol.clone(),
        side: terms.side.word(),
        order_type: terms.order_type.word(),
        time_in_force: terms.time_in_force.word(),
        qty: instrument.format_quantity(terms.qty),
        filled_qty: instrument.format_quantity(order.filled),
        filled_avg_price: average,
        limit_price: terms.limit_price.map(|price| instrument.format_price(price)),
        stop_price: terms.stop_price.map(|price| instrument.format_price(price)),
        status: order.status.word(),
        reason: order.reason.map(|reason| reason.word()),
        details: details::of_order(durable, order),
        created_ns: order.created_ns,
        updated_ns: order.updated_ns,
        seq: order.seq,
    })
}

/// The row of a fill.
pub(crate) fn fill_row(durable: &Durable, turn: &Turn, i: u32, fill: &Fill) -> Option<FillRow> {
    let instrument = &durable.instrument(fill.instrument)?.terms;
    let money = |amount: i64| format_money(i128::from(amount));
    Some(FillRow {
        fill_id: fill_id(durable, fill.number),
        order_id: order_id(durable, fill.order),
        account_id: account_id(durable, fill.account),
        symbol: instrument.symbol.clone(),
        side: fill.side.word(),
        price: instrument.format_price(fill.price),
        qty: instrument.format_quantity(fill.qty),
        notional: money(fill.notional),
        fee: money(fill.fee),
        liquidity: fill.liquidity.word(),
        counterparty: fill.counterparty.word(),
        realized_pl: money(fill.realized_pl),
        receipt: details::receipt_of(durable, fill),
        time_ns: turn.time_ns,
        seq: turn.seq,
        i,
    })
}

fn ledger_row(
    durable: &Durable,
    turn: &Turn,
    (i, line_index): (u32, u32),
    order: &Option<String>,
    line: &Line,
) -> Option<LedgerRow> {
    let (asset, amount) = match line.asset {
        Asset::CashOfAccount(account) => {
            let currency = durable.account(account)?.currency;
            (durable.currency_code(currency).to_owned(), format_money(i128::from(line.amount)))
        }
        Asset::CashOfInstrument(instrument) => {
            let currency = durable.instrument(instrument)?.currency;
            (durable.currency_code(currency).to_owned(), format_money(i128::from(line.amount)))
        }
        Asset::Cash(currency) => {
            (durable.currency_code(currency).to_owned(), format_money(i128::from(line.amount)))
        }
        Asset::Holding(instrument) => {
            let terms = &durable.instrument(instrument)?.terms;
            (terms.symbol.clone(), terms.format_quantity(line.amount))
        }
    };
    let account_id = match line.party {
        Party::Account(account) => account_id(durable, account),
        party => party.word().to_owned(),
    };
    Some(LedgerRow {
        seq: turn.seq,
        i,
        line: line_index,
        account_id,
        asset,
        amount,
        kind: line.kind.word(),
        order_id: order.clone(),
        time_ns: turn.time_ns,
    })
}

//! What an event changes. It adds, moves and removes; it never multiplies, divides, rounds, or
//! reads a fee or price rule, so a tape of any age rebuilds the same balances.

use std::collections::BTreeMap;

use crate::accepted::take_order;
use crate::account::{Account, REQUEST_AGE_NS, REQUESTS_CLEARED, REQUESTS_KEPT};
use crate::contract::{self, ContractState};
use crate::corporate;
use crate::dates::{date_of, list_date};
use crate::durable::{Currency, Durable};
use crate::event::{Event, Replaced, RequestId, Turn};
use crate::exchange::ExchangeRecord;
use crate::ids::{AccountIndex, CurrencyIndex, ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::instrument::{InstrumentRecord, Mark};
use crate::label::Label;
use crate::ledger::post;
use crate::money::evolve::count_day;
use crate::order::{Order, OrderTerms};
use crate::orders::{Chain, Kept, OrderList, Orders, Place};
use crate::postings::postings;
use crate::requests::{Request, Requests};
use crate::risk;
use crate::session::{DayList, DayOrders, End, ExchangeSession, end_of};
use crate::units::{Balance, Money, Nanos, Quantity};
use crate::words::{AccountStatus, Reason, SessionState, Side, Status};

/// Applies one event of a turn to the durable state. The event is known to fit the state: either
/// this engine has just decided it, or `tape` has checked what it names.
pub fn evolve(durable: &mut Durable, turn: &Turn, event: &Event) {
    if durable.turn.seq != turn.seq {
        durable.orders.pack();
    }
    durable.turn = *turn;
    match event {
        Event::WorldCreated(world) => durable.created = Some(world.clone()),
        Event::ExchangeListed { .. } | Event::InstrumentListed(_) => list(durable, event),
        Event::AccountOpened { .. } => open_account(durable, event),
        Event::Deposited { account, amount } => deposit(durable, *account, *amount),
        Event::Accepted { order, terms, digest, hold, passed } => {
            take_order(durable, *order, terms, *digest, Ok(*hold));
            if let Some(passed) = passed {
                risk::event::count_order(durable, terms.account, passed);
            }
            return;
        }
        Event::Rejected { order, terms, digest, reason, .. } => {
            take_order(durable, *order, terms, *digest, Err(*reason));
        }
        Event::Triggered { order, .. } => trigger(durable, *order),
        Event::Filled(fill) => {
            crate::filled::evolve(durable, fill);
            return;
        }
        Event::Canceled { order, reason, release, request } => {
            remember_for_order(durable, *order, request.as_ref());
            close(durable, *order, Status::Canceled, *reason, *release);
            return;
        }
        Event::Expired { order, release } => {
            close(durable, *order, Status::Expired, Reason::Expired, *release);
        }
        Event::Replaced(replaced) => replace(durable, replaced),
        Event::Changed(change) => crate::change::evolve(durable, change),
        Event::CancelAllRequested { account, below, request } => {
            start_cancel_all(durable, *account, *below, request.as_ref());
        }
        Event::DayEnded { exchange, below, next_ns } => {
            end_day(durable, *exchange, *below, *next_ns);
        }
        Event::SessionChanged { session, marks } => {
            contract::state::session_changed(durable, session);
            crate::session::change_session(durable, session, marks);
        }
        Event::Session(event) => crate::session::evolve(durable, event),
        Event::Marked { marks, new_minute } => mark(durable, marks, *new_minute),
        Event::Contract(event) => contract::event::evolve(durable, turn, event),
        Event::Risk(event) => risk::event::evolve(durable, turn, event),
        Event::Corporate(event) => corporate::event::evolve(durable, event),
        Event::Delay(event) => crate::delay::evolve(durable, event),
        Event::RulesSet(set) => crate::profile::evolve(durable, set),
        Event::Money(event) => crate::money::evolve::evolve(durable, event),
        Event::Checkpoint { .. } => {}
    }
    for line in postings(event).iter() {
        post(durable, line);
    }
}

/// The day of an always-open exchange ended.
fn end_day(durable: &mut Durable, exchange: ExchangeIndex, below: OrderNumber, next_ns: Nanos) {
    contract::state::day_ended(durable, exchange);
    count_day(durable, exchange);
    if let Some(record) = durable.exchanges.get_mut(exchange as usize) {
        record.expire_below = below;
        record.next_ns = next_ns;
    }
}

fn mark(durable: &mut Durable, marks: &[(InstrumentIndex, Mark)], new_minute: bool) {
    durable.marked_ns = durable.turn.time_ns;
    if new_minute {
        durable.equity_ns = durable.turn.time_ns;
    }
    for (instrument, mark) in marks {
        if let Some(record) = durable.instruments.get_mut(*instrument as usize) {
            record.mark = *mark;
        }
    }
}

fn list(durable: &mut Durable, event: &Event) {
    match event {
        Event::ExchangeListed { exchange, day_end_ns } => {
            let index = durable.exchanges.len() as u32;
            durable.exchange_of.insert(exchange.id.clone(), index);
            durable.day_orders.push(OrderList::default());
            durable.sessions.day_orders.push(DayOrders::default());
            durable.exchanges.push(ExchangeRecord {
                terms: exchange.clone(),
                has_sessions: false,
                state: SessionState::Open,
                next_ns: *day_end_ns,
                expire_below: 0,
                session: ExchangeSession::default(),
                ruling: None,
            });
        }
        Event::InstrumentListed(terms) => {
            let index = durable.instruments.len() as u32;
            durable.instrument_of.insert(terms.symbol.clone(), index);
            let currency = currency_index(durable, &terms.currency);
            durable.instruments.push(InstrumentRecord {
                terms: terms.clone(),
                currency,
                mark: Mark::default(),
                house: 0,
                clearing: 0,
                interest: 0,
                halt: None,
                former: Vec::new(),
                contract: terms.contract.as_ref().map(|_| Box::new(ContractState::default())),
                splits: Vec::new(),
                fills_from: 0,
                has_options: false,
                ruling: None,
                shorted: 0,
                margin: None,
            });
            contract::state::begin(durable, index);
            contract::state::index(durable, index);
        }
        _ => {}
    }
}

fn currency_index(durable: &mut Durable, code: &str) -> CurrencyIndex {
    let known = durable.find_currency(code);
    let index = known.unwrap_or(durable.currencies.len() as CurrencyIndex);
    if known.is_none() {
        durable.currencies.push(Currency { code: code.to_owned(), ..Currency::default() });
    }
    index
}

fn open_account(durable: &mut Durable, event: &Event) {
    let Event::AccountOpened { id, owner, kind, currency, request, terms } = event else {
        return;
    };
    let index = durable.accounts.len() as u32;
    let currency = currency_index(durable, currency);
    durable.account_of.insert(*id, index);
    durable.accounts.push(Account {
        id: *id,
        owner: owner.clone(),
        kind: *kind,
        currency,
        status: AccountStatus::Active,
        cash: 0,
        held: 0,
        realized_pl: 0,
        deposited: 0,
        starting_cash: 0,
        receivable: 0,
        seq: durable.turn.seq,
        cancel_below: 0,
        volumes: BTreeMap::new(),
        positions: BTreeMap::new(),
        open_orders: OrderList::default(),
        requests: Requests::default(),
        terms: terms.clone(),
        more: None,
        risk: None,
    });
    if terms.margin.is_some() {
        durable.money.margin_accounts.insert(index);
        let opened_ns = &mut durable.money.accrual.opened_ns;
        *opened_ns = if *opened_ns == 0 { durable.turn.time_ns } else { *opened_ns };
    }
    remember(durable, index, &request.id, request.digest, 0);
    risk::event::meet_account(durable, index);
}

fn deposit(durable: &mut Durable, index: AccountIndex, amount: Money) {
    let seq = durable.turn.seq;
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        account.starting_cash = account.starting_cash.saturating_add(amount);
        account.seq = seq;
    }
}

/// Begins an order that was under way: it is new, behind all that came before.
pub(crate) fn begin_order(durable: &mut Durable, number: OrderNumber) {
    if durable.order(number).is_none_or(|order| order.status != Status::PendingNew) {
        return;
    }
    let priority = durable.next_priority;
    durable.next_priority += 1;
    touch_order(durable, number, |order| {
        order.status = Status::New;
        order.priority = priority;
    });
}

/// Changes the cash that is set aside in a currency.
pub(crate) fn set_aside(account: &mut Account, currency: Option<CurrencyIndex>, amount: Balance) {
    match currency.filter(|currency| *currency != account.currency) {
        None => account.held += amount,
        Some(other) => {
            let more = account.more.get_or_insert_default();
            more.wallets.entry(other).or_default().held += amount;
        }
    }
}

/// Adds to what open orders have promised of a position: sells of what is held, and on margin buys
/// of what is owed.
pub(crate) fn promise(account: &mut Account, terms: &OrderTerms, more: Quantity) {
    let is_margin = account.terms.margin.is_some();
    if more == 0 || (terms.side == Side::Buy && !is_margin) {
        return;
    }
    let position = account.positions.entry(terms.instrument).or_default();
    let promised = match terms.side {
        Side::Sell => &mut position.promised,
        Side::Buy => &mut position.covering,
    };
    *promised = promised.saturating_add(more);
}

/// Puts an order into the list of what ends it, or takes it out, by its terms.
pub(crate) fn list_day_order(durable: &mut Durable, place: Place) {
    let Some(order) = durable.orders.at(place) else {
        return;
    };
    let ends = order.is_open() && end_of(&order.terms) != End::Never;
    let list = DayList::of(&order.terms);
    let Some(record) = durable.instruments.get(order.terms.instrument as usize) else {
        return;
    };
    let exchange = record.terms.exchange as usize;
    let rarer = durable.sessions.day_orders.get_mut(exchange);
    let list = match list {
        DayList::Regular => durable.day_orders.get_mut(exchange),
        DayList::Extended => rarer.map(|orders| &mut orders.extended),
        DayList::Opening => rarer.map(|orders| &mut orders.opening),
    };
    if let Some(orders) = list {
        if ends {
            durable.orders.enlist(orders, Chain::Day, place);
        } else {
            durable.orders.delist(orders, Chain::Day, place);
        }
    }
}

fn trigger(durable: &mut Durable, number: OrderNumber) {
    let priority = durable.next_priority;
    durable.next_priority += 1;
    touch_order(durable, number, |order| {
        order.triggered = true;
        order.priority = priority;
    });
}

/// Changes an order and stamps it with the turn.
pub(crate) fn touch_order(
    durable: &mut Durable,
    number: OrderNumber,
    change: impl FnOnce(&mut Order),
) {
    let turn = durable.turn;
    if let Some(order) = durable.orders.get_mut(number) {
        change(order);
        order.updated_ns = turn.time_ns;
        order.seq = turn.seq;
    }
}

/// Closes an order that was not completely filled.
fn close(
    durable: &mut Durable,
    number: OrderNumber,
    status: Status,
    reason: Reason,
    release: Money,
) {
    let Durable { orders, instruments, accounts, turn, .. } = durable;
    let Some(place) = orders.place(number) else {
        return;
    };
    let Some(order) = orders.at_mut(place) else {
        return;
    };
    let promised = order.promised();
    order.status = status;
    order.reason = Some(reason);
    order.hold -= release;
    order.updated_ns = turn.time_ns;
    order.seq = turn.seq;
    let terms = &order.terms;
    let record = instruments.get(terms.instrument as usize);
    if let Some(account) = accounts.get_mut(terms.account as usize) {
        set_aside(account, record.map(|record| record.currency), -Balance::from(release));
        account.seq = turn.seq;
        promise(account, terms, -promised);
    }
    forget_open(durable, place);
}

/// Takes the closed order at a place out of the lists of open orders.
pub(crate) fn forget_open(durable: &mut Durable, place: Place) {
    if durable.orders.is_listed(place, Chain::Day) {
        list_day_order(durable, place);
    }
    let Some(order) = durable.orders.at(place) else {
        return;
    };
    let (number, index) = (order.number, order.terms.account);
    if !durable.delays.latencies.is_empty() {
        durable.delays.latencies.remove(&number);
    }
    if order.terms.more.is_some() {
        list_date(durable, place);
    }
    let Durable { orders, instruments, accounts, canceling, .. } = durable;
    orders.close(number);
    let instrument = orders.at(place).map_or(0, |order| order.terms.instrument);
    if let Some(record) = instruments.get_mut(instrument as usize) {
        record.interest = record.interest.saturating_sub(1);
        if let Some(contract) = &mut record.contract {
            contract.orders.remove(&number);
        }
    }
    if let Some(account) = accounts.get_mut(index as usize) {
        orders.delist(&mut account.open_orders, Chain::Account, place);
        if !canceling.is_empty() {
            let first = orders.first(&account.open_orders);
            if first.is_none_or(|first| first.number >= account.cancel_below) {
                canceling.remove(&index);
            }
        }
    }
}

fn replace(durable: &mut Durable, replaced: &Replaced) {
    remember_for_order(durable, replaced.order, replaced.request.as_ref());
    let Some(place) = durable.orders.place(replaced.order) else {
        return;
    };
    let Some(before) = durable.orders.at(place).cloned() else {
        return;
    };
    let priority = durable.next_priority;
    if !replaced.keeps_priority {
        durable.next_priority += 1;
    }
    if let Some(date) = date_of(&before) {
        durable.dates.orders.remove(&(date, before.number));
    }
    let mut promised = 0;
    touch_order(durable, replaced.order, |order| {
        promised = order.promised();
        if let Some(more) = &replaced.more {
            order.terms.more = more.as_ref().clone().boxed();
        }
        order.terms.qty = replaced.qty;
        order.terms.limit_price = replaced.limit_price;
        order.terms.stop_price = replaced.stop_price;
        order.terms.time_in_force = replaced.time_in_force;
        order.hold = replaced.hold;
        if !replaced.keeps_priority {
            order.priority = priority;
        }
        promised = order.promised() - promised;
    });
    list_day_order(durable, place);
    list_date(durable, place);
    let (terms, seq) = (&before.terms, durable.turn.seq);
    let record = durable.instruments.get(terms.instrument as usize);
    if let Some(account) = durable.accounts.get_mut(terms.account as usize) {
        let more = Balance::from(replaced.hold) - Balance::from(before.hold);
        set_aside(account, record.map(|record| record.currency), more);
        account.seq = seq;
        promise(account, terms, promised);
    }
}

fn start_cancel_all(
    durable: &mut Durable,
    index: AccountIndex,
    below: OrderNumber,
    request: Option<&RequestId>,
) {
    if let Some(request) = request {
        remember(durable, index, &request.id, request.digest, 0);
    }
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        account.cancel_below = below;
        // A command that was under way leaves alone what was sent after it.
        let first = durable.orders.first(&account.open_orders);
        if first.is_some_and(|first| first.number < below) {
            durable.canceling.insert(index);
        }
    }
}

fn remember_for_order(durable: &mut Durable, number: OrderNumber, request: Option<&RequestId>) {
    let Some(request) = request else {
        return;
    };
    let account = durable.order(number).map(|order| order.terms.account);
    if let Some(account) = account {
        remember(durable, account, &request.id, request.digest, number);
    }
}

/// Keeps a request id and clears at most `REQUESTS_CLEARED` old ones, so cleaning keeps pace.
pub(crate) fn remember(
    durable: &mut Durable,
    index: AccountIndex,
    id: &Label,
    digest: u64,
    order: OrderNumber,
) {
    let Durable { accounts, orders, turn, .. } = durable;
    let Some(account) = accounts.get_mut(index as usize) else {
        return;
    };
    let time_ns = turn.time_ns;
    account.requests.push(orders, id, Request { digest, order, time_ns });
    clear_requests(account, orders, (index, time_ns));
}

/// Clears at most `REQUESTS_CLEARED` old request ids.
#[inline]
pub(crate) fn clear_requests(
    account: &mut Account,
    orders: &mut Orders,
    (index, now_ns): (AccountIndex, Nanos),
) {
    for _ in 0..REQUESTS_CLEARED {
        if !clear_oldest_request(&mut account.requests, orders, (index, now_ns)) {
            return;
        }
    }
}

/// Drops the oldest request id if it is old, and its closed order with it; the id of an open
/// order goes to the back instead. Says whether it was old.
fn clear_oldest_request(
    requests: &mut Requests,
    orders: &mut Orders,
    (index, now_ns): (AccountIndex, Nanos),
) -> bool {
    let too_many = requests.len() > REQUESTS_KEPT;
    let is_old = |time_ns| now_ns.saturating_sub(time_ns) >= REQUEST_AGE_NS;
    if !too_many && !requests.oldest_ns(orders).is_some_and(is_old) {
        return false;
    }
    let Some((id, request, is_made)) = requests.pop(orders) else {
        return false;
    };
    let is_open = |order: &Order| order.is_open() && order.terms.account == index;
    let is_its = |order: Kept<'_>| order.terms.client_order_id == id;
    if orders.get(request.order).is_some_and(is_open) {
        requests.push(orders, &id, request);
    } else if is_made || orders.find(request.order).is_some_and(is_its) {
        orders.forget(request.order);
    }
    true
}

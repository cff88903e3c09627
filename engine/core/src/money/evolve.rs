//! What the events of money change, and the ledger lines that they stand for.

use crate::account::Account;
use crate::durable::{Currency, Durable};
use crate::event::{Effects, Fill};
use crate::evolve::remember;
use crate::ids::{AccountIndex, CurrencyIndex, ExchangeIndex, InstrumentIndex};
use crate::lots;
use crate::money::event::MoneyEvent;
use crate::money::{ARCHIVES_MAX, AccountMore, Archive};
use crate::postings::{Asset, Line, Party, transfer};
use crate::project::Touched;
use crate::units::Balance;
use crate::words::{LedgerKind, Side};

/// Applies one event. What it posts is added to the balances afterwards.
pub(crate) fn evolve(durable: &mut Durable, event: &MoneyEvent) {
    match event {
        MoneyEvent::CurrencyAdded { code } => {
            durable.currencies.push(Currency { code: code.clone(), ..Currency::default() });
        }
        MoneyEvent::RateSet { from, to, rate } => {
            durable.money.rates.insert((*from, *to), *rate);
        }
        MoneyEvent::MarginSet { symbol, margin } => {
            if let Some(record) = durable.instruments.get_mut(*symbol as usize) {
                record.margin = Some(Box::new(margin.clone()));
            }
        }
        MoneyEvent::SettlementSet { exchange, days: 0 } => {
            durable.money.settlement.remove(exchange);
        }
        MoneyEvent::SettlementSet { exchange, days } => {
            durable.money.settlement.insert(*exchange, *days);
        }
        MoneyEvent::Paid { account, transfer, transfer_digest, capital, request, .. } => {
            if let Some(more) = capital.and_then(|_| more_of(durable, *account)) {
                more.put_in = more.put_in.saturating_add(Balance::from(capital.unwrap_or(0)));
            }
            if !transfer.is_empty() {
                durable.money.transfers.insert((transfer.clone(), *account), *transfer_digest);
            }
            remember(durable, *account, &request.id, request.digest, 0);
        }
        MoneyEvent::Converted { account, request, .. } => {
            remember(durable, *account, &request.id, request.digest, 0);
        }
        MoneyEvent::TradeBusted { .. } => bust(durable, event),
        MoneyEvent::PositionArchived { .. }
        | MoneyEvent::CashArchived { .. }
        | MoneyEvent::AccountReset { .. } => reset(durable, event),
        _ => accrue(durable, event),
    }
    if let Some(index) = account_of(event) {
        let seq = durable.turn.seq;
        if let Some(account) = durable.accounts.get_mut(index as usize) {
            account.seq = seq;
        }
    }
}

/// The account that an event is about.
fn account_of(event: &MoneyEvent) -> Option<AccountIndex> {
    match event {
        MoneyEvent::Paid { account, .. }
        | MoneyEvent::Converted { account, .. }
        | MoneyEvent::InterestCharged { account, .. }
        | MoneyEvent::BorrowCharged { account, .. }
        | MoneyEvent::Settled { account, .. }
        | MoneyEvent::PositionArchived { account, .. }
        | MoneyEvent::CashArchived { account, .. }
        | MoneyEvent::AccountReset { account, .. }
        | MoneyEvent::TradeBusted { account, .. } => Some(*account),
        MoneyEvent::CurrencyAdded { .. }
        | MoneyEvent::RateSet { .. }
        | MoneyEvent::MarginSet { .. }
        | MoneyEvent::SettlementSet { .. }
        | MoneyEvent::AccrualBegan { .. }
        | MoneyEvent::AccrualEnded {} => None,
    }
}

/// The daily work goes on, and proceeds settle.
fn accrue(durable: &mut Durable, event: &MoneyEvent) {
    let accrual = &mut durable.money.accrual;
    match event {
        MoneyEvent::AccrualBegan { days, next_ns } => {
            (accrual.days, accrual.next_ns) = (*days, *next_ns);
            (accrual.account, accrual.step) = (0, 0);
        }
        MoneyEvent::InterestCharged { account, step, .. }
        | MoneyEvent::BorrowCharged { account, step, .. } => {
            (accrual.account, accrual.step) = (*account, *step);
        }
        MoneyEvent::AccrualEnded {} => accrual.days = 0,
        MoneyEvent::Settled { account, exchange, day } => {
            durable.money.unsettled.remove(&(*exchange, *day, *account));
            if let Some(more) = more_of(durable, *account) {
                more.unsettled.retain(|key, _| (key.0, key.1) != (*exchange, *day));
            }
        }
        _ => {}
    }
}

/// A trading day of an exchange ended; counted only where trades are settled later.
pub(crate) fn count_day(durable: &mut Durable, exchange: ExchangeIndex) {
    let money = &mut durable.money;
    if money.settlement.contains_key(&exchange) || money.days.contains_key(&exchange) {
        let days = money.days.entry(exchange).or_default();
        *days = days.saturating_add(1);
    }
}

/// What few accounts have, to change it; made when it is not there yet.
fn more_of(durable: &mut Durable, account: AccountIndex) -> Option<&mut AccountMore> {
    let account = durable.accounts.get_mut(account as usize)?;
    Some(account.more.get_or_insert_default())
}

fn reset(durable: &mut Durable, event: &MoneyEvent) {
    let time_ns = durable.turn.time_ns;
    match event {
        MoneyEvent::PositionArchived { account, symbol, .. } => {
            if let Some(account) = durable.accounts.get_mut(*account as usize) {
                let position = account.positions.entry(*symbol).or_default();
                position.cost = 0;
                position.realized_pl = 0;
            }
        }
        MoneyEvent::AccountReset { account, equity, request } => {
            let unsettled = &mut durable.money.unsettled;
            unsettled.retain(|(_, _, other)| other != account);
            crate::corporate::event::forgo(durable, *account);
            crate::risk::event::begin_again(durable, *account);
            let fills_from = durable.next_fill;
            if let Some(account) = durable.accounts.get_mut(*account as usize) {
                begin_again(account, time_ns, *equity);
                account.more.get_or_insert_default().fills_from = fills_from;
            }
            remember(durable, *account, &request.id, request.digest, 0);
        }
        _ => {}
    }
}

fn begin_again(account: &mut Account, time_ns: i64, equity: Balance) {
    let (starting_cash, realized_pl) = (account.starting_cash, account.realized_pl);
    account.starting_cash = 0;
    account.realized_pl = 0;
    account.deposited = 0;
    let more = account.more.get_or_insert_default();
    more.wallets.clear();
    more.unsettled.clear();
    more.lots.clear();
    more.put_in = 0;
    more.archives.push(Archive { time_ns, starting_cash, equity, realized_pl });
    // The first stays: it says what the account was opened with.
    if more.archives.len() > ARCHIVES_MAX {
        more.archives.remove(1);
    }
}

fn bust(durable: &mut Durable, event: &MoneyEvent) {
    let MoneyEvent::TradeBusted {
        fill,
        account,
        symbol,
        cost,
        realized_pl,
        realized_here,
        lots,
        request,
        ..
    } = event
    else {
        return;
    };
    durable.money.busted.insert(*fill);
    let (seq, time_ns) = (durable.turn.seq, durable.turn.time_ns);
    if let Some(account) = durable.accounts.get_mut(*account as usize) {
        account.realized_pl += Balance::from(*realized_here);
        let position = account.positions.entry(*symbol).or_default();
        position.cost = position.cost.saturating_add(*cost);
        position.realized_pl += Balance::from(*realized_pl);
        position.seq = seq;
        if *lots != lots::LotChange::default() {
            change_lots(account, *symbol, lots, (*fill, time_ns));
        }
    }
    remember(durable, *account, &request.id, request.digest, 0);
}

fn change_lots(
    account: &mut Account,
    instrument: InstrumentIndex,
    change: &lots::LotChange,
    (id, time_ns): (u64, i64),
) {
    let more = account.more.get_or_insert_default();
    let lots = more.lots.entry(instrument).or_default();
    lots::change(lots, change, id, time_ns);
    if lots.is_empty() {
        more.lots.remove(&instrument);
    }
}

/// What a fill does beyond cash and position: lots, and proceeds that are to be settled.
pub(crate) fn apply_effects(durable: &mut Durable, fill: &Fill, effects: &Effects) {
    let time_ns = durable.turn.time_ns;
    let Some(record) = durable.instruments.get(fill.instrument as usize) else {
        return;
    };
    let (exchange, currency) = (record.terms.exchange, record.currency);
    let Some(account) = durable.accounts.get_mut(fill.account as usize) else {
        return;
    };
    if let Some(lots) = &effects.lots {
        change_lots(account, fill.instrument, lots, (fill.number, time_ns));
    }
    if let Some((day, amount)) = effects.settles {
        let more = account.more.get_or_insert_default();
        let waiting = more.unsettled.entry((exchange, day, currency)).or_default();
        *waiting += Balance::from(amount);
        durable.money.unsettled.insert((exchange, day, fill.account));
    }
}

/// Gives the ledger lines of an event.
pub(crate) fn postings(event: &MoneyEvent, mut take: impl FnMut(Line)) {
    let cash = |currency: &CurrencyIndex| Asset::Cash(*currency);
    let mut move_to = |account: &AccountIndex, from, asset, amount, kind| {
        transfer(&mut take, (Party::Account(*account), from), asset, amount, kind);
    };
    match event {
        MoneyEvent::Paid { account, currency, amount, kind, .. } => {
            move_to(account, Party::Funding, cash(currency), *amount, *kind);
        }
        MoneyEvent::Converted { account, from, to, paid, got, .. } => {
            let kind = LedgerKind::Conversion;
            move_to(account, Party::House, cash(from), -paid, kind);
            move_to(account, Party::House, cash(to), *got, kind);
        }
        MoneyEvent::InterestCharged { account, currency, amount, .. } => {
            move_to(account, Party::Fees, cash(currency), -amount, LedgerKind::Interest);
        }
        MoneyEvent::BorrowCharged { account, symbol, amount, .. } => {
            let asset = Asset::CashOfInstrument(*symbol);
            move_to(account, Party::Fees, asset, -amount, LedgerKind::BorrowFee);
        }
        MoneyEvent::PositionArchived { account, symbol, qty } => {
            move_to(account, Party::House, Asset::Holding(*symbol), -qty, LedgerKind::Reset);
        }
        MoneyEvent::CashArchived { account, currency, amount } => {
            move_to(account, Party::Funding, cash(currency), -amount, LedgerKind::Reset);
        }
        MoneyEvent::TradeBusted { account, symbol, side, qty, notional, fee, .. } => {
            let (back, qty) = match side {
                Side::Buy => (*notional, -qty),
                Side::Sell => (-notional, *qty),
            };
            let (money, holding) = (Asset::CashOfInstrument(*symbol), Asset::Holding(*symbol));
            let kind = LedgerKind::Correction;
            move_to(account, Party::House, money, back, kind);
            move_to(account, Party::House, holding, qty, kind);
            move_to(account, Party::Fees, money, *fee, kind);
        }
        _ => {}
    }
}

/// Notes what an event touched.
pub(crate) fn touch(touched: &mut Touched, event: &MoneyEvent) {
    let Some(account) = account_of(event) else {
        return;
    };
    touched.accounts.insert(account);
    touched.equity.insert(account);
    match event {
        MoneyEvent::PositionArchived { symbol, .. } | MoneyEvent::TradeBusted { symbol, .. } => {
            touched.positions.insert((account, *symbol));
        }
        _ => {}
    }
}

//! Adds the ledger lines of an event to the balances that they change.

use crate::account::{Account, Position};
use crate::durable::Durable;
use crate::event::Fill;
use crate::ids::{AccountIndex, CurrencyIndex, InstrumentIndex};
use crate::instrument::InstrumentRecord;
use crate::postings::{Asset, LINES_MAX, Line, Party, lines_of_fill};
use crate::risk;
use crate::units::{Balance, Quantity, clamp};

/// Posts the lines of a fill: added up by party first, so that each balance is looked up once.
pub(crate) fn post_fill(durable: &mut Durable, fill: &Fill) {
    let own = Party::Account(fill.account);
    let (cash, holding) =
        (Asset::CashOfInstrument(fill.instrument), Asset::Holding(fill.instrument));
    let (mut paid, mut got) = ([0; 4], [0; 4]);
    let mut others = [None; LINES_MAX];
    let mut count = 0;
    lines_of_fill(fill, |line| {
        let party = match line.party {
            party if party == own => 0,
            Party::House => 1,
            Party::Clearing => 2,
            Party::Fees => 3,
            _ => 4,
        };
        let sums = if line.asset == cash { &mut paid } else { &mut got };
        match sums.get_mut(party) {
            Some(sum) if line.asset == cash || line.asset == holding => {
                *sum += Balance::from(line.amount);
            }
            _ => {
                if let Some(other) = others.get_mut(count) {
                    *other = Some(line);
                    count += 1;
                }
            }
        }
    });
    for line in others.iter().take(count).flatten() {
        post(durable, line);
    }
    post_sums(durable, fill, &paid, &got);
}

/// Adds sums of cash and holding to the account, the house, the clearing and the fees.
fn post_sums(durable: &mut Durable, fill: &Fill, paid: &[Balance; 4], got: &[Balance; 4]) {
    let Some(record) = durable.instruments.get_mut(fill.instrument as usize) else {
        return;
    };
    record.house += got[1];
    record.clearing += got[2];
    if let Some(currency) = durable.currencies.get_mut(record.currency as usize) {
        currency.house += paid[1];
        currency.clearing += paid[2];
        currency.fees += paid[3];
    }
    let Some(account) = durable.accounts.get_mut(fill.account as usize) else {
        return;
    };
    add_cash(account, record.currency, paid[0]);
    let position = account.positions.entry(fill.instrument).or_default();
    hold_more(record, position, (fill.account, clamp(got[0])));
}

/// Adds to the cash of an account, in its own currency or in another.
#[inline(always)]
pub(crate) fn add_cash(account: &mut Account, currency: CurrencyIndex, amount: Balance) {
    if currency == account.currency {
        account.cash += amount;
        return;
    }
    let more = account.more.get_or_insert_default();
    more.wallets.entry(currency).or_default().cash += amount;
}

/// Adds to what an account holds, and counts positions.
#[inline]
pub(crate) fn hold_more(
    record: &mut InstrumentRecord,
    position: &mut Position,
    (index, amount): (AccountIndex, Quantity),
) {
    let before = position.qty;
    position.qty = before.saturating_add(amount);
    let owed = before.min(0).saturating_sub(position.qty.min(0));
    record.shorted = record.shorted.saturating_add(owed);
    match (before == 0, position.qty == 0) {
        (true, false) => record.interest += 1,
        (false, true) => record.interest = record.interest.saturating_sub(1),
        _ => {}
    }
    if let Some(contract) = &mut record.contract {
        contract.holds(index, position.qty);
    }
}

/// Adds a ledger line to the balance of its party.
#[inline(always)]
pub(crate) fn post(durable: &mut Durable, line: &Line) {
    match line.asset {
        Asset::Holding(index) => post_holding(durable, line, index as usize),
        Asset::CashOfAccount(index) => {
            let currency = durable.account(index).map(|account| account.currency);
            post_cash(durable, line, currency);
        }
        Asset::Cash(currency) => post_cash(durable, line, Some(currency)),
        Asset::CashOfInstrument(index) => {
            let currency = durable.instrument(index).map(|record| record.currency);
            post_cash(durable, line, currency);
        }
    }
}

#[inline(always)]
fn post_cash(durable: &mut Durable, line: &Line, currency: Option<CurrencyIndex>) {
    if let Party::Account(index) = line.party {
        if let Some(account) = durable.accounts.get_mut(index as usize) {
            let own = account.currency;
            add_cash(account, currency.unwrap_or(own), Balance::from(line.amount));
            // The limits of a day and of a peak count money from outside in the own currency only.
            if line.kind.is_from_outside() && currency.is_none_or(|it| it == own) {
                risk::event::shift(account, line.amount);
            }
        }
        return;
    }
    let index = currency.unwrap_or(CurrencyIndex::MAX) as usize;
    let Some(currency) = durable.currencies.get_mut(index) else {
        return;
    };
    let balance = match line.party {
        Party::House => &mut currency.house,
        Party::Fees => &mut currency.fees,
        Party::Funding => &mut currency.funding,
        Party::Clearing | Party::Account(_) => &mut currency.clearing,
    };
    *balance += Balance::from(line.amount);
}

#[inline(always)]
fn post_holding(durable: &mut Durable, line: &Line, instrument: usize) {
    let Some(record) = durable.instruments.get_mut(instrument) else {
        return;
    };
    let Party::Account(index) = line.party else {
        let balance = match line.party {
            Party::House => &mut record.house,
            _ => &mut record.clearing,
        };
        *balance += Balance::from(line.amount);
        return;
    };
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        let position = account.positions.entry(instrument as InstrumentIndex).or_default();
        hold_more(record, position, (index, line.amount));
    }
}

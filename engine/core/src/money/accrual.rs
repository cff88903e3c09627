//! The daily work on money: interest on borrowed cash, the fee on borrowed stock, settlement.
//!
//! A day of margin accounts ends at 00:00 UTC. What fell due while the world was down is charged
//! in one go, for all the days. Both charges take a year of 360 days, as brokers do.

use crate::clock::next_midnight;
use crate::event::Event;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::live::Live;
use crate::money::event::MoneyEvent;
use crate::money::{Accrual, charge};
use crate::sink::Sink;
use crate::units::{AMOUNT_MAX, Balance, DAY_NS, Nanos, clamp};

/// From this step on the steps of an account are its positions; before, its currencies.
const FIRST_POSITION: u32 = 1 << 30;

impl Accrual {
    /// When the day of margin accounts ends; `None` without any, or while one is charged.
    pub(crate) fn due_ns(&self) -> Option<Nanos> {
        let waits = self.opened_ns != 0 && self.days == 0;
        waits.then(|| if self.next_ns == 0 { next_midnight(self.opened_ns) } else { self.next_ns })
    }
}

impl<S: Sink> Live<'_, S> {
    /// Begins to charge margin accounts when their day has ended.
    pub fn end_margin_day(&mut self) {
        let Some(end_ns) = self.durable.money.accrual.due_ns() else {
            return;
        };
        let late_ns = self.now_ns().saturating_sub(end_ns);
        if late_ns < 0 {
            return;
        }
        let days = late_ns / DAY_NS + 1;
        let next_ns = end_ns.saturating_add(days.saturating_mul(DAY_NS));
        self.money(MoneyEvent::AccrualBegan { days: days as u32, next_ns });
    }

    /// Lets an event of money happen.
    pub fn money(&mut self, event: MoneyEvent) {
        self.emit(Event::Money(Box::new(event)));
    }

    /// Charges what is due and settles what is due, as much as a turn may.
    pub fn work_off_money(&mut self) {
        while !self.is_full() && self.durable.money.accrual.days > 0 {
            let charge = self.next_charge().unwrap_or(MoneyEvent::AccrualEnded {});
            self.money(charge);
        }
        while !self.is_full() {
            let Some((exchange, day, account)) = self.durable.money.due_settlement() else {
                return;
            };
            self.money(MoneyEvent::Settled { account, exchange, day });
        }
    }

    /// The next charge of the day; `None` when all is charged.
    fn next_charge(&self) -> Option<MoneyEvent> {
        let accrual = self.durable.money.accrual;
        let accounts = self.durable.money.margin_accounts.range(accrual.account..);
        accounts.copied().find_map(|index| {
            let step = if index == accrual.account { accrual.step } else { 0 };
            self.interest(index, step).or_else(|| self.borrow_fee(index, step))
        })
    }

    /// The interest on the next currency of which the account has borrowed.
    fn interest(&self, index: AccountIndex, step: u32) -> Option<MoneyEvent> {
        let account = self.durable.account(index)?;
        let rate = account.margin()?.interest_rate;
        let days = self.durable.money.accrual.days;
        let last = (self.durable.currencies.len() as u32).min(FIRST_POSITION);
        (step..last).find_map(|currency| {
            let borrowed = -account.wallet(currency).cash;
            let amount = clamp(charge(borrowed.max(0), rate, days).min(AMOUNT_MAX.into()));
            let borrowed = clamp(borrowed.min(AMOUNT_MAX.into()));
            let charged = MoneyEvent::InterestCharged {
                account: index,
                currency,
                amount,
                borrowed,
                step: currency + 1,
            };
            (amount > 0).then_some(charged)
        })
    }

    /// The fee on the next instrument that the account owes.
    fn borrow_fee(&self, index: AccountIndex, step: u32) -> Option<MoneyEvent> {
        let account = self.durable.account(index)?;
        let first: InstrumentIndex = step.saturating_sub(FIRST_POSITION);
        account.positions.range(first..).find_map(|(instrument, position)| {
            let record = self.durable.instrument(*instrument)?;
            let margin = record.margin.as_deref().filter(|_| position.qty < 0)?;
            let price = self.ephemeral.price(*instrument, record)?;
            let qty = position.qty.saturating_neg();
            let value = Balance::from(record.terms.notional(price, qty));
            let days = self.durable.money.accrual.days;
            let amount = clamp(charge(value, margin.borrow_rate, days).min(AMOUNT_MAX.into()));
            let step = FIRST_POSITION.saturating_add(instrument.saturating_add(1));
            let (account, symbol) = (index, *instrument);
            let charged = MoneyEvent::BorrowCharged { account, symbol, amount, qty, price, step };
            (amount > 0).then_some(charged)
        })
    }
}

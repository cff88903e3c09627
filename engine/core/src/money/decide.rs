//! Decides commands about money: checks everything, then emits.

use crate::account::Account;
use crate::checks::Failure;
use crate::digest::of_money;
use crate::event::{Event, RequestId};
use crate::ids::{AccountIndex, CurrencyIndex, ExchangeIndex};
use crate::listing::is_currency;
use crate::live::{EVENTS_MAX, Live};
use crate::margin::WHOLE;
use crate::money::command::MoneyCommand;
use crate::money::event::MoneyEvent;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::submit::refused;
use crate::units::{
    AMOUNT_MAX, Balance, Money, ORDER_VALUE_MAX, Rounding, bounded_amount, clamp, divide,
    format_money,
};
use crate::wire::malformed;
use crate::words::{AccountStatus, LedgerKind, Reason};

/// The most open orders and positions of an account that a reset clears in one turn.
const RESET_MAX: usize = EVENTS_MAX as usize - 100;

impl<S: Sink> Live<'_, S> {
    /// Does what a command about money asks for.
    pub fn perform_money(&mut self, command: &MoneyCommand) -> Result<Reply, Refusal> {
        let digest = of_money(command);
        match command {
            MoneyCommand::SetRate { from, to, rate } => self.set_rate(from, to, *rate),
            MoneyCommand::SetMargin { instrument, margin } => {
                self.find_instrument(*instrument)?;
                if self.durable.margin_of(*instrument) == Some(margin) {
                    return Ok(Reply::new(Outcome::Existing, Body::Instrument(*instrument)));
                }
                let margin = margin.clone();
                self.money(MoneyEvent::MarginSet { symbol: *instrument, margin });
                Ok(Reply::new(Outcome::Ok, Body::Instrument(*instrument)))
            }
            MoneyCommand::SetSettlement { exchange, days } => self.set_settlement(*exchange, *days),
            MoneyCommand::Pay { account, request_id, .. }
            | MoneyCommand::Convert { account, request_id, .. }
            | MoneyCommand::Reset { account, request_id, .. } => {
                let request = RequestId { id: request_id.as_str().into(), digest };
                self.for_account(*account, request, command)
            }
            MoneyCommand::Record(trade) => self.record(trade, digest),
            MoneyCommand::Bust(bust) => self.bust(bust, None, digest),
            MoneyCommand::Correct(bust, trade) => self.bust(bust, Some(trade), digest),
        }
    }

    fn set_settlement(&mut self, exchange: ExchangeIndex, days: u32) -> Result<Reply, Refusal> {
        if self.durable.exchange(exchange).is_none() {
            return Err(malformed("no such exchange in this world").at("exchange"));
        }
        let known = self.durable.money.settlement.get(&exchange).copied().unwrap_or(0);
        if known == days {
            return Ok(Reply::new(Outcome::Existing, Body::Exchange(exchange)));
        }
        self.money(MoneyEvent::SettlementSet { exchange, days });
        Ok(Reply::new(Outcome::Ok, Body::Exchange(exchange)))
    }

    /// Whether money and trades may come to the account. A transfer may all the same: it has left
    /// another account already.
    pub fn may_change(&self, account: AccountIndex) -> Result<(), Refusal> {
        let is_suspended = |account: &Account| account.status == AccountStatus::Suspended;
        if self.durable.account(account).is_some_and(is_suspended) {
            let detail = "the account is suspended: money may leave it, nothing comes to it";
            return Err(refused(Failure::new(Reason::AccountNotActive, detail).at("account_id")));
        }
        Ok(())
    }

    fn for_account(
        &mut self,
        account: AccountIndex,
        request: RequestId,
        command: &MoneyCommand,
    ) -> Result<Reply, Refusal> {
        self.find_account(account)?;
        if self.answered(account, &request.id, request.digest)?.is_some() {
            return Ok(Reply::new(Outcome::Existing, Body::Account(account)));
        }
        let is_in = matches!(command, MoneyCommand::Pay { kind: LedgerKind::Deposit, .. });
        if is_in || matches!(command, MoneyCommand::Reset { .. }) {
            self.may_change(account)?;
        }
        let outcome = match command {
            MoneyCommand::Pay { .. } => self.pay(command, request)?,
            MoneyCommand::Convert { .. } => self.convert(command, request)?,
            _ => self.reset(command, request)?,
        };
        Ok(Reply::new(outcome, Body::Account(account)))
    }

    /// The currency of a code; a new one comes up.
    fn currency(&mut self, code: &str) -> CurrencyIndex {
        if let Some(known) = self.durable.find_currency(code) {
            return known;
        }
        self.money(MoneyEvent::CurrencyAdded { code: code.to_owned() });
        self.durable.currencies.len().saturating_sub(1) as CurrencyIndex
    }

    fn set_rate(&mut self, from: &str, to: &str, rate: i64) -> Result<Reply, Refusal> {
        for (field, code) in [("from", from), ("to", to)] {
            if !is_currency(code) {
                return Err(malformed("a currency is 3 to 8 capitals").at(field));
            }
        }
        if from == to || !(1..=1_000_000 * WHOLE).contains(&rate) {
            return Err(malformed("a rate between two currencies is above zero").at("rate"));
        }
        let (from, to) = (self.currency(from), self.currency(to));
        if self.durable.money.rates.get(&(from, to)) == Some(&rate) {
            return Ok(Reply::new(Outcome::Existing, Body::World));
        }
        self.money(MoneyEvent::RateSet { from, to, rate });
        Ok(Reply::new(Outcome::Ok, Body::World))
    }

    /// What may leave an account in a currency: settled cash that nothing needs.
    fn withdrawable(&self, account: &Account, currency: CurrencyIndex) -> Balance {
        let cash = account.free_in(currency);
        if account.margin().is_none() {
            return cash;
        }
        let price = |index, record: &_| self.ephemeral.price(index, record);
        let excess = self.durable.worth_at(account, price).excess();
        let there = self.durable.money.convert(excess, account.currency, currency);
        cash.min(there.unwrap_or(0))
    }

    fn can_leave(
        &self,
        account: AccountIndex,
        currency: CurrencyIndex,
        amount: Money,
    ) -> Result<(), Refusal> {
        let account = self.durable.account(account);
        let most = account.map_or(0, |account| self.withdrawable(account, currency));
        if Balance::from(amount) <= most {
            return Ok(());
        }
        let detail = format!(
            "{} {} can be taken out: settled cash that no order and no position needs",
            format_money(most.max(0)),
            self.durable.currency_code(currency)
        );
        let failure = Failure::new(Reason::InsufficientBuyingPower, detail).at("amount");
        Err(refused(failure.compare(format_money(amount.into()), format_money(most.max(0)))))
    }

    fn pay(&mut self, command: &MoneyCommand, request: RequestId) -> Result<Outcome, Refusal> {
        let MoneyCommand::Pay { account, currency, amount, is_out, kind, transfer, .. } = command
        else {
            return Ok(Outcome::Ok);
        };
        check_amount(*amount, "amount", 1)?;
        let own = self.durable.account(*account).map_or(0, |account| account.currency);
        let known = match currency.as_deref() {
            None => Some(own),
            Some(code) if is_currency(code) => self.durable.find_currency(code),
            Some(_) => return Err(malformed("a currency is 3 to 8 capitals").at("currency")),
        };
        if *kind == LedgerKind::Transfer {
            let done = self.durable.money.transfers.get(&(transfer.clone(), *account));
            if let Some(done) = done {
                let is_same = *done == request.digest;
                return if is_same { Ok(Outcome::Existing) } else { Err(transfer_reused()) };
            }
            self.pairs_with_the_other_side(command, *account)?;
        }
        let currency = match (known, is_out) {
            (Some(known), true) => {
                self.can_leave(*account, known, *amount)?;
                known
            }
            (Some(known), false) => known,
            (None, true) => return Err(malformed("the account has no such money").at("currency")),
            (None, false) => self.currency(currency.as_deref().unwrap_or("")),
        };
        let amount = if *is_out { -*amount } else { *amount };
        let here = self.durable.money.convert(Balance::from(amount), currency, own);
        let capital = Some(bounded_amount(here.unwrap_or(0)));
        self.money(MoneyEvent::Paid {
            account: *account,
            currency,
            amount,
            kind: *kind,
            transfer: transfer.clone(),
            transfer_digest: request.digest,
            capital,
            request,
        });
        Ok(Outcome::Ok)
    }

    /// Where the other side of a transfer was done in this world, too, it is the only one, and of
    /// this amount and currency. One side from another world is for whoever connects the worlds.
    fn pairs_with_the_other_side(
        &self,
        command: &MoneyCommand,
        account: AccountIndex,
    ) -> Result<(), Refusal> {
        let mut other = command.clone();
        let MoneyCommand::Pay { is_out, transfer, .. } = &mut other else {
            return Ok(());
        };
        *is_out = !*is_out;
        let sides = (transfer.clone(), 0)..=(transfer.clone(), AccountIndex::MAX);
        let digest = of_money(&other);
        let known = self.durable.money.transfers.range(sides).filter(|((_, it), _)| *it != account);
        let known: Vec<u64> = known.map(|(_, digest)| *digest).collect();
        if known.is_empty() || known == [digest] {
            return Ok(());
        }
        let detail = "the other side of this transfer has another amount or currency, or its money \
                      has come to another account already; send a new transfer_id";
        Err(Refusal::new(Outcome::IdReused, crate::words::refusal::ID_REUSED, detail)
            .at("transfer_id"))
    }

    fn convert(&mut self, command: &MoneyCommand, request: RequestId) -> Result<Outcome, Refusal> {
        let MoneyCommand::Convert { account, from, to, amount, .. } = command else {
            return Ok(Outcome::Ok);
        };
        check_amount(*amount, "amount", 1)?;
        let find = |code: &str| self.durable.find_currency(code);
        let pair = find(from).zip(find(to)).filter(|(from, to)| from != to);
        let rate = pair.and_then(|(from, to)| self.rate(from, to));
        let (Some((from, to)), Some((rate, got))) =
            (pair, rate.map(|rate| (rate.0, rate.1(*amount))))
        else {
            let detail = format!("there is no rate from {from} to {to}: send set_rate first");
            return Err(malformed(detail).at("from"));
        };
        check_amount(got, "amount", 1)?;
        self.can_leave(*account, from, *amount)?;
        let (account, paid) = (*account, *amount);
        self.money(MoneyEvent::Converted { account, from, to, paid, got, rate, request });
        Ok(Outcome::Ok)
    }

    /// The stated rate, in 10^-9, and what an amount gives at it, rounded down.
    fn rate(
        &self,
        from: CurrencyIndex,
        to: CurrencyIndex,
    ) -> Option<(i64, impl Fn(Money) -> Money)> {
        let rates = &self.durable.money.rates;
        let whole = Balance::from(WHOLE);
        let (times, over) = match rates.get(&(from, to)) {
            Some(rate) => (Balance::from(*rate), whole),
            None => (whole, Balance::from(*rates.get(&(to, from))?)),
        };
        let of = move |amount: Money| {
            clamp(divide(Balance::from(amount) * times, over.max(1), Rounding::Down))
        };
        Some((of(WHOLE), of))
    }

    /// Clears an account: its open orders are canceled, its positions and cash are archived, and
    /// it begins again with new cash.
    fn reset(&mut self, command: &MoneyCommand, request: RequestId) -> Result<Outcome, Refusal> {
        let MoneyCommand::Reset { account: index, starting_cash, .. } = command else {
            return Ok(Outcome::Ok);
        };
        check_amount(*starting_cash, "starting_cash", 0)?;
        let open: Vec<u64> = self.durable.open_orders(*index).map(|order| order.number).collect();
        let Some(account) = self.durable.account(*index) else {
            return Ok(Outcome::Ok);
        };
        let held: Vec<u32> = account.positions.keys().copied().collect();
        if open.len() + held.len() > RESET_MAX {
            let detail = format!(
                "the account has {} open orders and positions, a reset clears {RESET_MAX}: cancel \
                 all first",
                open.len() + held.len()
            );
            return Err(malformed(detail));
        }
        let price = |index, record: &_| self.ephemeral.price(index, record);
        let equity = self.durable.worth_at(account, price).equity;
        for number in open {
            self.cancel(number, Reason::Requested, None);
        }
        self.archive(*index, &held);
        self.money(MoneyEvent::AccountReset { account: *index, equity, request });
        if *starting_cash > 0 {
            self.emit(Event::Deposited { account: *index, amount: *starting_cash });
        }
        Ok(Outcome::Ok)
    }

    fn archive(&mut self, index: AccountIndex, held: &[u32]) {
        for symbol in held {
            let qty = self.durable.account(index).map_or(0, |it| it.position(*symbol).qty);
            self.money(MoneyEvent::PositionArchived { account: index, symbol: *symbol, qty });
        }
        for currency in 0..self.durable.currencies.len() as CurrencyIndex {
            while let Some(cash) = self
                .durable
                .account(index)
                .map(|account| account.wallet(currency).cash)
                .filter(|cash| *cash != 0 && !self.is_full())
            {
                let most = Balance::from(AMOUNT_MAX);
                let amount = clamp(cash.clamp(-most, most));
                self.money(MoneyEvent::CashArchived { account: index, currency, amount });
            }
        }
    }
}

fn transfer_reused() -> Refusal {
    let detail = "this transfer_id was used for another transfer; send a new one";
    Refusal::new(Outcome::IdReused, crate::words::refusal::ID_REUSED, detail).at("transfer_id")
}

/// An amount of money that one command may move.
pub(super) fn check_amount(
    amount: Money,
    field: &'static str,
    least: Money,
) -> Result<(), Refusal> {
    if (least..=ORDER_VALUE_MAX).contains(&amount) {
        return Ok(());
    }
    let most = format_money(ORDER_VALUE_MAX.into());
    let bound = if least > 0 { "is above zero and at most" } else { "lies between 0 and" };
    Err(malformed(format!("the {field} {bound} {most}")).at(field))
}

//! Trades that are recorded, busted and corrected. Nothing is edited: each is a new entry.
//!
//! A recorded trade is an order and its fill that never met the book. A bust is the inverse of a
//! fill against the house; what average cost had spread over later sells becomes profit or loss.

use crate::account::Account;
use crate::checks::{Failure, check_terms};
use crate::contract::deposits::{change_of, free_to_sell};
use crate::costs::{power_for, signed};
use crate::event::{Effects, Event, Fill, RequestId};
use crate::ids::InstrumentIndex;
use crate::instrument::{Instrument, InstrumentRecord};
use crate::ledger::add_cash;
use crate::live::Live;
use crate::lots::{Closed, LotChange, book, effects_of};
use crate::money::command::{Bust, Trade};
use crate::money::decide::check_amount;
use crate::money::event::MoneyEvent;
use crate::more_terms::MoreTerms;
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::risk::days::Traded;
use crate::sink::Sink;
use crate::submit::{not_found, refused};
use crate::units::{
    AMOUNT_MAX, Balance, Money, QUANTITY_MAX, Quantity, Rounding, bounded_amount, clamp,
    format_money,
};
use crate::wire::malformed;
use crate::words::{
    CostMethod, Counterparty, Liquidity, OrderType, Reason, Side, TimeInForce, refusal,
};

/// Cash and quantity that an account has for a trade.
#[derive(Clone, Copy)]
struct Means {
    cash: Balance,
    qty: Quantity,
    is_cash: bool,
}

/// How a bust changes an account.
struct Undone {
    cost: Money,
    realized_pl: Money,
    lots: LotChange,
}

impl<S: Sink> Live<'_, S> {
    /// Records a trade.
    pub fn record(&mut self, trade: &Trade, digest: u64) -> Result<Reply, Refusal> {
        self.find_account(trade.account)?;
        self.find_instrument(trade.instrument)?;
        let id = trade.request_id.as_str().into();
        if let Some(reply) = self.answered(trade.account, &id, digest)? {
            return Ok(reply);
        }
        self.may_change(trade.account)?;
        if let Some(account) = self.durable.account(trade.account) {
            self.check_trade(account, trade)?;
        }
        Ok(self.enter_trade(trade, digest))
    }

    /// What an account has of an instrument and of its currency.
    fn means(&self, account: &Account, instrument: InstrumentIndex) -> Means {
        let currency = self.durable.instrument(instrument).map(|record| record.currency);
        Means {
            cash: currency.map_or(0, |currency| account.free_in(currency)),
            qty: free_to_sell(self.durable, account, instrument),
            is_cash: account.margin().is_none() && !account.is_journal(),
        }
    }

    /// Whether a trade makes sense and its account can carry it.
    fn check_trade(&self, account: &Account, trade: &Trade) -> Result<(), Refusal> {
        check_terms(&terms_of(trade))?;
        check_amount(trade.fee, "fee", 0)?;
        let Some(record) = self.durable.instrument(trade.instrument) else {
            return Ok(());
        };
        if record.terms.is_margined() {
            return Err(malformed("trades of margined contracts cannot be recorded").at("symbol"));
        }
        if record.terms.contract.is_some() && account.is_journal() {
            return Err(malformed("a journal keeps no contracts").at("symbol"));
        }
        let notional = record.terms.notional(trade.price, trade.qty);
        check_amount(notional, "qty", 0)?;
        let means = self.means(account, trade.instrument);
        let position = account.position(trade.instrument);
        let after = Balance::from(position.qty) + Balance::from(signed(trade.side, trade.qty));
        let cost = Balance::from(position.cost).abs() + Balance::from(notional);
        if after.abs() > QUANTITY_MAX.into() || cost > AMOUNT_MAX.into() {
            let detail = format!(
                "the position would be {} at a cost of {}: at most {} and {}",
                record.terms.format_quantity(clamp(after)),
                format_money(cost),
                record.terms.format_quantity(QUANTITY_MAX),
                format_money(AMOUNT_MAX.into())
            );
            return Err(malformed(detail).at("qty"));
        }
        let needed = match trade.side {
            Side::Buy => Balance::from(notional) + Balance::from(trade.fee),
            Side::Sell => Balance::from(trade.fee) - Balance::from(notional),
        };
        if means.is_cash && needed > means.cash.max(0) {
            let detail = "the account cannot pay for this trade: deposit first";
            let failure = Failure::new(Reason::InsufficientBuyingPower, detail).at("price");
            return Err(refused(failure.compare(format_money(needed), format_money(means.cash))));
        }
        self.check_margin(account, trade, notional)?;
        if means.is_cash && trade.side == Side::Sell && trade.qty > means.qty {
            let detail = "the account does not hold what it would have sold";
            let failure = Failure::new(Reason::InsufficientQuantity, detail).at("qty");
            let (value, limit) =
                (record.terms.format_quantity(trade.qty), record.terms.format_quantity(means.qty));
            return Err(refused(failure.compare(value, limit)));
        }
        Ok(())
    }

    /// Whether a margin account has the equity that the trade needs.
    fn check_margin(
        &self,
        account: &Account,
        trade: &Trade,
        notional: Money,
    ) -> Result<(), Refusal> {
        let record = self.durable.instrument(trade.instrument);
        let (Some(margin), Some(record)) = (account.margin(), record) else {
            return Ok(());
        };
        let closing = account.position(trade.instrument).closing(trade.side).min(trade.qty);
        let opening = signed(trade.side, trade.qty - closing);
        let value = record.terms.value(trade.price, opening, Rounding::Up);
        let need = margin.initial_of(record, opening, value) + Balance::from(trade.fee);
        let power = power_for(self.durable, self.ephemeral, account, trade.instrument);
        if opening == 0 || need <= power {
            return Ok(());
        }
        let detail = format!(
            "the account has not the equity for a trade worth {}",
            format_money(notional.into())
        );
        let failure = Failure::new(Reason::InsufficientBuyingPower, detail).at("qty");
        Err(refused(failure.compare(format_money(need), format_money(power))))
    }

    /// Emits the order of a recorded trade and its fill.
    fn enter_trade(&mut self, trade: &Trade, digest: u64) -> Reply {
        let number = self.next_order();
        let terms = terms_of(trade);
        let accepted = Event::Accepted { order: number, terms, digest, hold: 0, passed: None };
        self.emit(accepted);
        if let Some(fill) = self.fill_of(trade, number) {
            let traded = Traded::of(&fill);
            self.emit(Event::Filled(fill));
            self.note_day_trade(traded);
        }
        Reply::new(Outcome::Created, Body::Order(number))
    }

    fn fill_of(&self, trade: &Trade, number: u64) -> Option<Fill> {
        let record = self.durable.instrument(trade.instrument)?;
        let account = self.durable.account(trade.account)?;
        let order = self.durable.order(number)?;
        let notional = record.terms.notional(trade.price, trade.qty);
        let booked = book(account, &record.terms, &order, trade.qty, notional);
        let (cost, realized_pl) = (booked.cost, booked.realized_pl);
        let change = (signed(trade.side, trade.qty), signed(trade.side, cost));
        let deposit = deposit_of(account, record, trade.instrument, change);
        // It was settled where it was made.
        let effects = effects_of(self.durable, &order, 0, booked)
            .and_then(|effects| Effects { settles: None, ..*effects }.boxed());
        Some(Fill {
            number: self.durable.next_fill,
            order: number,
            account: trade.account,
            instrument: trade.instrument,
            side: trade.side,
            price: trade.price,
            qty: trade.qty,
            value: i128::from(trade.price) * i128::from(trade.qty),
            notional,
            fee: trade.fee,
            release: 0,
            cost,
            realized_pl,
            liquidity: Liquidity::Taker,
            counterparty: Counterparty::House,
            completes: true,
            margined: false,
            deposit,
            volume_day: 0,
            receipt: None,
            effects,
        })
    }

    /// Takes a trade back, and records what it should have been when there is such.
    pub fn bust(
        &mut self,
        bust: &Bust,
        right: Option<&Trade>,
        digest: u64,
    ) -> Result<Reply, Refusal> {
        self.find_account(bust.account)?;
        self.find_instrument(bust.instrument)?;
        let request = RequestId { id: bust.request_id.as_str().into(), digest };
        if self.answered(bust.account, &request.id, digest)?.is_some() {
            return Ok(Reply::new(Outcome::Existing, Body::Account(bust.account)));
        }
        self.may_change(bust.account)?;
        self.check_bust(bust)?;
        if self.terms_of(bust.instrument).is_some_and(Instrument::is_margined) {
            return Err(malformed("trades of margined contracts cannot be busted").at("symbol"));
        }
        let undone = self.undo(bust)?;
        let after = self.after_bust(bust, &undone)?;
        let means = self.means(&after, bust.instrument);
        if means.is_cash && (means.cash < 0 || means.qty < 0) {
            return Err(too_late("the account has spent or sold what it got by this trade"));
        }
        if self.changes_deposit(bust, &undone) {
            return Err(too_late("it tied cash up or set it free: record the opposite trade"));
        }
        if let Some(right) = right {
            self.check_trade(&after, right)?;
        }
        self.money(MoneyEvent::TradeBusted {
            fill: bust.fill,
            account: bust.account,
            symbol: bust.instrument,
            side: bust.side,
            qty: bust.qty,
            notional: bust.notional,
            fee: bust.fee,
            cost: undone.cost,
            realized_here: self.here(bust, undone.realized_pl),
            realized_pl: undone.realized_pl,
            lots: undone.lots,
            request,
        });
        Ok(match right {
            Some(right) => self.enter_trade(right, digest),
            None => Reply::new(Outcome::Ok, Body::Account(bust.account)),
        })
    }

    /// A profit in the currency of the account.
    fn here(&self, bust: &Bust, profit: Money) -> Money {
        let from = self.durable.instrument(bust.instrument).map(|record| record.currency);
        let to = self.durable.account(bust.account).map(|account| account.currency);
        let here = from
            .zip(to)
            .and_then(|(from, to)| self.durable.money.convert(Balance::from(profit), from, to));
        bounded_amount(here.unwrap_or(0))
    }

    fn check_bust(&self, bust: &Bust) -> Result<(), Refusal> {
        if bust.fill == 0 || bust.fill >= self.durable.next_fill {
            return Err(not_found("no such fill of this world", "fill_id"));
        }
        if self.durable.money.busted.contains(&bust.fill) {
            return Err(too_late("the trade was busted already"));
        }
        let record = self.durable.instrument(bust.instrument);
        let more = self.durable.account(bust.account).and_then(|it| it.more.as_deref());
        let of_account = more.map_or(0, |more| more.fills_from);
        if bust.fill < of_account.max(record.map_or(0, |record| record.fills_from)) {
            let detail = "since then the instrument was split or delisted, or the account was reset: \
                          record the opposite trade";
            return Err(too_late(detail));
        }
        let account = self.durable.account(bust.account);
        if account.is_some_and(|account| !account.positions.contains_key(&bust.instrument)) {
            return Err(not_found("this account never traded this instrument", "fill_id"));
        }
        crate::checks::check_quantity(bust.qty)?;
        check_amount(bust.notional, "notional", 0)?;
        check_amount(bust.fee, "fee", 0)?;
        check_amount(bust.realized_pl.saturating_abs(), "realized_pl", 0)?;
        if cost_of_bust(bust) < 0 {
            let detail =
                "no fill of this notional makes such a profit: send the figures of its row";
            return Err(malformed(detail).at("realized_pl"));
        }
        Ok(())
    }

    /// Whether a bust would change what contracts tie up of the cash.
    fn changes_deposit(&self, bust: &Bust, undone: &Undone) -> bool {
        let account = self.durable.account(bust.account);
        account.zip(self.durable.instrument(bust.instrument)).is_some_and(|(account, record)| {
            let change = (signed(bust.side, bust.qty).saturating_neg(), undone.cost);
            deposit_of(account, record, bust.instrument, change) != 0
        })
    }

    /// The account as it would be after the bust.
    fn after_bust(&self, bust: &Bust, undone: &Undone) -> Result<Account, Refusal> {
        let account = self.durable.account(bust.account);
        let record = self.durable.instrument(bust.instrument);
        let (Some(account), Some(record)) = (account, record) else {
            return Err(not_found("no such account in this world", "account_id"));
        };
        let mut account = account.clone();
        let back = Balance::from(signed(bust.side, bust.notional)) + Balance::from(bust.fee);
        add_cash(&mut account, record.currency, back);
        let position = account.positions.entry(bust.instrument).or_default();
        position.qty = position.qty.saturating_sub(signed(bust.side, bust.qty));
        position.cost = position.cost.saturating_add(undone.cost);
        Ok(account)
    }

    /// The inverse of a fill on the position as it stands now.
    fn undo(&self, bust: &Bust) -> Result<Undone, Refusal> {
        let Some(account) = self.durable.account(bust.account) else {
            return Err(not_found("no such account in this world", "account_id"));
        };
        let cost = cost_of_bust(bust);
        let position = account.position(bust.instrument);
        let qty = position.qty.saturating_sub(signed(bust.side, bust.qty));
        if qty.saturating_abs() > QUANTITY_MAX {
            let terms = self.terms_of(bust.instrument);
            let show = |qty| terms.map_or(String::new(), |terms| terms.format_quantity(qty));
            let (would, most) = (show(qty), show(QUANTITY_MAX));
            return Err(too_late(&format!("the position would be {would}, at most {most}")));
        }
        let is_contract = self.terms_of(bust.instrument).is_some_and(|it| it.contract.is_some());
        if account.terms.cost_method != CostMethod::Average && !is_contract {
            return undo_lots(account, bust, cost);
        }
        let left = position.cost.saturating_sub(signed(bust.side, cost));
        let fits = qty.signum() == left.signum() && left.saturating_abs() <= AMOUNT_MAX;
        let (left, rest) = if fits { (left, 0) } else { (0, left) };
        Ok(Undone {
            cost: left.saturating_sub(position.cost),
            realized_pl: bust.realized_pl.saturating_neg().saturating_sub(rest),
            lots: LotChange::default(),
        })
    }
}

/// By how much a change of a position, in quantity and cost, raises the cash that it ties up.
fn deposit_of(
    account: &Account,
    record: &InstrumentRecord,
    instrument: InstrumentIndex,
    (qty, cost): (Quantity, Money),
) -> Money {
    let position = account.position(instrument);
    let before = (position.qty, Balance::from(position.cost));
    let after = (position.qty.saturating_add(qty), before.1 + Balance::from(cost));
    change_of(account, &record.terms, before, after)
}

/// What the fill added to the cost of its position, or took from it. A buy's profit is its cost
/// less its notional, a sell's the other way round.
fn cost_of_bust(bust: &Bust) -> Money {
    bust.notional.saturating_add(signed(bust.side, bust.realized_pl))
}

/// The inverse of a fill of an account that keeps lots: the lot that it opened goes, or what it
/// closed comes back as one lot.
fn undo_lots(account: &Account, bust: &Bust, cost: Money) -> Result<Undone, Refusal> {
    let lots = account.lots(bust.instrument);
    let opened = lots.iter().find(|lot| lot.id == bust.fill);
    let realized_pl = bust.realized_pl.saturating_neg();
    if let Some(lot) = opened {
        if lot.qty != signed(bust.side, bust.qty) || bust.realized_pl != 0 {
            return Err(too_late("a part of its lot was closed since: record the opposite trade"));
        }
        let closed = Closed { id: lot.id, qty: bust.qty, cost: lot.cost.saturating_abs() };
        let lots = LotChange { closed: vec![closed], opened: (0, 0) };
        return Ok(Undone { cost: lot.cost.saturating_neg(), realized_pl, lots });
    }
    let qty = signed(bust.side, bust.qty).saturating_neg();
    let held = account.position(bust.instrument).qty;
    if held != 0 && held.signum() != qty.signum() {
        return Err(too_late("the position has turned since: record the opposite trade"));
    }
    let cost = signed(bust.side, cost).saturating_neg();
    Ok(Undone { cost, realized_pl, lots: LotChange { closed: Vec::new(), opened: (qty, cost) } })
}

fn terms_of(trade: &Trade) -> OrderTerms {
    OrderTerms {
        account: trade.account,
        client_order_id: trade.request_id.as_str().into(),
        instrument: trade.instrument,
        side: trade.side,
        order_type: OrderType::Limit,
        qty: trade.qty,
        limit_price: Some(trade.price),
        stop_price: None,
        time_in_force: TimeInForce::Ioc,
        more: MoreTerms { recorded: true, ..MoreTerms::NONE }.boxed(),
    }
}

fn too_late(detail: &str) -> Refusal {
    Refusal::new(Outcome::NotReplaceable, refusal::NOT_REPLACEABLE, detail).at("fill_id")
}

//! The common case, decided at once: a limit order of a cash account in a plain instrument, and
//! the trade of two such orders.
//!
//! Nothing here is a rule of its own. Each function says what the general code would say, or
//! `None`, which says nothing; debug builds, and so all tests, hold every answer against the
//! general code. What costs is asking again for the same account, instrument and fee at each
//! step, so here they are looked up once.

use crate::account::{Account, Position};
use crate::checks::Checks;
use crate::costs::{cost_of, release_of};
use crate::durable::Durable;
use crate::event::Fill;
use crate::exchange::Exchange;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::instrument::InstrumentRecord;
use crate::order::{Order, OrderTerms};
use crate::session::Phase;
use crate::units::{
    AMOUNT_MAX, Money, ORDER_VALUE_MAX, Price, QUANTITY_MAX, Quantity, Rounding, clamp,
};
use crate::words::{
    AccountStatus, CostMethod, Counterparty, InstrumentStatus, Liquidity, OrderType, Side,
    TimeInForce,
};

/// Whether a number is a multiple of a step; most steps are 1.
const fn is_multiple(number: i64, step: i64) -> bool {
    step == 1 || number % step == 0
}

impl Account {
    /// Whether it pays with its own cash.
    fn is_plain(&self, record: &InstrumentRecord) -> bool {
        self.margin().is_none()
            && !self.is_journal()
            && self.currency == record.currency
            && self.terms.cost_method == CostMethod::Average
    }
}

impl Checks<'_> {
    /// The hold of an order that passes all checks, where that can be told at once.
    pub fn plain(&self) -> Option<Money> {
        let terms = self.terms;
        let price = terms.limit_price.filter(|_| is_plain_limit(terms))?;
        let record = self.durable.instruments.get(terms.instrument as usize)?;
        let exchange = self.durable.exchanges.get(record.terms.exchange as usize)?;
        let instrument = &record.terms;
        let trades = instrument.status == InstrumentStatus::Active
            && instrument.contract.is_none()
            && instrument.rules.is_none()
            && record.ruling.is_none()
            && exchange.ruling.is_none()
            && exchange.terms.is_plain()
            && exchange.terms.rules.is_none()
            && self.durable.phase(terms.instrument) == Phase::Continuous;
        if trades { self.plain_hold(price) } else { None }
    }

    /// The same in an instrument, an account and at a time of which all that is known already.
    pub fn plain_hold(&self, price: Price) -> Option<Money> {
        let terms = self.terms;
        let account = self.durable.accounts.get(terms.account as usize)?;
        let record = self.durable.instruments.get(terms.instrument as usize)?;
        let exchange = self.durable.exchanges.get(record.terms.exchange as usize)?;
        let instrument = &record.terms;
        let value = instrument.value(price, terms.qty, Rounding::Up);
        let fits = account.status == AccountStatus::Active
            && account.is_plain(record)
            && is_multiple(terms.qty, instrument.lot_size)
            && is_multiple(price, instrument.tick_size)
            && value <= i128::from(ORDER_VALUE_MAX);
        if !fits {
            return None;
        }
        let position = account.positions.get(&terms.instrument).copied().unwrap_or_default();
        if terms.side == Side::Sell {
            let free = position.qty - position.promised;
            return (terms.qty <= free && !record.has_options).then_some(0);
        }
        let value = clamp(value);
        let hold = value.saturating_add(exchange.terms.fees.of_hold(instrument, terms.qty, value));
        let fits = terms.qty <= QUANTITY_MAX - position.qty.max(0);
        (fits && hold <= AMOUNT_MAX && i128::from(hold) <= account.free_cash()).then_some(hold)
    }
}

fn is_plain_limit(terms: &OrderTerms) -> bool {
    terms.order_type == OrderType::Limit
        && terms.more.is_none()
        && matches!(terms.time_in_force, TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Ioc)
}

/// A price and quantity at which two orders may trade.
#[derive(Clone, Copy)]
pub(crate) struct Deal {
    pub instrument: InstrumentIndex,
    pub price: Price,
    pub qty: Quantity,
}

/// The fills of taker and maker, where both can pay the whole deal and that can be told at once.
pub(crate) fn plain_fills(
    durable: &Durable,
    taker: &Order,
    maker: OrderNumber,
    deal: Deal,
) -> Option<[Fill; 2]> {
    let maker = durable.open_order(maker)?;
    let record = durable.instruments.get(deal.instrument as usize)?;
    let exchange = durable.exchanges.get(record.terms.exchange as usize)?;
    let notional = record.terms.value(deal.price, deal.qty, Rounding::HalfEven);
    let is_plain = taker.terms.account != maker.terms.account
        && taker.terms.more.is_none()
        && maker.terms.more.is_none()
        && record.terms.contract.is_none()
        && record.ruling.is_none()
        && exchange.ruling.is_none()
        && exchange.terms.is_plain()
        && durable.settles_on(record.terms.exchange).is_none()
        && notional < i128::from(ORDER_VALUE_MAX);
    if !is_plain {
        return None;
    }
    let side =
        PlainSide { durable, record, exchange: &exchange.terms, deal, notional: clamp(notional) };
    let taken = side.fill(taker, Liquidity::Taker, durable.next_fill)?;
    let made = side.fill(maker, Liquidity::Maker, durable.next_fill + 1)?;
    Some([taken, made])
}

/// What both sides of a plain trade share.
struct PlainSide<'a> {
    durable: &'a Durable,
    record: &'a InstrumentRecord,
    exchange: &'a Exchange,
    deal: Deal,
    notional: Money,
}

impl PlainSide<'_> {
    fn fill(&self, order: &Order, liquidity: Liquidity, number: u64) -> Option<Fill> {
        let Deal { instrument, price, qty } = self.deal;
        let terms = &order.terms;
        let account = self.durable.accounts.get(terms.account as usize)?;
        if !account.is_plain(self.record) {
            return None;
        }
        let position = account.positions.get(&instrument).copied().unwrap_or_default();
        let fee = self.exchange.fees.plain(&self.record.terms, (qty, self.notional), liquidity);
        let fee = if terms.side == Side::Sell { fee.min(self.notional) } else { fee };
        let spent = i128::from(self.notional) + i128::from(fee);
        if terms.side == Side::Buy && !self.can_pay(account, &position, order, spent) {
            return None;
        }
        let (cost, realized_pl) = cost_of(position, terms.side, qty, self.notional);
        let completes = qty == order.leaves();
        let release = match (completes, order.hold) {
            (true, hold) => hold,
            (false, 0) => 0,
            _ => release_of(self.durable, order, account, qty, spent - account.free_cash()),
        };
        Some(Fill {
            number,
            order: order.number,
            account: terms.account,
            instrument,
            side: terms.side,
            price,
            qty,
            value: i128::from(price) * i128::from(qty),
            notional: self.notional,
            fee,
            release,
            cost,
            realized_pl,
            liquidity,
            counterparty: Counterparty::User,
            completes,
            margined: false,
            deposit: 0,
            volume_day: 0,
            receipt: None,
            effects: None,
        })
    }

    /// Whether a buy of a cash account is covered by its hold and what else is free.
    fn can_pay(&self, account: &Account, position: &Position, order: &Order, spent: i128) -> bool {
        let room = AMOUNT_MAX.saturating_sub(position.cost);
        spent <= account.free_cash() + i128::from(order.hold)
            && spent <= i128::from(room)
            && self.deal.qty <= QUANTITY_MAX - position.qty.max(0)
    }
}

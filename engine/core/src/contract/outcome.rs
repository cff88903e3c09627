//! What a work on a contract comes to for one account: pure functions of the state before.

use crate::account::Account;
use crate::contract::deposits;
use crate::contract::event::{Delivered, Passed};
use crate::contract::state::{Work, units_of};
use crate::contract::terms::{Contract, OptionTerms};
use crate::costs::cost_of;
use crate::durable::Durable;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::instrument::{Instrument, InstrumentRecord};
use crate::lots::{Lot, shared_out};
use crate::units::{
    AMOUNT_MAX, Balance, Money, Price, QUANTITY_MAX, Quantity, RATE_SCALE, Rounding,
    bounded_amount, clamp, divide, power_of_ten, share_of,
};
use crate::words::{ContractWork, Delivery, InstrumentStatus, Right, Side};

/// In the money by this much for each unit of the underlying, an option with physical delivery is
/// exercised at its expiry without being asked: OCC Rule 805, "exercise by exception".
const EXERCISED_FROM: Money = 10_000;

/// A contract of one account, and what is needed to settle it.
#[derive(Clone, Copy)]
pub(crate) struct Holding<'a> {
    pub durable: &'a Durable,
    pub index: AccountIndex,
    pub account: &'a Account,
    pub instrument: InstrumentIndex,
    pub terms: &'a Instrument,
    pub contract: &'a Contract,
}

impl<'a> Holding<'a> {
    pub fn of(
        durable: &'a Durable,
        index: AccountIndex,
        instrument: InstrumentIndex,
    ) -> Option<Holding<'a>> {
        let account = durable.account(index)?;
        let terms = &durable.instrument(instrument)?.terms;
        let contract = terms.contract.as_deref()?;
        Some(Holding { durable, index, account, instrument, terms, contract })
    }

    pub fn qty(&self) -> Quantity {
        self.account.position(self.instrument).qty
    }

    fn cost(&self) -> Money {
        self.account.position(self.instrument).cost
    }

    fn nothing(&self, kind: ContractWork) -> Passed {
        Passed {
            kind,
            instrument: self.instrument,
            account: self.index,
            wheel: 0,
            qty: 0,
            cost: 0,
            cash: 0,
            realized_pl: 0,
            realized_here: None,
            deposit: 0,
            delivered: None,
            request: None,
        }
    }

    /// What a work came to, its profit told in the currency of the account too.
    pub fn told(&self, passed: Passed) -> Passed {
        let Some(record) = self.durable.instrument(self.instrument) else {
            return passed;
        };
        if record.currency == self.account.currency {
            return passed;
        }
        let money = &self.durable.money;
        let here = money.convert(passed.profit(), record.currency, self.account.currency);
        Passed { realized_here: Some(bounded_amount(here.unwrap_or(0))), ..passed }
    }

    /// How the cash changes that contracts tie up, when the position becomes this.
    fn deposit(&self, qty: Quantity, cost: Balance) -> Money {
        let before = (self.qty(), Balance::from(self.cost()));
        deposits::change_of(self.account, self.terms, before, (qty, cost))
    }

    /// What a future's position is worth at a price; its cost when there is none.
    fn value(&self, price: Price) -> Balance {
        match price {
            0 => Balance::from(self.cost()),
            price => self.terms.value(price, self.qty(), Rounding::HalfEven),
        }
    }

    /// The daily settlement: what the position won or lost since it was opened or settled last is
    /// paid, and its cost becomes the settlement value.
    pub fn settled(&self, price: Price) -> Passed {
        let value = Balance::from(bounded_amount(self.value(price)));
        let variation = bounded_amount(value - Balance::from(self.cost()));
        let cost = Balance::from(self.cost()) + Balance::from(variation);
        Passed {
            cost: variation,
            cash: variation,
            realized_pl: variation,
            deposit: self.deposit(self.qty(), cost),
            ..self.nothing(ContractWork::Settlement)
        }
    }

    /// The end of a margined contract: the last settlement, and the position is gone.
    pub fn ended(&self, price: Price) -> Passed {
        let value = Balance::from(bounded_amount(self.value(price)));
        let variation = bounded_amount(value - Balance::from(self.cost()));
        Passed {
            qty: self.qty().saturating_neg(),
            cost: self.cost().saturating_neg(),
            cash: variation,
            realized_pl: variation,
            deposit: self.deposit(0, 0),
            ..self.nothing(ContractWork::Expiry)
        }
    }

    /// Funding: the long ones pay the rate of their notional to the short ones, half-even. A cash
    /// account pays no more than it has.
    pub fn funded(&self, price: Price, rate: i64) -> Passed {
        let due = self.value(price).saturating_mul(-Balance::from(rate));
        let mut cash = divide(due, power_of_ten(u32::from(RATE_SCALE)), Rounding::HalfEven);
        if self.account.margin().is_none() {
            cash = cash.max(-self.account.free_cash().max(0));
        }
        Passed { cash: bounded_amount(cash), ..self.nothing(ContractWork::Funding) }
    }

    /// The underlying of an option.
    pub fn underlying(&self) -> Option<(InstrumentIndex, &'a InstrumentRecord)> {
        let index = self.contract.underlying?;
        Some((index, self.durable.instrument(index)?))
    }

    /// The units of the underlying that so many contracts stand for.
    pub fn units(&self, qty: Quantity) -> Quantity {
        units_of(self.durable, self.instrument, qty)
    }

    /// What so many contracts are worth when the underlying stands at a price; not below zero.
    pub fn intrinsic(&self, option: OptionTerms, price: Price, qty: Quantity) -> Balance {
        let Some((_, base)) = self.underlying() else {
            return 0;
        };
        let units = self.units(qty);
        let spot = base.terms.value(price, units, Rounding::HalfEven);
        let strike = self.terms.value(option.strike, qty, Rounding::HalfEven);
        match option.right {
            Right::Call => (spot - strike).max(0),
            Right::Put => (strike - spot).max(0),
        }
    }

    /// Whether so many contracts are exercised at the end without being asked. Without a price of
    /// the underlying none is.
    pub fn exercises(&self, option: OptionTerms, price: Price, qty: Quantity) -> bool {
        let Some((_, base)) = self.underlying().filter(|_| price > 0) else {
            return false;
        };
        let worth = self.intrinsic(option, price, qty);
        if self.contract.delivery == Delivery::Cash {
            return worth > 0;
        }
        let units = Balance::from(self.units(qty));
        let least = units * Balance::from(EXERCISED_FROM);
        worth >= divide(least, power_of_ten(u32::from(base.terms.qty_scale)), Rounding::Up)
    }

    /// `qty` contracts of the position are exercised or assigned, or end worthless; the position
    /// shrinks by `closed`, at the average cost.
    pub fn exercised(
        &self,
        option: OptionTerms,
        price: Price,
        (qty, closed): (Quantity, Quantity),
        kind: ContractWork,
    ) -> Passed {
        let (held, is_long) = (self.qty(), self.qty() > 0);
        let whole = clamp(Balance::from(held).abs()).max(1);
        let share = clamp(share_of(Balance::from(self.cost()), closed.min(whole), whole));
        let gone = if is_long { closed.saturating_neg() } else { closed };
        let left = Balance::from(self.cost()) - Balance::from(share);
        let end = Passed {
            qty: gone,
            cost: share.saturating_neg(),
            realized_pl: share.saturating_neg(),
            deposit: self.deposit(held.saturating_add(gone), left),
            ..self.nothing(kind)
        };
        if qty == 0 {
            return end;
        }
        let in_cash = || {
            let worth = bounded_amount(self.intrinsic(option, price, qty));
            let cash = if is_long { worth } else { -worth };
            Passed {
                cash,
                realized_pl: clamp(Balance::from(cash) - Balance::from(share)),
                ..end.clone()
            }
        };
        match self.delivery(option, price, (qty, is_long)) {
            Some((cash, delivered)) if self.contract.delivery == Delivery::Physical => {
                Passed { cash, delivered: Some(delivered), ..end }
            }
            _ => in_cash(),
        }
    }

    /// The underlying and the strike that change hands; `None` when the account cannot carry it.
    /// Who is assigned has to; who holds the option gets its worth in cash instead, as from a
    /// broker who sells what his client cannot pay for.
    fn delivery(
        &self,
        option: OptionTerms,
        price: Price,
        (qty, is_long): (Quantity, bool),
    ) -> Option<(Money, Delivered)> {
        let (instrument, base) = self.underlying()?;
        if base.terms.status == InstrumentStatus::Delisted {
            return None;
        }
        let units = self.units(qty);
        let strike = self.terms.value(option.strike, qty, Rounding::HalfEven);
        let side = if (option.right == Right::Call) == is_long { Side::Buy } else { Side::Sell };
        let position = self.account.position(instrument);
        let sign: i64 = if side == Side::Buy { 1 } else { -1 };
        let after = Balance::from(position.qty) + Balance::from(units) * Balance::from(sign);
        let paid = bounded_amount(strike);
        let (cost, realized_pl) = cost_of(position, side, units, paid);
        let cost_after = Balance::from(position.cost) + Balance::from(cost) * Balance::from(sign);
        let fits = after.abs() <= Balance::from(QUANTITY_MAX)
            && cost_after.abs() <= Balance::from(AMOUNT_MAX)
            && strike <= Balance::from(AMOUNT_MAX);
        if !fits || (is_long && !self.can_carry(option, price, (side, qty, units))) {
            return None;
        }
        let delivered = Delivered {
            instrument,
            qty: units.saturating_mul(sign),
            cost: cost.saturating_mul(sign),
            realized_pl,
            lots: self.lots_left(instrument, clamp(after), clamp(cost_after)),
        };
        Some((paid.saturating_mul(-sign), delivered))
    }

    /// The lots of the underlying when something of it goes: each keeps its share. What comes is in
    /// no lot.
    fn lots_left(
        &self,
        instrument: InstrumentIndex,
        qty: Quantity,
        cost: Money,
    ) -> Option<Vec<Lot>> {
        let (lots, held) = (self.account.lots(instrument), self.account.position(instrument).qty);
        let shrinks = qty.saturating_abs() < held.saturating_abs() || qty.signum() != held.signum();
        if lots.is_empty() || !shrinks {
            return None;
        }
        let stays = qty.signum() == held.signum();
        Some(if stays { shared_out(lots, qty, cost) } else { Vec::new() })
    }

    /// Whether a holder can pay for what his option brings, or has what it takes.
    pub fn can_carry(
        &self,
        option: OptionTerms,
        price: Price,
        (side, qty, units): (Side, Quantity, Quantity),
    ) -> bool {
        let Some((index, base)) = self.underlying() else {
            return false;
        };
        let Some(margin) = self.account.margin() else {
            let strike = self.terms.value(option.strike, qty, Rounding::Up);
            return match side {
                Side::Buy => strike <= self.account.free_cash(),
                Side::Sell => units <= deposits::free_to_sell(self.durable, self.account, index),
            };
        };
        let position = self.account.position(index);
        let opening = units - position.closing(side).min(units);
        let value = base.terms.value(price.max(1), opening, Rounding::Up);
        let opened = crate::costs::signed(side, opening);
        let need = if opening == 0 { 0 } else { margin.initial_of(base, opened, value) };
        let worth = self.durable.worth(self.account);
        need <= worth.excess() + self.intrinsic(option, price, qty)
    }

    /// What the end of an option comes to: exercise, assignment, or nothing.
    pub fn option_ended(&self, option: OptionTerms, work: &Work, keeps: bool) -> Passed {
        let held = self.qty();
        let whole = clamp(Balance::from(held).abs());
        let (qty, kind) = if held > 0 {
            let is_exercised = !keeps && self.exercises(option, work.price, whole);
            (if is_exercised { whole } else { 0 }, ContractWork::Exercise)
        } else {
            (work.wheel.assigned(whole), ContractWork::Assignment)
        };
        let kind = if qty == 0 { ContractWork::Expiry } else { kind };
        self.exercised(option, work.price, (qty, whole), kind)
    }
}

//! What follows from a fill or an end: icebergs show their next part, held orders come alive,
//! orders that cancel each other shrink together. All of it happens within the same turn; orders
//! that come alive meet the market when the trade that freed them is complete.

use super::ChangeEvent;
use crate::costs::hold_at;
use crate::event::Event;
use crate::ids::OrderNumber;
use crate::live::Live;
use crate::order::Order;
use crate::sink::Sink;
use crate::special::reducible;
use crate::units::{Money, Price, Quantity, Rounding, clamp, divide};
use crate::words::{Held, Reason, SelfTrade, Side, Status};

/// What is set free of a hold when `rest` of what was left stays.
fn share_released(order: &Order, rest: Quantity) -> Money {
    let (hold, leaves) = (i128::from(order.hold), i128::from(order.leaves().max(1)));
    clamp(hold - divide(hold * i128::from(rest.max(0)), leaves, Rounding::Up).min(hold))
}

impl<S: Sink> Live<'_, S> {
    fn change(&mut self, change: ChangeEvent) {
        self.emit(Event::Changed(change));
    }

    /// Lets orders that came alive meet the market, as many as a turn may: a leg may trade with
    /// its own parent and so bring itself more.
    pub fn let_arrive(&mut self) {
        while !self.is_full() {
            let Some(number) = self.ephemeral.arrivals.pop_front() else {
                return;
            };
            if !self.leave_if_due(number) {
                self.arrive(number);
            }
        }
    }

    /// What follows from a fill of an order that asks for more than most.
    pub fn after_fill(&mut self, number: OrderNumber, qty: Quantity, was_linked: bool) {
        let Some(order) = self.durable.order(number) else {
            return;
        };
        let sibling = order.terms.more().sibling;
        let (is_open, legs) = (order.is_open(), order.extra().legs.clone());
        if is_open && was_linked && order.shown() == 0 && order.leaves() > 0 {
            self.replenish(number);
        }
        if let Some(sibling) = sibling {
            self.shrink(sibling, qty, Reason::SiblingFilled);
        }
        for leg in &legs {
            self.wake_leg(*leg, qty);
        }
        if !is_open {
            legs.iter().for_each(|leg| self.stop_waiting(*leg));
        }
    }

    fn replenish(&mut self, order: OrderNumber) {
        self.change(ChangeEvent::Replenished { order });
        self.ephemeral.link(self.durable, order);
    }

    /// Fills up the shown part of an iceberg that took liquidity before it came to rest.
    pub fn show_whole_part(&mut self, number: OrderNumber) {
        let Some(order) = self.order(number) else {
            return;
        };
        let display = order.terms.more.as_ref().and_then(|more| more.display_qty);
        if display.is_some_and(|display| order.shown() < display.min(order.leaves())) {
            self.change(ChangeEvent::Replenished { order: number });
        }
    }

    /// More of a held order may trade.
    fn wake_leg(&mut self, number: OrderNumber, qty: Quantity) {
        let Some(order) =
            self.order(number).filter(|it| it.terms.more().held == Some(Held::Parent))
        else {
            return;
        };
        let qty = qty.min(order.extra().waits);
        if qty > 0 {
            let hold = self.hold_of_exit(order, qty);
            self.change(ChangeEvent::Released { order: number, qty, hold });
        }
    }

    /// What the exit of a position sets aside: nothing, but for a buy of a cash account, and then
    /// no more than the account has.
    fn hold_of_exit(&self, order: &Order, qty: Quantity) -> Money {
        let terms = &order.terms;
        let Some(account) = self.durable.account(terms.account) else {
            return 0;
        };
        if terms.side == Side::Sell || account.margin().is_some() {
            return 0;
        }
        let price = terms.limit_price.or(terms.stop_price).unwrap_or(0);
        let hold = hold_at(self.durable, terms.instrument, price, qty);
        clamp(i128::from(hold).min(account.free_cash()).max(0))
    }

    /// What still waits of a held order will not come: its parent has closed.
    fn stop_waiting(&mut self, number: OrderNumber) {
        let Some(order) = self.order(number) else {
            return;
        };
        let (waits, left) = (order.extra().waits, order.leaves());
        if order.terms.more().held == Some(Held::Group) || (waits > 0 && left == 0) {
            self.cancel(number, Reason::ParentClosed, None);
        } else if waits > 0 {
            let qty = order.terms.qty - waits;
            self.change(ChangeEvent::Resized { order: number, qty, waits: 0, release: 0 });
        }
    }

    /// An order loses a part of what is left; it is canceled when nothing stays.
    fn shrink(&mut self, number: OrderNumber, qty: Quantity, reason: Reason) {
        let Some(order) = self.order(number) else {
            return;
        };
        let rest = order.unfilled() - qty;
        if rest <= 0 {
            self.cancel(number, reason, None);
            return;
        }
        let waits = order.extra().waits.min(rest);
        let release = share_released(order, rest - waits);
        let qty = order.filled + rest;
        self.change(ChangeEvent::Resized { order: number, qty, waits, release });
    }

    /// What follows from the end of an order that asks for more than most.
    pub fn after_close(&mut self, number: OrderNumber) {
        let Some(order) = self.durable.order(number).filter(|order| order.terms.more.is_some())
        else {
            return;
        };
        if order.terms.is_bound() {
            self.leg_closed(number);
            return;
        }
        let more = order.terms.more();
        let reason = match order.reason {
            Some(Reason::ParentClosed) => Reason::ParentClosed,
            _ => Reason::SiblingClosed,
        };
        let partner = more.sibling.filter(|_| order.reason != Some(Reason::SiblingFilled));
        let legs = order.extra().legs.clone();
        if let Some(partner) = partner {
            self.cancel(partner, reason, None);
        }
        legs.iter().for_each(|leg| self.stop_waiting(*leg));
    }

    /// Why an order that can pay nothing leaves.
    pub fn why_unpayable(&self, number: OrderNumber) -> Reason {
        match self.order(number) {
            Some(order) if reducible(self.durable, order) == 0 => Reason::WouldNotReduce,
            Some(order) => self.why_not_borrowed(order).unwrap_or(Reason::InsufficientBuyingPower),
            None => Reason::InsufficientBuyingPower,
        }
    }

    /// Why not even a lot of a short sale can be borrowed, if that is so.
    fn why_not_borrowed(&self, order: &Order) -> Option<Reason> {
        let (instrument, side) = (order.terms.instrument, order.terms.side);
        let account = self.durable.account(order.terms.account)?;
        let lot = self.terms_of(instrument)?.lot_size.min(order.leaves());
        let opening = lot - account.position(instrument).closing(side).min(lot);
        if side == Side::Buy || account.margin().is_none() || opening == 0 {
            return None;
        }
        let left = self.durable.borrowable(instrument, account)?;
        let shortable = self.durable.margin_of(instrument).is_some_and(|it| it.shortable);
        let reason = if shortable { Reason::BorrowUnavailable } else { Reason::NotShortable };
        (left < opening).then_some(reason)
    }

    /// Gives an order for an amount of money its quantity, at `price` or against what stands
    /// there; it leaves when the money does not buy one lot.
    pub fn size(&mut self, number: OrderNumber, price: Option<Price>) {
        let Some(order) = self.order(number) else {
            return;
        };
        let Some(lots) = self.size_now(order, price) else {
            return;
        };
        let (filled, qty) = (order.filled, order.terms.qty);
        if lots == 0 {
            self.cancel(number, Reason::NotionalTooSmall, None);
        } else if filled + lots != qty {
            let qty = filled + lots;
            self.change(ChangeEvent::Resized { order: number, qty, waits: 0, release: 0 });
        }
    }

    /// Deals with an incoming order that would trade with a resting one of the same owner, by
    /// the incoming order's own rule; says whether it did.
    pub fn keeps_apart(&mut self, taker: OrderNumber, maker: OrderNumber) -> bool {
        let (Some(newest), Some(oldest)) = (self.order(taker), self.order(maker)) else {
            return false;
        };
        let rule = newest.terms.more.as_ref().and_then(|more| more.self_trade);
        let Some(rule) = rule.filter(|_| self.have_one_owner(newest, oldest)) else {
            return false;
        };
        let both = newest.leaves().min(oldest.leaves());
        match rule {
            SelfTrade::None => return false,
            SelfTrade::CancelNewest => self.cancel(taker, Reason::SelfTrade, None),
            SelfTrade::CancelOldest => self.cancel(maker, Reason::SelfTrade, None),
            SelfTrade::Decrement => {
                for number in [taker, maker] {
                    let sibling = self.order(number).and_then(|it| it.terms.more().sibling);
                    self.shrink(number, both, Reason::SelfTrade);
                    if let Some(sibling) = sibling {
                        self.shrink(sibling, both, Reason::SelfTrade);
                    }
                }
            }
        }
        true
    }

    fn have_one_owner(&self, one: &Order, two: &Order) -> bool {
        let owner = |order: &Order| {
            self.durable.account(order.terms.account).map(|account| account.owner.as_str())
        };
        one.terms.account == two.terms.account || owner(one) == owner(two)
    }

    /// Whether nothing of an order may trade yet.
    pub fn is_held(&self, number: OrderNumber) -> bool {
        self.order(number).is_some_and(|order| order.status == Status::Held || order.leaves() == 0)
    }
}

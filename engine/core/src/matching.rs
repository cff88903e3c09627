//! Incoming orders meet the other side; every amount of a fill is decided here.

use crate::book::{Owner, reaches};
use crate::contract::deposits;
use crate::costs::{payable, power_for, release_of, signed, spent_by};
use crate::durable::{Due, Durable};
use crate::event::{Event, Fill};
use crate::fees::{self, Payer, fee_of, payer_of};
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::instrument::InstrumentRecord;
use crate::live::Live;
use crate::lots::{book, effects_of};
use crate::market::{Ephemeral, Market, Offer};
use crate::order::Order;
use crate::plain::{Deal, plain_fills};
use crate::profile::impact::{self, Asked, Moved};
use crate::risk::days::Traded;
use crate::session::{Seat, band_limit};
use crate::sink::{Print, Sink};
use crate::units::{Balance, Price, Quantity};
use crate::words::{Counterparty, How, Liquidity, OrderType, Reason, Side, TimeInForce};

/// How one side of a trade takes part in it.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    pub liquidity: Liquidity,
    pub counterparty: Counterparty,
    /// How the two sides met; the rest is for the receipt too.
    pub how: How,
    /// The outside price that came to the order.
    pub reach: Option<Price>,
    /// How much stood at the price.
    pub offered: Option<Quantity>,
    /// Part of the price that is slippage by the profile.
    pub slippage: Price,
    /// Part of the price that is the order's own impact by the profile.
    pub impact: Price,
}

impl Role {
    pub const fn new(liquidity: Liquidity, counterparty: Counterparty) -> Role {
        let how = match liquidity {
            Liquidity::Maker => How::Rested,
            Liquidity::Taker => How::Crossed,
        };
        let (reach, offered) = (None, None);
        Role { liquidity, counterparty, how, reach, offered, slippage: 0, impact: 0 }
    }

    pub const fn how(mut self, how: How) -> Role {
        self.how = how;
        self
    }

    pub const fn reached(mut self, price: Price) -> Role {
        self.reach = Some(price);
        self
    }

    pub const fn moved(mut self, moved: Moved) -> Role {
        (self.slippage, self.impact) = (moved.slippage, moved.impact);
        self
    }

    pub const fn offered(mut self, qty: Quantity) -> Role {
        self.offered = Some(qty);
        self
    }
}

impl<S: Sink> Live<'_, S> {
    /// Lets an order take what it can at once.
    pub fn execute(&mut self, number: OrderNumber) {
        self.sweep.clear();
        self.begin_taking(number);
        let bound = self.bound_of(number);
        self.take_offers(number, bound);
    }

    /// Lets an order trade with one offer after the other, up to a price.
    pub fn take_offers(&mut self, number: OrderNumber, bound: Option<Price>) {
        // A leg that trades with its parent grows by that; more of it comes to the market later.
        let until = self.order(number).map_or(0, |it| it.filled.saturating_add(it.leaves()));
        while let Some((order, offer)) = self.next_offer(number, bound) {
            let (instrument, side) = (order.terms.instrument, order.terms.side);
            let leaves = order.leaves().min(until - order.filled);
            if leaves <= 0 {
                return;
            }
            let maker = match offer.resting {
                Some((_, Owner::User(maker))) => Some(maker),
                _ => None,
            };
            if maker.is_some_and(|maker| self.leave_if_due(maker)) {
                continue;
            }
            if maker.is_some_and(|maker| self.keeps_apart(number, maker)) {
                continue;
            }
            let wanted = leaves.min(offer.qty);
            if maker.is_some_and(|maker| self.plain_trade(number, maker, &offer, wanted)) {
                self.print_trade(instrument, offer.price, wanted, Some(side));
                continue;
            }
            let part = self.part_of(number, &offer, wanted);
            let wanted = part.unwrap_or(wanted);
            let moved = self.moved(number, &offer, (wanted, bound));
            let payable = self.payable(number, moved.price, wanted, Liquidity::Taker);
            if payable == 0 {
                self.cancel(number, self.why_unpayable(number), None);
                return;
            }
            let qty = match maker {
                Some(maker) => self.payable(maker, offer.price, payable, Liquidity::Maker),
                None => payable,
            };
            if let (0, Some(maker)) = (qty, maker) {
                self.cancel(maker, self.why_unpayable(maker), None);
                continue;
            }
            self.trade(number, (&offer, moved), maker, qty);
            self.print_trade(instrument, moved.price, qty, Some(side));
            if part.is_some() {
                return;
            }
        }
    }

    /// The price that an order gets for an offer: another one than the offer's only where the
    /// profile lets prices of the street slip.
    fn moved(
        &self,
        number: OrderNumber,
        offer: &Offer,
        (qty, limit): (Quantity, Option<Price>),
    ) -> Moved {
        let found = self.order(number).filter(|_| offer.resting.is_none()).and_then(|order| {
            let record = self.durable.instrument(order.terms.instrument)?;
            let market = self.market(order.terms.instrument)?;
            let (side, price) = (order.terms.side, offer.price);
            let asked = Asked { side, limit, price, qty, bar: None };
            Some(impact::moved(self.durable, self.ephemeral, record, market, asked))
        });
        found.unwrap_or(Moved::not(offer.price))
    }

    /// The worst price that an order may take: its limit price, or the edge of the price band.
    fn bound_of(&self, number: OrderNumber) -> Option<Price> {
        let order = self.order(number)?;
        let (side, instrument) = (order.terms.side, order.terms.instrument);
        order.price_limit().or_else(|| {
            let band = self.durable.band(instrument, self.market(instrument)?)?;
            Some(band_limit(side, band))
        })
    }

    /// An order that must not take leaves instead; one for an amount of money gets its quantity.
    fn begin_taking(&mut self, number: OrderNumber) {
        let Some(order) = self.order(number) else {
            return;
        };
        let Some(more) = order.terms.more.as_ref() else {
            return;
        };
        let (is_sized, post_only) = (more.notional.is_some(), more.post_only);
        if is_sized {
            self.size(number, None);
        }
        let limit = self.order(number).and_then(Order::price_limit);
        if post_only && self.next_offer(number, limit).is_some() {
            self.cancel(number, Reason::WouldTakeLiquidity, None);
        }
    }

    fn next_offer(&self, number: OrderNumber, bound: Option<Price>) -> Option<(&Order, Offer)> {
        let order = self.order(number).filter(|order| order.leaves() > 0)?;
        let offer = self.offer_to(order.terms.instrument, order.terms.side)?;
        let reaches = reaches(order.terms.side, bound, offer.price);
        reaches.then_some((order, offer))
    }

    /// Lets two plain orders trade, when both can pay; says whether they have.
    pub fn plain_trade(
        &mut self,
        taker: OrderNumber,
        maker: OrderNumber,
        offer: &Offer,
        qty: Quantity,
    ) -> bool {
        let fills = self.order(taker).and_then(|order| {
            let deal = Deal { instrument: order.terms.instrument, price: offer.price, qty };
            plain_fills(self.durable, order, maker, deal)
        });
        let Some([taken, made]) = fills else {
            return false;
        };
        debug_assert_eq!(self.payable(taker, offer.price, qty, Liquidity::Taker), qty);
        debug_assert_eq!(self.payable(maker, offer.price, qty, Liquidity::Maker), qty);
        let role = Role::new(Liquidity::Taker, Counterparty::User).offered(offer.qty);
        self.emit_plain(taken, role);
        let sweep = std::mem::take(&mut self.sweep);
        self.emit_plain(made, Role::new(Liquidity::Maker, Counterparty::User));
        self.sweep = sweep;
        self.note_step(offer.price, qty);
        true
    }

    fn emit_plain(&mut self, mut fill: Fill, role: Role) {
        debug_assert_eq!(
            self.order(fill.order).and_then(|order| {
                let deal = (fill.price, fill.qty);
                decide_fill(self.durable, self.ephemeral, order, deal, role)
            }),
            Some(fill.clone())
        );
        if S::RECEIPTS {
            fill.receipt = self.receipt(&fill, role);
        }
        self.emit(Event::Filled(fill));
    }

    fn trade(
        &mut self,
        taker: OrderNumber,
        (offer, moved): (&Offer, Moved),
        maker: Option<OrderNumber>,
        qty: Quantity,
    ) {
        let counterparty = if maker.is_some() { Counterparty::User } else { Counterparty::House };
        let role = Role::new(Liquidity::Taker, counterparty).offered(offer.qty).moved(moved);
        self.fill(taker, moved.price, qty, role);
        let sweep = std::mem::take(&mut self.sweep);
        match maker {
            Some(maker) => {
                self.fill(maker, offer.price, qty, Role::new(Liquidity::Maker, counterparty));
            }
            None => self.take_outside(taker, offer, qty),
        }
        self.sweep = sweep;
        self.note_step(moved.price, qty);
    }

    /// Takes liquidity of the house that a user's order has just traded with.
    pub fn take_outside(&mut self, taker: OrderNumber, offer: &Offer, qty: Quantity) {
        let Some((instrument, side)) =
            self.durable.order(taker).map(|order| (order.terms.instrument, order.terms.side))
        else {
            return;
        };
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        match offer.resting {
            Some((handle, Owner::Agent(id))) => {
                market.take_of_bot((handle, id), qty, offer.qty);
            }
            _ => market.street.take(side.opposite(), offer.price, qty),
        }
    }

    /// Tells a trade of a user; in an isolated world it is no public one.
    pub fn print_trade(
        &mut self,
        instrument: InstrumentIndex,
        price: Price,
        qty: Quantity,
        side: Option<Side>,
    ) {
        if !self.ephemeral.is_isolated {
            self.print_outside(instrument, price, qty, side);
        }
    }

    /// Tells a trade of the outside.
    pub fn print_outside(
        &mut self,
        instrument: InstrumentIndex,
        price: Price,
        qty: Quantity,
        side: Option<Side>,
    ) {
        let time_ns = self.now_ns();
        self.print(Print { instrument, time_ns, price, qty, side });
    }

    /// Fills one side of a trade.
    pub fn fill(&mut self, number: OrderNumber, price: Price, qty: Quantity, role: Role) {
        let decide = |order| decide_fill(self.durable, self.ephemeral, order, (price, qty), role);
        let fill = self.order(number).and_then(decide);
        if let Some(mut fill) = fill {
            if S::RECEIPTS {
                fill.receipt = self.receipt(&fill, role);
            }
            let traded = Traded::of(&fill);
            let is_special = self.order(number).is_some_and(|order| order.is_special());
            let was_linked = is_special && self.ephemeral.is_linked(self.durable, number);
            self.emit(Event::Filled(fill));
            if self.durable.risk.is_some() {
                self.note_day_trade(traded);
            }
            if is_special {
                self.after_fill(number, qty, was_linked);
            }
        }
    }

    /// How much of `wanted` the order's account can pay at this price, in whole lots.
    pub fn payable(
        &self,
        number: OrderNumber,
        price: Price,
        wanted: Quantity,
        liquidity: Liquidity,
    ) -> Quantity {
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let pay = |order| payable(durable, ephemeral, order, (price, wanted), liquidity);
        self.order(number).map_or(0, pay)
    }

    /// What happens to the part of an order that could not be filled at once.
    pub fn settle(&mut self, number: OrderNumber) {
        let Some(order) = self.durable.open_order(number).filter(|order| order.leaves() > 0) else {
            return;
        };
        let nothing_there = order.filled == 0 && order.price_limit().is_none();
        match order.terms.time_in_force {
            TimeInForce::Ioc | TimeInForce::Fok => {
                let reason = if nothing_there { Reason::NoLiquidity } else { Reason::IocRemainder };
                self.cancel(number, reason, None);
            }
            _ => {
                self.show_whole_part(number);
                self.ephemeral.link(self.durable, number);
                self.note_queue(number);
            }
        }
    }

    /// Whether an order takes part in this part of the day.
    pub fn is_seated(&self, number: OrderNumber) -> bool {
        self.order(number).is_some_and(|order| self.durable.seat(order) == Seat::Market)
    }

    /// Lets an order that has just come to the market trade, then rest.
    pub fn enter(&mut self, number: OrderNumber) {
        let Some(instrument) = self.order(number).map(|order| order.terms.instrument) else {
            return;
        };
        if self.may_trade(instrument) && self.is_seated(number) {
            self.execute(number);
        }
        self.settle(number);
        self.serve_waiting(instrument);
    }

    /// Cancels an open order and sets its hold free.
    pub fn cancel(
        &mut self,
        order: OrderNumber,
        reason: Reason,
        request: Option<crate::event::RequestId>,
    ) {
        if let Some(release) = self.order(order).map(|order| order.hold) {
            self.emit(Event::Canceled { order, reason, release, request });
            self.after_close(order);
        }
    }

    /// Closes an order that is due to leave; says whether it was.
    pub fn leave_if_due(&mut self, number: OrderNumber) -> bool {
        let Some(order) = self.order(number) else {
            return false;
        };
        let release = order.hold;
        match self.durable.due(order) {
            None => return false,
            Some(Due::Cancel) => self.cancel(number, Reason::Requested, None),
            Some(Due::Kill) => self.cancel(number, Reason::KillSwitch, None),
            Some(Due::Expire) => {
                self.emit(Event::Expired { order: number, release });
                self.after_close(number);
            }
            Some(Due::AuctionOver) => self.cancel(number, Reason::AuctionOver, None),
        }
        true
    }
}

/// Decides every amount of a fill.
pub(crate) fn decide_fill(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    (price, qty): (Price, Quantity),
    role: Role,
) -> Option<Fill> {
    let terms = &order.terms;
    let record = durable.instrument(terms.instrument)?;
    let instrument = &record.terms;
    let account = durable.account(terms.account)?;
    let notional = instrument.notional(price, qty);
    let fee = fee_of(durable, record, payer_of(ephemeral, order, role.liquidity), (qty, notional));
    let completes = qty == order.unfilled();
    let booked = book(account, instrument, order, qty, notional);
    let position = account.position(terms.instrument);
    let signed_cost = Balance::from(signed(terms.side, booked.cost));
    let deposit = deposits::change_of(
        account,
        instrument,
        (position.qty, position.cost.into()),
        (position.qty + signed(terms.side, qty), Balance::from(position.cost) + signed_cost),
    );
    let release = if completes {
        order.hold
    } else {
        let writes = terms.side == Side::Sell && instrument.is_option();
        let spent = match writes && account.margin().is_none() {
            true => i128::from(deposit) + i128::from(fee) - i128::from(notional),
            false => spent_by(durable, ephemeral, order, (price, qty), role.liquidity),
        };
        let power = power_for(durable, ephemeral, account, terms.instrument);
        release_of(durable, order, account, qty, spent - power)
    };
    Some(Fill {
        number: durable.next_fill,
        order: order.number,
        account: terms.account,
        instrument: terms.instrument,
        side: terms.side,
        price,
        qty,
        value: i128::from(price) * i128::from(qty),
        notional,
        fee,
        release,
        cost: booked.cost,
        realized_pl: booked.realized_pl,
        liquidity: role.liquidity,
        counterparty: role.counterparty,
        completes,
        margined: instrument.is_margined(),
        deposit,
        volume_day: fees::volume_day(durable, ephemeral, record),
        receipt: None,
        effects: effects_of(durable, order, notional - fee, booked),
    })
}

/// What an order would meet if it came now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    /// How much it would fill.
    pub filled: Quantity,
    /// Sum of price times quantity, exactly.
    pub value: i128,
    /// Sum of the notionals.
    pub notional: Balance,
    /// Sum of the fees.
    pub fees: Balance,
    /// The last price it would meet.
    pub worst: Option<Price>,
}

/// Walks the offers that an order of these terms would meet, fill by fill.
pub(crate) fn walk(
    durable: &Durable,
    ephemeral: &Ephemeral,
    (market, record): (&Market, &InstrumentRecord),
    terms: &crate::order::OrderTerms,
) -> Walk {
    let instrument = &record.terms;
    let mut walk = Walk::default();
    let limit = match terms.order_type {
        OrderType::Market => {
            let band = durable.band(terms.instrument, market);
            band.map(|band| band_limit(terms.side, band))
        }
        _ => terms.limit_price,
    };
    for offer in market.offers(terms.account, terms.side) {
        if walk.filled == terms.qty || !reaches(terms.side, limit, offer.price) {
            break;
        }
        if is_leaving(durable, &offer) {
            continue;
        }
        let qty = offer.qty.min(terms.qty - walk.filled);
        let price = if offer.resting.is_none() {
            let asked = Asked { side: terms.side, limit, price: offer.price, qty, bar: None };
            impact::moved(durable, ephemeral, record, market, asked).price
        } else {
            offer.price
        };
        let notional = instrument.notional(price, qty);
        let payer = Payer {
            account: terms.account,
            side: terms.side,
            liquidity: Liquidity::Taker,
            before: (walk.filled, walk.value),
            now_ns: ephemeral.now_ns,
        };
        let fee = fee_of(durable, record, payer, (qty, notional));
        walk.filled += qty;
        walk.value += i128::from(price) * i128::from(qty);
        walk.notional += i128::from(notional);
        walk.fees += i128::from(fee);
        walk.worst = Some(price);
    }
    walk
}

/// Whether the order behind an offer is due to leave and will not trade.
fn is_leaving(durable: &Durable, offer: &Offer) -> bool {
    let Some((_, Owner::User(number))) = offer.resting else {
        return false;
    };
    durable.order(number).is_some_and(|order| durable.due(&order).is_some())
}

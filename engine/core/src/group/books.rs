//! The joint walk through the books of all legs: how many strategies trade, and with whom.
//!
//! The next strategy takes the best of every leg's book. It trades while that strategy's own net
//! price is within the limit, as a limit order takes no offer beyond its limit, however good those
//! before it were. Nothing here changes anything: a plan is made whole, then traded whole.

use super::combo::{Combo, Part};
use crate::book::{Owner, reaches};
use crate::costs::{payable, spent_by};
use crate::durable::Durable;
use crate::fees::{Payer, fee_of};
use crate::ids::{AccountIndex, OrderNumber};
use crate::market::{Ephemeral, Offer};
use crate::order::Order;
use crate::profile::impact::{self, Asked, Moved};
use crate::session::{Phase, band_limit};
use crate::units::{Balance, Price, Quantity};
use crate::words::{Liquidity, SelfTrade, Side, TimeInForce};

/// How many offers of a leg one plan takes at most; what is left follows in another plan. Only
/// fill-or-kill orders have no other.
const OFFERS_MAX: usize = 32;

/// What a leg takes of one offer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take {
    pub offer: Offer,
    pub qty: Quantity,
    pub moved: Moved,
}

impl Take {
    /// The resting order of a user that it meets.
    pub fn maker(&self) -> Option<OrderNumber> {
        match self.offer.resting {
            Some((_, Owner::User(maker))) => Some(maker),
            _ => None,
        }
    }
}

/// What a number of strategies takes and costs.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub strategies: i64,
    /// By leg.
    pub takes: Vec<Vec<Take>>,
    /// Sum of the notionals paid, less those received.
    pub cash: Balance,
    /// Sum of the fees.
    pub fees: Balance,
}

/// The markets that a multi-leg order looks at.
pub(super) struct Books<'a> {
    pub durable: &'a Durable,
    pub ephemeral: &'a Ephemeral,
    pub combo: &'a Combo<'a>,
    /// Its leg orders, once there are any.
    pub orders: &'a [&'a Order],
}

impl<'a> Books<'a> {
    /// Whether all legs trade one by one now.
    pub fn are_open(&self) -> bool {
        self.combo.parts.iter().all(|part| {
            let index = part.leg.instrument;
            let is_fresh = self.ephemeral.market(index).is_some_and(|market| market.is_fresh);
            is_fresh
                && self.durable.phase(index) == Phase::Continuous
                && !self.durable.corporate.is_working_on(index)
                && !self.durable.contract_ended(index)
                && !self.is_over(part)
        })
    }

    fn is_over(&self, part: &Part<'_>) -> bool {
        let expiry_ns = part.record.terms.contract.as_deref().map_or(0, |it| it.expiry_ns);
        expiry_ns != 0 && expiry_ns <= self.ephemeral.now_ns
    }

    /// The most strategies, up to `most`, that trade within the limit.
    pub fn plan(&self, most: i64) -> Plan {
        if !self.are_open() || most <= 0 {
            return self.cut(&vec![Vec::new(); self.combo.parts.len()], 0);
        }
        let mut met: Vec<AccountIndex> = vec![self.combo.terms.account];
        let offers = |part| self.offers(part, most, &mut met);
        let offers: Vec<Vec<Take>> = self.combo.parts.iter().map(offers).collect();
        let step = self.combo.step;
        self.cut(&offers, self.reach(&offers, most / step) * step)
    }

    /// The offers that a leg may meet for so many strategies, each at the price that it would pay
    /// when it took all that it wants of it.
    fn offers(&self, part: &Part<'_>, most: i64, met: &mut Vec<AccountIndex>) -> Vec<Take> {
        let (index, side) = (part.leg.instrument, part.leg.side);
        let mut wanted = part.leg.ratio_qty.saturating_mul(most);
        let mut takes = Vec::new();
        let Some(market) = self.ephemeral.market(index) else {
            return takes;
        };
        let band = self.durable.band(index, market).map(|band| band_limit(side, band));
        let is_fok = self.combo.terms.time_in_force == TimeInForce::Fok;
        for offer in market.offers(self.combo.terms.account, side) {
            let is_enough = wanted == 0 || (takes.len() >= OFFERS_MAX && !is_fok);
            if is_enough || !reaches(side, band, offer.price) {
                break;
            }
            let Some((most_here, ends)) = self.willing(&offer, wanted, met) else {
                break;
            };
            let qty = most_here.min(wanted);
            takes.push(self.take(part, offer, qty));
            wanted -= qty;
            if ends {
                break;
            }
        }
        takes
    }

    /// How much of an offer can be had, and whether nothing behind it can be told from here;
    /// `None` when not even that much. Who cannot pay at all stands in the way and is dealt with
    /// when the plan comes to it. An account that the plan has met already gives more only out of
    /// what its order has set aside, for what else it has may be gone by then.
    fn willing(
        &self,
        offer: &Offer,
        wanted: Quantity,
        met: &mut Vec<AccountIndex>,
    ) -> Option<(Quantity, bool)> {
        let Some((_, Owner::User(number))) = offer.resting else {
            return Some((offer.qty, false));
        };
        let maker = self.durable.open_order(number)?;
        let (price, qty) = (offer.price, offer.qty.min(wanted));
        let pays = payable(self.durable, self.ephemeral, maker, (price, qty), Liquidity::Maker);
        if met.contains(&maker.terms.account) {
            let reduces = maker.terms.more().only_closes();
            if reduces || pays == 0 || !self.is_set_aside(maker, (price, pays)) {
                return None;
            }
        }
        met.push(maker.terms.account);
        let is_tied = maker.terms.more().sibling.is_some();
        match pays {
            0 => Some((qty, true)),
            pays => Some((pays, is_tied || pays < qty)),
        }
    }

    /// Whether what a resting order gives is set aside for it: cash, or what a cash account sells.
    fn is_set_aside(&self, maker: &Order, deal: (Price, Quantity)) -> bool {
        let is_cash =
            self.durable.account(maker.terms.account).is_some_and(|it| it.margin().is_none());
        let is_promised = is_cash && maker.terms.side == Side::Sell;
        let spent = || spent_by(self.durable, self.ephemeral, maker, deal, Liquidity::Maker);
        is_promised || spent() <= i128::from(maker.hold)
    }

    fn take(&self, part: &Part<'_>, offer: Offer, qty: Quantity) -> Take {
        let market = self.ephemeral.market(part.leg.instrument);
        let moved = match (offer.resting, market) {
            (None, Some(market)) => {
                let (side, price) = (part.leg.side, offer.price);
                let limit =
                    self.durable.band(part.leg.instrument, market).map(|it| band_limit(side, it));
                let asked = Asked { side, limit, price, qty, bar: None };
                impact::moved(self.durable, self.ephemeral, part.record, market, asked)
            }
            _ => Moved::not(offer.price),
        };
        Take { offer, qty, moved }
    }

    /// How many steps lie within the limit.
    fn reach(&self, offers: &[Vec<Take>], most: i64) -> i64 {
        let limit = self.combo.limit_money().map(|it| it * Balance::from(self.combo.step));
        let mut cursors = vec![Cursor::default(); offers.len()];
        let mut steps = 0;
        while steps < most {
            let Some((money, next)) = self.next_step(offers, &cursors) else {
                break;
            };
            if limit.is_some_and(|limit| money > limit) {
                break;
            }
            let more = self.repeats(offers, &cursors).min(most - steps);
            steps += more.max(1);
            cursors = match more {
                0 | 1 => next,
                more => self.advanced(offers, &cursors, more),
            };
        }
        steps
    }

    /// What one more step pays, and where it leaves the books; `None` when they are empty.
    fn next_step(
        &self,
        offers: &[Vec<Take>],
        cursors: &[Cursor],
    ) -> Option<(Balance, Vec<Cursor>)> {
        let mut money = 0;
        let mut next = Vec::with_capacity(cursors.len());
        for ((part, offers), cursor) in self.combo.parts.iter().zip(offers).zip(cursors) {
            let (mut cursor, mut wanted) = (*cursor, self.combo.step_of(part));
            while wanted > 0 {
                let take = offers.get(cursor.at)?;
                let qty = wanted.min(take.qty - cursor.used);
                let paid = part.record.terms.notional(take.moved.price, qty);
                money += part.signed(Balance::from(paid));
                wanted -= qty;
                cursor.advance(offers, qty);
            }
            next.push(cursor);
        }
        Some((money, next))
    }

    /// How many steps the offers under the cursors give by themselves.
    fn repeats(&self, offers: &[Vec<Take>], cursors: &[Cursor]) -> i64 {
        let of = |((part, offers), cursor): ((&Part<'_>, &Vec<Take>), &Cursor)| {
            let left = offers.get(cursor.at).map_or(0, |take| take.qty - cursor.used);
            left / self.combo.step_of(part)
        };
        self.combo.parts.iter().zip(offers).zip(cursors).map(of).min().unwrap_or(0)
    }

    fn advanced(&self, offers: &[Vec<Take>], cursors: &[Cursor], steps: i64) -> Vec<Cursor> {
        let moved = |((part, offers), cursor): ((&Part<'_>, &Vec<Take>), &Cursor)| {
            let mut cursor = *cursor;
            cursor.advance(offers, self.combo.step_of(part).saturating_mul(steps));
            cursor
        };
        self.combo.parts.iter().zip(offers).zip(cursors).map(moved).collect()
    }

    /// The plan for just so many of the strategies that the offers give.
    pub fn cut(&self, offers: &[Vec<Take>], strategies: i64) -> Plan {
        let mut plan = Plan { strategies, ..Plan::default() };
        for (at, (part, offers)) in self.combo.parts.iter().zip(offers).enumerate() {
            let mut wanted = part.leg.ratio_qty.saturating_mul(strategies);
            let mut payer = self.payer(at, part);
            let mut takes = Vec::new();
            for take in offers {
                let qty = take.qty.min(wanted);
                if qty == 0 {
                    break;
                }
                wanted -= qty;
                let take = self.take(part, take.offer, qty);
                let price = take.moved.price;
                let notional = part.record.terms.notional(price, qty);
                plan.cash += part.signed(Balance::from(notional));
                plan.fees +=
                    Balance::from(fee_of(self.durable, part.record, payer, (qty, notional)));
                let (filled, value) = payer.before;
                payer.before = (filled + qty, value + i128::from(price) * i128::from(qty));
                takes.push(take);
            }
            plan.takes.push(takes);
        }
        plan
    }

    fn payer(&self, at: usize, part: &Part<'_>) -> Payer {
        Payer {
            account: self.combo.terms.account,
            side: part.leg.side,
            liquidity: Liquidity::Taker,
            before: self.orders.get(at).map_or((0, 0), |it| (it.filled, it.filled_value)),
            now_ns: self.ephemeral.now_ns,
        }
    }

    /// The first order of a user in a plan that has to leave before it can be traded: it is past
    /// its time, cannot pay, or must not meet this one.
    pub fn obstacle(&self, plan: &Plan) -> Option<(OrderNumber, Obstacle)> {
        let takes = plan.takes.iter().flatten();
        let makers = takes.filter_map(|take| Some((take, take.maker()?)));
        makers.filter_map(|(take, maker)| Some((maker, self.obstacle_at(take, maker)?))).next()
    }

    fn obstacle_at(&self, take: &Take, number: OrderNumber) -> Option<Obstacle> {
        let maker = self.durable.open_order(number)?;
        if self.durable.due(maker).is_some() {
            return Some(Obstacle::Due);
        }
        let rule = self.combo.terms.more().self_trade.filter(|_| self.is_own(maker));
        match rule {
            Some(SelfTrade::CancelNewest) => return Some(Obstacle::EndsTaker),
            Some(SelfTrade::CancelOldest) => return Some(Obstacle::OwnMaker),
            _ => {}
        }
        let deal = (take.offer.price, take.qty);
        let pays = payable(self.durable, self.ephemeral, maker, deal, Liquidity::Maker);
        (pays == 0).then_some(Obstacle::CannotPay)
    }

    fn is_own(&self, maker: &Order) -> bool {
        let owner = |account| self.durable.account(account).map(|account| account.owner.as_str());
        owner(maker.terms.account) == owner(self.combo.terms.account)
    }
}

/// Why a plan cannot be traded as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A resting order is past its time.
    Due,
    /// A resting order's account cannot pay.
    CannotPay,
    /// A resting order of the same owner leaves.
    OwnMaker,
    /// The multi-leg order leaves before it meets an order of its owner.
    EndsTaker,
}

/// A place in the offers of a leg.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    at: usize,
    /// How much of that offer is taken already.
    used: Quantity,
}

impl Cursor {
    fn advance(&mut self, offers: &[Take], qty: Quantity) {
        self.used += qty;
        if offers.get(self.at).is_some_and(|take| self.used >= take.qty) {
            *self = Cursor { at: self.at + 1, used: 0 };
        }
    }
}

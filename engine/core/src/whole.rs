//! Fill-or-kill orders: whether one would fill completely.
//!
//! What stands in the book is not always what an order gets: a resting order may be of the same
//! owner, may only reduce a position that is smaller by now, or its account cannot pay any more.

use std::collections::BTreeMap;

use crate::book::{Owner, reaches};
use crate::checks::Checks;
use crate::costs::{Ahead, payable_behind};
use crate::ids::AccountIndex;
use crate::market::{Market, Offer};
use crate::order::{Order, OrderTerms};
use crate::session::band_limit;
use crate::units::Quantity;
use crate::waiting;
use crate::words::{Liquidity, OrderType, SelfTrade};

impl Checks<'_> {
    /// How much an order would trade for certain if it came now.
    pub fn certain(&self) -> Quantity {
        let market = self.ephemeral.market(self.terms.instrument);
        let market = market.filter(|market| self.takes_part() && market.is_fresh);
        market.map_or(0, |market| self.certain_in(market))
    }

    fn certain_in(&self, market: &Market) -> Quantity {
        let terms = self.terms;
        let limit = match terms.order_type {
            OrderType::Market => {
                let band = self.durable.band(terms.instrument, market);
                band.map(|band| band_limit(terms.side, band))
            }
            _ => terms.limit_price,
        };
        let (mut filled, mut before) = (0, BTreeMap::new());
        for offer in self.offers_in(market) {
            if filled == terms.qty || !reaches(terms.side, limit, offer.price) {
                break;
            }
            let wanted = offer.qty.min(terms.qty - filled);
            let Some((_, Owner::User(maker))) = offer.resting else {
                filled += wanted;
                continue;
            };
            let maker = self.durable.open_order(maker);
            let Some(maker) = maker.filter(|maker| self.durable.due(maker).is_none()) else {
                continue;
            };
            match self.self_trade(maker) {
                SelfTrade::None => {}
                SelfTrade::CancelOldest => continue,
                SelfTrade::CancelNewest | SelfTrade::Decrement => break,
            }
            filled += self.given(maker, (offer.price, wanted), &mut before);
        }
        filled
    }

    /// Who waits at any price, then what stands there.
    fn offers_in<'a>(&'a self, market: &'a Market) -> impl Iterator<Item = Offer> + 'a {
        let terms = self.terms;
        let best = market.offers(terms.account, terms.side).next();
        let best = best.filter(|_| market.apart.is_none());
        let here = (terms.instrument, terms.side);
        let before = best.into_iter().flat_map(move |best| {
            let waiting = waiting::before(self.durable, market, here, best.price);
            waiting.map(move |order| waiting::offer_of(order, best.price))
        });
        before.chain(market.offers(terms.account, terms.side))
    }

    /// How much a resting order gives, after those of its account that stand before it.
    fn given(
        &self,
        maker: &Order,
        traded: (i64, Quantity),
        before: &mut BTreeMap<AccountIndex, Ahead>,
    ) -> Quantity {
        let ahead = before.entry(maker.terms.account).or_default();
        let (durable, ephemeral) = (self.durable, self.ephemeral);
        let qty = payable_behind(durable, ephemeral, maker, traded, Liquidity::Maker, *ahead);
        ahead.qty = ahead.qty.saturating_add(qty);
        ahead.hold = ahead.hold.saturating_add(maker.hold);
        qty
    }

    /// What the order's own rule does when it would trade with this one.
    fn self_trade(&self, maker: &Order) -> SelfTrade {
        let rule = self.terms.more().self_trade.unwrap_or(SelfTrade::None);
        let owner = |terms: &OrderTerms| self.durable.account(terms.account).map(|it| &it.owner);
        if owner(self.terms) == owner(&maker.terms) { rule } else { SelfTrade::None }
    }
}

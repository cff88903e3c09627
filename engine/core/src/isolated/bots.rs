//! An incoming order of a house bot in an isolated world.
//!
//! The house trades on as if there were no users: the bot's order meets the bots' book and rests
//! there with what is left. Before that, each account's resting orders meet the whole of it, but
//! for what stands before them in that book. What they filled is taken from the rest of it, for
//! that account alone.

use super::{Apart, Touch};
use crate::book::{Owner, Resting, is_better, reaches};
use crate::command::AgentOrder;
use crate::ids::AccountIndex;
use crate::live::Live;
use crate::market::Market;
use crate::order::Order;
use crate::outside::RESTS;
use crate::sink::Sink;
use crate::units::{Price, Quantity};
use crate::words::Side;

impl Apart {
    /// What the outside shows of a side, to the account at work, that trades before its order
    /// does: better prices, and at one price who came before (before hidden orders: all).
    pub(super) fn ahead(&self, side: Side, price: Price, order: &Order) -> i128 {
        let is_hidden = order.terms.more.as_ref().is_some_and(|more| more.hidden);
        let bots = self.bots(self.seated, side);
        let before = bots.filter(|bot| {
            is_better(side, bot.price, price)
                || (bot.price == price && (is_hidden || self.came_before(bot, order)))
        });
        before.map(|bot| i128::from(bot.qty)).sum()
    }

    fn came_before(&self, bot: &Resting, order: &Order) -> bool {
        let since = match bot.owner {
            Owner::Agent(id) => self.since.get(&id).copied().unwrap_or(0),
            Owner::User(_) => 0,
        };
        since <= order.priority
    }
}

impl Market {
    /// What accounts filled of a bot's order is gone from what rests of it, for each alone.
    fn note_filled(&mut self, id: u64, filled: &[(AccountIndex, Quantity)]) {
        if let Some(apart) = self.apart.as_mut().filter(|_| self.agents.contains_key(&id)) {
            for (account, qty) in filled {
                apart.taken.take_of_bot(id, *account, *qty);
            }
        }
    }
}

impl<S: Sink> Live<'_, S> {
    /// A bot's order comes: accounts first, each alone, then the house.
    pub(crate) fn agent_comes(&mut self, order: &AgentOrder, qty: Quantity) {
        let instrument = order.instrument;
        let touch = Touch::incoming(order.side, order.price);
        let market = self.ephemeral.market_mut(instrument).filter(|_| qty > 0);
        let mut accounts = market.map_or(Vec::new(), |market| market.touched(touch));
        if !self.is_open(instrument) {
            accounts.clear();
        }
        let mut filled: Vec<(AccountIndex, Quantity)> = Vec::new();
        for account in accounts {
            self.ephemeral.sit(instrument, account);
            let qty = self.meet_agent(order, qty);
            if qty > 0 {
                filled.push((account, qty));
            }
        }
        self.ephemeral.stand(instrument);
        let left = if self.is_open(instrument) { self.agent_takes(order, qty) } else { qty };
        self.agent_rests(order, left);
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            market.note_filled(order.id, &filled);
        }
        self.work_apart(instrument);
    }

    /// Lets the resting orders of the account at work meet a bot's order; gives what they filled.
    fn meet_agent(&mut self, agent: &AgentOrder, qty: Quantity) -> Quantity {
        let side = agent.side.opposite();
        let mut filled: Quantity = 0;
        while let Some((number, resting, room)) = self.next_met(agent, qty, filled) {
            let wanted = (resting.price, resting.qty.min(room));
            filled += self.fill_resting(agent.instrument, number, wanted, RESTS);
            debug_assert!(reaches(side, Some(resting.price), resting.price));
        }
        filled
    }

    /// The resting order that meets the bot's next, and how much can reach it.
    fn next_met(
        &self,
        agent: &AgentOrder,
        qty: Quantity,
        filled: Quantity,
    ) -> Option<(u64, Resting, Quantity)> {
        let side = agent.side.opposite();
        let market = self.market(agent.instrument)?;
        let best = market.best(side)?;
        let Owner::User(number) = best.owner else {
            return None;
        };
        let ahead = market.apart.as_ref()?.ahead(side, best.price, self.order(number)?);
        let room = i128::from(qty) - i128::from(filled) - ahead;
        let meets = room > 0 && reaches(agent.side, agent.price, best.price);
        meets.then(|| (number, best, crate::units::clamp(room)))
    }
}

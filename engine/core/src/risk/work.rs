//! Mass work of risk: days that begin, equity of all accounts, kill switches that reach everybody.
//! All of it has a cursor in the durable state and goes on in the next turn.

use crate::durable::Durable;
use crate::event::Event;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::label::Label;
use crate::live::Live;
use crate::more_terms::MoreTerms;
use crate::order::{Order, OrderTerms};
use crate::sink::Sink;
use crate::units::{Balance, Quantity};
use crate::words::{Clean, Forced, OrderType, Reason, Side, TimeInForce};

use super::command::reason_of_stop;
use super::event::RiskEvent;

/// How many accounts one step looks at.
const STEP: usize = 300;

impl Durable {
    /// Whether mass work of risk is left.
    pub(crate) fn is_risk_busy(&self) -> bool {
        let Some(risk) = self.risk.as_deref() else {
            return false;
        };
        let accounts = self.accounts.len();
        let baselines = risk.policy.watches() && (risk.baselined as usize) < accounts;
        baselines || (risk.swept as usize) < accounts || !risk.cleaning.is_empty()
    }
}

impl<S: Sink> Live<'_, S> {
    /// The day of losses and day trades ends when its time has come.
    pub fn begin_risk_day(&mut self) {
        let Some(risk) = self.durable.risk.as_deref() else {
            return;
        };
        if risk.next_day_ns == 0 || risk.next_day_ns > self.turn.time_ns {
            return;
        }
        let now_ns = self.turn.time_ns;
        let day = risk.policy.trading_day(now_ns);
        let next_ns = risk.policy.next_day(now_ns);
        self.emit(RiskEvent::DayBegan { day, next_ns }.into());
    }

    /// Goes on with what all accounts have to be told or asked.
    pub fn work_on_risk(&mut self) {
        if self.durable.risk.is_none() {
            return;
        }
        self.sweep();
        self.take_baselines();
        self.watch_accounts();
        self.clean();
    }

    /// Lets leave what a stop or a kill switch does not let stand, as much as a turn may.
    fn clean(&mut self) {
        while !self.is_full() {
            let cleaning = self.durable.risk.as_deref().and_then(|risk| risk.cleaning.first());
            let Some(account) = cleaning.copied() else {
                return;
            };
            if self.clean_account(account) {
                self.emit(RiskEvent::Cleaned { account }.into());
            }
        }
    }

    /// Says whether everything has left that is to leave.
    fn clean_account(&mut self, account: AccountIndex) -> bool {
        let Some(risk) = self.durable.account(account).and_then(|it| it.risk.as_deref()) else {
            return true;
        };
        let closes = risk.clean == Some(Clean::Everything);
        let (reason, forced) = match &risk.stop {
            Some(stop) => (reason_of_stop(stop.measure), Forced::RiskStop),
            None => (Reason::KillSwitch, Forced::KillSwitch),
        };
        if !self.cancel_orders(account, reason, closes) {
            return false;
        }
        !closes || self.close_positions(account, forced)
    }

    /// Cancels all open orders of an account, or those that would open positions; not what the
    /// engine itself sent. Says whether none is left.
    pub(super) fn cancel_orders(
        &mut self,
        account: AccountIndex,
        reason: Reason,
        all: bool,
    ) -> bool {
        let open = self.durable.open_orders(account).filter(|order| !order.is_forced());
        let leaving = open.filter(|order| all || self.is_opening(account, order));
        let leaving: Vec<OrderNumber> = leaving.map(|order| order.number).collect();
        for number in leaving {
            if self.is_full() {
                return false;
            }
            self.cancel(number, reason, None);
        }
        true
    }

    /// Whether an open order would make a position larger.
    fn is_opening(&self, account: AccountIndex, order: &Order) -> bool {
        let held = self.durable.account(account);
        let held = held.map_or(0, |account| account.position(order.terms.instrument).qty);
        match order.terms.side {
            Side::Buy => held >= 0,
            Side::Sell => held <= 0,
        }
    }

    /// Sends an order for every position that has none yet; says whether all have one.
    fn close_positions(&mut self, account: AccountIndex, forced: Forced) -> bool {
        // What a journal holds was bought elsewhere, and is sold there.
        let traded = self.durable.account(account).filter(|account| !account.is_journal());
        let positions = traded.map(|account| &account.positions);
        let open = positions.into_iter().flatten().filter(|(_, position)| position.qty != 0);
        let open: Vec<(InstrumentIndex, Quantity)> =
            open.map(|(instrument, position)| (*instrument, position.qty)).collect();
        for (instrument, qty) in open {
            if self.is_full() {
                return false;
            }
            let is_sent = |order: &Order| order.is_forced() && order.terms.instrument == instrument;
            if !self.durable.open_orders(account).any(is_sent) {
                self.force(account, instrument, qty, forced);
            }
        }
        true
    }

    /// Sends a market order that closes `qty` of a position (its sign is the position's). It
    /// passes no check, needs no hold, and waits where nothing stands.
    pub(super) fn force(
        &mut self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        qty: Quantity,
        forced: Forced,
    ) {
        let order = self.next_order();
        let more = MoreTerms { forced: Some(forced), ..MoreTerms::NONE };
        let terms = OrderTerms {
            account,
            client_order_id: Label::from(format!("{}-{order}", forced.word()).as_str()),
            instrument,
            side: if qty > 0 { Side::Sell } else { Side::Buy },
            order_type: OrderType::Market,
            qty: qty.saturating_abs(),
            limit_price: None,
            stop_price: None,
            time_in_force: TimeInForce::Gtc,
            more: more.boxed(),
        };
        let digest = crate::digest::of_submit(&terms);
        self.emit(Event::Accepted { order, terms, digest, hold: 0, passed: None });
        self.arrive(order);
    }

    /// Kill switches reach the accounts one after the other: their orders leave.
    fn sweep(&mut self) {
        let Some(risk) = self.durable.risk.as_deref() else {
            return;
        };
        let (from, flattens) = (risk.swept as usize, risk.sweep_flattens);
        if from >= self.durable.accounts.len() {
            return;
        }
        let upto = (from + STEP).min(self.durable.accounts.len());
        for index in from..upto {
            let account = index as AccountIndex;
            if !self.is_killed(account) {
                continue;
            }
            if flattens {
                let clean = Clean::Everything;
                self.emit(RiskEvent::Cleaning { account, clean }.into());
            }
            let has_orders =
                self.durable.account(account).is_some_and(|it| !it.open_orders.is_empty());
            if has_orders {
                let below = self.next_order();
                self.emit(Event::CancelAllRequested { account, below, request: None });
            }
        }
        self.emit(RiskEvent::Swept { below: upto as AccountIndex }.into());
        self.work_off_due();
    }

    fn is_killed(&self, index: AccountIndex) -> bool {
        match (self.durable.risk.as_deref(), self.durable.account(index)) {
            (Some(risk), Some(account)) => risk.killed(account).is_some(),
            _ => false,
        }
    }

    /// Whether an account has no figures of this day.
    fn wants_baseline(&self, index: AccountIndex) -> bool {
        let days = self.durable.risk.as_deref().map_or(0, |risk| risk.days);
        let risk = self.durable.account(index).and_then(|account| account.risk.as_deref());
        risk.is_none_or(|risk| risk.day_start.is_none() || risk.based != days)
    }

    /// Notes the equity of accounts as the day began.
    fn take_baselines(&mut self) {
        let Some(risk) = self.durable.risk.as_deref().filter(|risk| risk.policy.watches()) else {
            return;
        };
        let from = risk.baselined as usize;
        let waits = self.is_full() || self.durable.corporate.is_working();
        if from >= self.durable.accounts.len() || waits {
            return;
        }
        let upto = (from + STEP).min(self.durable.accounts.len());
        let equities: Vec<(AccountIndex, Balance)> = (from..upto)
            .map(|index| index as AccountIndex)
            .filter(|index| self.wants_baseline(*index))
            .map(|index| (index, self.equity(index)))
            .collect();
        self.emit(RiskEvent::Baselined { below: upto as AccountIndex, equities }.into());
    }
}

//! Mass work of risk: days that begin, equity of all accounts, kill switches that reach everybody.
//! All of it has a cursor in the durable state and goes on in the next turn.

use crate::durable::Durable;
use crate::event::Event;
use crate::ids::AccountIndex;
use crate::live::Live;
use crate::sink::Sink;
use crate::units::Balance;

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
        baselines || (risk.swept as usize) < accounts || !risk.flattening.is_empty()
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
        let day = risk.day + u32::from(risk.policy.is_weekday(now_ns));
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
                self.emit(RiskEvent::Flattening { account }.into());
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

    /// Notes the equity of accounts as the day began.
    fn take_baselines(&mut self) {
        let Some(risk) = self.durable.risk.as_deref().filter(|risk| risk.policy.watches()) else {
            return;
        };
        let from = risk.baselined as usize;
        if from >= self.durable.accounts.len() || self.is_full() {
            return;
        }
        let upto = (from + STEP).min(self.durable.accounts.len());
        let equities: Vec<(AccountIndex, Balance)> = (from..upto)
            .map(|index| (index as AccountIndex, self.equity(index as AccountIndex)))
            .collect();
        self.emit(RiskEvent::Baselined { below: upto as AccountIndex, equities }.into());
    }
}

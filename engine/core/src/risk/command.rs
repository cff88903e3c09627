//! Commands of operators: policy, kill switches, suspension, the end of a stop.

use crate::event::Event;
use crate::ids::AccountIndex;
use crate::json::ObjectWriter;
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::words::{AccountStatus, Reason, SetBy, refusal};

use super::event::RiskEvent;
use super::policy::{Policy, What, Who};
use super::text::{parse_policy, policy_text};
use super::{Scope, Switch, answer};

/// Turns a kill switch on or off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillSwitch {
    /// Whom it stops.
    pub scope: Scope,
    /// Why; `None` turns it off.
    pub reason: Option<String>,
    /// Whether positions are closed too.
    pub flatten: bool,
    /// Who turns it.
    pub set_by: SetBy,
}

impl KillSwitch {
    /// The switch as it is to stand.
    fn wanted(&self) -> Option<Switch> {
        self.reason.clone().map(|reason| Switch { reason, set_by: Some(self.set_by) })
    }
}

/// Suspends an account or lets it trade again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetStatus {
    /// Which.
    pub account: AccountIndex,
    /// What it is from now on.
    pub status: AccountStatus,
    /// Why.
    pub reason: String,
}

/// What operators ask of the risk policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskCommand {
    /// Puts a policy in the place of the one before.
    SetPolicy(Policy),
    /// Turns a kill switch.
    KillSwitch(KillSwitch),
    /// Suspends an account or lets it trade again.
    SetStatus(SetStatus),
    /// Ends the stop of an account that came to its daily loss or drawdown.
    Resume {
        /// Which.
        account: AccountIndex,
    },
    /// Asks for the policy in force.
    Policy,
    /// Asks where an account stands against its limits.
    Risk {
        /// Which.
        account: AccountIndex,
    },
    /// Asks how much of each limit an account uses.
    Usage {
        /// Which.
        account: AccountIndex,
    },
}

impl RiskCommand {
    /// The word for it on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            RiskCommand::SetPolicy(_) => "set_policy",
            RiskCommand::KillSwitch(_) => "kill_switch",
            RiskCommand::SetStatus(_) => "set_status",
            RiskCommand::Resume { .. } => "resume_account",
            RiskCommand::Policy => "policy",
            RiskCommand::Risk { .. } => "risk",
            RiskCommand::Usage { .. } => "usage",
        }
    }

    /// Whether it only asks.
    pub const fn is_question(&self) -> bool {
        matches!(self, RiskCommand::Policy | RiskCommand::Risk { .. } | RiskCommand::Usage { .. })
    }
}

impl<S: Sink> Live<'_, S> {
    /// Does what an operator asks for.
    pub fn risk(&mut self, command: &RiskCommand) -> Result<Reply, Refusal> {
        match command {
            RiskCommand::SetPolicy(policy) => self.set_policy(policy),
            RiskCommand::KillSwitch(switch) => self.kill_switch(switch),
            RiskCommand::SetStatus(set) => self.set_status(set),
            RiskCommand::Resume { account } => self.resume_account(*account),
            RiskCommand::Policy | RiskCommand::Risk { .. } | RiskCommand::Usage { .. } => {
                Ok(Reply::nothing())
            }
        }
    }

    /// Puts a policy in force. The same policy again changes nothing.
    fn set_policy(&mut self, policy: &Policy) -> Result<Reply, Refusal> {
        self.check_policy(policy)?;
        let current = self.durable.risk.as_deref().filter(|risk| risk.version > 0);
        if !current.is_some_and(|risk| risk.policy == *policy) {
            let version = current.map_or(0, |risk| risk.version) + 1;
            let next_day_ns = if policy.has_days() { policy.next_day(self.now_ns()) } else { 0 };
            let day = policy.trading_day(self.now_ns());
            let policy = Box::new(policy.clone());
            self.emit(RiskEvent::PolicySet { version, policy, day, next_day_ns }.into());
        }
        Ok(Reply::new(Outcome::Ok, Body::Json(answer::policy(self.durable))))
    }

    /// Whether everything that the policy names is there.
    fn check_policy(&self, policy: &Policy) -> Result<(), Refusal> {
        // What its text says is what the tape and a snapshot keep of it.
        if parse_policy(&policy_text(policy))? != *policy {
            let detail = "a value of the policy is out of bounds";
            return Err(Refusal::malformed(refusal::MALFORMED, detail).at("policy"));
        }
        for rule in &policy.rules {
            if let Who::Account(id) = &rule.who {
                if !self.durable.account_of.contains_key(id) {
                    return Err(crate::submit::not_found("no such account in this world", "of"));
                }
            }
            if let What::Instrument(symbol) = &rule.what {
                if self.durable.find_instrument(symbol).is_none() {
                    let detail = format!("there is no instrument {symbol:?} in this world");
                    return Err(Refusal::malformed(refusal::UNKNOWN_SYMBOL, detail).at("symbol"));
                }
            }
        }
        Ok(())
    }

    /// Turns a kill switch. On, it cancels the open orders of everybody whom it stops, as many as
    /// a turn may; the others never trade and leave in later turns. What an admin set, no user turns.
    fn kill_switch(&mut self, switch: &KillSwitch) -> Result<Reply, Refusal> {
        if let Scope::User(owner) = &switch.scope {
            check_name(owner, "owner")?;
        }
        check_name(switch.reason.as_deref().unwrap_or("off"), "reason")?;
        if let Scope::Account(account) = switch.scope {
            self.find_account(account)?;
        }
        let present = self.present_switch(&switch.scope);
        if switch.set_by == SetBy::User && present.is_some_and(Switch::is_of_admin) {
            return Err(set_by_admin());
        }
        if switch.flatten || present != switch.wanted().as_ref() {
            let KillSwitch { scope, reason, flatten, set_by } = switch.clone();
            let set_by = Some(set_by);
            let event = RiskEvent::KillSwitched { scope, reason, flatten, alerts: true, set_by };
            self.emit(event.into());
            if let (Scope::Account(account), Some(_)) = (&switch.scope, &switch.reason) {
                self.cancel_everything(*account);
            }
        }
        let mut out = String::new();
        ObjectWriter::begin(&mut out)
            .value("on", switch.reason.is_some())
            .maybe_text("switch_reason", switch.reason.as_deref())
            .value("as_of_seq", self.seq())
            .end();
        Ok(Reply::new(Outcome::Ok, Body::Json(out)))
    }

    fn seq(&self) -> u64 {
        self.durable.turn.seq
    }

    fn present_switch(&self, scope: &Scope) -> Option<&Switch> {
        match scope {
            Scope::Account(account) => {
                self.durable.account(*account)?.risk.as_deref()?.killed.as_ref()
            }
            Scope::User(owner) => self.durable.risk.as_deref()?.killed_users.get(owner),
            Scope::World => self.durable.risk.as_deref()?.killed.as_ref(),
        }
    }

    /// Lets all open orders of an account leave, as many as a turn may.
    pub(super) fn cancel_everything(&mut self, account: AccountIndex) {
        let has_orders = self.durable.account(account).is_some_and(|it| !it.open_orders.is_empty());
        if !has_orders {
            return;
        }
        let below = self.next_order();
        self.emit(Event::CancelAllRequested { account, below, request: None });
        self.work_off_due();
    }

    fn set_status(&mut self, set: &SetStatus) -> Result<Reply, Refusal> {
        self.find_account(set.account)?;
        check_name(&set.reason, "reason")?;
        let SetStatus { account, status, reason } = set.clone();
        if self.durable.account(account).is_some_and(|it| it.status != status) {
            self.emit(RiskEvent::StatusSet { account, status, reason }.into());
        }
        Ok(Reply::new(Outcome::Ok, Body::Account(account)))
    }

    /// Lets a stopped account open positions again. Its losses count from here.
    fn resume_account(&mut self, account: AccountIndex) -> Result<Reply, Refusal> {
        self.find_account(account)?;
        let risk = self.durable.account(account).and_then(|account| account.risk.as_deref());
        if risk.is_some_and(|risk| risk.stop.is_some()) {
            let equity = self.equity(account);
            self.emit(RiskEvent::Resumed { account, equity }.into());
        }
        Ok(Reply::new(Outcome::Ok, Body::Account(account)))
    }

    /// Cash and positions of an account at live prices.
    pub(super) fn equity(&self, account: AccountIndex) -> crate::units::Balance {
        super::subject::equity(self.durable, self.ephemeral, account)
    }
}

fn check_name(text: &str, field: &'static str) -> Result<(), Refusal> {
    if crate::checks::is_name(text) {
        return Ok(());
    }
    let detail = format!("{field} has 1 to 128 printable characters");
    Err(Refusal::malformed(refusal::MALFORMED, detail).at(field))
}

fn set_by_admin() -> Refusal {
    let detail = "an admin set this kill switch; only an admin may change it or take it off";
    Refusal::new(Outcome::NotPermitted, refusal::NOT_PERMITTED, detail)
}

/// The reason of orders that leave because of a stop.
pub(super) const fn reason_of_stop(measure: crate::words::Measure) -> Reason {
    if measure.ends_with_day() { Reason::DailyLossStop } else { Reason::DrawdownStop }
}

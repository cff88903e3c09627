//! Risk events as text of the tape, and commands as text of the wire.

use crate::durable::Durable;
use crate::event::Event;
use crate::ids::{AccountIndex, IdKind};
use crate::json::{ObjectWriter, Value, push_list};
use crate::project::{account_id, order_id};
use crate::reply::Refusal;
use crate::tape_read::{Fields, Read};
use crate::units::Balance;
use crate::wire::check_version;
use crate::words::{AccountStatus, Clean, Measure, RiskLevel, SetBy, refusal};

use super::event::RiskEvent;
use super::text::{PolicyError, push_policy, read_policy};
use super::{Alert, KillSwitch, Passed, RiskCommand, Scope, SetStatus, Stop};

fn begin<'a>(out: &'a mut String, name: &str) -> ObjectWriter<'a> {
    ObjectWriter::begin(out).text("e", name)
}

/// The members of an accepted order that a policy added.
pub(crate) fn with_passed<'a>(
    object: ObjectWriter<'a>,
    passed: Option<&Passed>,
) -> ObjectWriter<'a> {
    let object = with_checks(object, passed);
    match passed {
        None => object,
        Some(passed) => object.value("keep", passed.keep),
    }
}

/// The members of a replaced order that a policy added; replaces do not count for rates.
pub(crate) fn with_checks<'a>(
    object: ObjectWriter<'a>,
    passed: Option<&Passed>,
) -> ObjectWriter<'a> {
    match passed {
        None => object,
        Some(passed) => object.value("policy", passed.version).value("checks", passed.checks),
    }
}

/// Appends an event. The durable state is the one after it.
pub(crate) fn push_event(out: &mut String, durable: &Durable, event: &RiskEvent) {
    let id = |account: &AccountIndex| account_id(durable, *account);
    match event {
        RiskEvent::PolicySet { version, policy, day, next_day_ns } => begin(out, "policy_set")
            .value("version", version)
            .with("policy", |out| push_policy(out, policy))
            .value("day", day)
            .value("next_day_ns", next_day_ns)
            .end(),
        RiskEvent::KillSwitched { scope, reason, flatten, alerts, set_by } => {
            let object = begin(out, "kill_switched");
            let object = if *alerts { object.text("scope", scope.word()) } else { object };
            let object = match scope {
                Scope::Account(account) => object.text("account", &id(account)),
                Scope::User(owner) => object.text("owner", owner),
                Scope::World => object,
            };
            let object = object.maybe_text("reason", reason.as_deref()).value("flatten", flatten);
            push_set_by(object, *set_by).end();
        }
        RiskEvent::Swept { below } => begin(out, "swept").value("below", below).end(),
        RiskEvent::StatusSet { account, status, reason } => begin(out, "status_set")
            .text("account", &id(account))
            .text("status", status.word())
            .text("reason", reason)
            .end(),
        RiskEvent::Resumed { account, equity } => {
            begin(out, "account_resumed")
                .text("account", &id(account))
                .value("equity", equity)
                .end();
        }
        RiskEvent::DayBegan { day, next_ns } => {
            begin(out, "day_began").value("day", day).value("next_ns", next_ns).end();
        }
        RiskEvent::Baselined { below, equities } => begin(out, "baselined")
            .value("below", below)
            .with("equities", |out| push_equities(out, durable, equities))
            .end(),
        RiskEvent::PeaksRaised { equities } => begin(out, "peaks_raised")
            .with("equities", |out| push_equities(out, durable, equities))
            .end(),
        RiskEvent::DayMoved { account, instrument, day, closed, forget_before } => {
            let record = durable.instrument(*instrument);
            begin(out, "day_moved")
                .text("account", &id(account))
                .text("symbol", record.map_or("", |record| record.terms.symbol.as_str()))
                .value("day", day)
                .value("closed", closed)
                .value("forget_before", forget_before)
                .end();
        }
        RiskEvent::Cleaning { account, clean } => {
            begin(out, "cleaning").text("account", &id(account)).text("clean", clean.word()).end();
        }
        RiskEvent::Cleaned { account } => {
            begin(out, "cleaned").text("account", &id(account)).end();
        }
        _ => push_limit_event(out, durable, event),
    }
}

fn push_set_by(object: ObjectWriter<'_>, set_by: Option<SetBy>) -> ObjectWriter<'_> {
    match set_by {
        None => object,
        Some(set_by) => object.text("set_by", set_by.word()),
    }
}

/// An account came near a limit, to it, or away from it.
fn push_limit_event(out: &mut String, durable: &Durable, event: &RiskEvent) {
    let id = |account: &AccountIndex| account_id(durable, *account);
    match event {
        RiskEvent::Alerted { account, level, alert, order } => {
            let order = order.map(|order| order_id(durable, order));
            begin(out, "risk_alert")
                .text("account", &id(account))
                .text("level", level.word())
                .value("rule", alert.rule)
                .text("measure", alert.measure.word())
                .text("value", &alert.value)
                .text("limit", &alert.limit)
                .maybe_text("order", order.as_deref())
                .end();
        }
        RiskEvent::Stopped { account, rule, stop, clean } => begin(out, "account_stopped")
            .text("account", &id(account))
            .value("rule", rule)
            .text("measure", stop.measure.word())
            .text("value", &stop.value)
            .text("limit", &stop.limit)
            .text("clean", clean.word())
            .end(),
        RiskEvent::MarginCalled { account, equity, required, due_ns } => {
            begin(out, "margin_called")
                .text("account", &id(account))
                .value("equity", equity)
                .value("required", required)
                .value("due_ns", due_ns)
                .end()
        }
        RiskEvent::MarginCallMet { account, equity, required } => begin(out, "margin_call_met")
            .text("account", &id(account))
            .value("equity", equity)
            .value("required", required)
            .end(),
        RiskEvent::Liquidated { account, order, instrument, qty, equity, required } => {
            let record = durable.instrument(*instrument);
            begin(out, "liquidated")
                .text("account", &id(account))
                .text("order", &order_id(durable, *order))
                .text("symbol", record.map_or("", |record| record.terms.symbol.as_str()))
                .value("qty", qty)
                .value("equity", equity)
                .value("required", required)
                .end();
        }
        _ => {}
    }
}

fn push_equities(out: &mut String, durable: &Durable, equities: &[(AccountIndex, Balance)]) {
    push_list(out, equities, |out, (account, equity)| {
        ObjectWriter::begin(out)
            .text("account", &account_id(durable, *account))
            .value("equity", equity)
            .end();
    });
}

/// Balances beyond this are no tape of ours; it keeps sums from overflowing.
const BALANCE_MAX: Balance = 1 << 100;

impl<'a> Fields<'a> {
    /// What an accepted order passed.
    pub(crate) fn passed(&self) -> Read<Option<Passed>> {
        let Some(passed) = self.checks()? else {
            return Ok(None);
        };
        Ok(Some(Passed { keep: self.integer("keep")?, ..passed }))
    }

    /// What a replaced order passed.
    pub(crate) fn checks(&self) -> Read<Option<Passed>> {
        if self.value.get("policy").is_none() {
            return Ok(None);
        }
        let (version, checks) = (self.integer("policy")?, self.integer("checks")?);
        Ok(Some(Passed { version, checks, keep: 0 }))
    }

    /// The risk event of this name, if it fits the state.
    pub(crate) fn risk_event(&self) -> Read<Event> {
        let event = match self.text("e")? {
            "policy_set" => {
                let policy = self.value.get("policy").ok_or("policy is missing")?;
                let policy = read_policy(policy).map_err(|error| error.detail)?;
                RiskEvent::PolicySet {
                    version: self.integer("version")?,
                    policy: Box::new(policy),
                    day: self.day()?,
                    next_day_ns: self.integer("next_day_ns")?,
                }
            }
            "kill_switched" => self.kill_switched()?,
            "swept" => RiskEvent::Swept { below: self.below()? },
            "status_set" => RiskEvent::StatusSet {
                account: self.account()?,
                status: self.word("status", AccountStatus::from_word)?,
                reason: self.owned("reason")?,
            },
            "account_resumed" => {
                RiskEvent::Resumed { account: self.account()?, equity: self.balance("equity")? }
            }
            "day_began" => {
                RiskEvent::DayBegan { day: self.day()?, next_ns: self.integer("next_ns")? }
            }
            "baselined" => {
                RiskEvent::Baselined { below: self.below()?, equities: self.equities()? }
            }
            "peaks_raised" => RiskEvent::PeaksRaised { equities: self.equities()? },
            "day_moved" => RiskEvent::DayMoved {
                account: self.account()?,
                instrument: self.symbol()?,
                day: self.day()?,
                closed: self.flag("closed")?,
                forget_before: self.integer("forget_before")?,
            },
            "cleaning" => RiskEvent::Cleaning {
                account: self.account()?,
                clean: self.word("clean", Clean::from_word)?,
            },
            "cleaned" => RiskEvent::Cleaned { account: self.account()? },
            _ => self.limit_event()?,
        };
        Ok(event.into())
    }

    fn limit_event(&self) -> Read<RiskEvent> {
        let event = match self.text("e")? {
            "risk_alert" => RiskEvent::Alerted {
                account: self.account()?,
                level: self.word("level", RiskLevel::from_word)?,
                alert: Alert {
                    rule: self.integer("rule")?,
                    measure: self.word("measure", Measure::from_word)?,
                    value: self.owned("value")?,
                    limit: self.owned("limit")?,
                },
                order: match self.value.get("order") {
                    None => None,
                    Some(_) => Some(self.number("order", IdKind::Order)?),
                },
            },
            "account_stopped" => RiskEvent::Stopped {
                account: self.account()?,
                rule: self.integer("rule")?,
                stop: Stop {
                    measure: self.word("measure", Measure::from_word)?,
                    value: self.owned("value")?,
                    limit: self.owned("limit")?,
                },
                clean: self.word("clean", Clean::from_word)?,
            },
            "margin_called" => RiskEvent::MarginCalled {
                account: self.account()?,
                equity: self.balance("equity")?,
                required: self.balance("required")?,
                due_ns: self.integer("due_ns")?,
            },
            "margin_call_met" => RiskEvent::MarginCallMet {
                account: self.account()?,
                equity: self.balance("equity")?,
                required: self.balance("required")?,
            },
            "liquidated" => RiskEvent::Liquidated {
                account: self.account()?,
                order: self.number("order", IdKind::Order)?,
                instrument: self.symbol()?,
                qty: self.integer("qty")?,
                equity: self.balance("equity")?,
                required: self.balance("required")?,
            },
            name => return Err(format!("no event is called {name:?}")),
        };
        Ok(event)
    }

    fn kill_switched(&self) -> Read<RiskEvent> {
        let scope = match (self.value.get("account"), self.value.get("owner")) {
            (Some(_), _) => Scope::Account(self.account()?),
            (None, Some(_)) => Scope::User(self.owned("owner")?),
            (None, None) => Scope::World,
        };
        let (reason, flatten) = (self.maybe_owned("reason")?, self.flag("flatten")?);
        // Only switches that alert name their scope.
        let alerts = match self.value.get("scope") {
            None => false,
            Some(_) if self.text("scope")? == scope.word() => true,
            Some(_) => return Err("scope is another than whom the switch stops".to_owned()),
        };
        let set_by = match self.value.get("set_by") {
            None => None,
            Some(_) => Some(self.word("set_by", SetBy::from_word)?),
        };
        Ok(RiskEvent::KillSwitched { scope, reason, flatten, alerts, set_by })
    }

    fn day(&self) -> Read<u32> {
        self.bounded("day", i64::from(u32::MAX / 2)).map(|day| day as u32)
    }

    fn below(&self) -> Read<AccountIndex> {
        let most = self.durable.accounts.len() as i64;
        self.bounded("below", most).map(|below| below as AccountIndex)
    }

    fn balance(&self, key: &str) -> Read<Balance> {
        let balance: Balance = self.integer(key)?;
        if balance.abs() <= BALANCE_MAX { Ok(balance) } else { Err(format!("{key} is too large")) }
    }

    fn equities(&self) -> Read<Vec<(AccountIndex, Balance)>> {
        let list = self.value.get("equities").and_then(Value::list).ok_or("equities is no list")?;
        let read = |value: &'a Value<'a>| -> Read<(AccountIndex, Balance)> {
            let fields = Fields { durable: self.durable, value };
            Ok((fields.account()?, fields.balance("equity")?))
        };
        list.iter().map(read).collect()
    }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Refusal {
        Refusal::malformed(refusal::MALFORMED, error.detail).at(error.field)
    }
}

impl crate::wire::Fields<'_> {
    /// The risk command of this kind, if there is one.
    pub(crate) fn risk_command(&self, kind: &str) -> Option<Result<RiskCommand, Refusal>> {
        Some(match kind {
            "set_policy" => self.set_policy(),
            "kill_switch" => self.kill_switch(),
            "set_status" => self.set_status(),
            "resume_account" => self.account().map(|account| RiskCommand::Resume { account }),
            "policy" => Ok(RiskCommand::Policy),
            "risk" => self.account().map(|account| RiskCommand::Risk { account }),
            "usage" => self.account().map(|account| RiskCommand::Usage { account }),
            _ => return None,
        })
    }

    fn set_policy(&self) -> Result<RiskCommand, Refusal> {
        let policy = self.get("policy").ok_or_else(|| {
            Refusal::malformed(refusal::MALFORMED, "set_policy needs a policy").at("policy")
        })?;
        let mut policy = read_policy(policy)?;
        check_version(self.value, self.durable.risk.as_deref().map_or(0, |risk| risk.version))?;
        for rule in &mut policy.rules {
            if let super::policy::Who::User(owner) = &mut rule.who {
                *owner = self.owner_of(owner);
            }
        }
        Ok(RiskCommand::SetPolicy(policy))
    }

    /// The owner that a text names: by itself, or by the id of one of its accounts.
    fn owner_of(&self, text: &str) -> String {
        let index = crate::ids::parse_uuid(text).and_then(|id| self.durable.account_of.get(&id));
        let account = index.and_then(|index| self.durable.account(*index));
        account.map_or_else(|| text.to_owned(), |account| account.owner.clone())
    }

    fn kill_switch(&self) -> Result<RiskCommand, Refusal> {
        let (is_on, flatten) = (self.flag("on")?, self.flag_or("flatten")?);
        let reason = self.reason()?;
        let scope = match self.text("scope")? {
            "account" => Scope::Account(self.account()?),
            "user" => Scope::User(self.owner_of(self.text("owner")?)),
            "world" => Scope::World,
            _ => {
                let detail = "scope must be one of account, user, world";
                return Err(Refusal::malformed(refusal::MALFORMED, detail).at("scope"));
            }
        };
        let reason = is_on.then_some(reason);
        let flatten = flatten && is_on;
        Ok(RiskCommand::KillSwitch(KillSwitch { scope, reason, flatten, set_by: self.set_by()? }))
    }

    /// Who turns a switch; who does not say is whoever runs the exchange.
    fn set_by(&self) -> Result<SetBy, Refusal> {
        match self.get("set_by") {
            None => Ok(SetBy::Admin),
            Some(_) => self.word("set_by", SetBy::from_word, SetBy::ALL, SetBy::word),
        }
    }

    fn set_status(&self) -> Result<RiskCommand, Refusal> {
        let all = AccountStatus::ALL;
        let status = self.word("status", AccountStatus::from_word, all, AccountStatus::word)?;
        let (account, reason) = (self.account()?, self.reason()?);
        Ok(RiskCommand::SetStatus(SetStatus { account, status, reason }))
    }

    fn reason(&self) -> Result<String, Refusal> {
        let reason = self.text_or("reason", "by an operator")?;
        if crate::checks::is_name(reason) {
            return Ok(reason.to_owned());
        }
        let detail = "a reason has 1 to 128 printable characters";
        Err(Refusal::malformed(refusal::MALFORMED, detail).at("reason"))
    }

    fn flag_or(&self, field: &'static str) -> Result<bool, Refusal> {
        if self.get(field).is_some() { self.flag(field) } else { Ok(false) }
    }
}

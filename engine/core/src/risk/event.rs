//! What risk leaves on the tape, and what each event changes.

use crate::account::Account;
use crate::durable::Durable;
use crate::event::{Event, Turn};
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::project::Touched;
use crate::units::{Balance, Money, Nanos, Quantity};
use crate::words::{AccountStatus, Clean, RiskLevel, SetBy};

use super::policy::Policy;
use super::{AccountRisk, Alert, Call, Passed, RiskState, Scope, Stop, Switch};

/// Something that the risk policy, an operator or a falling price brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskEvent {
    /// A policy takes the place of the one before.
    PolicySet {
        /// How many there have been.
        version: u64,
        /// The policy.
        policy: Box<Policy>,
        /// The present trading day.
        day: u32,
        /// When the next day of losses begins; 0 when days do not matter.
        next_day_ns: Nanos,
    },
    /// A kill switch went on (with its reason) or off.
    KillSwitched {
        /// Whom it stops.
        scope: Scope,
        /// Why; `None` when it goes off.
        reason: Option<String>,
        /// Whether positions are closed too.
        flatten: bool,
        /// Whether it alerts those whom it stops. On older tapes it did not.
        alerts: bool,
        /// Who turned it. Older tapes do not tell.
        set_by: Option<SetBy>,
    },
    /// Accounts below this index were told of the kill switches in force.
    Swept {
        /// The bound.
        below: AccountIndex,
    },
    /// An account was suspended or may trade again.
    StatusSet {
        /// Which.
        account: AccountIndex,
        /// What it is from now on.
        status: AccountStatus,
        /// Why.
        reason: String,
    },
    /// A limit was come near or reached.
    Alerted {
        /// Whose.
        account: AccountIndex,
        /// How grave.
        level: RiskLevel,
        /// Which rule, at what value.
        alert: Alert,
        /// The order that did it; `None` when prices did.
        order: Option<OrderNumber>,
    },
    /// An account came to its daily loss or drawdown and only closes from now on.
    Stopped {
        /// Which.
        account: AccountIndex,
        /// Place of the rule in the policy.
        rule: u32,
        /// The limit, and what it came to.
        stop: Stop,
        /// What leaves.
        clean: Clean,
    },
    /// An operator lets a stopped account open positions again; losses count from here.
    Resumed {
        /// Which.
        account: AccountIndex,
        /// Its equity now.
        equity: Balance,
    },
    /// A day of losses and day trades began.
    DayBegan {
        /// Its number among the trading days.
        day: u32,
        /// When the next one begins.
        next_ns: Nanos,
    },
    /// Equity of accounts as the day began.
    Baselined {
        /// All accounts below this index have their figures now.
        below: AccountIndex,
        /// The accounts, and their equity.
        equities: Vec<(AccountIndex, Balance)>,
    },
    /// New highs of equity.
    PeaksRaised {
        /// The accounts, and their equity.
        equities: Vec<(AccountIndex, Balance)>,
    },
    /// An account opened a position that it was flat in this day, or closed one it had opened.
    DayMoved {
        /// Whose.
        account: AccountIndex,
        /// In what.
        instrument: InstrumentIndex,
        /// The trading day.
        day: u32,
        /// Whether it closed, which is a day trade.
        closed: bool,
        /// Day trades before this day are forgotten.
        forget_before: u32,
    },
    /// An account's equity fell below its margin requirement.
    MarginCalled {
        /// Whose.
        account: AccountIndex,
        /// Its equity.
        equity: Balance,
        /// What it should be.
        required: Balance,
        /// When positions are closed if the call is not met; 0 for never.
        due_ns: Nanos,
    },
    /// Equity covers the requirement again.
    MarginCallMet {
        /// Whose.
        account: AccountIndex,
        /// Its equity.
        equity: Balance,
        /// What it had to be.
        required: Balance,
    },
    /// A position is closed, as much of it as restores the margin.
    Liquidated {
        /// Whose.
        account: AccountIndex,
        /// The order that closes it.
        order: OrderNumber,
        /// What is closed.
        instrument: InstrumentIndex,
        /// How much of it.
        qty: Quantity,
        /// Equity before.
        equity: Balance,
        /// The requirement that it had fallen below.
        required: Balance,
    },
    /// Orders of an account are to leave, its positions perhaps too.
    Cleaning {
        /// Whose.
        account: AccountIndex,
        /// What leaves.
        clean: Clean,
    },
    /// What was to leave has left; orders that close positions have been placed.
    Cleaned {
        /// Whose.
        account: AccountIndex,
    },
}

/// The state of an account, made when it is the first.
fn of_account(durable: &mut Durable, index: AccountIndex) -> Option<&mut AccountRisk> {
    let seq = durable.turn.seq;
    let account = durable.accounts.get_mut(index as usize)?;
    account.seq = seq;
    Some(account.risk.get_or_insert_default())
}

/// Changes the state of an account.
fn change(durable: &mut Durable, index: AccountIndex, change: impl FnOnce(&mut AccountRisk)) {
    if let Some(risk) = of_account(durable, index) {
        change(risk);
    }
}

/// The state of the world, made with the index of owners when it is the first.
fn of_world(durable: &mut Durable) -> &mut RiskState {
    if durable.risk.is_none() {
        let mut risk = RiskState::default();
        for (index, account) in durable.accounts.iter().enumerate() {
            risk.index_account(index as AccountIndex, account);
        }
        risk.swept = durable.accounts.len() as AccountIndex;
        durable.risk = Some(Box::new(risk));
    }
    durable.risk.get_or_insert_default()
}

/// Applies one event.
pub(crate) fn evolve(durable: &mut Durable, turn: &Turn, event: &RiskEvent) {
    match event {
        RiskEvent::PolicySet { version, policy, day, next_day_ns } => {
            let risk = of_world(durable);
            risk.version = *version;
            risk.policy = (**policy).clone();
            risk.day = *day;
            risk.next_day_ns = *next_day_ns;
            risk.baselined = 0;
        }
        RiskEvent::KillSwitched { scope, reason, flatten, set_by, .. } => {
            let switch = reason.clone().map(|reason| Switch { reason, set_by: *set_by });
            turn_switch(durable, scope, switch, *flatten);
        }
        RiskEvent::Swept { below } => of_world(durable).swept = *below,
        RiskEvent::StatusSet { account, status, .. } => {
            let seq = durable.turn.seq;
            if let Some(account) = durable.accounts.get_mut(*account as usize) {
                account.status = *status;
                account.seq = seq;
            }
        }
        RiskEvent::Alerted { account, level, alert, order } => {
            if order.is_none() {
                let version = of_world(durable).version;
                let key = AccountRisk::fired_key(version, alert.rule, *level);
                change(durable, *account, |risk| {
                    risk.fired.insert(key, alert.measure);
                });
            }
        }
        RiskEvent::Stopped { account, rule, stop, clean } => {
            let version = of_world(durable).version;
            let key = AccountRisk::fired_key(version, *rule, RiskLevel::Hard);
            change(durable, *account, |risk| {
                risk.fired.insert(key, stop.measure);
                risk.stop_at(stop);
            });
            start_cleaning(durable, *account, *clean);
        }
        RiskEvent::Resumed { account, equity } => change(durable, *account, |risk| {
            risk.stop = None;
            risk.fired.clear();
            risk.day_start = Some(*equity);
            risk.peak = Some(*equity);
        }),
        RiskEvent::DayBegan { day, next_ns } => {
            let risk = of_world(durable);
            risk.day = *day;
            risk.days = risk.days.saturating_add(1);
            risk.next_day_ns = *next_ns;
            risk.baselined = 0;
        }
        RiskEvent::Baselined { below, equities } => baseline(durable, *below, equities),
        RiskEvent::PeaksRaised { equities } => {
            for (account, equity) in equities {
                change(durable, *account, |risk| risk.peak = Some(*equity));
            }
        }
        RiskEvent::DayMoved { .. } => move_day(durable, event),
        RiskEvent::MarginCalled { account, due_ns, .. } => {
            let call = Call { since_ns: turn.time_ns, due_ns: *due_ns };
            change(durable, *account, |risk| risk.call = Some(call));
            of_world(durable).called.insert(*account);
        }
        RiskEvent::MarginCallMet { account, .. } => {
            change(durable, *account, |risk| risk.call = None);
            of_world(durable).called.remove(account);
        }
        RiskEvent::Cleaning { account, clean } => start_cleaning(durable, *account, *clean),
        RiskEvent::Cleaned { account } => {
            change(durable, *account, |risk| risk.clean = None);
            of_world(durable).cleaning.remove(account);
        }
        RiskEvent::Liquidated { account, .. } => change(durable, *account, |_| {}),
    }
}

fn turn_switch(durable: &mut Durable, scope: &Scope, switch: Option<Switch>, flatten: bool) {
    let is_on = switch.is_some();
    let world = of_world(durable);
    match (scope, switch) {
        (Scope::Account(account), switch) => {
            change(durable, *account, |risk| risk.killed = switch);
            if flatten && is_on {
                start_cleaning(durable, *account, Clean::Everything);
            }
            return;
        }
        (Scope::User(owner), Some(switch)) => {
            world.killed_users.insert(owner.clone(), switch);
        }
        (Scope::User(owner), None) => {
            world.killed_users.remove(owner);
        }
        (Scope::World, switch) => world.killed = switch,
    }
    if is_on {
        world.swept = 0;
        world.sweep_flattens = flatten;
    }
}

/// Notes what of an account is to leave; more never becomes less.
fn start_cleaning(durable: &mut Durable, account: AccountIndex, clean: Clean) {
    change(durable, account, |risk| {
        risk.clean = Some(risk.clean.map_or(clean, |before| before.max(clean)));
    });
    of_world(durable).cleaning.insert(account);
}

fn baseline(durable: &mut Durable, below: AccountIndex, equities: &[(AccountIndex, Balance)]) {
    let (version, days) = (of_world(durable).version, of_world(durable).days);
    for (account, equity) in equities {
        change(durable, *account, |risk| {
            risk.day_start = Some(*equity);
            risk.based = days;
            risk.peak = Some(risk.peak.map_or(*equity, |peak| peak.max(*equity)));
            risk.fired.retain(|key, measure| {
                !measure.ends_with_day() && AccountRisk::is_of_version(*key, version)
            });
            if risk.stop.as_ref().is_some_and(|stop| stop.measure.ends_with_day()) {
                risk.stop = None;
            }
        });
    }
    of_world(durable).baselined = below;
}

fn move_day(durable: &mut Durable, event: &RiskEvent) {
    let RiskEvent::DayMoved { account, instrument, day, closed, forget_before } = event else {
        return;
    };
    change(durable, *account, |risk| {
        if risk.day != *day {
            risk.opened.clear();
            risk.day = *day;
        }
        if *closed {
            risk.opened.remove(instrument);
            risk.day_trades.push_back(*day);
        } else {
            risk.opened.insert(*instrument);
        }
        while risk.day_trades.front().is_some_and(|traded| traded < forget_before) {
            risk.day_trades.pop_front();
        }
    });
}

/// Takes note of an account that has just been opened.
pub(crate) fn meet_account(durable: &mut Durable, index: AccountIndex) {
    let Some(risk) = durable.risk.as_deref_mut() else {
        return;
    };
    if let Some(account) = durable.accounts.get(index as usize) {
        risk.index_account(index, account);
    }
    if risk.swept == index {
        risk.swept += 1;
    }
}

/// An account begins again: only its kill switch stays, and it is valued anew.
pub(crate) fn begin_again(durable: &mut Durable, index: AccountIndex) {
    if let Some(account) = durable.accounts.get_mut(index as usize) {
        let killed = account.risk.take().and_then(|risk| risk.killed);
        let risk = killed.map(|switch| AccountRisk { killed: Some(switch), ..Default::default() });
        account.risk = risk.map(Box::new);
    }
    if let Some(world) = durable.risk.as_deref_mut() {
        world.cleaning.remove(&index);
        world.called.remove(&index);
        world.baselined = world.baselined.min(index);
    }
}

/// Counts an accepted order that passed a policy.
pub(crate) fn count_order(durable: &mut Durable, account: AccountIndex, passed: &Passed) {
    let time_ns = durable.turn.time_ns;
    if passed.keep == 0 {
        return;
    }
    change(durable, account, |risk| {
        risk.taken.push_back(time_ns);
        while risk.taken.len() > passed.keep as usize {
            risk.taken.pop_front();
        }
    });
}

/// Money came from outside or left: losses and peaks are not about that.
pub(crate) fn shift(account: &mut Account, amount: Money) {
    let (Some(risk), amount) = (account.risk.as_deref_mut(), Balance::from(amount)) else {
        return;
    };
    risk.day_start = risk.day_start.map(|equity| equity + amount);
    risk.peak = risk.peak.map(|peak| peak + amount);
}

/// Notes what an event touched.
pub(crate) fn touch(touched: &mut Touched, event: &RiskEvent) {
    let account = match event {
        RiskEvent::KillSwitched { scope: Scope::Account(account), .. }
        | RiskEvent::StatusSet { account, .. }
        | RiskEvent::Stopped { account, .. }
        | RiskEvent::Resumed { account, .. }
        | RiskEvent::MarginCalled { account, .. }
        | RiskEvent::MarginCallMet { account, .. } => account,
        RiskEvent::Baselined { equities, .. } => {
            touched.accounts.extend(equities.iter().map(|(account, _)| *account));
            return;
        }
        _ => return,
    };
    touched.accounts.insert(*account);
}

impl From<RiskEvent> for Event {
    fn from(event: RiskEvent) -> Event {
        Event::Risk(Box::new(event))
    }
}

//! What risk leaves for readers: alerts, and what each order was checked for.

use crate::delay::DelayEvent;
use crate::durable::Durable;
use crate::event::{Event, Replaced, Turn};
use crate::ids::{AccountIndex, OrderNumber};
use crate::json::ObjectWriter;
use crate::project::{account_id, order_id};
use crate::rows::{AlertRow, CheckRow};
use crate::units::{format_money, format_time};
use crate::words::{Reason, RiskLevel, SetBy};

use super::event::RiskEvent;
use super::{Scope, Switch};

/// The rows of an event that somebody should look at. The durable state is the one after it.
pub(crate) fn alert_rows(durable: &Durable, turn: &Turn, i: u32, event: &Event) -> Vec<AlertRow> {
    match event {
        Event::Risk(event) => match &**event {
            RiskEvent::KillSwitched { alerts: true, .. } => switch_rows(durable, (turn, i), event),
            event => alert_row(durable, turn, i, event).into_iter().collect(),
        },
        Event::AccountOpened { id, owner, .. } => opened_rows(durable, (turn, i), *id, owner),
        _ => Vec::new(),
    }
}

fn begin_alert(
    durable: &Durable,
    (turn, i): (&Turn, u32),
    account: AccountIndex,
    kind: &'static str,
    level: &'static str,
) -> AlertRow {
    AlertRow {
        seq: turn.seq,
        i: u64::from(i),
        account_id: account_id(durable, account),
        kind,
        level,
        measure: None,
        value: None,
        bound: None,
        order_id: None,
        symbol: None,
        details: String::new(),
        time_ns: turn.time_ns,
    }
}

const SWITCH_ON: (&str, &str) = ("kill_switch", RiskLevel::Hard.word());

/// A row for each kill switch that stops an account from its begin. Switches that do not tell who
/// set them are of tapes that had no such rows.
fn opened_rows(durable: &Durable, at: (&Turn, u32), id: u128, owner: &str) -> Vec<AlertRow> {
    let (Some(risk), Some(account)) = (durable.risk.as_deref(), durable.account_of.get(&id)) else {
        return Vec::new();
    };
    let row = |(place, (scope, switch)): (usize, (&str, &Switch))| {
        let row = begin_alert(durable, at, *account, SWITCH_ON.0, SWITCH_ON.1);
        let reason = Some(switch.reason.as_str());
        let details = object(|it| with_switch(it, scope, reason, switch.set_by));
        AlertRow { i: ((place as u64) << 32) | row.i, details, ..row }
    };
    let user = risk.killed_users.get(owner).map(|switch| ("user", switch));
    let world = risk.killed.as_ref().map(|switch| ("world", switch));
    let told = user.into_iter().chain(world).filter(|(_, switch)| switch.set_by.is_some());
    told.enumerate().map(row).collect()
}

fn with_switch<'a>(
    object: ObjectWriter<'a>,
    scope: &str,
    reason: Option<&str>,
    set_by: Option<SetBy>,
) -> ObjectWriter<'a> {
    let object = object.text("scope", scope);
    let object = match reason {
        None => object,
        Some(reason) => object.text("reason", reason),
    };
    match set_by {
        None => object,
        Some(set_by) => object.text("set_by", set_by.word()),
    }
}

/// A row for each account that a kill switch stops, with why, or lets go on.
fn switch_rows(durable: &Durable, at: (&Turn, u32), event: &RiskEvent) -> Vec<AlertRow> {
    let RiskEvent::KillSwitched { scope, reason, flatten, set_by, .. } = event else {
        return Vec::new();
    };
    let (kind, level) = match reason {
        Some(_) => SWITCH_ON,
        None => ("kill_switch_off", "info"),
    };
    let leaves = reason.as_ref().map(|_| if *flatten { "everything" } else { "orders" });
    let details = object(|it| {
        let it = with_switch(it, scope.word(), reason.as_deref(), *set_by);
        match leaves {
            None => it,
            Some(leaves) => it.text("leaves", leaves),
        }
    });
    let row = |(place, account): (usize, &AccountIndex)| {
        let row = begin_alert(durable, at, *account, kind, level);
        AlertRow { i: ((place as u64) << 32) | row.i, details: details.clone(), ..row }
    };
    switched(durable, scope).iter().enumerate().map(row).collect()
}

/// The accounts that a kill switch stops.
fn switched(durable: &Durable, scope: &Scope) -> Vec<AccountIndex> {
    match scope {
        Scope::Account(account) => vec![*account],
        Scope::User(owner) => {
            durable.risk.as_deref().map_or(Vec::new(), |risk| risk.together(owner).to_vec())
        }
        Scope::World => (0..durable.accounts.len() as AccountIndex).collect(),
    }
}

fn alert_row(durable: &Durable, turn: &Turn, i: u32, event: &RiskEvent) -> Option<AlertRow> {
    let row = |account, kind, level| begin_alert(durable, (turn, i), account, kind, level);
    let hard = RiskLevel::Hard.word();
    let margin = |account, kind, level, equity, required| AlertRow {
        measure: Some("margin"),
        value: Some(format_money(equity)),
        bound: Some(format_money(required)),
        ..row(account, kind, level)
    };
    Some(match event {
        RiskEvent::Alerted { account, level, alert, order } => AlertRow {
            measure: Some(alert.measure.word()),
            value: Some(alert.value.clone()),
            bound: Some(alert.limit.clone()),
            order_id: order.map(|order| order_id(durable, order)),
            ..row(*account, "risk_alert", level.word())
        },
        RiskEvent::Stopped { account, stop, clean, .. } => AlertRow {
            measure: Some(stop.measure.word()),
            value: Some(stop.value.clone()),
            bound: Some(stop.limit.clone()),
            details: object(|it| it.text("leaves", clean.word())),
            ..row(*account, "account_stopped", hard)
        },
        RiskEvent::MarginCalled { account, equity, required, due_ns } => AlertRow {
            details: match due_ns {
                0 => String::new(),
                due_ns => object(|it| it.text("due", &format_time(*due_ns))),
            },
            ..margin(*account, "margin_called", hard, *equity, *required)
        },
        RiskEvent::MarginCallMet { account, equity, required } => {
            margin(*account, "margin_call_met", "info", *equity, *required)
        }
        RiskEvent::Liquidated { account, order, instrument, qty, equity, required } => {
            let terms = &durable.instrument(*instrument)?.terms;
            AlertRow {
                order_id: Some(order_id(durable, *order)),
                symbol: Some(terms.symbol.clone()),
                details: object(|it| it.text("qty", &terms.format_quantity(*qty))),
                ..margin(*account, "liquidated", hard, *equity, *required)
            }
        }
        _ => return None,
    })
}

fn object(members: impl FnOnce(ObjectWriter<'_>) -> ObjectWriter<'_>) -> String {
    let mut out = String::new();
    members(ObjectWriter::begin(&mut out)).end();
    out
}

/// Appends an alert as clients see it.
pub(crate) fn push_alert(out: &mut String, row: &AlertRow) {
    ObjectWriter::begin(out)
        .text("id", &format!("{}-{}", row.seq, row.i))
        .text("account_id", &row.account_id)
        .text("kind", row.kind)
        .text("level", row.level)
        .maybe_text("measure", row.measure)
        .maybe_text("value", row.value.as_deref())
        .maybe_text("limit", row.bound.as_deref())
        .maybe_text("order_id", row.order_id.as_deref())
        .maybe_text("symbol", row.symbol.as_deref())
        .members_of(&row.details)
        .text("time", &format_time(row.time_ns))
        .value("seq", row.seq)
        .end();
}

/// The record of an order's checks, or of the checks of its new terms: of what a policy let pass,
/// and of everything that failed. Older tapes do not tell what replaces were checked for.
pub(crate) fn check_row(durable: &Durable, turn: &Turn, i: u32, event: &Event) -> Option<CheckRow> {
    match event {
        Event::Accepted { order, terms, passed: Some(passed), .. } => {
            let row = begin_check(durable, turn, i, (*order, terms.account));
            Some(CheckRow { policy: passed.version, checks: passed.checks, ..row })
        }
        Event::Rejected { order, terms, reason, value, limit, .. } => Some(CheckRow {
            outcome: "failed",
            reason: Some(reason.word()),
            value: value.clone(),
            bound: limit.clone(),
            ..begin_check(durable, turn, i, (*order, terms.account))
        }),
        _ => replace_check(durable, turn, i, event),
    }
}

fn replace_check(durable: &Durable, turn: &Turn, i: u32, event: &Event) -> Option<CheckRow> {
    let row = |order| {
        let account = durable.order(order)?.terms.account;
        let row = begin_check(durable, turn, i, (order, account));
        Some(CheckRow { kind: "replace", ..row })
    };
    match event {
        Event::Replaced(Replaced { order, passed: Some(passed), .. }) => {
            Some(CheckRow { policy: passed.version, checks: passed.checks, ..row(*order)? })
        }
        Event::Delay(event) => match &**event {
            DelayEvent::Refused { order, reason, failed: Some(failed) } => Some(CheckRow {
                outcome: "failed",
                policy: failed.policy,
                reason: Some(Reason::from_word(reason)?.word()),
                value: failed.value.clone(),
                bound: failed.limit.clone(),
                ..row(*order)?
            }),
            _ => None,
        },
        _ => None,
    }
}

/// A new order that passed, of which nothing more is known.
fn begin_check(
    durable: &Durable,
    turn: &Turn,
    i: u32,
    (order, account): (OrderNumber, AccountIndex),
) -> CheckRow {
    CheckRow {
        seq: turn.seq,
        i,
        order_id: order_id(durable, order),
        account_id: account_id(durable, account),
        outcome: "passed",
        policy: durable.risk.as_deref().map_or(0, |risk| risk.version),
        checks: 0,
        reason: None,
        value: None,
        bound: None,
        time_ns: turn.time_ns,
        kind: "new",
    }
}

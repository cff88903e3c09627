//! Answers about risk: the policy in force, and where an account stands.

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::{AccountIndex, format_uuid};
use crate::json::ObjectWriter;
use crate::market::Ephemeral;
use crate::units::{format_money, format_time};

use super::policy::Policy;
use super::text::push_policy;
use super::{AccountRisk, Switch};

/// The policy in force, with its version; version 0 is the policy of a world that has none.
pub(crate) fn policy(durable: &Durable) -> String {
    let none = Policy::default();
    let risk = durable.risk.as_deref();
    let killed = risk.and_then(|risk| risk.killed.as_ref());
    let mut out = String::new();
    ObjectWriter::begin(&mut out)
        .value("version", risk.map_or(0, |risk| risk.version))
        .with("policy", |out| push_policy(out, risk.map_or(&none, |risk| &risk.policy)))
        .maybe_text("kill_switch", killed.map(|switch| switch.reason.as_str()))
        .maybe_text("kill_switch_set_by", killed.and_then(Switch::set_by_word))
        .value("as_of_seq", durable.turn.seq)
        .end();
    out
}

/// Where an account stands: its equity, what its losses are counted from, what stops it.
pub(crate) fn standing(
    durable: &Durable,
    ephemeral: &Ephemeral,
    index: AccountIndex,
) -> Option<String> {
    let account = durable.account(index)?;
    let none = AccountRisk::default();
    let risk = account.risk.as_deref().unwrap_or(&none);
    let equity = super::subject::equity(durable, ephemeral, index);
    let money = |value: Option<i128>| value.map(format_money);
    let world = durable.risk.as_deref();
    let killed = world.and_then(|world| world.killed(account));
    let mut out = String::new();
    let object = ObjectWriter::begin(&mut out)
        .text("account_id", &format_uuid(account.id))
        .value("version", world.map_or(0, |world| world.version))
        .text("status", account.status.word())
        .text("equity", &format_money(equity))
        .maybe_text("day_start_equity", money(risk.day_start).as_deref())
        .maybe_text("peak_equity", money(risk.peak).as_deref())
        .maybe_text("kill_switch", killed.map(|switch| switch.reason.as_str()))
        .maybe_text("kill_switch_set_by", killed.and_then(Switch::set_by_word))
        .value("day_trades", risk.day_trades.len());
    with_state(object, risk).value("as_of_seq", durable.turn.seq).end();
    Some(out)
}

/// The members of an account's object that are not what they are without risk.
pub(crate) fn details<'a>(object: ObjectWriter<'a>, account: &Account) -> ObjectWriter<'a> {
    match account.risk.as_deref() {
        None => object,
        Some(risk) => {
            let object = match &risk.killed {
                None => object,
                Some(switch) => object.text("kill_switch", &switch.reason),
            };
            with_state(object, risk)
        }
    }
}

fn with_state<'a>(mut object: ObjectWriter<'a>, risk: &AccountRisk) -> ObjectWriter<'a> {
    if let Some(stop) = &risk.stop {
        object = object.with("stop", |out| {
            ObjectWriter::begin(out)
                .text("measure", stop.measure.word())
                .text("value", &stop.value)
                .text("limit", &stop.limit)
                .end();
        });
    }
    if let Some(call) = &risk.call {
        let due = (call.due_ns > 0).then(|| format_time(call.due_ns));
        object = object.with("margin_call", |out| {
            ObjectWriter::begin(out)
                .text("since", &format_time(call.since_ns))
                .maybe_text("due", due.as_deref())
                .end();
        });
    }
    object
}

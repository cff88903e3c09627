//! The naive twin of the watch triggers: values every account against every watched rule.
#![allow(dead_code)]

use papertape_core::World;
use papertape_core::account::Account;
use papertape_core::risk::policy::Rule;
use papertape_core::risk::{AccountRisk, RiskState};
use papertape_core::words::{Measure, RiskLevel};

const ONE: i128 = 1_000_000_000;

/// Nothing that should have happened has been missed: no account stands at a limit that has not
/// been acted on. To be asked after a turn that left no work.
pub fn nothing_is_missed(world: &World) {
    let durable = world.durable();
    let Some(risk) = durable.risk.as_deref() else {
        return;
    };
    for (index, account) in durable.accounts.iter().enumerate() {
        let standing = world.requirement(index as u32);
        if let Some(own) = account.risk.as_deref() {
            losses_are_seen(risk, account, own, standing.equity);
        }
        margin_is_seen(world, risk, (index as u32, account));
    }
}

fn losses_are_seen(risk: &RiskState, account: &Account, own: &AccountRisk, equity: i128) {
    let watched = risk.policy.rules.iter().enumerate();
    let watched = watched.filter(|(_, rule)| rule.measure.is_watched());
    for (place, rule) in watched.filter(|(_, rule)| rule.who.includes(account)) {
        let Some((loss, most)) = loss_of(rule, own, equity) else {
            continue;
        };
        let fired = |level| own.has_fired(risk.version, place as u32, level);
        let hard = loss >= most.max(1);
        assert!(!hard || fired(RiskLevel::Hard), "{loss} of {most} was missed: {account:?}");
        // At least the share of the limit: loss / most >= alert_at.
        let soft = rule.alert_at > 0 && loss * ONE >= most * i128::from(rule.alert_at) && loss > 0;
        let is_told = fired(RiskLevel::Soft) || fired(RiskLevel::Hard);
        assert!(!soft || is_told, "{loss} is near {most} and was missed: {account:?}");
    }
}

fn loss_of(rule: &Rule, own: &AccountRisk, equity: i128) -> Option<(i128, i128)> {
    let limit = i128::from(rule.limit);
    match rule.measure {
        Measure::DailyLoss => Some((own.day_start? - equity, limit)),
        Measure::DailyLossShare => {
            let from = own.day_start?;
            Some((from - equity, from.max(0) * limit / ONE))
        }
        _ => {
            let from = own.peak?;
            Some((from - equity, from.max(0) * limit / ONE))
        }
    }
}

fn margin_is_seen(world: &World, risk: &RiskState, (index, account): (u32, &Account)) {
    let (Some(rule), Some(_)) = (risk.policy.margin, account.margin()) else {
        return;
    };
    let standing = world.requirement(index);
    let times = |rate: i64| standing.maintenance * i128::from(rate);
    let equity = standing.equity * ONE;
    let call = account.risk.as_deref().and_then(|own| own.call);
    match call {
        None => assert!(equity >= times(rule.call_at), "a margin call was missed: {account:?}"),
        Some(_) => {
            assert!(
                equity < times(rule.call_at),
                "a call was met unseen: {standing:?} {account:?}"
            );
        }
    }
    let closes = world.durable().open_orders(index).any(|order| order.is_forced());
    let is_short = equity < times(rule.liquidate_at) && standing.maintenance > 0;
    assert!(!is_short || closes || call.is_none(), "no liquidation: {account:?}");
}

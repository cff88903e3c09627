//! Random policies, kill switches, suspensions.

use papertape_core::risk::policy::{DayTrading, MarginRule, Policy, Rule, What, Who};
use papertape_core::risk::{KillSwitch, RiskCommand, Scope, SetStatus};
use papertape_core::words::*;
use proptest::option::{of, weighted};
use proptest::prelude::*;

use super::{account, word};

/// Policies that bite now and then, kill switches, suspensions.
pub fn risk() -> impl Strategy<Value = RiskCommand> {
    let whom = prop_oneof![
        3 => Just(Who::EachAccount),
        1 => (1..3_u128).prop_map(Who::Account),
        2 => Just(Who::EachUser),
        1 => Just(Who::User("user-1".to_owned())),
    ];
    let what = prop_oneof![
        Just(What::All),
        Just(What::EachInstrument),
        Just(What::Instrument("ZULU".to_owned())),
        Just(What::Class(AssetClass::UsEquity)),
        Just(What::EachSector),
    ];
    let actions = prop_oneof![3 => Just(RiskAction::Reject), 1 => word(RiskAction::ALL)];
    let rule = (word(Measure::ALL), whom, what, actions, 0..4_i64, of(Just(700_000_000_i64)));
    let rule = rule.prop_map(|(measure, who, what, action, size, alert_at)| {
        let is_watched = measure.is_watched();
        let limit = match measure {
            Measure::OrderRate | Measure::OpenOrders => 1 + size,
            Measure::OrderQty | Measure::PositionQty => (20 + 30 * size) * 1_000_000,
            Measure::DailyLoss => 1 + size * 100_000_000,
            measure if measure.scale() == 9 => 20_000_000 + size * 200_000_000,
            _ => (1 + size) * 1_000_000_000,
        };
        Rule {
            measure,
            who: if is_watched { Who::EachAccount } else { who },
            what: match measure {
                _ if is_watched => What::All,
                Measure::PositionQty => What::EachInstrument,
                _ => what,
            },
            limit: if measure.is_ban() { 0 } else { limit },
            alert_at: alert_at.filter(|_| !measure.is_ban()).unwrap_or(0),
            window_ns: if measure == Measure::OrderRate { 60_000_000_000 } else { 0 },
            action: match action {
                RiskAction::Flatten if !is_watched => RiskAction::Reject,
                _ if measure.is_ban() => RiskAction::Reject,
                action => action,
            },
            set_by: (size > 1).then_some(SetBy::Admin),
        }
    });
    let day_trading =
        of(Just(DayTrading { minimum_equity: 900_000_000_000_000_000, day_trades: 1, days: 3 }));
    let margin = of((0..2_i64, 0..2_i64).prop_map(|(more, grace)| MarginRule {
        call_at: 1_000_000_000 + more * 500_000_000,
        liquidate_at: 1_000_000_000,
        grace_ns: grace * 3_000_000_000,
    }));
    let rules = proptest::collection::vec(rule, 0..4);
    let policy = (rules, weighted(0.2, Just(())), day_trading, margin).prop_map(
        |(rules, wash, day_trading, margin)| {
            let wash_trade = wash.is_some();
            let policy = Policy { rules, wash_trade, day_trading, margin, day_starts_ns: 0 };
            RiskCommand::SetPolicy(policy)
        },
    );
    let scope = prop_oneof![
        2 => account().prop_map(Scope::Account),
        1 => Just(Scope::User("user-0".to_owned())),
        1 => Just(Scope::World),
    ];
    let reason = weighted(0.3, Just("random".to_owned()));
    let switch = (scope, reason, any::<bool>(), word(SetBy::ALL)).prop_map(
        |(scope, reason, flatten, set_by)| {
            let flatten = flatten && reason.is_some();
            RiskCommand::KillSwitch(KillSwitch { scope, reason, flatten, set_by })
        },
    );
    let status = (account(), weighted(0.3, Just(()))).prop_map(|(account, suspended)| {
        let status =
            if suspended.is_some() { AccountStatus::Suspended } else { AccountStatus::Active };
        RiskCommand::SetStatus(SetStatus { account, status, reason: "random".to_owned() })
    });
    prop_oneof![
        3 => policy,
        2 => switch,
        2 => status,
        4 => account().prop_map(|account| RiskCommand::Resume { account }),
        1 => Just(RiskCommand::Policy),
        1 => account().prop_map(|account| RiskCommand::Risk { account }),
    ]
}

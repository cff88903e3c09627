//! What happens when an account comes to a limit that is watched while prices move.

use std::collections::BTreeSet;

use crate::account::Account;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::live::Live;
use crate::margin::{Requirement, WHOLE, Worth};
use crate::sink::Sink;
use crate::units::{
    Balance, PRICE_MAX, Price, RATE_SCALE, Rounding, clamp, divide, format_decimal, format_money,
    portion,
};
use crate::words::{Clean, Measure, RiskAction, RiskLevel};

use super::event::RiskEvent;
use super::policy::{MarginRule, Rule};
use super::watch::{Arm, Way, at_any_price};
use super::{AccountRisk, Alert, Stop, subject};

/// How many money units the roundings of one position's value and requirements may make up.
const ROUNDINGS: Balance = 4;
/// The most accounts that one look values.
const LOOKS_MAX: usize = 1_000;

/// A limit that an account has not come to yet.
#[derive(Clone, Copy)]
struct Slack {
    /// How much it may lose and still be within the limit.
    left: Balance,
    /// Share of the maintenance requirement that counts against it, in 10^-9.
    margin: i64,
}

/// A loss as a watched rule measures it.
struct Loss {
    /// How much was lost.
    amount: Balance,
    /// How much may be lost, hard.
    most: Balance,
    /// What it counts from.
    from: Balance,
}

impl Loss {
    fn of(rule: &Rule, risk: &AccountRisk, equity: Balance) -> Option<Loss> {
        let from = if rule.measure.ends_with_day() { risk.day_start? } else { risk.peak? };
        let limit = Balance::from(rule.limit);
        let most = match rule.measure {
            Measure::DailyLoss => limit,
            _ => portion(from.max(0), rule.limit, WHOLE, Rounding::Down),
        };
        Some(Loss { amount: from - equity, most, from })
    }

    /// The loss that raises the alert of the rule.
    fn soft(&self, rule: &Rule) -> Balance {
        portion(self.most, rule.alert_at, WHOLE, Rounding::Up)
    }

    fn alert(&self, place: u32, rule: &Rule) -> Alert {
        let (value, limit) = match rule.measure {
            Measure::DailyLoss => (format_money(self.amount), format_money(self.most)),
            _ => {
                let scaled = self.amount.saturating_mul(1_000_000);
                let share = divide(scaled, self.from.max(1), Rounding::HalfEven);
                let limit = format_decimal(Balance::from(rule.limit), RATE_SCALE, 0);
                (format_decimal(share, 6, 0), limit)
            }
        };
        Alert { rule: place, measure: rule.measure, value, limit }
    }
}

impl<S: Sink> Live<'_, S> {
    /// Values every account that the present price of an instrument touches.
    pub fn watch_prices(&mut self, instrument: InstrumentIndex) {
        if self.ephemeral.watch.is_idle() {
            return;
        }
        // Where nothing stands any more the recorded price counts again, and that is a move, too.
        let record = self.durable.instrument(instrument);
        let price = record.and_then(|record| self.ephemeral.price(instrument, record));
        if let Some(price) = price {
            self.touch_accounts(instrument, price);
        }
        self.watch_accounts();
    }

    fn touch_accounts(&mut self, instrument: InstrumentIndex, price: Price) {
        while let Some(account) =
            self.market(instrument).and_then(|market| market.triggers.armed.touched(price))
        {
            self.ephemeral.disarm_account(account);
            self.ephemeral.watch.dirty.insert(account);
        }
    }

    /// Values the accounts that something has happened to, as many as one look may.
    pub fn watch_accounts(&mut self) {
        let waits = self.ephemeral.watch.is_busy || self.durable.corporate.is_working();
        if waits || self.ephemeral.watch.dirty.is_empty() {
            return;
        }
        self.ephemeral.watch.is_busy = true;
        let mut looks = 0;
        while looks < LOOKS_MAX && !self.is_full() {
            let Some(account) = self.ephemeral.watch.dirty.pop_first() else {
                break;
            };
            looks += 1;
            self.value_account(account);
        }
        self.ephemeral.watch.is_busy = false;
    }

    /// Values one account: acts where it has come to a limit, else arms it.
    fn value_account(&mut self, index: AccountIndex) {
        self.ephemeral.disarm_account(index);
        let acted = self.comes_to_loss_limit(index) || self.comes_to_margin_limit(index);
        self.note_rise(index);
        if acted {
            // The account has changed, so it is valued once more.
            self.ephemeral.watch.dirty.insert(index);
            return;
        }
        if !self.ephemeral.watch.dirty.contains(&index) {
            for arm in self.arms_of(index) {
                self.ephemeral.arm_account(index, arm);
            }
        }
    }

    pub(super) fn standing(&self, account: &Account) -> Requirement {
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        account.requirement(durable, |index, _| subject::price(durable, ephemeral, index))
    }

    /// Acts on the first watched rule whose limit the account has come to.
    fn comes_to_loss_limit(&mut self, index: AccountIndex) -> bool {
        let Some(event) = self.loss_event(index) else {
            return false;
        };
        self.emit(event.into());
        true
    }

    fn loss_event(&self, index: AccountIndex) -> Option<RiskEvent> {
        let world = self.durable.risk.as_deref()?;
        let account = self.durable.account(index)?;
        let risk = account.risk.as_deref()?;
        let equity = self.standing(account).equity;
        let rules =
            world.policy.rules.iter().enumerate().filter(|(_, rule)| rule.measure.is_watched());
        for (place, rule) in rules.filter(|(_, rule)| rule.who.includes(account)) {
            let Some(loss) = Loss::of(rule, risk, equity) else {
                continue;
            };
            let place = place as u32;
            let fired = |level| risk.has_fired(world.version, place, level);
            if loss.amount >= loss.most.max(1) && !fired(RiskLevel::Hard) {
                return Some(hard_event(index, rule, loss.alert(place, rule)));
            }
            let is_near = rule.alert_at > 0 && loss.amount >= loss.soft(rule).max(1);
            if is_near && !fired(RiskLevel::Soft) && !fired(RiskLevel::Hard) {
                let (level, alert) = (RiskLevel::Soft, loss.alert(place, rule));
                return Some(RiskEvent::Alerted { account: index, level, alert, order: None });
            }
        }
        None
    }

    /// Where an account has to be armed, as it stands.
    fn arms_of(&self, index: AccountIndex) -> Vec<Arm> {
        let Some(account) = self.durable.account(index) else {
            return Vec::new();
        };
        let standing = self.standing(account);
        let slacks = self.slacks(account, &standing);
        let gains = self.gains(index, account, &standing);
        if slacks.is_empty() && gains.is_empty() {
            return Vec::new();
        }
        let open = account.positions.iter().filter(|(_, position)| position.qty != 0);
        let held: Vec<InstrumentIndex> = open.map(|(instrument, _)| *instrument).collect();
        let mut arms = Vec::new();
        let mut restless = self.restless(&held);
        if slacks.iter().any(|slack| slack.left < 0) {
            // It is beyond a limit already and could not act: every move is another chance.
            restless.extend(held.iter().copied());
        }
        for instrument in &restless {
            self.arm_at_every_move(*instrument, &mut arms);
        }
        for instrument in held.iter().filter(|instrument| !restless.contains(instrument)) {
            self.arm_position(account, *instrument, (&slacks, &gains, held.len()), &mut arms);
        }
        arms
    }

    /// Options and what they are on: their legs answer for each other, so what one of them may lose
    /// cannot be told by itself.
    fn restless(&self, held: &[InstrumentIndex]) -> BTreeSet<InstrumentIndex> {
        let mut restless = BTreeSet::new();
        for instrument in held {
            let terms = self.durable.instrument(*instrument).map(|record| &record.terms);
            if let Some(terms) = terms.filter(|terms| terms.is_option()) {
                restless.insert(*instrument);
                restless.extend(terms.contract.as_deref().and_then(|it| it.underlying));
            }
        }
        restless
    }

    fn arm_at_every_move(&self, instrument: InstrumentIndex, arms: &mut Vec<Arm>) {
        match subject::price(self.durable, self.ephemeral, instrument) {
            None => arms.push(at_any_price(instrument)),
            Some(price) => {
                for way in [Way::Down, Way::Up] {
                    arms.push(Arm { instrument, way, price: moved(price, way, 1) });
                }
            }
        }
    }

    /// What the account may lose before each limit that it has not come to.
    fn slacks(&self, account: &Account, standing: &Requirement) -> Vec<Slack> {
        let Some(world) = self.durable.risk.as_deref() else {
            return Vec::new();
        };
        let mut slacks = Vec::new();
        if let Some(risk) = account.risk.as_deref() {
            let watched = world.policy.rules.iter().enumerate();
            let watched = watched.filter(|(_, rule)| rule.measure.is_watched());
            for (place, rule) in watched.filter(|(_, rule)| rule.who.includes(account)) {
                let fired = |level| risk.has_fired(world.version, place as u32, level);
                let Some(loss) =
                    Loss::of(rule, risk, standing.equity).filter(|_| !fired(RiskLevel::Hard))
                else {
                    continue;
                };
                let is_soft = rule.alert_at > 0 && !fired(RiskLevel::Soft);
                let most = if is_soft { loss.soft(rule) } else { loss.most };
                slacks.push(Slack { left: most.max(1) - loss.amount - 1, margin: 0 });
            }
        }
        if let Some(rule) = world.policy.margin.filter(|_| account.margin().is_some()) {
            let at = margin_level(&rule, account);
            let required = share(standing.maintenance, at);
            slacks.push(Slack { left: standing.equity - required, margin: at });
        }
        slacks
    }

    /// What the account has to gain before it has a new high, and before it has met its margin call.
    fn gains(&self, index: AccountIndex, account: &Account, standing: &Requirement) -> Vec<Slack> {
        let found = self.durable.risk.as_deref().zip(account.risk.as_deref());
        let Some((world, risk)) = found else {
            return Vec::new();
        };
        let mut gains = Vec::new();
        if let (Some(_), Some(rule)) = (&risk.call, &world.policy.margin) {
            let left = share(standing.maintenance, rule.call_at) - standing.equity;
            // Gaining all of it meets the call; a new high has to be passed.
            gains.push(Slack { left: left.max(1) - 1, margin: rule.call_at });
        }
        let is_asked = self.has_drawdown(account) && !self.ephemeral.watch.rising.contains(&index);
        if let Some(peak) = risk.peak.filter(|_| is_asked) {
            gains.push(Slack { left: (peak - standing.equity).max(0), margin: 0 });
        }
        gains
    }

    /// Arms one position: at the move that would lose its part of every slack, and at the one that
    /// would gain its part of what is missing.
    fn arm_position(
        &self,
        account: &Account,
        instrument: InstrumentIndex,
        (slacks, gains, count): (&[Slack], &[Slack], usize),
        arms: &mut Vec<Arm>,
    ) {
        let Some(record) = self.durable.instrument(instrument) else {
            return;
        };
        let Some(price) = subject::price(self.durable, self.ephemeral, instrument) else {
            arms.push(at_any_price(instrument));
            return;
        };
        let position = account.position(instrument);
        let part = |price: Price, margin: i64| {
            let mut worth = Worth::default();
            let value = Balance::from(record.terms.notional(price, position.qty));
            let cost = Balance::from(position.cost);
            let here = |amount| {
                let own = (record.currency, account.currency);
                self.durable.money.convert(amount, own.0, own.1).unwrap_or(0)
            };
            worth.add(account.margin(), record, (position.qty, value, cost), here);
            worth.equity - share(worth.maintenance_margin, margin)
        };
        let half = price / 2 + 1;
        // What a position requires may grow faster than its value (a requirement of 100 % with a
        // call above it), so which way an account loses is asked of the figures.
        let up = |slack: &Slack| {
            let rise = |distance: Price| {
                part(moved(price, Way::Up, distance), slack.margin) - part(price, slack.margin)
            };
            // Where half the price changes no more than roundings do, the far end tells.
            let near = rise(half);
            let change = if near.abs() > ROUNDINGS { near } else { rise(PRICE_MAX) };
            if change == 0 { position.qty > 0 } else { change > 0 }
        };
        let moves = |slack: &Slack, way: Way| {
            // Each rounded amount may be off by one unit, a few times over.
            let budget = slack.left / count as Balance - ROUNDINGS;
            let change = |distance: Price| {
                (part(moved(price, way, distance), slack.margin) - part(price, slack.margin)).abs()
            };
            longest(price, budget, change(half), change)
        };
        let arm = |way, distance| Arm { instrument, way, price: moved(price, way, distance + 1) };
        for way in [Way::Down, Way::Up] {
            let loses = |slack: &&Slack| up(slack) == (way == Way::Down);
            let wins = |slack: &&Slack| up(slack) == (way == Way::Up);
            let near = slacks.iter().filter(loses).chain(gains.iter().filter(wins));
            arms.extend(near.map(|slack| moves(slack, way)).min().map(|it| arm(way, it)));
        }
    }

    /// Remembers an account above its peak until prices are marked.
    fn note_rise(&mut self, index: AccountIndex) {
        let Some(account) = self.durable.account(index) else {
            return;
        };
        let peak = account.risk.as_deref().and_then(|risk| risk.peak);
        let is_asked = self.has_drawdown(account);
        if is_asked && peak.is_some_and(|peak| self.standing(account).equity > peak) {
            self.ephemeral.watch.rising.insert(index);
        }
    }

    fn has_drawdown(&self, account: &Account) -> bool {
        let rules = self.durable.risk.as_deref().map(|risk| &risk.policy.rules);
        let falls = |rule: &Rule| rule.measure == Measure::Drawdown && rule.who.includes(account);
        rules.is_some_and(|rules| rules.iter().any(falls))
    }

    /// Notes new highs of equity at the prices that were marked last, as many as a look may.
    pub fn raise_peaks(&mut self) {
        let waits = self.durable.corporate.is_working();
        if waits || !self.ephemeral.watch.is_marked || self.is_full() {
            return;
        }
        let mut equities = Vec::new();
        for _ in 0..LOOKS_MAX {
            let Some(index) = self.ephemeral.watch.rising.pop_first() else {
                self.ephemeral.watch.is_marked = false;
                break;
            };
            self.ephemeral.watch.dirty.insert(index);
            let account = self.durable.account(index);
            let Some((account, risk)) =
                account.and_then(|it| it.risk.as_deref().map(|risk| (it, risk)))
            else {
                continue;
            };
            let equity = self.durable.worth(account).equity;
            if risk.peak.is_some_and(|peak| equity > peak) {
                equities.push((index, equity));
            }
        }
        if !equities.is_empty() {
            self.emit(RiskEvent::PeaksRaised { equities }.into());
        }
    }
}

/// The event of a hard limit.
fn hard_event(account: AccountIndex, rule: &Rule, alert: Alert) -> RiskEvent {
    if rule.action == RiskAction::Alert {
        return RiskEvent::Alerted { account, level: RiskLevel::Hard, alert, order: None };
    }
    let stop = Stop { measure: alert.measure, value: alert.value, limit: alert.limit };
    let clean = if rule.action == RiskAction::Flatten { Clean::Everything } else { Clean::Opening };
    RiskEvent::Stopped { account, rule: alert.rule, stop, clean }
}

/// The multiple of the requirement that the account comes to next: the call, then liquidation.
pub(super) fn margin_level(rule: &MarginRule, account: &Account) -> i64 {
    let is_called = account.risk.as_deref().is_some_and(|risk| risk.call.is_some());
    if is_called { rule.liquidate_at } else { rule.call_at }
}

/// A multiple of an amount, in 10^-9, rounded up.
pub(super) fn share(amount: Balance, rate: i64) -> Balance {
    portion(amount, rate, WHOLE, Rounding::Up)
}

/// A price that has moved; up to one beyond the highest that there is, which no price touches.
fn moved(price: Price, way: Way, distance: Price) -> Price {
    let sign = if way == Way::Up { 1 } else { -1 };
    clamp((i128::from(price) + i128::from(distance) * sign).clamp(0, i128::from(PRICE_MAX) + 1))
}

/// The longest move whose change stays within a budget: guessed in proportion to the change of half
/// the price, then shortened until it holds. 0 when every move may be too long.
fn longest(
    price: Price,
    budget: Balance,
    change_of_half: Balance,
    change: impl Fn(Price) -> Balance,
) -> Price {
    if budget < 0 {
        return 0;
    }
    let half = Balance::from(price / 2 + 1);
    let guess = budget.saturating_mul(half) / change_of_half.max(1);
    let mut distance = clamp(guess.min(Balance::from(price) * 8));
    while distance > 0 && change(distance) > budget {
        distance -= distance / 16 + 1;
    }
    distance
}

//! Commands that are under way: the latency of the command leg.
//!
//! Where a profile has a latency, a command is checked when it is sent and works when it arrives.
//! A new order is `pending_new` until then, its hold is taken and it cannot trade; a cancel or
//! replace is remembered. All of that is durable. Commands of one account never overtake each
//! other. What arrives meets the market as it is then: an order that cannot wait is canceled, a
//! replace that has become impossible is refused by an event.

pub(crate) mod text;

use std::collections::BTreeMap;

use crate::checks::Checks;
use crate::command::{CancelAll, Replace};
use crate::draw::{self, Purpose};
use crate::durable::Durable;
use crate::event::{Event, RequestId};
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::order::Order;
use crate::profile::Latency;
use crate::reply::{Outcome, Refusal};
use crate::sink::Sink;
use crate::units::{Nanos, clamp};
use crate::words::{LatencyModel, Reason, Status};

/// What a command that is under way does when it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An order comes to the market.
    Order(OrderNumber),
    /// An order is canceled.
    Cancel(OrderNumber),
    /// All orders of the account with a smaller number are canceled.
    CancelAll(OrderNumber),
    /// An order gets new terms.
    Replace(Box<Replace>),
}

/// A command that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delayed {
    /// Whose it is.
    pub account: AccountIndex,
    /// What it does.
    pub what: What,
}

/// When a command arrives, and its number among all.
pub type Arrival = (Nanos, u64);

/// All commands that are under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// By arrival.
    pub due: BTreeMap<Arrival, Delayed>,
    /// How many there have been.
    pub count: u64,
    /// When the last command of an account arrives that is under way.
    pub last: BTreeMap<AccountIndex, Nanos>,
    /// How long open orders were under way.
    pub latencies: BTreeMap<OrderNumber, Nanos>,
}

impl Delays {
    /// The next command that has arrived.
    pub fn arrived(&self, now_ns: Nanos) -> Option<(Arrival, &Delayed)> {
        let (arrival, delayed) = self.due.first_key_value()?;
        (arrival.0 <= now_ns).then_some((*arrival, delayed))
    }

    /// How long an order was under way.
    pub fn latency_of(&self, order: OrderNumber) -> Nanos {
        self.latencies.get(&order).copied().unwrap_or(0)
    }
}

/// What happens to commands that are under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DelayEvent {
    /// A command was received. The order of a new one is accepted by the event after this one.
    Received {
        /// When it arrives.
        arrival: Arrival,
        /// The command.
        delayed: Delayed,
        /// The request of a cancel or replace.
        request: Option<RequestId>,
    },
    /// A command has arrived; what it does follows.
    Arrived {
        /// Which.
        arrival: Arrival,
        /// The new order that comes to the market with it.
        order: Option<OrderNumber>,
    },
    /// A replace failed a check, came too late or asks for what has become impossible.
    Refused {
        /// The order that keeps its terms.
        order: OrderNumber,
        /// Why.
        reason: String,
        /// The check that failed, when one did. Older tapes do not tell.
        failed: Option<Box<FailedCheck>>,
    },
}

/// A check that the new terms of an order failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// The version of the risk policy; 0 where there was none.
    pub policy: u64,
    /// The offending value, as text for people.
    pub value: Option<String>,
    /// The limit it broke, as text for people.
    pub limit: Option<String>,
}

/// Changes the durable state.
pub(crate) fn evolve(durable: &mut Durable, event: &DelayEvent) {
    match event {
        DelayEvent::Received { arrival, delayed, request } => {
            receive(durable, *arrival, delayed);
            if let Some(request) = request {
                let order = delayed.what.order().unwrap_or(0);
                crate::evolve::remember(
                    durable,
                    delayed.account,
                    &request.id,
                    request.digest,
                    order,
                );
            }
        }
        DelayEvent::Arrived { arrival, .. } => arrive(durable, *arrival),
        DelayEvent::Refused { .. } => {}
    }
}

fn receive(durable: &mut Durable, arrival: Arrival, delayed: &Delayed) {
    let sent_ns = durable.turn.time_ns;
    let delays = &mut durable.delays;
    delays.count = arrival.1 + 1;
    delays.last.insert(delayed.account, arrival.0);
    if let What::Order(number) = delayed.what {
        delays.latencies.insert(number, arrival.0.saturating_sub(sent_ns));
    }
    delays.due.insert(arrival, delayed.clone());
}

fn arrive(durable: &mut Durable, arrival: Arrival) {
    let Some(delayed) = durable.delays.due.remove(&arrival) else {
        return;
    };
    let last = durable.delays.last.get(&delayed.account);
    if last.is_some_and(|last| *last <= arrival.0) {
        durable.delays.last.remove(&delayed.account);
    }
    if let What::Order(number) = delayed.what {
        crate::evolve::begin_order(durable, number);
    }
}

impl What {
    /// The new order that it brings.
    pub fn new_order(&self) -> Option<OrderNumber> {
        match self {
            What::Order(number) => Some(*number),
            _ => None,
        }
    }

    /// The order that it is about, if it is about one.
    pub fn order(&self) -> Option<OrderNumber> {
        match self {
            What::Order(number) | What::Cancel(number) => Some(*number),
            What::Replace(replace) => Some(replace.order),
            What::CancelAll(_) => None,
        }
    }
}

impl Latency {
    /// A latency for these bits.
    pub fn draw(&self, bits: u64) -> Nanos {
        let mean = i128::from(self.mean_ns);
        let one = i128::from(draw::ONE);
        let drawn = match self.model {
            LatencyModel::None => return 0,
            LatencyModel::Constant => mean,
            LatencyModel::Normal => {
                mean + i128::from(self.deviation_ns) * i128::from(draw::normal(bits)) / one
            }
            LatencyModel::LogNormal => mean * i128::from(draw::log_normal(bits, self.sigma)) / one,
        };
        clamp(drawn).clamp(self.least_ns, self.most_ns)
    }
}

impl<S: Sink> Live<'_, S> {
    fn seed(&self) -> u64 {
        self.durable.created.as_ref().map_or(0, |created| created.seed)
    }

    /// When a command of an account arrives; `None` when nothing keeps it. `order` is the order
    /// that it is about.
    pub fn arrival_of(
        &self,
        account: AccountIndex,
        instrument: InstrumentIndex,
        order: OrderNumber,
    ) -> Option<Arrival> {
        let delays = &self.durable.delays;
        let rules = self.durable.fill_rules(instrument);
        if rules.is_none() && delays.last.is_empty() {
            return None;
        }
        let bits = draw::bits(self.seed(), order, Purpose::CommandLatency, delays.count);
        let latency = rules.map_or(0, |rules| rules.command_latency.draw(bits));
        let last = delays.last.get(&account).copied().unwrap_or(0);
        let arrives_ns = self.now_ns().saturating_add(latency).max(last);
        (arrives_ns > self.now_ns()).then_some((arrives_ns, delays.count))
    }

    /// How long the news of a fill is under way to its owner.
    pub fn report_latency(&self, instrument: InstrumentIndex, fill: u64) -> Nanos {
        let rules = self.durable.fill_rules(instrument);
        let bits = draw::bits(self.seed(), fill, Purpose::EventLatency, 0);
        rules.map_or(0, |rules| rules.event_latency.draw(bits))
    }

    /// Notes a command that is under way.
    pub fn receive(&mut self, arrival: Arrival, delayed: Delayed, request: Option<RequestId>) {
        let event = DelayEvent::Received { arrival, delayed, request };
        self.emit(Event::Delay(Box::new(event)));
    }

    /// Lets the commands that have arrived do what they are for, as many as a turn may.
    pub fn release_arrivals(&mut self) {
        while !self.is_full() {
            let Some((arrival, delayed)) = self.durable.delays.arrived(self.now_ns()) else {
                return;
            };
            let delayed = delayed.clone();
            let order = delayed.what.new_order();
            self.emit(Event::Delay(Box::new(DelayEvent::Arrived { arrival, order })));
            match delayed.what {
                What::Order(number) => self.order_arrives(number),
                What::Cancel(number) => self.cancel(number, Reason::Requested, None),
                What::CancelAll(below) => self.cancel_all_arrives(delayed.account, below),
                What::Replace(replace) => self.replace_arrives(&replace),
            }
        }
    }

    fn order_arrives(&mut self, number: OrderNumber) {
        if self.order(number).is_none() || self.leave_if_due(number) {
            return;
        }
        match self.order(number).and_then(|order| self.cannot_arrive(order)) {
            Some(reason) => self.cancel(number, reason, None),
            None => self.arrive(number),
        }
    }

    /// Why an order that arrives cannot come to the market as it is now.
    fn cannot_arrive(&self, order: &Order) -> Option<Reason> {
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let checks = Checks { durable, ephemeral, terms: &order.terms };
        if checks.market_is_open().is_err() {
            return Some(Reason::MarketClosed);
        }
        let fires = !order.terms.order_type.is_triggered();
        (fires && self.fails_to_fill(order.number)).then_some(Reason::WouldNotFill)
    }

    fn cancel_all_arrives(&mut self, account: AccountIndex, below: OrderNumber) {
        let command = CancelAll { account, request_id: None };
        self.cancel_below(&command, below, None);
    }

    fn replace_arrives(&mut self, replace: &Replace) {
        if let Err(refusal) = self.replace_now(replace, None) {
            self.tell_refused(replace.order, &refusal);
        }
    }

    /// Notes that an order keeps its terms.
    pub fn tell_refused(&mut self, order: OrderNumber, refusal: &Refusal) {
        if self.durable.order(order).is_none() {
            return;
        }
        let failed = FailedCheck {
            policy: self.durable.risk.as_deref().map_or(0, |risk| risk.version),
            value: refusal.value.as_deref().map(str::to_owned),
            limit: refusal.limit.as_deref().map(str::to_owned),
        };
        let failed = (refusal.outcome == Outcome::Rejected).then(|| Box::new(failed));
        let reason = refusal.reason.to_owned();
        self.emit(Event::Delay(Box::new(DelayEvent::Refused { order, reason, failed })));
    }
}

/// The status of an order that is accepted now.
pub(crate) fn status_of_new(durable: &Durable, number: OrderNumber) -> Status {
    let is_under_way =
        !durable.delays.latencies.is_empty() && durable.delays.latencies.contains_key(&number);
    if is_under_way { Status::PendingNew } else { Status::New }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(model: LatencyModel) -> Latency {
        Latency {
            model,
            mean_ns: 1_000_000,
            deviation_ns: 200_000,
            sigma: 500_000_000,
            least_ns: 400_000,
            most_ns: 5_000_000,
        }
    }

    fn drawn(model: LatencyModel) -> Vec<Nanos> {
        let bits = (0..10_000).map(|id| draw::bits(3, id, Purpose::CommandLatency, 0));
        let mut drawn: Vec<Nanos> = bits.map(|bits| latency(model).draw(bits)).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn latencies_follow_their_model_within_their_bounds() {
        assert!(drawn(LatencyModel::None).iter().all(|it| *it == 0));
        assert!(drawn(LatencyModel::Constant).iter().all(|it| *it == 1_000_000));
        for model in [LatencyModel::Normal, LatencyModel::LogNormal] {
            let drawn = drawn(model);
            assert!((980_000..1_020_000).contains(&drawn[5_000]), "{model:?} {}", drawn[5_000]);
            assert!(drawn[0] >= 400_000 && drawn[9_999] <= 5_000_000, "{model:?}");
        }
        // 84.1 % lie below one standard deviation above the middle.
        assert!((1_185_000..1_215_000).contains(&drawn(LatencyModel::Normal)[8_413]));
        assert!((1_610_000..1_690_000).contains(&drawn(LatencyModel::LogNormal)[8_413]));
    }
}

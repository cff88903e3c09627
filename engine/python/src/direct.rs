//! `DirectWorld`: one command a call, scaled integers in, event objects out; for notebooks and
//! simulations that decide order by order.
//!
//! The commands that open it are those of any world; what it leaves is not on a tape.

use papertape_core::command::Cancel;
use papertape_core::durable::Durable;
use papertape_core::event::{Event, Turn};
use papertape_core::order::OrderTerms;
use papertape_core::reply::{Body, Reply};
use papertape_core::sink::{NullSink, Sink};
use papertape_core::words::{OrderType, Side, TimeInForce};
use papertape_core::{Input, World};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// One thing that a command caused, in scaled integers.
///
/// `kind` is `accepted`, `rejected`, `filled`, `canceled` or `expired`; `side` 0 buys and 1
/// sells; what a kind does not have is 0, `reason` the empty text.
#[pyclass(module = "papertape.engine", frozen, get_all)]
pub struct EngineEvent {
    kind: &'static str,
    order: u64,
    account: u32,
    side: u8,
    price: i64,
    qty: i64,
    fee: i64,
    reason: &'static str,
}

#[pymethods]
impl EngineEvent {
    fn __repr__(&self) -> String {
        let EngineEvent {
            kind,
            order,
            price,
            qty,
            ..
        } = self;
        format!("<{kind} order={order} price={price} qty={qty}>")
    }
}

/// Turns events into objects as they happen.
#[derive(Default)]
struct Objects(Vec<EngineEvent>);

impl Objects {
    fn push(&mut self, kind: &'static str, order: u64) -> &mut EngineEvent {
        let at = self.0.len();
        self.0.push(EngineEvent {
            kind,
            order,
            account: 0,
            side: 0,
            price: 0,
            qty: 0,
            fee: 0,
            reason: "",
        });
        &mut self.0[at]
    }
}

impl Sink for Objects {
    fn event(&mut self, _: &Durable, _: &Turn, _: u32, event: &Event) {
        match event {
            Event::Accepted { order, terms, .. } | Event::Rejected { order, terms, .. } => {
                let reason = match event {
                    Event::Rejected { reason, .. } => reason.word(),
                    _ => "",
                };
                let kind = if reason.is_empty() {
                    "accepted"
                } else {
                    "rejected"
                };
                let object = self.push(kind, *order);
                object.account = terms.account;
                object.side = terms.side as u8;
                object.price = terms.limit_price.unwrap_or(0);
                object.qty = terms.qty;
                object.reason = reason;
            }
            Event::Filled(fill) => {
                let object = self.push("filled", fill.order);
                object.account = fill.account;
                object.side = fill.side as u8;
                (object.price, object.qty, object.fee) = (fill.price, fill.qty, fill.fee);
            }
            Event::Canceled { order, reason, .. } => {
                self.push("canceled", *order).reason = reason.word();
            }
            Event::Expired { order, .. } => {
                self.push("expired", *order);
            }
            _ => {}
        }
    }
}

/// A world for one caller: a command a call, its events back as objects.
///
/// `opening`: commands (JSON) such as `create_world`, `list_exchange`, `list_instrument`,
/// `open_account`, `quote`; each must succeed. Accounts and instruments are then numbered from 0
/// in the order in which they came.
#[pyclass(module = "papertape.engine")]
pub struct DirectWorld {
    world: World,
    time_ns: i64,
    sent: u64,
}

#[pymethods]
impl DirectWorld {
    #[new]
    fn new(name: &str, opening: Vec<Vec<u8>>) -> PyResult<Self> {
        let refused = |why: String| PyValueError::new_err(why);
        let mut world = World::new(name).map_err(|why| refused(why.detail.to_string()))?;
        for command in opening {
            match world.apply_json(&command, 0, &mut NullSink) {
                None | Some(("created" | "existing" | "ok", _)) => {}
                Some((_, why)) => return Err(refused(why)),
            }
        }
        Ok(DirectWorld {
            world,
            time_ns: 0,
            sent: 0,
        })
    }

    /// Send a limit order, or a market order without a price, and return what it caused.
    ///
    /// An order that a check refuses is a `rejected` event. Raises `ValueError` for one that makes
    /// no sense.
    #[pyo3(signature = (account, instrument, side, qty, limit_price = None))]
    fn submit(
        &mut self,
        account: u32,
        instrument: u32,
        side: u8,
        qty: i64,
        limit_price: Option<i64>,
    ) -> PyResult<Vec<EngineEvent>> {
        self.sent += 1;
        let is_limit = limit_price.is_some();
        self.apply(&Input::Submit(OrderTerms {
            account,
            client_order_id: self.sent.to_string().into(),
            instrument,
            side: if side == 0 { Side::Buy } else { Side::Sell },
            order_type: if is_limit {
                OrderType::Limit
            } else {
                OrderType::Market
            },
            qty,
            limit_price,
            stop_price: None,
            time_in_force: TimeInForce::Gtc,
            more: None,
        }))
    }

    /// Cancel an open order and return what that caused. Raises `ValueError` when there is no such
    /// open order.
    fn cancel(&mut self, account: u32, order: u64) -> PyResult<Vec<EngineEvent>> {
        self.apply(&Input::Cancel(Cancel {
            account,
            order,
            request_id: None,
        }))
    }

    /// Apply any command (JSON) and return what it caused. Raises `ValueError` when it is refused.
    fn command(&mut self, body: &[u8]) -> PyResult<Vec<EngineEvent>> {
        match self.world.decode(body) {
            Ok(input) => self.apply(&input),
            Err(refusal) => Err(PyValueError::new_err(refusal.detail.to_string())),
        }
    }

    /// Let time pass; it never goes back.
    fn set_time(&mut self, time_ns: i64) {
        self.time_ns = self.time_ns.max(time_ns);
    }

    /// What an account holds of an instrument, scaled.
    fn position(&self, account: u32, instrument: u32) -> i64 {
        self.world.position(account, instrument).qty
    }

    /// Cash of an account in money units (10^-6), holds included.
    fn cash(&self, account: u32) -> i128 {
        self.world.cash(account)
    }
}

impl DirectWorld {
    fn apply(&mut self, input: &Input) -> PyResult<Vec<EngineEvent>> {
        let mut objects = Objects::default();
        let reply = self.world.apply(input, self.time_ns, &mut objects);
        refusal_of(&reply, &objects)?;
        Ok(objects.0)
    }
}

fn refusal_of(reply: &Reply, objects: &Objects) -> PyResult<()> {
    match &reply.body {
        Body::Refusal(refusal) if objects.0.is_empty() => {
            Err(PyValueError::new_err(refusal.detail.to_string()))
        }
        _ => Ok(()),
    }
}

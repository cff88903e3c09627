//! Events of contracts as text of the tape.

use crate::contract::event::{ContractEvent, Delivered, Passed};
use crate::contract::state::{Wheel, Work};
use crate::durable::Durable;
use crate::event::Event;
use crate::ids::InstrumentIndex;
use crate::json::{ObjectWriter, Value};
use crate::lots::Lot;
use crate::money::event::{push_lot_list, read_lot_list};
use crate::project::account_id;
use crate::tape_read::{Fields, Read};
use crate::units::{AMOUNT_MAX, PRICE_MAX, QUANTITY_MAX, TIME_MAX_NS};
use crate::words::ContractWork;

fn symbol(durable: &Durable, index: InstrumentIndex) -> &str {
    durable.instrument(index).map_or("", |record| record.terms.symbol.as_str())
}

fn begin<'a>(
    out: &'a mut String,
    name: &str,
    durable: &Durable,
    instrument: InstrumentIndex,
) -> ObjectWriter<'a> {
    ObjectWriter::begin(out).text("e", name).text("symbol", symbol(durable, instrument))
}

/// Appends an event. The durable state is the one after it.
pub(crate) fn push_event(out: &mut String, durable: &Durable, event: &ContractEvent) {
    match event {
        ContractEvent::Began { instrument, work } => {
            with_work(begin(out, "contract_work_began", durable, *instrument), work).end();
        }
        ContractEvent::Passed(passed) => push_passed(out, durable, passed),
        ContractEvent::Done { instrument } => {
            begin(out, "contract_work_done", durable, *instrument).end();
        }
        ContractEvent::FundingSet { instrument, rate, next_funding_ns } => {
            begin(out, "funding_set", durable, *instrument)
                .value("rate", rate)
                .value("next_funding_ns", next_funding_ns)
                .end();
        }
        ContractEvent::PriceStated { instrument, price } => {
            begin(out, "final_price_stated", durable, *instrument).value("price", price).end();
        }
        ContractEvent::Instructed { instrument, account, exercise } => {
            begin(out, "exercise_instructed", durable, *instrument)
                .text("account", &account_id(durable, *account))
                .value("exercise", exercise)
                .end();
        }
    }
}

fn with_work<'a>(object: ObjectWriter<'a>, work: &Work) -> ObjectWriter<'a> {
    object
        .text("work", work.kind.word())
        .value("price", work.price)
        .value("rate", work.rate)
        .value("total", work.wheel.total)
        .value("count", work.wheel.count)
        .value("start", work.wheel.start)
}

fn push_passed(out: &mut String, durable: &Durable, passed: &Passed) {
    let mut object = begin(out, "contract_passed", durable, passed.instrument)
        .text("work", passed.kind.word())
        .text("account", &account_id(durable, passed.account))
        .value("wheel", passed.wheel)
        .value("qty", passed.qty)
        .value("cost", passed.cost)
        .value("cash", passed.cash)
        .value("realized_pl", passed.realized_pl)
        .value("deposit", passed.deposit);
    if let Some(profit) = passed.realized_here {
        object = object.value("realized_here", profit);
    }
    if let Some(delivered) = &passed.delivered {
        object = object.with("delivered", |out| {
            ObjectWriter::begin(out)
                .text("symbol", symbol(durable, delivered.instrument))
                .value("qty", delivered.qty)
                .value("cost", delivered.cost)
                .value("realized_pl", delivered.realized_pl)
                .members_of(&lots_text(delivered.lots.as_deref()))
                .end();
        });
    }
    if let Some(request) = &passed.request {
        object =
            object.text("request", &request.id).text("digest", &format!("{:016x}", request.digest));
    }
    object.end();
}

impl<'a> Fields<'a> {
    /// The event of a contract, if it fits the state; `None` when it is of another kind.
    pub(crate) fn contract_event(&self) -> Option<Read<Event>> {
        let name = self.text("e").ok()?;
        let event = match name {
            "contract_work_began" => self.contract_began(),
            "contract_passed" => self.contract_passed().map(ContractEvent::Passed),
            "contract_work_done" => {
                self.contract_symbol().map(|instrument| ContractEvent::Done { instrument })
            }
            "funding_set" => self.funding_set(),
            "final_price_stated" => self.price_stated(),
            "exercise_instructed" => self.instructed(),
            _ => return None,
        };
        Some(event.map(|event| Event::Contract(Box::new(event))))
    }

    /// The instrument, which has a contract.
    fn contract_symbol(&self) -> Read<InstrumentIndex> {
        let index = self.symbol()?;
        let found = self.durable.contract_state(index).map(|_| index);
        found.ok_or_else(|| "the instrument has no contract".to_owned())
    }

    fn signed(&self, key: &str, most: i64) -> Read<i64> {
        let number: i64 = self.integer(key)?;
        let fits = number.unsigned_abs() <= most.unsigned_abs();
        fits.then_some(number).ok_or_else(|| format!("{key} is out of bounds"))
    }

    fn funding_set(&self) -> Read<ContractEvent> {
        Ok(ContractEvent::FundingSet {
            instrument: self.contract_symbol()?,
            rate: self.signed("rate", 1_000_000_000)?,
            next_funding_ns: self.bounded("next_funding_ns", TIME_MAX_NS)?,
        })
    }

    fn price_stated(&self) -> Read<ContractEvent> {
        Ok(ContractEvent::PriceStated {
            instrument: self.contract_symbol()?,
            price: self.bounded("price", PRICE_MAX)?,
        })
    }

    fn instructed(&self) -> Read<ContractEvent> {
        Ok(ContractEvent::Instructed {
            instrument: self.contract_symbol()?,
            account: self.account()?,
            exercise: self.flag("exercise")?,
        })
    }

    fn contract_began(&self) -> Read<ContractEvent> {
        let work = Work {
            kind: self.word("work", ContractWork::from_word)?,
            price: self.bounded("price", PRICE_MAX)?,
            rate: self.signed("rate", 1_000_000_000)?,
            next: 0,
            wheel: Wheel {
                total: self.bounded("total", i64::MAX)?,
                count: self.bounded("count", i64::MAX)?,
                start: self.bounded("start", i64::MAX)?,
                passed: 0,
            },
        };
        Ok(ContractEvent::Began { instrument: self.contract_symbol()?, work })
    }

    fn contract_passed(&self) -> Read<Passed> {
        let delivered = match self.value.get("delivered") {
            None => None,
            Some(value) => Some(self.delivered(value)?),
        };
        Ok(Passed {
            kind: self.word("work", ContractWork::from_word)?,
            instrument: self.contract_symbol()?,
            account: self.account()?,
            wheel: self.bounded("wheel", i64::MAX)?,
            qty: self.signed("qty", QUANTITY_MAX)?,
            cost: self.signed("cost", AMOUNT_MAX)?,
            cash: self.signed("cash", AMOUNT_MAX)?,
            realized_pl: self.signed("realized_pl", AMOUNT_MAX)?,
            realized_here: match self.value.get("realized_here") {
                None => None,
                Some(_) => Some(self.signed("realized_here", AMOUNT_MAX)?),
            },
            deposit: self.signed("deposit", AMOUNT_MAX)?,
            delivered,
            request: self.request()?,
        })
    }

    fn delivered(&self, value: &'a Value<'a>) -> Read<Delivered> {
        let fields = Fields { durable: self.durable, value };
        Ok(Delivered {
            instrument: fields.symbol()?,
            qty: fields.signed("qty", QUANTITY_MAX)?,
            cost: fields.signed("cost", AMOUNT_MAX)?,
            realized_pl: fields.signed("realized_pl", AMOUNT_MAX)?,
            lots: value.get("lots").map(read_lot_list).transpose()?,
        })
    }
}

/// The lots that are left as a member, when the event says it.
fn lots_text(lots: Option<&[Lot]>) -> String {
    let mut out = String::new();
    if let Some(lots) = lots {
        ObjectWriter::begin(&mut out).with("lots", |out| push_lot_list(out, lots)).end();
    }
    out
}

//! Commands about contracts, and how they are read from the wire.

use crate::contract::terms::Contract;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::instrument::Instrument;
use crate::reply::Refusal;
use crate::units::{Price, Quantity};
use crate::wire::{Fields, malformed};
use crate::words::refusal;

/// What can be asked of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractCommand {
    /// Exercises an option now, as much of it.
    Exercise {
        /// Whose.
        account: AccountIndex,
        /// Which option.
        instrument: InstrumentIndex,
        /// How much of it.
        qty: Quantity,
        /// The request id, if the client gave one.
        request_id: Option<String>,
    },
    /// Says whether an option is to be exercised at its expiry.
    Instruct {
        /// Whose.
        account: AccountIndex,
        /// Which option.
        instrument: InstrumentIndex,
        /// Whether it is.
        exercise: bool,
    },
    /// States a settlement price: a future settles now, or at its end when `at_expiry` is set.
    Settle {
        /// Which contract.
        instrument: InstrumentIndex,
        /// The price of the future, or of the underlying of the option.
        price: Price,
        /// Whether it is the price of the end.
        at_expiry: bool,
    },
    /// Holders pay or get a share of their notional, now or when funding is due.
    Funding {
        /// Which contract.
        instrument: InstrumentIndex,
        /// What the long ones pay, in 10^-9 of the notional; below zero the short ones pay.
        rate: i64,
    },
}

impl ContractCommand {
    /// The word for it on the wire and on the tape.
    pub const fn kind(&self) -> &'static str {
        match self {
            ContractCommand::Exercise { .. } => "exercise",
            ContractCommand::Instruct { .. } => "do_not_exercise",
            ContractCommand::Settle { .. } => "settle",
            ContractCommand::Funding { .. } => "funding",
        }
    }
}

impl<'a> Fields<'a> {
    /// The command about a contract; `None` when it is of another kind.
    pub(crate) fn contract_command(&self, kind: &str) -> Option<Result<ContractCommand, Refusal>> {
        match kind {
            "exercise" => Some(self.exercise()),
            "do_not_exercise" => Some(self.do_not_exercise()),
            "settle" => Some(self.settle()),
            "funding" => Some(self.funding()),
            _ => None,
        }
    }

    fn contract(&self) -> Result<(InstrumentIndex, &'a Instrument, &'a Contract), Refusal> {
        let (index, terms) = self.instrument()?;
        match terms.contract.as_deref() {
            Some(contract) => Ok((index, terms, contract)),
            None => Err(malformed("this instrument is no contract").at("symbol")),
        }
    }

    fn exercise(&self) -> Result<ContractCommand, Refusal> {
        let account = self.account()?;
        let (instrument, terms, _) = self.contract()?;
        let qty = self.needed_quantity("qty", terms)?;
        Ok(ContractCommand::Exercise { account, instrument, qty, request_id: self.request_id()? })
    }

    fn do_not_exercise(&self) -> Result<ContractCommand, Refusal> {
        let account = self.account()?;
        let (instrument, ..) = self.contract()?;
        Ok(ContractCommand::Instruct { account, instrument, exercise: self.flag("revoke")? })
    }

    fn settle(&self) -> Result<ContractCommand, Refusal> {
        let (instrument, terms, contract) = self.contract()?;
        let underlying = contract.underlying.and_then(|index| self.durable.instrument(index));
        let priced = match (contract.option, underlying) {
            (Some(_), Some(record)) => &record.terms,
            _ => terms,
        };
        Ok(ContractCommand::Settle {
            instrument,
            price: self.needed_price("price", priced)?,
            at_expiry: self.flag("at_expiry")?,
        })
    }

    fn funding(&self) -> Result<ContractCommand, Refusal> {
        let (instrument, ..) = self.contract()?;
        let rate = self.decimal("rate", crate::units::RATE_SCALE, refusal::MALFORMED)?;
        let rate = rate.ok_or_else(|| malformed("rate is missing").at("rate"))?;
        Ok(ContractCommand::Funding { instrument, rate })
    }
}

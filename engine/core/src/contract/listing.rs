//! What a contract must be to be listed.

use crate::contract::terms::{Contract, Deposit};
use crate::durable::Durable;
use crate::instrument::Instrument;
use crate::reply::Refusal;
use crate::units::{
    Nanos, ORDER_VALUE_MAX, PRICE_MAX, RATE_SCALE, Rounding, SECOND_NS, TIME_MAX_NS,
    format_decimal, format_money, power_of_ten,
};
use crate::wire::malformed;
use crate::words::{AssetClass, Delivery, refusal};

fn require(is_fine: bool, detail: &str) -> Result<(), Refusal> {
    if is_fine { Ok(()) } else { Err(malformed(detail).at("contract")) }
}

impl Contract {
    /// Whether the engine can compute with it at these scales; true of everything listed.
    pub(crate) fn is_sound(&self, scales: u8) -> bool {
        let is_deposit = |deposit: Deposit| {
            (0..=ORDER_VALUE_MAX).contains(&deposit.per_contract)
                && (0..=power_of_ten(u32::from(RATE_SCALE))).contains(&i128::from(deposit.rate))
        };
        let strike = self.option.map_or(1, |option| option.strike);
        self.fits(scales)
            && is_deposit(self.initial)
            && is_deposit(self.maintenance)
            && (1..=PRICE_MAX).contains(&strike)
            && (0..=TIME_MAX_NS).contains(&self.expiry_ns)
            && (0..=TIME_MAX_NS).contains(&self.funding_interval_ns)
    }
}

/// Whether an instrument's contract fits its class and what is listed.
pub(crate) fn check(durable: &Durable, terms: &Instrument, now_ns: Nanos) -> Result<(), Refusal> {
    let class = terms.asset_class;
    let Some(contract) = terms.contract.as_deref() else {
        // A future without a contract is held and paid in full like a stock.
        let detail = "an option needs its contract: underlying, strike, right, expiry, multiplier";
        return require(class != AssetClass::UsOption, detail);
    };
    let sound = "the contract is beyond the engine's bounds: its multiplier lies between 0.000001 \
                 and 10^9, margins between 0 and 10^12, rates between 0 and 1, and price scale, \
                 quantity scale and decimals of the multiplier are at most 25 together";
    require(contract.is_sound(terms.scales()), sound)?;
    let ends_later = contract.expiry_ns == 0 || contract.expiry_ns > now_ns;
    require(ends_later, "the expiry must be later than now")?;
    check_class(class, contract)?;
    check_option(durable, terms, contract)
}

fn check_class(class: AssetClass, contract: &Contract) -> Result<(), Refusal> {
    let is_option = class == AssetClass::UsOption;
    let ends = matches!(class, AssetClass::Future | AssetClass::UsOption);
    require(contract.option.is_some() == is_option, "an option, and no other, has a strike")?;
    require((contract.expiry_ns != 0) == ends, "futures and options end, and no others")?;
    let may_fund = matches!(class, AssetClass::Perpetual | AssetClass::Fx);
    let is_whole = contract.funding_interval_ns % SECOND_NS == 0;
    require(
        is_whole && (may_fund || contract.funding_interval_ns == 0),
        "perpetuals and currency pairs have funding, and no others",
    )?;
    let margined = class.is_future() || class == AssetClass::Fx;
    let needs = contract.is_margined != contract.initial.is_none();
    require(
        needs && (margined || !contract.is_margined),
        "futures, perpetuals and leveraged currency pairs need an initial margin above zero: \
         initial_margin for each contract, or initial_margin_rate; no others have one",
    )?;
    let least = contract.maintenance.per_contract <= contract.initial.per_contract
        && contract.maintenance.rate <= contract.initial.rate;
    require(least, "the maintenance margin is at most the initial margin")?;
    let delivers = contract.delivery == Delivery::Physical;
    require(is_option || !delivers, "only options deliver their underlying; others settle in cash")
}

fn check_option(durable: &Durable, terms: &Instrument, contract: &Contract) -> Result<(), Refusal> {
    if contract.option.is_none() {
        return Ok(());
    }
    let underlying = contract.underlying.and_then(|index| durable.instrument(index));
    let Some(record) = underlying else {
        return Err(malformed("an option names its underlying, which is listed").at("contract"));
    };
    let base = &record.terms;
    require(base.contract.is_none(), "the underlying of an option is no contract itself")?;
    require(base.currency == terms.currency, "an option trades in its underlying's currency")?;
    let whole = |scale: u8| power_of_ten(u32::from(scale));
    let units = i128::from(terms.lot_size) * i128::from(contract.multiplier.units);
    let shrink = whole(terms.qty_scale + contract.multiplier.scale);
    let delivers = units.saturating_mul(whole(base.qty_scale));
    let is_whole = delivers % shrink == 0 && delivers / shrink % i128::from(base.lot_size) == 0;
    require(
        contract.delivery == Delivery::Cash || is_whole,
        "one lot of an option delivers whole lots of its underlying",
    )
}

/// Whether the value of a tick that a listing states is that of its terms.
pub(crate) fn check_tick_value(terms: &Instrument, stated: Option<i64>) -> Result<(), Refusal> {
    let Some(stated) = stated else {
        return Ok(());
    };
    let found = terms.value(terms.tick_size, terms.one(), Rounding::HalfEven);
    if found == i128::from(stated) {
        return Ok(());
    }
    let tick = format_decimal(i128::from(terms.tick_size), terms.price_scale, 0);
    let detail =
        format!("the tick value is the tick {tick} times the multiplier: {}", format_money(found));
    Err(Refusal::malformed(refusal::MALFORMED, detail).at("contract"))
}

//! What accounts and positions show beyond their fixed members.

use crate::account::Account;
use crate::durable::Durable;
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, push_list};
use crate::lots::Lot;
use crate::margin::Worth;
use crate::project::fill_id;
use crate::units::{format_money, format_time};
use crate::words::CostMethod;

/// How many lots a position shows; how many there are stands beside them.
const LOTS_SHOWN: usize = 100;

/// Members of an account: margin, cost method, other currencies, unsettled cash, resets.
pub(crate) fn account<'a>(
    mut object: ObjectWriter<'a>,
    durable: &Durable,
    account: &Account,
    worth: &Worth,
) -> ObjectWriter<'a> {
    if let Some(margin) = account.margin() {
        object = object
            .text("multiplier", &margin.multiplier.to_string())
            .text("long_market_value", &format_money(worth.long_value))
            .text("short_market_value", &format_money(worth.short_value))
            .text("initial_margin", &format_money(worth.initial_margin))
            .text("maintenance_margin", &format_money(worth.maintenance_margin));
    }
    if account.terms.cost_method != CostMethod::Average {
        object = object.text("cost_method", account.terms.cost_method.word());
    }
    let Some(more) = account.more.as_deref() else {
        return object;
    };
    if !more.wallets.is_empty() {
        object = object.with("currencies", |out| push_wallets(out, durable, account));
    }
    if !more.unsettled.is_empty() {
        object = object.text("unsettled_cash", &format_money(account.unsettled(account.currency)));
    }
    if more.archives.is_empty() { object } else { object.value("resets", more.archives.len()) }
}

/// Cash by currency: `{"EUR":{"cash":...,"held":...,"unsettled":...}}`.
fn push_wallets(out: &mut String, durable: &Durable, account: &Account) {
    let mut object = ObjectWriter::begin(out);
    for (currency, wallet) in account.more.iter().flat_map(|more| &more.wallets) {
        object = object.with(durable.currency_code(*currency), |out| {
            ObjectWriter::begin(out)
                .text("cash", &format_money(wallet.cash))
                .text("held", &format_money(wallet.held))
                .text("unsettled", &format_money(account.unsettled(*currency)))
                .end();
        });
    }
    object.end();
}

/// Members of a position: its lots.
pub(crate) fn position<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    account: &Account,
    terms: &Instrument,
) -> ObjectWriter<'a> {
    let index = account.more.as_ref().and_then(|_| durable.find_instrument(&terms.symbol));
    let lots = index.map_or(&[][..], |index| account.lots(index));
    if lots.is_empty() {
        return object;
    }
    object.value("lot_count", lots.len()).with("lots", |out| {
        push_list(out, lots.iter().take(LOTS_SHOWN), |out, lot| push_lot(out, durable, terms, lot));
    })
}

fn push_lot(out: &mut String, durable: &Durable, terms: &Instrument, lot: &Lot) {
    ObjectWriter::begin(out)
        .text("id", &fill_id(durable, lot.id))
        .text("qty", &terms.format_quantity(lot.qty))
        .text("cost_basis", &format_money(i128::from(lot.cost)))
        .text("opened_at", &format_time(lot.opened_ns))
        .end();
}

//! What a multi-leg order would do if it came now.

use super::paying::Outlay;
use super::trading::{ComboChecks, sensible};
use crate::json::{ObjectWriter, push_list};
use crate::order::OrderTerms;
use crate::questions::{Present, push_failure, push_warning};
use crate::reply::Refusal;
use crate::units::format_money;

impl Present<'_> {
    /// Cost and fees of the strategy as a whole, failed checks, warnings.
    pub(crate) fn preview_combo(&self, terms: &OrderTerms) -> Result<String, Refusal> {
        let combo = sensible(self.durable, terms)?;
        let checks =
            ComboChecks { durable: self.durable, ephemeral: self.ephemeral, combo: &combo };
        let (plan, strategies) = (checks.plan(), checks.strategies());
        let mut failures = checks.failures();
        let legs = checks.legs();
        for (at, leg) in legs.iter().enumerate() {
            let beside = legs.get(..at).unwrap_or(&[]);
            failures.extend(self.subject(leg, beside).failures());
        }
        let payment = checks.payment(&[]);
        let outlay = payment.as_ref().map(|payment| payment.estimate(strategies, &plan));
        let after = payment
            .as_ref()
            .zip(outlay.as_ref())
            .map_or(0, |(payment, outlay)| payment.power() - payment.need(outlay));
        let (cost, fees) = outlay.as_ref().map_or((0, 0), Outlay::cost);
        let rest = strategies - plan.strategies;
        let waits = (rest > 0).then(|| ("would_wait", format!("{rest} would not fill at once")));
        let mut out = String::new();
        ObjectWriter::begin(&mut out)
            .text("cost", &format_money(cost))
            .text("fees", &format_money(fees))
            .text("buying_power_after", &format_money(after))
            .with("rejections", |out| push_list(out, &failures, push_failure))
            .with("warnings", |out| push_list(out, waits, push_warning))
            .end();
        Ok(out)
    }
}

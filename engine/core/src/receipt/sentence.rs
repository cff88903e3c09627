//! A receipt in one plain sentence.

use crate::event::Fill;
use crate::instrument::Instrument;
use crate::receipt::Receipt;
use crate::units::Price;
use crate::words::{Counterparty, How, Side};

/// The sentence of a fill.
pub(crate) fn sentence(instrument: &Instrument, fill: &Fill, receipt: &Receipt) -> String {
    let teller = Teller { instrument, fill, receipt };
    let mut text = teller.how_it_came();
    text.push_str(&teller.what_it_cost());
    text.push('.');
    text
}

struct Teller<'a> {
    instrument: &'a Instrument,
    fill: &'a Fill,
    receipt: &'a Receipt,
}

impl Teller<'_> {
    fn price(&self, price: Price) -> String {
        self.instrument.format_price(price)
    }

    fn maybe_price(&self, price: Option<Price>) -> String {
        self.price(price.unwrap_or(self.fill.price))
    }

    fn qty(&self, qty: i64) -> String {
        self.instrument.format_quantity(qty)
    }

    fn verb(&self) -> &'static str {
        if self.fill.side == Side::Buy { "bought" } else { "sold" }
    }

    fn this_fill(&self) -> String {
        format!("{} at {}", self.qty(self.fill.qty), self.price(self.fill.price))
    }

    fn how_it_came(&self) -> String {
        let (this, verb) = (self.this_fill(), self.verb());
        let reach = self.maybe_price(self.receipt.reach);
        match self.receipt.how {
            How::Crossed => self.crossed(),
            How::Rested if self.fill.counterparty == Counterparty::User => {
                format!("Your order waited in the book and {verb} {this} when another user came")
            }
            How::Rested => {
                format!("Your order waited in the book and {verb} {this} when the house came")
            }
            How::StreetCame => format!(
                "The market came to {reach}, so your waiting order {verb} {this}, its own limit"
            ),
            How::TradedThrough => format!(
                "A trade at {reach} went beyond your limit, so your waiting order {verb} {this}"
            ),
            How::QueueServed => format!(
                "Trades at your price used up the queue before you, so you {verb} {this}{}",
                self.queue()
            ),
            How::Touched => format!("The market traded at your price, so you {verb} {this}"),
            How::BarOpen => format!("Your order {verb} {this}, where the bar opened"),
            How::BarPath => {
                format!("The bar passed your limit on its way, so you {verb} {this}")
            }
            How::StopFired => format!("The bar reached your stop price, so you {verb} {this}"),
            How::StopGap => format!(
                "The bar opened at {reach}, beyond your stop price, so you {verb} {this}: a stop \
                 order cannot fill where nobody traded"
            ),
            How::Auction => format!("The auction matched at one price: you {verb} {this}"),
            How::MultiLeg => {
                format!("All legs of your multi-leg order traded together: you {verb} {this}")
            }
            How::Liquidated => format!("The position was closed by force: you {verb} {this}"),
        }
    }

    fn queue(&self) -> String {
        let ahead = self.receipt.ahead.map(|ahead| self.qty(ahead));
        ahead.map_or(String::new(), |ahead| format!(" ({ahead} stood before you)"))
    }

    /// "You crossed the spread: 30 at 10.01, then 20 at 10.02, because only 30 were offered".
    fn crossed(&self) -> String {
        let (same, better): (Vec<_>, Vec<_>) =
            self.receipt.before.iter().partition(|(price, _)| *price == self.fill.price);
        let sum = |steps: &[(Price, i64)]| {
            let sum = steps.iter().map(|(_, qty)| i128::from(*qty)).sum();
            self.qty(crate::units::clamp(sum))
        };
        let mut text = match self.receipt.reach {
            None => "You crossed the spread: ".to_owned(),
            Some(price) => {
                let price = self.price(price);
                format!("The market reached {price}, so your order crossed the spread: ")
            }
        };
        for (price, qty) in &better {
            text.push_str(&format!("{} at {}, then ", self.qty(*qty), self.price(*price)));
        }
        text.push_str(&self.this_fill());
        if self.fill.counterparty == Counterparty::User {
            text.push_str(", from another user");
        }
        if !same.is_empty() {
            text.push_str(&format!(", after {} at the same price", sum(&same)));
        }
        if !better.is_empty() {
            let shown = if self.fill.side == Side::Buy { "offered" } else { "bid for" };
            let taken = sum(&better);
            text.push_str(&format!(", because only {taken} were {shown} at better prices"));
        }
        text
    }

    /// What the profile added: slippage where no price stood, and impact.
    fn what_it_cost(&self) -> String {
        let mut text = String::new();
        if self.receipt.impact != 0 {
            let impact = self.price(self.receipt.impact);
            text.push_str(&format!("; your own size moved the price by {impact}"));
        }
        let explained = self.receipt.how == How::Crossed && !self.receipt.before.is_empty();
        if self.receipt.slippage > 0 && !explained {
            let slippage = self.price(self.receipt.slippage);
            text.push_str(&format!("; it slipped by {slippage}"));
        }
        if self.receipt.latency_ns > 0 {
            let latency = crate::receipt::text::milliseconds(self.receipt.latency_ns);
            text.push_str(&format!("; the order was under way for {latency} ms"));
        }
        text
    }
}

//! The digest of a request's body: the same body under the same id is the same request.
//!
//! FNV-1a with 64 bits over the parsed values, so `10` and `10.0` are one body. It guards a client
//! against its own mistakes, not against forgery.

use crate::command::{Cancel, CancelAll, CancelList, OpenAccount, Replace};
use crate::money::command::{Bust, MoneyCommand, Trade};
use crate::more_terms::MoreTerms;
use crate::order::OrderTerms;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Powers of the prime: what that many zero bytes do.
const POWERS: [u64; 9] = {
    let mut powers = [1_u64; 9];
    let mut zeros = 1;
    while zeros < 9 {
        powers[zeros] = powers[zeros - 1].wrapping_mul(PRIME);
        zeros += 1;
    }
    powers
};

/// The digest so far of every submission.
const SUBMIT: u64 = {
    let kind = b"submit\xff";
    let (mut digest, mut at) = (OFFSET, 0);
    while at < kind.len() {
        digest = (digest ^ kind[at] as u64).wrapping_mul(PRIME);
        at += 1;
    }
    digest
};

/// A digest that is being made.
struct Digest(u64);

impl Digest {
    fn of(kind: &str) -> Digest {
        Digest(OFFSET).text(kind)
    }

    fn bytes(mut self, bytes: &[u8]) -> Digest {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        self
    }

    fn text(self, text: &str) -> Digest {
        self.bytes(text.as_bytes()).bytes(&[0xff])
    }

    /// The eight bytes of a number, lowest first. The zero bytes at its end come as one product,
    /// since a zero changes nothing before the multiplication.
    fn number(mut self, number: i64) -> Digest {
        let mut rest = number as u64;
        let mut zeros = 8;
        while rest != 0 {
            self.0 = (self.0 ^ rest & 0xff).wrapping_mul(PRIME);
            rest >>= 8;
            zeros -= 1;
        }
        self.0 = self.0.wrapping_mul(POWERS[zeros]);
        self
    }

    fn more(self, more: Option<&MoreTerms>) -> Digest {
        match more {
            Some(more) => self.text(&more.text()),
            None => self,
        }
    }

    fn maybe(self, number: Option<i64>) -> Digest {
        match number {
            Some(number) => self.bytes(&[1]).number(number),
            None => self.bytes(&[0]),
        }
    }
}

/// Digest of an order's terms, without its id.
pub(crate) fn of_submit(terms: &OrderTerms) -> u64 {
    Digest(SUBMIT)
        .number(i64::from(terms.instrument))
        .text(terms.side.word())
        .text(terms.order_type.word())
        .number(terms.qty)
        .maybe(terms.limit_price)
        .maybe(terms.stop_price)
        .text(terms.time_in_force.word())
        .more(terms.more.as_deref())
        .0
}

/// Digest of a replace request.
pub(crate) fn of_replace(replace: &Replace) -> u64 {
    Digest::of("replace")
        .bytes(&replace.order.to_le_bytes())
        .maybe(replace.qty)
        .maybe(replace.limit_price)
        .maybe(replace.stop_price)
        .text(replace.time_in_force.map_or("", |tif| tif.word()))
        .more(replace.more.as_deref())
        .0
}

/// Digest of a cancel request.
pub(crate) fn of_cancel(cancel: &Cancel) -> u64 {
    Digest::of("cancel").bytes(&cancel.order.to_le_bytes()).0
}

/// Digest of a request to cancel a list.
pub(crate) fn of_cancel_list(list: &CancelList) -> u64 {
    let add = |digest: Digest, (_, order): &(_, u64)| digest.bytes(&order.to_le_bytes());
    list.orders.iter().fold(Digest::of("cancel_list"), add).0
}

/// Digest of the exercise of an option.
pub(crate) fn of_exercise(instrument: u32, qty: i64) -> u64 {
    Digest::of("exercise").number(i64::from(instrument)).number(qty).0
}

/// Digest of a cancel-all request.
pub(crate) fn of_cancel_all(_: &CancelAll) -> u64 {
    Digest::of("cancel_all").0
}

/// Digest of the opening of an account.
pub(crate) fn of_open_account(open: &OpenAccount) -> u64 {
    Digest::of("open_account")
        .text(&open.owner)
        .text(open.kind.word())
        .text(&open.currency)
        .number(open.starting_cash)
        .bytes(&crate::margin::text::digest_of(&open.terms))
        .0
}

/// Digest of a command about money.
pub(crate) fn of_money(command: &MoneyCommand) -> u64 {
    let digest = Digest::of(command.kind());
    match command {
        MoneyCommand::Pay { currency, amount, transfer, .. } => {
            digest.text(currency.as_deref().unwrap_or("")).number(*amount).text(transfer).0
        }
        MoneyCommand::Convert { from, to, amount, .. } => {
            digest.text(from).text(to).number(*amount).0
        }
        MoneyCommand::Reset { starting_cash, .. } => digest.number(*starting_cash).0,
        MoneyCommand::Record(trade) => of_trade(digest, trade).0,
        MoneyCommand::Bust(bust) => of_bust(digest, bust).0,
        MoneyCommand::Correct(bust, trade) => of_trade(of_bust(digest, bust), trade).0,
        MoneyCommand::SetRate { .. }
        | MoneyCommand::SetMargin { .. }
        | MoneyCommand::SetSettlement { .. } => digest.0,
    }
}

fn of_trade(digest: Digest, trade: &Trade) -> Digest {
    let digest = digest.number(i64::from(trade.instrument)).text(trade.side.word());
    digest.number(trade.qty).number(trade.price).number(trade.fee)
}

fn of_bust(digest: Digest, bust: &Bust) -> Digest {
    digest.bytes(&bust.fill.to_le_bytes()).number(bust.qty).number(bust.notional).number(bust.fee)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_digest_of_its_eight_bytes() {
        for number in [0, 1, 255, 256, 65_536, -1, i64::MIN, i64::MAX, 0x0100_0000_0001] {
            let bytes = Digest(SUBMIT).bytes(&number.to_le_bytes());
            assert_eq!(Digest::of("submit").number(number).0, bytes.0, "{number}");
        }
    }
}

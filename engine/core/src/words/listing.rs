//! Instruments, contracts and accounts, as words.

words! {
/// Kind of instrument.
AssetClass {
    /// US stock or fund.
    UsEquity = "us_equity",
    /// Crypto pair.
    Crypto = "crypto",
    /// Currency pair.
    Fx = "fx",
    /// Dated future.
    Future = "future",
    /// Perpetual future.
    Perpetual = "perpetual",
    /// Exchange-traded fund.
    Etf = "etf",
    /// Option on a US stock, fund or index.
    UsOption = "us_option",
}
}

impl AssetClass {
    /// Whether only profit and loss move when it trades, never the notional.
    pub const fn is_future(self) -> bool {
        matches!(self, AssetClass::Future | AssetClass::Perpetual)
    }
}

words! {
/// Which right an option gives its holder.
Right {
    /// To buy the underlying at the strike.
    Call = "call",
    /// To sell the underlying at the strike.
    Put = "put",
}
}

words! {
/// When an option can be exercised.
Style {
    /// On any day up to its expiry.
    American = "american",
    /// At its expiry only.
    European = "european",
}
}

words! {
/// What an exercised option or an expired future delivers.
Delivery {
    /// Money: what it is worth.
    Cash = "cash",
    /// The underlying itself, against the strike.
    Physical = "physical",
}
}

words! {
/// Kind of account.
AccountKind {
    /// No shorts, never below zero.
    Cash = "cash",
    /// Borrows cash and stock against its equity.
    Margin = "margin",
    /// Records trades that were made elsewhere: no orders, no buying power, nothing refused for
    /// want of cash or stock.
    Journal = "journal",
}
}

words! {
/// Which cost a closing fill takes out of a position.
#[derive(Default)]
CostMethod {
    /// The average of all.
    #[default]
    Average = "average",
    /// The oldest lots first.
    Fifo = "fifo",
    /// The newest lots first.
    Lifo = "lifo",
    /// The lots that the order names, then the oldest.
    Specific = "specific",
}
}

words! {
/// Whether an account may trade.
AccountStatus {
    /// May trade.
    Active = "active",
    /// May not trade.
    Suspended = "suspended",
}
}

words! {
/// What is done to the holders of a contract.
ContractWork {
    /// The daily settlement of a future.
    Settlement = "settlement",
    /// The funding of a perpetual or a leveraged pair.
    Funding = "funding",
    /// The end of the contract.
    Expiry = "expiry",
    /// The exercise of an option by its holder.
    Exercise = "exercise",
    /// The assignment of an exercised option to those who are short.
    Assignment = "assignment",
}
}

words! {
/// Whether an instrument trades.
InstrumentStatus {
    /// Trades.
    Active = "active",
    /// Does not trade.
    Halted = "halted",
    /// Its contract has ended; it will not trade again.
    Expired = "expired",
    /// Trades no more.
    Delisted = "delisted",
}
}

//! What the risk policy measures, checks and does, as words.

words! {
/// What a rule of the risk policy measures.
Measure {
    /// Quantity of one order.
    OrderQty = "order_qty",
    /// Value of one order.
    OrderValue = "order_value",
    /// Accepted orders in a window of time.
    OrderRate = "order_rate",
    /// Open orders.
    OpenOrders = "open_orders",
    /// How far a price lies on the aggressive side of the market, as a share of its price.
    PriceCollar = "price_collar",
    /// Quantity of a position, open orders included.
    PositionQty = "position_qty",
    /// Value of positions, open orders included.
    PositionValue = "position_value",
    /// The same as a share of the money that was put in.
    CapitalShare = "capital_share",
    /// The same as a share of the equity.
    Concentration = "concentration",
    /// Value of positions as a multiple of the equity.
    Leverage = "leverage",
    /// No opening orders at all.
    Restricted = "restricted",
    /// No selling short.
    NoShort = "no_short",
    /// Equity lost since the day began.
    DailyLoss = "daily_loss",
    /// The same as a share of the equity that the day began with.
    DailyLossShare = "daily_loss_share",
    /// Equity lost since its peak, as a share of the peak.
    Drawdown = "drawdown",
}
}

words! {
/// What happens at a hard limit.
RiskAction {
    /// Opening orders are rejected.
    Reject = "reject",
    /// The same, and all positions are closed.
    Flatten = "flatten",
    /// An alert is raised and nothing else.
    Alert = "alert",
}
}

words! {
/// Why the engine itself sent an order that closes a position.
Forced {
    /// The equity did not cover the margin.
    Liquidation = "liquidation",
    /// The account came to its daily loss or drawdown.
    RiskStop = "risk_stop",
    /// A kill switch closes positions.
    KillSwitch = "kill_switch",
}
}

words! {
/// What of an account leaves.
Clean {
    /// Open orders that would open positions.
    Opening = "opening",
    /// All open orders, and all positions.
    Everything = "everything",
}
}

words! {
/// Who set a kill switch or a limit.
SetBy {
    /// The user whose orders it stops or limits.
    User = "user",
    /// An admin, or whoever runs the exchange.
    Admin = "admin",
}
}

words! {
/// How grave an alert is.
RiskLevel {
    /// A share of the limit was reached.
    Soft = "soft",
    /// The limit was reached.
    Hard = "hard",
}
}

words! {
/// A check that accepted orders passed; its place is its bit.
RiskCheck {
    /// Everything that makes sense of an order: account, instrument, session, lot, tick, bounds.
    Order = "order",
    /// Buying power, and quantity held.
    BuyingPower = "buying_power",
    /// Kill switches.
    KillSwitch = "kill_switch",
    /// Stops after a daily loss or a drawdown.
    LossStop = "loss_stop",
    /// Order size.
    OrderSize = "order_size",
    /// Order rate.
    OrderRate = "order_rate",
    /// Count of open orders.
    OpenOrders = "open_orders",
    /// Price collar.
    PriceCollar = "price_collar",
    /// Position limits.
    Position = "position",
    /// Share of capital.
    CapitalShare = "capital_share",
    /// Concentration.
    Concentration = "concentration",
    /// Leverage.
    Leverage = "leverage",
    /// Restricted list.
    Restricted = "restricted",
    /// Permission to sell short.
    Short = "short",
    /// Wash trades.
    WashTrade = "wash_trade",
    /// Day trades.
    DayTrades = "day_trades",
}
}

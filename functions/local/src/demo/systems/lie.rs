//! Ways in which the shop can be wrong on purpose, to see what a flow says of it.

use clap::ValueEnum;

/// What the shop gets wrong in the systems around it; its own API stays right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lie {
    /// The payment's event carries another total
    WrongValue,
    /// The payment's event is never sent
    EventMissing,
    /// The payment's event is sent twice
    EventDoubled,
    /// The payment's event is held back for more than a minute
    EventLate,
    /// The payment's event is sent before the order's
    OutOfOrder,
    /// Events have the key of another order
    WrongKey,
    /// The ledger has no row of the payment
    RowMissing,
    /// The payment is not logged
    LogMissing,
    /// The counter of paid orders stands still
    MetricStuck,
    /// The cache keeps the status of a new order
    CacheStale,
}

//! What the shop tells other systems.

use serde_json::{Value as Json, json};

/// Something that happened to an order, numbered in the order of happening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// From 1, without gaps.
    pub(crate) sequence: i64,
    /// `order.placed`, `payment.settled`, `order.shipped`, `order.cancelled`.
    pub(crate) kind: String,
    /// The order's id.
    pub(crate) order: String,
    /// The customer's own name for it.
    pub(crate) reference: String,
    /// The order's total.
    pub(crate) cents: i64,
    /// When, RFC 3339.
    pub(crate) at: String,
    /// Who ordered.
    pub(crate) user: String,
}

impl Announcement {
    /// The status of the order from here on.
    pub(super) fn status(&self) -> &'static str {
        match self.kind.as_str() {
            "payment.settled" => "PAID",
            "order.shipped" => "SHIPPED",
            "order.cancelled" => "CANCELLED",
            _ => "NEW",
        }
    }

    /// As the topic and the log carry it.
    pub(super) fn json(&self) -> Json {
        json!({
            "sequence": self.sequence,
            "type": self.kind,
            "orderId": self.order,
            "reference": self.reference,
            "totalCents": self.cents,
            "at": self.at,
        })
    }
}

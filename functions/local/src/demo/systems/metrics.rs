//! The shop's metrics, in the text format that Prometheus scrapes.

use super::lie::Lie;

/// The page of `/metrics`: how many orders were paid, and what they brought in cents. The label tells shops apart that were
/// started one after the other.
pub(in crate::demo) fn metrics(shop: &str, (paid, cents): (i64, i64), lie: Option<Lie>) -> String {
    let (paid, cents) = if lie == Some(Lie::MetricStuck) { (0, 0) } else { (paid, cents) };
    format!(
        "# HELP shop_orders_paid_total Orders that were paid.\n\
         # TYPE shop_orders_paid_total counter\n\
         shop_orders_paid_total{{shop=\"{shop}\"}} {paid}\n\
         # HELP shop_revenue_cents_total What paid orders brought, in cents.\n\
         # TYPE shop_revenue_cents_total counter\n\
         shop_revenue_cents_total{{shop=\"{shop}\"}} {cents}\n"
    )
}

//! An order as a page for people and as an invoice for machines that want XML.

use std::fmt::Write as _;

use serde_json::Value as Json;

fn escaped(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn euros(cents: &Json) -> String {
    let cents = cents.as_i64().unwrap_or_default();
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// What each line becomes, one after the other.
fn each_line(order: &Json, row: impl Fn(&mut String, &Json) -> std::fmt::Result) -> String {
    let mut rows = String::new();
    for line in order["lines"].as_array().into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = row(&mut rows, line);
    }
    rows
}

/// The page of an order.
pub(super) fn page(order: &Json) -> String {
    let rows = each_line(order, |rows, line| {
        let (sku, quantity, price) = (escaped(&line["sku"]), &line["quantity"], euros(&line["priceCents"]));
        write!(rows, "<tr><td class=\"sku\">{sku}</td><td>{quantity}</td><td>{price}</td></tr>")
    });
    let (id, reference, status) = (escaped(&order["id"]), escaped(&order["reference"]), escaped(&order["status"]));
    let total = euros(&order["totalCents"]);
    format!(
        "<!doctype html><html lang=\"en\"><head><title>Order {id}</title></head><body>\
         <h1>Order {id}</h1><p class=\"reference\">{reference}</p><p id=\"status\" data-status=\"{status}\">{status}</p>\
         <table id=\"lines\"><tbody>{rows}</tbody></table><p id=\"total\">{total} EUR</p></body></html>"
    )
}

/// The invoice of an order.
pub(super) fn invoice(order: &Json) -> String {
    let rows = each_line(order, |rows, line| {
        let (sku, quantity, price) = (escaped(&line["sku"]), &line["quantity"], euros(&line["priceCents"]));
        write!(rows, "<line sku=\"{sku}\" quantity=\"{quantity}\"><price currency=\"EUR\">{price}</price></line>")
    });
    let (id, reference, total) = (escaped(&order["id"]), escaped(&order["reference"]), euros(&order["totalCents"]));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><invoice order=\"{id}\"><reference>{reference}</reference>\
         <lines>{rows}</lines><total currency=\"EUR\">{total}</total></invoice>"
    )
}

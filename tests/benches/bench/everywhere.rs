//! `examples/everywhere.yaml`, beside what the shop and Prometheus take by themselves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use assay_services::Services;
use serde_json::Value as Json;

use crate::Tools;
use crate::figures::{begin, figure, median, quantile};
use crate::runs::{Came, instant, run};
use crate::shop::Shop;

const ROUNDS: usize = 15;
/// The shop settles a payment after so many milliseconds.
const PAYMENT: f64 = 300.0;
/// The flow asks for so many of quiet after it.
const SETTLE: f64 = 500.0;
const LIMIT: f64 = 300.0;

/// The example.
pub(crate) fn flow() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/everywhere.yaml")
}

/// The samples that Prometheus has of the shop's counter: milliseconds since 1970, and the value.
fn samples(shop: &str) -> Vec<(f64, f64)> {
    let described = Services::shared().described("prometheus");
    let address = (described["host"].as_str().unwrap(), u16::try_from(described["port"].as_u64().unwrap()).unwrap());
    let query = format!("shop_orders_paid_total%7Bshop%3D%22{shop}%22%7D%5B1m%5D");
    let mut stream = TcpStream::connect(address).unwrap();
    // To HTTP 1.0 it answers in one piece and closes.
    write!(stream, "GET /api/v1/query?query={query} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body: Json = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let values = body["data"]["result"][0]["values"].as_array().unwrap_or_else(|| panic!("no samples: {answer}"));
    let number = |value: &Json| value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap();
    values.iter().map(|sample| (number(&sample[0]) * 1000.0, number(&sample[1]))).collect()
}

/// Milliseconds from the order until the last of what the flow looks for is there.
fn own_delay(came: &Came) -> f64 {
    let captured = |step: &str, name: &str| came.ends(step)[0]["result"]["captures"][name].clone();
    let before = captured("before", "paid").as_f64().unwrap();
    let ordered = instant(&came.ends("order")[0]["result"]["startedAt"]);
    let counted = samples(captured("shop", "id").as_str().unwrap());
    let counted = counted.iter().find(|(_, value)| *value > before).expect("the order was counted").0;
    (counted - ordered).max(PAYMENT + SETTLE)
}

/// The whole process, less what it had to wait for.
pub(crate) fn beside_its_delays(tools: &Tools) {
    begin(&format!(
        "examples/everywhere.yaml, process start to exit (limit: {LIMIT} ms beyond {PAYMENT} ms for the payment, {SETTLE} ms \
         of quiet or the next scrape)"
    ));
    let shop = Shop::start(&tools.assay);
    let options = shop.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let once = || {
        let came = run(&tools.assay, &flow(), &options).passed();
        (came.wall, came.wall - own_delay(&came))
    };
    once();
    let (walls, beyond): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| once()).unzip();
    figure("wall, median", median(walls), "ms", None);
    figure("beyond the delays, median", median(beyond.clone()), "ms", Some(("limit", LIMIT)));
    figure("beyond the delays, worst", quantile(beyond, 100), "ms", Some(("limit", LIMIT)));
}

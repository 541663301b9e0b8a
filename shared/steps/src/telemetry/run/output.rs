//! From a result made of numbers to what a step puts in scope.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::measured::{Found, Histogram, Number, RawSeries, Sample};

/// What stands in scope of a result that is not made of numbers.
pub(crate) fn empty() -> Map<String, Json> {
    Map::from_iter([("value".to_owned(), Json::Null), ("series".to_owned(), json!([]))])
}

/// The fields `value`, `series` and `warnings`, and what people should read first.
pub(crate) fn fields(found: Found, warnings: Vec<String>) -> (Map<String, Json>, Option<String>) {
    let mut notes = Vec::new();
    let (value, series) = match found {
        Found::Scalar(sample) => (number(sample.what), Vec::new()),
        Found::Text(text) => (Json::String(text), Vec::new()),
        Found::Vector(all) => {
            let series: Vec<Json> = all.into_iter().map(instant).collect();
            let lone = match series.as_slice() {
                [one] => one.get("value").cloned().unwrap_or_default(),
                _ => Json::Null,
            };
            (lone, series)
        }
        Found::Matrix(all) => {
            let series: Vec<Json> = all.into_iter().map(range).collect();
            let lone = match series.as_slice() {
                [one] => match one.get("samples").and_then(Json::as_array).map(Vec::as_slice) {
                    Some([sample]) => sample.get("value").cloned().unwrap_or_default(),
                    _ => Json::Null,
                },
                _ => Json::Null,
            };
            (lone, series)
        }
    };
    match (&value, series.len()) {
        (Json::Null, 0) => notes.push("the query selects nothing: no series has a sample there".to_owned()),
        (Json::Null, 1) => notes.push("`value` is null: the result is no lone number; see `series`".to_owned()),
        (Json::Null, count) => notes.push(format!("`value` is null: the result has {count} series; see `series`")),
        (Json::String(text), _) if matches!(text.as_str(), "NaN" | "+Inf" | "-Inf") => {
            notes.push(format!("the value is {text}, which is no finite number and stands as text"));
        }
        _ => {}
    }
    let mut fields = Map::from_iter([("value".to_owned(), value), ("series".to_owned(), series.into())]);
    let note = with_warnings(&mut fields, notes, warnings);
    (fields, note)
}

/// Adds the field `warnings`; the note that tells them too.
pub(crate) fn with_warnings(
    fields: &mut Map<String, Json>,
    mut notes: Vec<String>,
    warnings: Vec<String>,
) -> Option<String> {
    notes.extend(warnings.iter().map(|warning| format!("the target warns: {warning}")));
    fields.insert("warnings".into(), warnings.into());
    joined(&notes)
}

/// Notes in one.
pub(crate) fn joined(notes: &[String]) -> Option<String> {
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// A number as JSON, always with a decimal point or an exponent; what JSON cannot say is text, as Prometheus writes it.
pub(crate) fn number(Number(number): Number) -> Json {
    match serde_json::Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "+Inf".into(),
        None => "-Inf".into(),
    }
}

fn labels(metric: BTreeMap<String, String>) -> Json {
    Json::Object(metric.into_iter().map(|(name, value)| (name, value.into())).collect())
}

fn instant(series: RawSeries) -> Json {
    let mut fields = Map::from_iter([("labels".to_owned(), labels(series.metric))]);
    match (series.value, series.histogram) {
        (Some(sample), _) => fields.extend(simple(&sample)),
        (None, Some(sample)) => fields.extend(of_histogram(&sample)),
        (None, None) => {}
    }
    Json::Object(fields)
}

fn range(series: RawSeries) -> Json {
    let values = series.values.unwrap_or_default();
    let mut samples: Vec<(Timestamp, Json)> =
        values.iter().map(|sample| (sample.at, Json::Object(simple(sample)))).collect();
    let histograms = series.histograms.unwrap_or_default();
    if !histograms.is_empty() {
        samples.extend(histograms.iter().map(|sample| (sample.at, Json::Object(of_histogram(sample)))));
        samples.sort_by_key(|(at, _)| *at);
    }
    let samples: Vec<Json> = samples.into_iter().map(|(_, sample)| sample).collect();
    json!({"labels": labels(series.metric), "samples": samples})
}

fn stamp(at: Timestamp) -> (String, Json) {
    ("timestamp".to_owned(), format!("{at:.3}").into())
}

fn simple(sample: &Sample<Number>) -> Map<String, Json> {
    Map::from_iter([stamp(sample.at), ("value".to_owned(), number(sample.what))])
}

fn of_histogram(sample: &Sample<Histogram>) -> Map<String, Json> {
    let buckets = sample.what.buckets.iter().flatten().map(|bucket| {
        // Rules 0 to 3: from excluded to included; from included to excluded; both out; both in.
        let (from_in, to_in) = (matches!(bucket.0, 1 | 3), matches!(bucket.0, 0 | 3));
        json!({
            "from": number(bucket.1), "fromIncluded": from_in, "to": number(bucket.2), "toIncluded": to_in,
            "count": number(bucket.3),
        })
    });
    let buckets: Vec<Json> = buckets.collect();
    let histogram = json!({"count": number(sample.what.count), "sum": number(sample.what.sum), "buckets": buckets});
    Map::from_iter([stamp(sample.at), ("value".to_owned(), Json::Null), ("histogram".to_owned(), histogram)])
}

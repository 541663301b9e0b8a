//! Results made of numbers: vectors, matrices, scalars.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::answer::Answer;
use super::fault::Codes;
use crate::contract::StepError;

/// How many samples are read, each series and each bucket counted as one more.
pub(crate) const MOST_SAMPLES: usize = 100_000;

/// A result made of numbers.
pub(crate) enum Found {
    /// One number that belongs to no series.
    Scalar(Sample<Number>),
    /// A text.
    Text(String),
    /// Series with one sample each.
    Vector(Vec<RawSeries>),
    /// Series with samples.
    Matrix(Vec<RawSeries>),
}

/// A series as it comes.
#[derive(Deserialize)]
pub(crate) struct RawSeries {
    #[serde(default)]
    pub(crate) metric: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) value: Option<Sample<Number>>,
    #[serde(default)]
    pub(crate) values: Option<Vec<Sample<Number>>>,
    #[serde(default)]
    pub(crate) histogram: Option<Sample<Histogram>>,
    #[serde(default)]
    pub(crate) histograms: Option<Vec<Sample<Histogram>>>,
}

/// A number, as text or bare; texts may say what JSON cannot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number(pub(crate) f64);

/// `[seconds, what]`.
pub(crate) struct Sample<T> {
    pub(crate) at: Timestamp,
    pub(crate) what: T,
}

/// A native histogram.
#[derive(Deserialize)]
pub(crate) struct Histogram {
    pub(crate) count: Number,
    pub(crate) sum: Number,
    #[serde(default)]
    pub(crate) buckets: Option<Vec<Bucket>>,
}

/// `[boundary rule, from, to, count]`; the rule says which boundaries are in the bucket.
#[derive(Deserialize)]
pub(crate) struct Bucket(pub(crate) u8, pub(crate) Number, pub(crate) Number, pub(crate) Number);

impl Answer {
    /// The result as numbers.
    pub(crate) fn measured(&self, codes: &Codes) -> Result<Found, StepError> {
        let found = match self.kind() {
            "vector" => Found::Vector(self.result::<Option<_>>(codes)?.unwrap_or_default()),
            "matrix" => Found::Matrix(self.result::<Option<_>>(codes)?.unwrap_or_default()),
            "scalar" => Found::Scalar(self.result(codes)?),
            "string" => Found::Text(self.result::<Sample<String>>(codes)?.what),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(self.wrong(codes, &format!("answered a result of the kind `{other}`")));
            }
        };
        match &found {
            Found::Vector(series) if series.iter().any(|one| one.value.is_none() && one.histogram.is_none()) => {
                return Err(self.wrong(codes, "answered a vector with a series that has no sample"));
            }
            Found::Vector(series) | Found::Matrix(series) if weight(series) > MOST_SAMPLES => {
                let what = format!("{} answered more than {MOST_SAMPLES} samples", self.host());
                return Err(codes.too_large(&what));
            }
            _ => {}
        }
        Ok(found)
    }
}

fn weight(series: &[RawSeries]) -> usize {
    let buckets = |sample: &Sample<Histogram>| 1 + sample.what.buckets.as_ref().map_or(0, Vec::len);
    let each = series.iter().map(|one| {
        let many = one.histograms.iter().flatten().map(buckets).sum::<usize>();
        let labels = one.metric.len() / 8;
        1 + labels + one.values.as_ref().map_or(0, Vec::len) + many + one.histogram.as_ref().map_or(0, buckets)
    });
    each.sum()
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl Visitor<'_> for Reads {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text.get(..40).unwrap_or("...")), &self))
            }

            fn visit_f64<E>(self, number: f64) -> Result<f64, E> {
                Ok(number)
            }

            fn visit_i64<E>(self, number: i64) -> Result<f64, E> {
                Ok(number as f64)
            }

            fn visit_u64<E>(self, number: u64) -> Result<f64, E> {
                Ok(number as f64)
            }
        }

        deserializer.deserialize_any(Reads).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sample<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = Sample<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sample, [seconds, value]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Sample<T>, A::Error> {
                let seconds: f64 = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let what = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                let at = Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
                Ok(Sample { at: at.map_err(A::Error::custom)?, what })
            }
        }

        deserializer.deserialize_seq(Reads(std::marker::PhantomData))
    }
}

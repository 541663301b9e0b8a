//! Invented data, drawn from the seed: the same place in the same flow invents the same.

use fake::Fake;
use fake::faker::address::en::{CityName, CountryCode, CountryName, StateName, StreetName, ZipCode};
use fake::faker::company::en::{CompanyName, Industry, Profession};
use fake::faker::creditcard::en::CreditCardNumber;
use fake::faker::internet::en::{DomainSuffix, IPv4, IPv6, MACAddress, SafeEmail, UserAgent, Username};
use fake::faker::job::en::Title;
use fake::faker::lorem::en::{Paragraph, Sentence, Word};
use fake::faker::name::en::{FirstName, LastName, Name};
use fake::faker::phone_number::en::PhoneNumber;
use fake::rand::rngs::ChaCha20Rng;
use fake::rand::{RngExt, SeedableRng};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::outside::draw;
use super::registry::{Function, Outcome, arg, global, int, items, position, string, wrong};

/// A function without arguments that invents a text.
macro_rules! invents {
    ($name:literal, $faker:expr) => {
        global($name, (0, 0), |cx, _| {
            let invented: String = $faker.fake_with_rng(&mut source(cx)?);
            cx.bytes(invented.len())?;
            Ok(Value::text(invented))
        })
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    invents!("fake.name", Name()),
    invents!("fake.firstName", FirstName()),
    invents!("fake.lastName", LastName()),
    invents!("fake.username", Username()),
    invents!("fake.email", SafeEmail()),
    invents!("fake.phone", PhoneNumber()),
    invents!("fake.company", CompanyName()),
    invents!("fake.industry", Industry()),
    invents!("fake.profession", Profession()),
    invents!("fake.jobTitle", Title()),
    invents!("fake.street", StreetName()),
    invents!("fake.city", CityName()),
    invents!("fake.state", StateName()),
    invents!("fake.country", CountryName()),
    invents!("fake.countryCode", CountryCode()),
    invents!("fake.zip", ZipCode()),
    invents!("fake.ipv4", IPv4()),
    invents!("fake.ipv6", IPv6()),
    invents!("fake.mac", MACAddress()),
    invents!("fake.userAgent", UserAgent()),
    invents!("fake.creditCard", CreditCardNumber()),
    invents!("fake.word", Word()),
    invents!("fake.sentence", Sentence(4..12)),
    invents!("fake.paragraph", Paragraph(3..7)),
    global("fake.domain", (0, 0), domain),
    global("fake.integer", (2, 2), integer),
    global("fake.number", (2, 2), number),
    global("fake.boolean", (0, 0), |cx, _| Ok(Value::Bool(source(cx)?.random()))),
    global("fake.hex", (1, 1), hexadecimal),
    global("fake.digits", (1, 1), digits),
    global("fake.pick", (1, 1), pick),
    global("fake.pattern", (1, 1), pattern),
];

fn source(cx: &mut Evaluation<'_>) -> Result<ChaCha20Rng, Fault> {
    Ok(ChaCha20Rng::from_seed(draw(cx)?))
}

fn domain(cx: &mut Evaluation<'_>, _: &[Value]) -> Outcome {
    let mut source = source(cx)?;
    let word: String = Word().fake_with_rng(&mut source);
    let suffix: String = DomainSuffix().fake_with_rng(&mut source);
    Ok(Value::text(format!("{}.{suffix}", word.to_ascii_lowercase())))
}

fn integer(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (least, most) = (int(args, 0)?, int(args, 1)?);
    if least > most {
        return Err(Fault::Argument("the first number is the smaller one".to_owned()));
    }
    Ok(Value::Int(source(cx)?.random_range(least..=most)))
}

#[expect(clippy::cast_precision_loss, reason = "a whole number is rounded to the nearest double")]
fn number(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let bound = |index| match arg(args, index)? {
        Value::Double(number) if number.is_finite() => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        other => Err(wrong(other, "a finite number")),
    };
    let (least, most) = (bound(0)?, bound(1)?);
    if least > most || !(most - least).is_finite() {
        return Err(Fault::Argument("the first number is the smaller one".to_owned()));
    }
    let share: f64 = source(cx)?.random();
    Ok(Value::Double((least + share * (most - least)).clamp(least, most)))
}

/// The longest text that is invented character by character.
const LONGEST: usize = 10_000;

fn characters(cx: &mut Evaluation<'_>, args: &[Value], from: &[u8]) -> Outcome {
    let length = position(int(args, 0)?, LONGEST)?;
    cx.charge(length)?;
    let mut source = source(cx)?;
    let drawn = (0..length).filter_map(|_| from.get(source.random_range(0..from.len())));
    Ok(Value::text(drawn.map(|byte| char::from(*byte)).collect::<String>()))
}

fn hexadecimal(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    characters(cx, args, b"0123456789abcdef")
}

fn digits(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    characters(cx, args, b"0123456789")
}

/// One item of a list.
fn pick(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let list = items(args, 0)?;
    if list.is_empty() {
        return Err(Fault::Argument("the list is empty".to_owned()));
    }
    let index = source(cx)?.random_range(0..list.len());
    list.get(index).ok_or(Fault::Overflow)
}

/// A text in which `#` became a digit and `?` a small letter.
fn pattern(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let text = string(args, 0)?;
    cx.charge(text.len())?;
    let mut source = source(cx)?;
    let filled = text.chars().map(|character| match character {
        '#' => char::from(source.random_range(b'0'..=b'9')),
        '?' => char::from(source.random_range(b'a'..=b'z')),
        other => other,
    });
    Ok(Value::text(filled.collect::<String>()))
}

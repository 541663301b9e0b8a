//! When a certificate expires: the one fact of it that the step reports (RFC 5280, section 4.1.2.5).

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a certificate in DER; none when it cannot be read.
pub(super) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, to_be_signed, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let mut rest = to_be_signed;
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    // The serial number, the signature's algorithm and the issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    let text = std::str::from_utf8(time).ok()?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: i16 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let two = |from: usize| rest.get(from..from + 2)?.parse::<i8>().ok();
    if rest.get(10..)? != "Z" {
        return None;
    }
    // The last second of the year 9999 means "never"; jiff ends one day earlier.
    if year == 9999 {
        return Some(Timestamp::MAX);
    }
    let day = date(year.clamp(1, 9998), 1, 1).with().month(two(0)?).day(two(2)?).build().ok()?;
    let time = jiff::civil::Time::new(two(4)?, two(6)?, two(8)?, 0).ok()?;
    Some(day.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The first element: its tag, its content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(tag: u8, time: &str) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| {
            let mut out = vec![tag, u8::try_from(content.len()).unwrap()];
            out.extend_from_slice(content);
            out
        };
        let validity = [wrap(UTC_TIME, b"200101000000Z"), wrap(tag, time.as_bytes())].concat();
        let fields = [
            wrap(VERSION, &wrap(2, &[2])),
            wrap(2, &[1]),
            wrap(SEQUENCE, &[]),
            wrap(SEQUENCE, &[]),
            wrap(SEQUENCE, &validity),
        ];
        wrap(SEQUENCE, &wrap(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn both_notations_of_time_are_read() {
        for (tag, time, expected) in [
            (UTC_TIME, "301231235959Z", "2030-12-31T23:59:59Z"),
            (UTC_TIME, "991231235959Z", "1999-12-31T23:59:59Z"),
            (GENERALIZED_TIME, "20550228010203Z", "2055-02-28T01:02:03Z"),
        ] {
            assert_eq!(not_after(&certificate(tag, time)), Some(expected.parse().unwrap()), "{time}");
        }
        assert_eq!(not_after(&certificate(GENERALIZED_TIME, "99991231235959Z")), Some(Timestamp::MAX));
    }

    #[test]
    fn nonsense_is_no_time_and_no_panic() {
        for (tag, time) in
            [(UTC_TIME, "301331235959Z"), (UTC_TIME, "30"), (4, "301231235959Z"), (UTC_TIME, "é1231235959Z")]
        {
            assert_eq!(not_after(&certificate(tag, time)), None, "{time}");
        }
        let good = certificate(UTC_TIME, "301231235959Z");
        for length in 0..good.len() {
            assert_eq!(not_after(&good[..length]), None);
        }
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}

//! How long a retry waits: as long as the upstream asks, else our own pace.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use respair_core::RetryVerdict;

/// The first wait of our own.
const BASE: Duration = Duration::from_millis(500);
/// The longest wait of our own.
const CAP: Duration = Duration::from_secs(8);

/// Our own wait before the `n`th retry, counted from 0: half a second, doubling up to eight, less up to a quarter so that
/// clients that failed together do not come back together.
pub fn backoff(n: u32, random: &mut fastrand::Rng) -> Duration {
    let full = BASE.saturating_mul(2_u32.saturating_pow(n)).min(CAP);
    full.mul_f64(1.0 - random.f64() / 4.0)
}

/// Whether an HTTP status allows the same request again: connection-like refusals, rate limits, and the server's own
/// faults. Any other 4xx stays what it is (DEVIATIONS 5.10), as does what a server cannot do at all (RFC 9110, 15.6.2 and
/// 15.6.6): a web server answers a POST so.
pub fn status_verdict(status: u16) -> RetryVerdict {
    match status {
        501 | 505 => RetryVerdict::Never,
        408 | 409 | 425 | 429 | 500..=599 => RetryVerdict::Retry,
        _ => RetryVerdict::Never,
    }
}

/// What a wait counts as that is longer than anyone will be around for, or than can be counted: 100 years.
const ENDLESS: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How long the headers ask to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date. Of a list, which is what
/// proxies make of a header that came twice, the first.
pub fn asked(headers: &HeaderMap, now_unix: u64) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ms = text("retry-after-ms").and_then(|text| number(text, 0.001));
    ms.or_else(|| {
        let value = text(RETRY_AFTER.as_str())?;
        number(value, 1.0).or_else(|| {
            let at = http_date(value)?;
            Some(Duration::from_secs(at.saturating_sub(now_unix)))
        })
    })
}

/// The first number of a list, in `unit` seconds.
fn number(list: &str, unit: f64) -> Option<Duration> {
    let first = list.split(',').next()?.trim();
    // `inf` is a number as well.
    if !first.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let seconds = first.parse::<f64>().ok()? * unit;
    if seconds >= ENDLESS.as_secs_f64() {
        return Some(ENDLESS);
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Seconds since 1970 of an IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). The obsolete forms are not
/// read: a wait that is not understood falls back to our own. What follows a comma is another date.
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut time = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let zone = words.next()?.split(',').next();
    if zone != Some("GMT") || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.iter().position(|name| *name == month)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let days = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
        + BEFORE.get(month)?
        + u64::from(leap && month > 1)
        + (day - 1);
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// A wait as it is told: `450 ms`, `6.6 s`, `75 s`.
pub fn spell(wait: Duration) -> String {
    let ms = wait.as_millis();
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 if !ms.is_multiple_of(1000) => format!("{:.1} s", wait.as_secs_f64()),
        _ => format!("{} s", wait.as_secs_f64().round()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pace_doubles_and_is_bounded() {
        let mut random = fastrand::Rng::with_seed(7);
        for (n, full) in [
            (0, 0.5),
            (1, 1.0),
            (2, 2.0),
            (3, 4.0),
            (4, 8.0),
            (9, 8.0),
            (u32::MAX, 8.0),
        ] {
            let wait = backoff(n, &mut random).as_secs_f64();
            assert!(wait <= full && wait >= full * 0.75, "{n}: {wait}");
        }
    }

    #[test]
    fn statuses() {
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 520, 529] {
            assert_eq!(status_verdict(status), RetryVerdict::Retry, "{status}");
        }
        for status in [
            301, 400, 401, 402, 403, 404, 405, 413, 415, 422, 451, 501, 505,
        ] {
            assert_eq!(status_verdict(status), RetryVerdict::Never, "{status}");
        }
    }

    #[test]
    fn milliseconds_come_first_where_they_mean_something() {
        for (ms, expected) in [
            ("250", 0.25),
            ("-5", 7.0),
            ("soon", 7.0),
            ("NaN", 7.0),
            ("", 7.0),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after-ms", ms.parse().unwrap());
            headers.insert("retry-after", "7".parse().unwrap());
            assert_eq!(
                asked(&headers, 0),
                Some(Duration::from_secs_f64(expected)),
                "{ms}"
            );
        }
    }

    #[test]
    fn waits_that_are_asked_for() {
        const ENDLESS: f64 = super::ENDLESS.as_secs_f64();
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (name, value, expected) in [
            ("retry-after", "2", Some(2.0)),
            ("retry-after", " 1.5 ", Some(1.5)),
            ("retry-after-ms", "250", Some(0.25)),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT", Some(30.0)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT", Some(0.0)),
            ("retry-after", "99999999999999999999999999", Some(ENDLESS)),
            ("retry-after", "1e999", Some(ENDLESS)),
            (
                "retry-after-ms",
                "99999999999999999999999999",
                Some(ENDLESS),
            ),
            ("retry-after", "3600, 3600", Some(3600.0)),
            ("retry-after", "7,soon", Some(7.0)),
            (
                "retry-after",
                "Sun, 06 Nov 1994 08:50:07 GMT, Sun, 06 Nov 1994 08:51:07 GMT",
                Some(30.0),
            ),
            ("retry-after", "inf", None),
            ("retry-after", "", None),
            ("retry-after", "-3", None),
            ("retry-after", "soon", None),
            ("retry-after", "NaN", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(
                asked(&headers, now),
                expected.map(Duration::from_secs_f64),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
            ("Mon, 01 Mar 2100 00:00:00 GMT", Some(4_107_542_400)),
            ("Sun, 06 Nov 1994 08:49:37 PST", None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 18446744073709551615:49:37 GMT", None),
            ("nonsense", None),
        ] {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }

    #[test]
    fn waits_are_spelt_short() {
        for (ms, expected) in [
            (450, "450 ms"),
            (6570, "6.6 s"),
            (2000, "2 s"),
            (75_400, "75 s"),
        ] {
            assert_eq!(spell(Duration::from_millis(ms)), expected);
        }
    }
}

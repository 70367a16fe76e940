//! How expectations are read: what parses to what, and what is refused with which remedy.

use super::*;

fn parse(key: &str, threshold: &str) -> Result<Expression, Fault> {
    let transports = ["websocket", "interval-polling", "5s"].map(str::to_owned);
    Expression::parse(key, threshold, &transports)
}

/// Transport, figure, operator and terms as one line.
fn told(key: &str, threshold: &str) -> String {
    let found = parse(key, threshold).unwrap_or_else(|fault| panic!("{key} {threshold}: {fault}"));
    let terms: Vec<String> = (found.terms.iter())
        .map(|term| match &term.reference {
            None => term.factor.to_string(),
            Some(Reference { transport, figure }) => format!(
                "{}×{}:{figure}",
                term.factor,
                transport.as_deref().unwrap_or("same")
            ),
        })
        .collect();
    let transport = found.transport.as_deref().unwrap_or("each");
    let (figure, operator) = (found.figure, found.operator);
    format!("{transport}:{figure} {operator} {}", terms.join(" + "))
}

#[test]
fn expectations_are_understood() {
    let cases = [
        ("lost", "== 0", "each:lost == 0"),
        ("latency.p99", "< 200", "each:latency.p99 < 200000"),
        ("latency.p99", "<1s", "each:latency.p99 < 1000000"),
        (
            "websocket.latency.p99",
            ">= 5 ",
            "websocket:latency.p99 >= 5000",
        ),
        (
            "websocket.latency.p99",
            "< 0.5 * interval-polling.latency.p99",
            "websocket:latency.p99 < 0.5×interval-polling:latency.p99",
        ),
        (
            "websocket.latency.p99",
            "<interval-polling.latency.p99*0.5",
            "websocket:latency.p99 < 0.5×interval-polling:latency.p99",
        ),
        (
            "latency.p99",
            "< 3 * latency.p50 + 20ms - 5s.connect.p99",
            "each:latency.p99 < 3×same:latency.p50 + 20000 + -1×5s:connect.p99",
        ),
        (
            "latency.p99",
            "< 5s.latency.p99",
            "each:latency.p99 < 1×5s:latency.p99",
        ),
        (
            "bytes_per_delivery",
            "<= 1.5KiB",
            "each:bytes_per_delivery <= 1536",
        ),
        ("empty_share", "< 5%", "each:empty_share < 0.05"),
        // k6's own.
        ("latency", "p(99)<200", "each:latency.p99 < 200000"),
        (
            "websocket.latency",
            "p(99.9) < 1s",
            "websocket:latency.p999 < 1000000",
        ),
        ("latency", "avg<100", "each:latency.mean < 100000"),
        ("connect", "med<=100", "each:connect.p50 <= 100000"),
        ("latency", "max<100", "each:latency.max < 100000"),
        ("errors", "rate<0.01", "each:errors_share < 0.01"),
        ("errors", "count===0", "each:errors == 0"),
    ];
    for (key, threshold, expected) in cases {
        assert_eq!(told(key, threshold), expected, "{key} {threshold}");
    }
}

#[test]
fn faults_name_the_place_and_the_remedy() {
    let key = |problem: &str| Fault::Key(problem.to_owned());
    let threshold = |problem: &str| Fault::Threshold(problem.to_owned());
    let cases = [
        (
            "latency.p98",
            "< 5",
            key("no figure is called \"latency.p98\"; did you mean \"latency.p90\"?"),
        ),
        (
            "websocket.lots",
            "== 0",
            key("no figure is called \"websocket.lots\"; did you mean \"websocket.lost\"?"),
        ),
        (
            "websockt.lost",
            "== 0",
            key("no transport is called \"websockt\"; did you mean \"websocket\"?"),
        ),
        (
            "latency",
            "< 5",
            threshold(
                "which figure of latency? Write \"latency.p99\" = [\"< 200ms\"], or \"p(99)<200\" here",
            ),
        ),
        (
            "latency",
            "p(42) < 5",
            threshold(
                "\"p(42)\" is not recorded; use min, mean, p50, p75, p90, p95, p99, p999 or max",
            ),
        ),
        (
            "lost",
            "p(99) < 5",
            threshold("\"p(99)\" is no part of lost; begin with <, <=, >, >=, == or !="),
        ),
        (
            "lost",
            "0",
            threshold("\"0\" compares nothing; write \"< 200ms\", \"== 0\" or \"p(99)<200\""),
        ),
        (
            "lost",
            "=> 0",
            threshold("\"=>\" is no operator; use <, <=, >, >=, == or !="),
        ),
        (
            "lost",
            "==",
            threshold("nothing to compare with; it is a count; write 0"),
        ),
        (
            "lost",
            "< 5ms",
            threshold("\"5ms\" does not fit: it is a count; write 0"),
        ),
        (
            "lost",
            "< 1 2",
            threshold(
                "\"2\" is one too many; write a number, a figure, or 0.5 * figure, with + or - between",
            ),
        ),
        (
            "lost",
            "< latency.p99",
            threshold("lost cannot be compared with latency.p99: it is a count; write 0"),
        ),
        (
            "latency.p99",
            "< 5ms * latency.p50",
            threshold("\"5ms\" is no plain number; write 0.5 * latency.p50"),
        ),
        (
            "latency.p99",
            "< intervall-polling.latency.p99",
            threshold(
                "no transport is called \"intervall-polling\"; did you mean \"interval-polling\"?",
            ),
        ),
    ];
    for (key, text, fault) in cases {
        assert_eq!(parse(key, text), Err(fault), "{key} {text}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(key in "\\PC{0,20}", threshold in "\\PC{0,30}") {
        let _ = parse(&key, &threshold);
    }

    #[test]
    fn nothing_like_an_expectation_panics(threshold in "[a-z0-9.*<>= +%µ-]{0,30}") {
        let _ = parse("latency.p99", &threshold);
    }
}

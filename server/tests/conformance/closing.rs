//! Category 7: closes, what may follow one (nothing), and what a close frame may hold.

use crate::case::*;

static VALID: [u16; 13] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
];
const INVALID: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

/// A close, and what must be ignored behind it.
fn and_then(name: &str, first: u8, payload: &str) -> Case {
    case(name)
        .send_close(1000, "")
        .send(first, payload)
        .at_once()
        .closed_with(&[1000])
}

fn with_reason(name: &str, reason: impl AsRef<[u8]>, codes: &'static [u16]) -> Case {
    case(name).send_close(1000, reason).closed_with(codes)
}

#[test]
fn category_7_closes() {
    let long = "x".repeat(256 * 1024);
    let mut cases = vec![
        case("7.1.1").send(FIN | TEXT, "瑶").hear(TEXT, "瑶"),
        and_then("7.1.2", FIN | CLOSE, ""),
        and_then("7.1.3", FIN | PING, ""),
        and_then("7.1.4", FIN | TEXT, "too late"),
        case("7.1.5")
            .send(TEXT, "one")
            .send_close(1000, "")
            .send(FIN, "two")
            .closed_with(&[1000]),
        // Which of them comes first is left open; ours answers in order.
        case("7.1.6")
            .send(FIN | TEXT, &long)
            .send(FIN | TEXT, "瑶")
            .send_close(1000, "")
            .send(FIN | PING, "")
            .hear(TEXT, &long)
            .hear(TEXT, "瑶")
            .closed_with(&[1000]),
        case("7.3.1").send(FIN | CLOSE, "").closed_with(&[1000]),
        case("7.3.2")
            .send(FIN | CLOSE, "x")
            .closed_with(PROTOCOL_ERROR),
        with_reason("7.3.3", "", &[1000]),
        with_reason("7.3.4", "再见", &[1000]),
        with_reason("7.3.5", "x".repeat(123), &[1000]),
        with_reason("7.3.6", "x".repeat(124), PROTOCOL_ERROR),
        with_reason("7.5.1", b"\xce\xba\xed\xa0\x80", NOT_UTF8),
    ];
    for (number, code) in (1..).zip(VALID.chunks(1)) {
        cases.push(
            case(format!("7.7.{number}"))
                .send_close(code[0], "")
                .closed_with(code),
        );
    }
    for (number, code) in (1..).zip(INVALID) {
        cases.push(
            case(format!("7.9.{number}"))
                .send_close(code, "")
                .closed_with(PROTOCOL_ERROR),
        );
    }
    for (number, code) in (1..).zip([5000, 65_535]) {
        cases.push(
            case(format!("7.13.{number}"))
                .send_close(code, "")
                .closed_with(PROTOCOL_ERROR),
        );
    }
    run(&cases, 37);
}

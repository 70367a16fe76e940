//! Categories 3 (reserved bits) and 4 (reserved opcodes): what comes before is answered, what comes after
//! is not.

use crate::case::*;

const GOOD: &str = "good";

/// The three reserved bits as a number.
const fn rsv(bits: u8) -> u8 {
    bits << 4
}

/// A good message, a frame that is none, and a ping that must find nobody.
fn between(name: &str, first: u8, payload: &str) -> Case {
    case(name)
        .send(FIN | TEXT, GOOD)
        .send(first, payload)
        .send(FIN | PING, "")
        .hear(TEXT, GOOD)
        .closed_with(PROTOCOL_ERROR)
}

fn alone(name: &str, first: u8, payload: &str) -> Case {
    case(name).send(first, payload).closed_with(PROTOCOL_ERROR)
}

#[test]
fn category_3_reserved_bits() {
    run(
        &[
            alone("3.1", FIN | rsv(1) | TEXT, GOOD),
            between("3.2", FIN | rsv(2) | TEXT, GOOD).at_once(),
            between("3.3", FIN | rsv(3) | TEXT, GOOD),
            between("3.4", FIN | rsv(4) | TEXT, GOOD).in_pieces(1),
            alone("3.5", FIN | rsv(5) | BINARY, GOOD),
            alone("3.6", FIN | rsv(6) | PING, GOOD),
            alone("3.7", FIN | rsv(7) | CLOSE, ""),
        ],
        7,
    );
}

#[test]
fn category_4_reserved_opcodes() {
    let mut cases = Vec::new();
    for (group, first) in [(1, 3), (2, 11)] {
        let name = |number: u8| format!("4.{group}.{number}");
        cases.extend([
            alone(&name(1), FIN | first, ""),
            alone(&name(2), FIN | (first + 1), "not empty"),
            between(&name(3), FIN | (first + 2), "").at_once(),
            between(&name(4), FIN | (first + 3), "not empty").at_once(),
            between(&name(5), FIN | (first + 4), "not empty").in_pieces(1),
        ]);
    }
    run(&cases, 10);
}

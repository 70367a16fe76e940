//! Categories 9 and 10: messages of many MiB, whole, in fragments and in small writes, and many small
//! ones in turn.

use crate::case::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// As text and as binary, each kind under a group of its own.
fn both(groups: [u8; 2]) -> [(u8, u8, &'static [u8]); 2] {
    [
        (groups[0], TEXT, "瑶*".as_bytes()),
        (groups[1], BINARY, b"\x00\xfe\x23\xfa"),
    ]
}

fn payload(pattern: &[u8], length: usize) -> Vec<u8> {
    pattern.repeat(length / pattern.len())
}

fn in_fragments(case: Case, opcode: u8, payload: &[u8], size: usize) -> Case {
    let count = payload.len().div_ceil(size);
    let numbered = payload.chunks(size).enumerate();
    numbered.fold(case, |case, (at, fragment)| {
        let opcode = if at == 0 { opcode } else { 0 };
        let fin = if at + 1 == count { FIN } else { 0 };
        case.send(fin | opcode, fragment)
    })
}

#[test]
fn category_9_large_messages() {
    let mut cases = Vec::new();
    for (group, opcode, pattern) in both([1, 2]) {
        let lengths = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
        for (number, length) in (1..).zip(lengths) {
            let payload = payload(pattern, length);
            cases.push(
                case(format!("9.{group}.{number}"))
                    .send(FIN | opcode, &payload)
                    .hear(opcode, &payload),
            );
        }
    }
    for (group, opcode, pattern) in both([3, 4]) {
        let payload = payload(pattern, 4 * MIB);
        for number in 1..=9 {
            let size = 16 << (2 * number);
            cases.push(
                in_fragments(case(format!("9.{group}.{number}")), opcode, &payload, size)
                    .hear(opcode, &payload)
                    .at_once(),
            );
        }
    }
    run(&cases, 30);
}

#[test]
fn category_9_small_writes_and_round_trips() {
    let mut cases = Vec::new();
    for (group, opcode, pattern) in both([5, 6]) {
        let payload = payload(pattern, MIB);
        for number in 1..=6 {
            cases.push(
                case(format!("9.{group}.{number}"))
                    .send(FIN | opcode, &payload)
                    .hear(opcode, &payload)
                    .in_pieces(32 << number),
            );
        }
    }
    for (group, opcode, pattern) in both([7, 8]) {
        for (number, length) in (1..).zip([0, 16, 64, 256, 1024, 4096]) {
            let payload = payload(pattern, length);
            let case = case(format!("9.{group}.{number}"));
            cases.push((0..1_000).fold(case, |case, _| {
                case.send(FIN | opcode, &payload).hear(opcode, &payload)
            }));
        }
    }
    run(&cases, 24);
}

#[test]
fn category_10_automatic_fragments() {
    let payload = payload(b"*", 64 * KIB);
    let case = in_fragments(case("10.1.1"), TEXT, &payload, 1_300).hear(TEXT, &payload);
    run(&[case], 1);
}

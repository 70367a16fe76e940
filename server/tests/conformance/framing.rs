//! Categories 1 (framing) and 2 (pings and pongs).

use crate::case::*;

#[test]
fn category_1_framing() {
    let lengths = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
    let mut cases = Vec::new();
    for (group, opcode, byte) in [(1, TEXT, b'*'), (2, BINARY, 0xfe)] {
        for (number, length) in (1..).zip(lengths) {
            let payload = vec![byte; length];
            let case = case(format!("1.{group}.{number}"))
                .send(FIN | opcode, &payload)
                .hear(opcode, &payload);
            cases.push(match number {
                8 => case.in_pieces(997),
                _ => case,
            });
        }
    }
    run(&cases, 16);
}

fn ten_pings(name: &str) -> Case {
    let case = (0..10).fold(case(name), |case, number| {
        case.send(FIN | PING, format!("ping {number}"))
    });
    (0..10).fold(case, |case, number| {
        case.hear(PONG, format!("ping {number}"))
    })
}

#[test]
fn category_2_pings_and_pongs() {
    let not_text = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let longest = [0xfe; 125];
    run(
        &[
            case("2.1").send(FIN | PING, "").hear(PONG, ""),
            case("2.2").send(FIN | PING, "瑶!").hear(PONG, "瑶!"),
            case("2.3").send(FIN | PING, not_text).hear(PONG, not_text),
            case("2.4").send(FIN | PING, longest).hear(PONG, longest),
            case("2.5")
                .send(FIN | PING, [0xfe; 126])
                .closed_with(PROTOCOL_ERROR),
            case("2.6")
                .send(FIN | PING, longest)
                .hear(PONG, longest)
                .in_pieces(1),
            case("2.7").send(FIN | PONG, ""),
            case("2.8").send(FIN | PONG, "nobody asked"),
            case("2.9")
                .send(FIN | PONG, "nobody asked")
                .send(FIN | PING, "somebody asks")
                .hear(PONG, "somebody asks"),
            ten_pings("2.10"),
            ten_pings("2.11").in_pieces(1),
        ],
        11,
    );
}

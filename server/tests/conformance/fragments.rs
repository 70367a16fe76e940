//! Category 5: messages in several frames, control frames between them, and orders that there are not.

use crate::case::*;

fn two_fragments(name: &str) -> Case {
    case(name).send(TEXT, "one, ").send(FIN, "two")
}

fn two_fragments_and_a_ping(name: &str) -> Case {
    case(name)
        .send(TEXT, "one, ")
        .send(FIN | PING, "and?")
        .send(FIN, "two")
        .hear(PONG, "and?")
        .hear(TEXT, "one, two")
}

fn continuation_of_nothing(name: &str, first: u8) -> Case {
    case(name)
        .send(first, "of what?")
        .send(FIN | TEXT, "good")
        .closed_with(PROTOCOL_ERROR)
}

fn twice_after_nothing(name: &str, first: u8) -> Case {
    let once = |case: Case| case.send(first, "0").send(TEXT, "1").send(FIN, "2");
    once(once(case(name))).at_once().closed_with(PROTOCOL_ERROR)
}

/// The first ping is answered before what follows it is sent.
fn five_fragments(name: &str) -> Case {
    case(name)
        .send(TEXT, "one, ")
        .send(0, "two, ")
        .send(FIN | PING, "1")
        .hear(PONG, "1")
        .send(0, "three, ")
        .send(0, "four, ")
        .send(FIN | PING, "2")
        .send(FIN, "five")
        .hear(PONG, "2")
        .hear(TEXT, "one, two, three, four, five")
}

#[test]
fn category_5_fragments() {
    let fragmented = |name, opcode| {
        case(name)
            .send(opcode, "one")
            .send(FIN, "two")
            .at_once()
            .closed_with(PROTOCOL_ERROR)
    };
    run(
        &[
            fragmented("5.1", PING),
            fragmented("5.2", PONG),
            two_fragments("5.3").hear(TEXT, "one, two").at_once(),
            two_fragments("5.4").hear(TEXT, "one, two"),
            two_fragments("5.5").hear(TEXT, "one, two").in_pieces(1),
            two_fragments_and_a_ping("5.6").at_once(),
            two_fragments_and_a_ping("5.7"),
            two_fragments_and_a_ping("5.8").in_pieces(1),
            continuation_of_nothing("5.9", FIN).at_once(),
            continuation_of_nothing("5.10", FIN),
            continuation_of_nothing("5.11", FIN).in_pieces(1),
            continuation_of_nothing("5.12", 0).at_once(),
            continuation_of_nothing("5.13", 0),
            continuation_of_nothing("5.14", 0).in_pieces(1),
            two_fragments("5.15")
                .send(0, "of what?")
                .send(FIN | TEXT, "good")
                .hear(TEXT, "one, two")
                .at_once()
                .closed_with(PROTOCOL_ERROR),
            twice_after_nothing("5.16", 0),
            twice_after_nothing("5.17", FIN),
            case("5.18")
                .send(TEXT, "one")
                .send(FIN | TEXT, "one again")
                .at_once()
                .closed_with(PROTOCOL_ERROR),
            five_fragments("5.19").at_once(),
            five_fragments("5.20"),
        ],
        20,
    );
}

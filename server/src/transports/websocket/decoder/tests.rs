//! Bytes in, messages and faults out: the same ones however the bytes are cut.

use super::*;

const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const LIMITS: Limits = Limits {
    bytes: 1_000,
    fragments: 5,
};

/// A frame under a mask whose bytes differ.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(p, m)| p ^ m));
    frame
}

/// All messages, and the fault that ended them, of bytes that come in pieces of this size.
fn decoded(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<Fault>) {
    let mut decoder = Decoder::new(LIMITS);
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(piece) {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(fault) => {
                    assert_eq!(decoder.decode(&mut piece), Ok(None), "after a fault");
                    assert!(piece.is_empty(), "after a fault");
                    return (messages, Some(fault));
                }
            }
        }
        assert!(piece.is_empty());
    }
    (messages, None)
}

fn expect(bytes: &[u8], messages: &[Message], fault: Option<Fault>) {
    for piece in [1, 2, 3, 7, 8, 9, 64, bytes.len().max(1)] {
        let expected = (messages.to_vec(), fault);
        assert_eq!(
            decoded(bytes, piece),
            expected,
            "in pieces of {piece}: {bytes:x?}"
        );
    }
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

#[test]
fn messages_in_one_frame() {
    expect(b"", &[], None);
    expect(&masked(FIN | TEXT, b""), &[text("")], None);
    expect(
        &masked(FIN | TEXT, "瑶, 峡谷".as_bytes()),
        &[text("瑶, 峡谷")],
        None,
    );
    let long: Vec<u8> = (0..1_000).map(|n| n as u8).collect();
    for length in [0, 1, 7, 8, 9, 125, 126, 999, 1_000] {
        let message = Message::Binary(long[..length].to_vec());
        expect(&masked(FIN | BINARY, &long[..length]), &[message], None);
    }
}

#[test]
fn fragments_with_control_frames_between_them() {
    let bytes = [
        masked(TEXT, b"\xe7"),
        masked(FIN | PING, b"1"),
        masked(0, b""),
        masked(FIN | PONG, b"2"),
        masked(0, b"\x91"),
        masked(FIN, b"\xb6"),
        masked(BINARY, b"\xff"),
        masked(FIN, b"\x00"),
    ];
    let messages = [
        Message::Ping(b"1".to_vec()),
        Message::Pong,
        text("瑶"),
        Message::Binary(b"\xff\x00".to_vec()),
    ];
    expect(&bytes.concat(), &messages, None);
}

#[test]
fn good_messages_before_a_fault_are_given() {
    let good = masked(FIN | TEXT, b"good");
    for (bad, fault) in [
        (masked(FIN | 0x40 | TEXT, b"x"), Fault::ReservedBit),
        (masked(FIN | 3, b"x"), Fault::ReservedOpcode),
        (masked(PING, b"x"), Fault::FragmentedControl),
        (masked(FIN | PING, &[0; 126]), Fault::LongControl),
        (vec![FIN | TEXT, 1, b'x'], Fault::Unmasked),
        (vec![FIN | TEXT, 0xfe, 0, 1], Fault::WastefulLength),
        (masked(0, b"x"), Fault::NothingToContinue),
        (masked(FIN, b"x"), Fault::NothingToContinue),
        (
            [masked(TEXT, b"x"), masked(FIN | TEXT, b"y")].concat(),
            Fault::Unfinished,
        ),
        (masked(FIN | TEXT, &[0; 1_001]), Fault::TooBig(1_000)),
        (
            [masked(BINARY, &[0; 600]), masked(FIN, &[0; 401])].concat(),
            Fault::TooBig(1_000),
        ),
        (masked(FIN | TEXT, b"\xff"), Fault::NotUtf8),
        (masked(FIN | TEXT, b"\xe7\x91"), Fault::NotUtf8),
        (masked(FIN | CLOSE, b"\x03"), Fault::BadClose),
        (masked(FIN | CLOSE, b"\x03\xe8\xff"), Fault::NotUtf8),
    ] {
        let bytes = [&good[..], &bad, &good].concat();
        expect(&bytes, &[text("good")], Some(fault));
    }
}

#[test]
fn nothing_follows_a_close() {
    let good = masked(FIN | TEXT, b"good");
    for (payload, code) in [(&b""[..], None), (b"\x03\xe9bye", Some(1001))] {
        let bytes = [&good[..], &masked(FIN | CLOSE, payload), &good, b"\xff"].concat();
        expect(&bytes, &[text("good"), Message::Close(code)], None);
    }
}

#[test]
fn fragments_are_counted_empty_ones_too() {
    let first = masked(TEXT, b"");
    let empty = masked(0, b"");
    let five = [&first[..], &empty, &empty, &empty, &masked(FIN, b"x")].concat();
    expect(&five, &[text("x")], None);
    let six = [&first[..], &empty, &empty, &empty, &empty, &empty[..1]].concat();
    expect(&six, &[], Some(Fault::TooManyFragments(5)));
}

/// The fault is told by the byte that shows it, not by the end of its frame.
#[test]
fn a_fault_is_told_at_once() {
    for (bytes, fault) in [
        (&b"\xc1"[..], Fault::ReservedBit),
        (b"\x09", Fault::FragmentedControl),
        (b"\x81\x05", Fault::Unmasked),
        (b"\x89\xfe\x00\x7e", Fault::LongControl),
        (
            b"\x82\xff\x00\x00\x00\x00\x40\x00\x00\x00",
            Fault::TooBig(1_000),
        ),
    ] {
        expect(bytes, &[], Some(fault));
        expect(&bytes[..bytes.len() - 1], &[], None);
    }
    // A surrogate is wrong at its second byte, what lies beyond U+10FFFF too.
    for bytes in [&b"ok\xed\xa0"[..], b"ok\xf4\x90", b"ok\xc0", b"ok\xe0\x80"] {
        let mut frame = masked(FIN | TEXT, &[bytes, &[b'x'; 50]].concat());
        frame.truncate(6 + bytes.len());
        expect(&frame, &[], Some(Fault::NotUtf8));
        expect(&frame[..frame.len() - 1], &[], None);
    }
}

#[test]
fn between_two_messages_nothing_is_held() {
    let mut decoder = Decoder::new(LIMITS);
    let bytes = [
        masked(FIN | TEXT, &[b'x'; 900]),
        masked(FIN | PING, &[b'x'; 125]),
        masked(FIN | PONG, &[b'x'; 125]),
    ]
    .concat();
    let mut rest = &bytes[..];
    while decoder.decode(&mut rest).unwrap().is_some() {}
    assert!(decoder.message.is_none());
    assert_eq!(decoder.control.capacity(), 0);
    // What every connection has of it.
    assert!(size_of::<Decoder>() <= 160, "{}", size_of::<Decoder>());
}

#[test]
fn an_unfinished_message_holds_no_more_than_one_may_have() {
    let mut decoder = Decoder::new(LIMITS);
    let bytes = masked(FIN | BINARY, &[0; 1_000]);
    for mut byte in bytes[..bytes.len() - 1].chunks(1) {
        assert_eq!(decoder.decode(&mut byte), Ok(None));
        let held = decoder.message.as_ref().unwrap().bytes.capacity();
        assert!(held <= LIMITS.bytes, "{held}");
    }
}

/// Pings in its midst do not finish a message; the next one is another.
#[test]
fn what_is_not_finished_is_told_apart() {
    let mut decoder = Decoder::new(LIMITS);
    let mut unfinished_after = |bytes: &[u8]| {
        let mut rest = bytes;
        while decoder.decode(&mut rest).unwrap().is_some() {}
        decoder.unfinished()
    };
    assert_eq!(unfinished_after(&[]), None);
    let first = unfinished_after(&masked(TEXT, b"a"));
    assert!(first.is_some());
    assert_eq!(unfinished_after(&masked(FIN | PING, b"b")), first);
    assert_eq!(unfinished_after(&masked(FIN | PING, b"bc")[..7]), first);
    assert_eq!(unfinished_after(&masked(FIN | PING, b"bc")[7..]), first);
    assert_eq!(unfinished_after(&masked(FIN, b"c")), None);
    let second = unfinished_after(&masked(TEXT, b"a")[..1]);
    assert!(second.is_some() && second != first);
    assert_eq!(unfinished_after(&masked(TEXT, b"a")[1..]), second);
    assert_eq!(unfinished_after(&masked(FIN, b"c")), None);
    // A frame that trickles, byte by byte, stays the same one; the next is another.
    let ping = masked(FIN | PING, b"bc");
    let third = unfinished_after(&ping[..1]);
    assert!(third.is_some() && third != second);
    for byte in &ping[1..7] {
        assert_eq!(unfinished_after(&[*byte]), third);
    }
    assert_eq!(unfinished_after(&ping[7..]), None);
    assert_ne!(unfinished_after(&ping[..1]), third);
}

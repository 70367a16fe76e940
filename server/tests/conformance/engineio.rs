//! The 25 cases of the Engine.IO 4 test suite in our own words, under their numbers, against an echo. Those
//! that Socket.IO has too stand in `carrier.rs`.

use crate::carrier::{self, settle};
use crate::harness::LIMIT;
use crate::peer::{Place, SEPARATOR, answer};
use crate::suite::{engineio, is_ours};
use std::time::Instant;

#[test]
fn case_01_polling_opens() {
    engineio(carrier::polling_opens);
}

#[test]
fn case_02_polling_needs_the_version() {
    engineio(carrier::polling_needs_the_version);
}

#[test]
fn case_03_polling_needs_a_transport() {
    engineio(carrier::polling_needs_a_transport);
}

#[test]
fn case_04_polling_opens_by_get_alone() {
    engineio(carrier::polling_opens_by_get_alone);
}

#[test]
fn case_05_websocket_opens() {
    engineio(carrier::websocket_opens);
}

#[test]
fn case_06_websocket_needs_the_version() {
    engineio(carrier::websocket_needs_the_version);
}

#[test]
fn case_07_websocket_needs_a_transport() {
    engineio(carrier::websocket_needs_a_transport);
}

#[test]
fn case_08_polling_echoes_a_packet() {
    engineio(|place| echo_by_polling(place, "4hello"));
}

#[test]
fn case_09_polling_echoes_many_packets() {
    let packets = ["4one", "4瑶", "4three"].join(&SEPARATOR.to_string());
    engineio(|place| echo_by_polling(place, &packets));
}

#[test]
fn case_10_polling_echoes_binary() {
    let packets = format!("4hello{SEPARATOR}bAQIDBA==");
    engineio(|place| echo_by_polling(place, &packets));
}

fn echo_by_polling(place: &Place, payload: &str) {
    let session = place.poll();
    session.give(payload);
    assert_eq!(session.take(), payload);
}

#[test]
fn case_11_polling_refuses_what_is_no_packet() {
    engineio(|place| {
        let session = place.poll();
        let refused = session.post("abc");
        // The reference says 200 and ends the session all the same.
        if is_ours() {
            assert!(refused.is_none_or(|answer| answer.status == 400));
        }
        session.expect_gone();
    });
}

#[test]
fn case_12_two_polls_at_once_end_the_session() {
    engineio(|place| {
        let session = place.poll();
        let mut first = session.hang();
        settle();
        let second = session.get();
        assert!(matches!(second.status, 400 | 500), "{}", second.status);
        let first = answer(&mut first).unwrap();
        assert_eq!((first.status, first.text()), (200, "1"));
        session.expect_gone();
    });
}

/// A POST shows whether the session is there: unlike a GET it does not end it.
#[test]
fn case_13_an_aborted_poll_ends_the_session() {
    engineio(|place| {
        let session = place.poll();
        let hanging = session.hang();
        settle();
        drop(hanging);
        let deadline = Instant::now() + LIMIT;
        while session
            .post("4hello")
            .is_some_and(|answer| answer.status == 200)
        {
            assert!(Instant::now() < deadline, "the session is still there");
        }
        session.expect_gone();
    });
}

#[test]
fn case_14_websocket_echoes_text() {
    engineio(|place| {
        let mut socket = place.socket();
        socket.say("4hello");
        assert_eq!(socket.text(), "4hello");
    });
}

#[test]
fn case_15_websocket_echoes_binary() {
    engineio(|place| {
        let mut socket = place.socket();
        socket.say_binary(&[1, 2, 3, 4]);
        assert_eq!(socket.binary(), [1, 2, 3, 4]);
    });
}

#[test]
fn case_16_websocket_refuses_what_is_no_packet() {
    engineio(|place| {
        let mut socket = place.socket();
        socket.say("abc");
        socket.expect_closed_after(&[]);
    });
}

#[test]
fn case_17_polling_is_pinged() {
    engineio(carrier::polling_is_pinged);
}

#[test]
fn case_18_silent_polling_ends() {
    engineio(carrier::silent_polling_ends);
}

#[test]
fn case_19_websocket_is_pinged() {
    engineio(carrier::websocket_is_pinged);
}

#[test]
fn case_20_silent_websocket_ends() {
    engineio(carrier::silent_websocket_ends);
}

#[test]
fn case_21_polling_closes() {
    engineio(carrier::polling_closes);
}

#[test]
fn case_22_websocket_closes() {
    engineio(carrier::websocket_closes);
}

#[test]
fn case_23_polling_upgrades() {
    engineio(|place| carrier::polling_upgrades(place, true));
}

#[test]
fn case_24_upgraded_has_no_polling() {
    engineio(carrier::upgraded_has_no_polling);
}

#[test]
fn case_25_upgraded_has_one_websocket() {
    engineio(carrier::upgraded_has_one_websocket);
}

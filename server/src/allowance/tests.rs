//! The limit of all histories, by way of a hub: what rooms held comes back, no publish goes beyond it and none
//! takes from another room, and what a refused one leaves behind. The wire is left to `tests/bytes`.

use super::*;
use crate::frames::Draft;
use crate::history::Bounds;
use crate::hub::{Hub, IDLE_ROOM};
use crate::presence::Presence;
use crate::publish::trusted;
use crate::wire::cursor::Start;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Instant;

/// Of which nobody takes from the largest, so that publishes are refused at `most`.
fn hub(bytes: usize, most: usize) -> Arc<Hub> {
    let bounds = Bounds {
        events: 50,
        bytes,
        bytes_in_all: most / 9 * 8,
        bare: false,
    };
    Hub::new(bounds, 1_000, Presence::for_test())
}

fn draft(bytes: usize) -> Draft {
    trusted("chat", format!("\"{}\"", "x".repeat(bytes)))
}

#[test]
fn an_exchange_is_granted_within_the_limit_or_where_nothing_grows() {
    let allowance = Allowance::new(89);
    assert_eq!(allowance.most, 100);
    assert_eq!(allowance.exchange(0, 90), Ok(()));
    assert_eq!(allowance.exchange(0, 11), Err(1));
    assert_eq!(allowance.exchange(5, 15), Ok(()));
    assert_eq!(allowance.held(), 100);
    allowance.exchange_regardless(10, 30);
    assert_eq!(allowance.held(), 120);
    assert_eq!(allowance.exchange(0, 7), Err(7));
    assert_eq!(allowance.exchange(7, 7), Ok(()));
    assert_eq!(allowance.exchange(30, 7), Ok(()));
    allowance.give_back(97);
    assert_eq!(allowance.held(), 0);
    assert_eq!(Allowance::new(0).exchange(0, usize::MAX / 2), Ok(()));
}

/// Whatever way a history ends: swept, forgotten, renewed, or when its last subscriber goes.
#[test]
fn what_a_room_held_is_given_back_when_it_is_gone() {
    let hub = hub(usize::MAX, 0);
    let fill = |name: &str| {
        let room = hub.room(name).unwrap();
        for key in ["a", "b", "c"] {
            hub.publish(&room, &draft(100), Some(key)).unwrap();
        }
        hub.announce(&room, &draft(10));
        room
    };
    // Names of one length: events bear them.
    drop(fill("sweep"));
    let each = hub.history_bytes();
    assert!(each > 300);
    hub.sweep(Instant::now() + IDLE_ROOM);
    assert_eq!(hub.history_bytes(), 0);
    let forgotten = fill("lapse");
    hub.forget("lapse");
    let old = fill("renew");
    let renewed = hub.renew("renew", &old);
    assert_eq!(hub.history_bytes(), 2 * each);
    drop(forgotten);
    assert_eq!(hub.history_bytes(), each);
    drop(old);
    assert_eq!(hub.history_bytes(), 0);
    hub.publish(&renewed, &draft(1), Some("a")).unwrap();
    let newest = hub.history_bytes();
    hub.publish(&renewed, &draft(1), Some("a")).unwrap();
    assert_eq!(hub.history_bytes(), newest, "a repeat brings nothing");
    renewed.history().keep(1);
    assert_eq!(hub.history_bytes(), newest);
    hub.forget("renew");
    drop(renewed);
    assert_eq!(hub.history_bytes(), 0);
}

#[test]
fn the_limit_holds_under_random_publishes_and_the_count_comes_back_to_nothing() {
    const LIMIT: usize = 200_000;
    let hub = hub(30_000, LIMIT);
    let work = |seed: u64| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..3_000 {
            let room = hub.room(&format!("峡谷{}", random.random_range(0..60)));
            let room = room.unwrap();
            let key = random.random_range(0..100).to_string();
            let key = random.random_bool(0.3).then_some(&*key);
            match hub.publish(&room, &draft(random.random_range(1..2_000)), key) {
                Ok(_) => taken += 1,
                Err(spent) => {
                    refused += 1;
                    assert_eq!(spent.limit, LIMIT / 9 * 8);
                }
            }
            assert!(hub.history_bytes() <= LIMIT);
            if random.random_bool(0.005) {
                hub.forget(&format!("峡谷{}", random.random_range(0..60)));
            }
        }
        (taken, refused)
    };
    let counts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || work(seed))).collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (taken, refused) in counts {
        assert!(taken > 100 && refused > 10, "{taken} {refused}");
    }
    hub.sweep(Instant::now() + IDLE_ROOM);
    assert_eq!((hub.room_count(), hub.history_bytes()), (0, 0));
}

#[test]
fn nothing_goes_for_a_publish_that_is_refused() {
    let hub = hub(usize::MAX, 20_000);
    let room = hub.room("small").unwrap();
    for key in ["a", "b", "c"] {
        hub.publish(&room, &draft(10), Some(key)).unwrap();
    }
    let other = hub.room("large").unwrap();
    while hub.publish(&other, &draft(500), None).is_ok() && other.history().missed_after(0) == 0 {}
    let (held, published) = (hub.history_bytes(), hub.published());
    assert!(hub.publish(&room, &draft(3_000), Some("d")).is_err());
    assert_eq!((hub.history_bytes(), hub.published()), (held, published));
    assert_eq!((room.head(), room.history().after(0).count()), (3, 3));
    // A key that is still known is answered, and the refused one was not remembered.
    let repeated = hub.publish(&room, &draft(3_000), Some("a")).unwrap();
    assert_eq!(repeated.offset, 1);
    let again = hub.publish(&room, &draft(10), Some("d")).unwrap();
    assert_eq!(again.offset, 4);
}

/// Rooms that rest keep what they have; one that is spoken in gives its own, as little as will do.
#[test]
fn a_publisher_pushes_out_nothing_of_other_rooms() {
    let hub = hub(usize::MAX, 50_000);
    let quiet = hub.room("quiet").unwrap();
    for _ in 0..4 {
        hub.publish(&quiet, &draft(500), None).unwrap();
    }
    for number in 0..100 {
        let room = hub.room(&format!("flood{number}")).unwrap();
        while hub.publish(&room, &draft(1_000), None).is_ok() && room.head() < 20 {}
    }
    assert_eq!(quiet.history().after(0).count(), 4);
    let (mut refused, mut added) = (0, 0);
    for number in 0..100 {
        let room = hub.room(&format!("late{number}")).unwrap();
        match hub.publish(&room, &draft(1_000), None) {
            Ok(_) => added += 1,
            Err(_) => {
                refused += 1;
                assert_eq!((room.head(), room.history().after(0).count()), (0, 0));
            }
        }
    }
    assert_eq!((added, refused), (0, 100));
    // Four of a kind: a fifth replaces one or two, and those who had not read them are told.
    hub.publish(&quiet, &draft(500), None).unwrap();
    let history = quiet.history();
    let kept = history.after(0).count() as u64;
    assert!((4..=5).contains(&kept), "{kept}");
    assert_eq!(history.missed_after(0), 5 - kept);
    assert_eq!(history.begin(Start::Now).0, 5);
}

#[test]
fn the_server_s_own_events_always_go_in_and_go_beyond_by_no_more_than_one_a_room() {
    let hub = hub(usize::MAX, 20_000);
    let full = hub.room("full").unwrap();
    while hub.publish(&full, &draft(1_000), None).is_ok() && full.history().missed_after(0) == 0 {}
    let before = hub.history_bytes();
    // Of the room that has something, its own goes.
    let kept = full.history().after(0).count();
    for _ in 0..50 {
        hub.announce(&full, &draft(10));
    }
    assert!(hub.history_bytes() <= 20_000);
    assert!(full.history().after(0).count() > kept);
    let others: Vec<_> = (0..10)
        .map(|number| hub.room(&number.to_string()).unwrap())
        .collect();
    for _ in 0..20 {
        for room in &others {
            let head = room.head();
            assert_eq!(hub.announce(room, &draft(10)), head + 1);
        }
    }
    let each = others[0].history().newest().unwrap().size();
    let beyond = hub.history_bytes() - before.min(20_000);
    assert!(beyond <= 10 * (each + 100) + 20_000 - before, "{beyond}");
    // While it is beyond, a room may still put one in the place of its others.
    hub.publish(&full, &draft(10), None).unwrap();
    assert!(hub.publish(&others[0], &draft(5_000), None).is_err());
}

#[test]
fn the_largest_give_down_to_one_measure() {
    for (spares, excess, expected) in [
        (&[10, 100, 50][..], 30, 70),
        (&[10, 100, 50], 50, 50),
        (&[10, 100, 50], 51, 49),
        (&[10, 100, 50], 130, 10),
        (&[10, 100, 50], 145, 5),
        (&[10, 100, 50], 160, 0),
        (&[10, 100, 50], 1_000, 0),
        (&[], 1, 0),
        (&[7, 7, 7], 1, 6),
    ] {
        let measure = measure(spares.to_vec(), excess);
        assert_eq!(measure, expected, "{spares:?} {excess}");
        let given: usize = spares
            .iter()
            .map(|spare| spare.saturating_sub(measure))
            .sum();
        assert!(given >= excess.min(spares.iter().sum()));
    }
}

/// Whoever was first keeps it no longer than others need it; small rooms lose nothing.
#[test]
fn who_filled_it_gives_way_to_others() {
    const LIMIT: usize = 117_000;
    let hub = hub(usize::MAX, LIMIT / 8 * 9);
    let small = hub.room("small").unwrap();
    for _ in 0..3 {
        hub.publish(&small, &draft(10), None).unwrap();
    }
    let hog = hub.room("hog").unwrap();
    while hub.history_bytes() <= LIMIT {
        hub.publish(&hog, &draft(800), None).unwrap();
    }
    for number in 0..40 {
        let room = hub.room(&format!("late{number}")).unwrap();
        hub.publish(&room, &draft(300), None).unwrap();
        hub.take_from_the_largest();
        assert!(hub.history_bytes() <= LIMIT);
        assert_eq!(room.history().missed_after(0), 0);
    }
    assert!(hog.history().missed_after(0) > 0);
    assert!(hog.history().newest().is_some());
    assert_eq!(small.history().missed_after(0), 0);
}

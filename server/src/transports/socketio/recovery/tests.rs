//! Who finds what again, and who does not: places told by one cursor and by the order of several rooms, and
//! bounds in number, bytes and time.

use super::super::rooms::Rooms;
use super::*;
use crate::history::Bounds;
use crate::presence::Presence;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::net::IpAddr;

fn hub() -> Arc<Hub> {
    let bounds = Bounds {
        events: 100,
        bytes: usize::MAX,
        bytes_in_all: 0,
        bare: false,
    };
    Hub::new(bounds, 10, Presence::for_test())
}

fn publish(hub: &Hub, room: &str, times: u64) {
    let room = hub.room(room).unwrap();
    let draft = crate::publish::trusted("chat", "1".into());
    for _ in 0..times {
        hub.publish(&room, &draft, None).unwrap();
    }
}

fn join(hub: &Hub, rooms: &mut Rooms, name: &str, offset: u64) {
    rooms.join(Place::after(hub.room(name).unwrap(), offset), None);
}

fn kept(rooms: &mut Rooms, begun: Option<&str>) -> Kept {
    left(rooms, Begun::of(begun))
}

fn left(rooms: &mut Rooms, begun: Begun) -> Kept {
    Kept::new("sid".into(), None, false, begun, &rooms.take())
}

fn cursor(hub: &Hub, room: &str, offset: u64) -> String {
    hub.room(room).unwrap().history().cursor(offset).to_string()
}

/// The rooms and offsets that are gone on from.
fn found(kept: Kept, offset: Option<&str>, hub: &Hub) -> Option<Vec<(String, u64)>> {
    let recovered = kept.recovered(offset, hub)?;
    assert_eq!(&*recovered.sid, "sid");
    let place = |place: &Place| (place.room.name.to_string(), place.offset);
    Some(recovered.rooms.iter().map(place).collect())
}

fn places<const N: usize>(places: [(&str, u64); N]) -> Option<Vec<(String, u64)>> {
    Some(places.map(|(room, at)| (room.to_owned(), at)).into())
}

#[test]
fn in_one_room_the_cursor_is_the_place() {
    let hub = hub();
    publish(&hub, "峡谷", 10);
    let one = || {
        let mut rooms = Rooms::default();
        join(&hub, &mut rooms, "峡谷", 4);
        rooms.note_sent(0, 9);
        kept(&mut rooms, None)
    };
    let at = |offset| cursor(&hub, "峡谷", offset);
    for (offset, expected) in [
        // It has read nothing.
        (None, places([("峡谷", 4)])),
        (Some(at(7)), places([("峡谷", 7)])),
        (Some(at(10)), places([("峡谷", 10)])),
        // Of before it joined.
        (Some(at(2)), places([("峡谷", 4)])),
        (Some(at(11)), None),
        (Some("a-7".to_owned()), None),
        (Some("no cursor".to_owned()), None),
    ] {
        assert_eq!(
            found(one(), offset.as_deref(), &hub),
            expected,
            "{offset:?}"
        );
    }
}

#[test]
fn the_order_tells_where_the_other_rooms_stood() {
    let hub = hub();
    for room in ["a", "b", "c"] {
        publish(&hub, room, 20);
    }
    let three = || {
        let mut rooms = Rooms::default();
        join(&hub, &mut rooms, "a", 2);
        // Alone: nobody looks at the order.
        rooms.note_sent(0, 5);
        join(&hub, &mut rooms, "b", 0);
        join(&hub, &mut rooms, "c", 7);
        for (index, to) in [(1, 3), (0, 6), (0, 8), (2, 9), (1, 4)] {
            rooms.note_sent(index, to);
        }
        kept(&mut rooms, None)
    };
    for (room, offset, expected) in [
        ("a", 4, places([("a", 4), ("b", 0), ("c", 7)])),
        ("a", 5, places([("a", 5), ("b", 0), ("c", 7)])),
        ("b", 2, places([("a", 5), ("b", 2), ("c", 7)])),
        ("a", 7, places([("a", 7), ("b", 3), ("c", 7)])),
        ("c", 9, places([("a", 8), ("b", 3), ("c", 9)])),
        ("b", 4, places([("a", 8), ("b", 4), ("c", 9)])),
        // Read elsewhere than in this join: nobody knows when.
        ("c", 7, None),
        ("a", 1, None),
        // Never sent.
        ("b", 5, None),
    ] {
        let offset = cursor(&hub, room, offset);
        assert_eq!(
            found(three(), Some(&offset), &hub),
            expected,
            "{room} {offset}"
        );
    }
}

#[test]
fn one_who_has_read_nothing_new_begins_where_he_joined() {
    let hub = hub();
    publish(&hub, "a", 9);
    publish(&hub, "b", 9);
    let two = || {
        let mut rooms = Rooms::default();
        join(&hub, &mut rooms, "a", 3);
        join(&hub, &mut rooms, "b", 4);
        rooms.note_sent(0, 5);
        kept(&mut rooms, Some("old-7"))
    };
    let expected = places([("a", 3), ("b", 4)]);
    assert_eq!(found(two(), Some("old-7"), &hub), expected);
    assert_eq!(found(two(), None, &hub), None);
}

/// It comes with cursor 7, and joins again: what it gives after a cut may be that one, or the same read anew.
#[test]
fn a_cursor_that_comes_again_is_gone_on_from_where_it_can_be_told() {
    let hub = hub();
    publish(&hub, "a", 9);
    publish(&hub, "b", 9);
    let begun = cursor(&hub, "a", 7);
    for (at, is_member, offset, alone, among) in [
        (8, true, 7, Some(8), true),
        (7, false, 7, Some(7), true),
        (7, true, 7, Some(7), false),
        (7, true, 8, Some(8), true),
        (5, false, 7, None, false),
        (5, false, 6, Some(6), true),
    ] {
        let told = format!("{at} {is_member} {offset}");
        let offset = cursor(&hub, "a", offset);
        let rooms = |rooms: &mut Rooms| {
            let mut begun = Begun::of(Some(&begun));
            join(&hub, rooms, "a", at);
            let place = hub.room("a").unwrap().history().cursor(at);
            begun.joins(place, is_member);
            for next in at + 1..=9 {
                rooms.note_sent(rooms.len() - 1, next);
            }
            left(rooms, begun)
        };
        let one = rooms(&mut Rooms::default());
        let expected = alone.map(|at| vec![("a".to_owned(), at)]);
        assert_eq!(found(one, Some(&offset), &hub), expected, "{told}");
        let mut two = Rooms::default();
        join(&hub, &mut two, "b", 3);
        let two = rooms(&mut two);
        assert_eq!(found(two, Some(&offset), &hub).is_some(), among, "{told}");
    }
}

#[test]
fn what_is_no_cursor_is_not_kept() {
    let long = "7".repeat(120_000);
    for offset in [&*long, "no cursor", ""] {
        assert_eq!(Begun::of(Some(offset)), Begun::Unknown);
        assert!(!Begun::Unknown.is(Some(offset)) && !Begun::Unknown.is(None));
    }
}

/// Of an order that was too long to remember only the end tells anything.
#[test]
fn what_was_forgotten_of_the_order_is_not_guessed() {
    let hub = hub();
    for _ in 0..12 {
        publish(&hub, "a", 100);
        publish(&hub, "b", 100);
    }
    let mut rooms = Rooms::default();
    join(&hub, &mut rooms, "a", 0);
    join(&hub, &mut rooms, "b", 0);
    for offset in 1..=600 {
        rooms.note_sent(0, offset);
        rooms.note_sent(1, offset);
    }
    let kept = kept(&mut rooms, None);
    let offsets = |room, offset| kept.offsets(Some(&cursor(&hub, room, offset)));
    assert_eq!(offsets("a", 600), Some(vec![600, 599]));
    assert_eq!(offsets("b", 102), Some(vec![102, 102]));
    assert_eq!(offsets("a", 50), None);
    assert_eq!(offsets("b", 50), None);
}

#[test]
fn what_is_gone_from_a_history_is_not_recovered() {
    let hub = hub();
    publish(&hub, "a", 5);
    let one = || {
        let mut rooms = Rooms::default();
        join(&hub, &mut rooms, "a", 0);
        kept(&mut rooms, None)
    };
    let before = (one(), one());
    let offset = cursor(&hub, "a", 3);
    publish(&hub, "a", 98);
    assert!(found(before.0, Some(&offset), &hub).is_some());
    publish(&hub, "a", 1);
    assert!(found(before.1, Some(&offset), &hub).is_none());
    // Nor is a room that is another one of the same name by now.
    let other = one();
    let offset = cursor(&hub, "a", 104);
    hub.forget("a");
    publish(&hub, "a", 1);
    assert!(found(other, Some(&offset), &hub).is_none());
}

#[test]
fn own_events_stay_spared() {
    let hub = hub();
    publish(&hub, "a", 9);
    let room = hub.room("a").unwrap();
    let mut rooms = Rooms::default();
    join(&hub, &mut rooms, "a", 0);
    rooms.spare(&room, 4);
    assert!((1..=6).filter(|at| rooms.at(0).is_spared(*at)).eq([4]));
    let offset = cursor(&hub, "a", 2);
    let recovered = kept(&mut rooms, None).recovered(Some(&offset), &hub);
    let mut spared = recovered.unwrap().rooms.remove(0).spared;
    assert!((3..=9).filter(|at| spared.holds(*at)).eq([4]));
}

#[test]
fn nobody_else_gets_it() {
    let user = |name| Arc::new(User::new(name).unwrap());
    let (yao, other) = (user("瑶"), user("瑶"));
    let rooms = || Rooms::default().take();
    let own = Kept::new(
        "sid".into(),
        Some(Arc::clone(&yao)),
        false,
        Begun::Nothing,
        &rooms(),
    );
    assert!(own.is_of(Some(&yao), false));
    assert!(!own.is_of(Some(&other), false) && !own.is_of(None, false));
    let nobody = Kept::new("sid".into(), None, true, Begun::Nothing, &rooms());
    assert!(nobody.is_of(None, true));
    assert!(!nobody.is_of(None, false) && !nobody.is_of(Some(&yao), true));
    // One who asks for what is another's takes it from nobody.
    let (recovery, now) = (Recovery::new(Duration::from_secs(120)), Instant::now());
    recovery.keep("pid".into(), own, None, now);
    let by = |user: &User| recovery.take("pid", now, |kept| kept.is_of(Some(user), false));
    assert!(by(&other).is_none());
    assert!(by(&yao).is_some());
}

fn take(recovery: &Recovery, pid: &str, now: Instant) -> Option<Kept> {
    recovery.take(pid, now, |_| true)
}

fn empty() -> Kept {
    kept(&mut Rooms::default(), None)
}

#[test]
fn it_is_given_once_and_not_after_its_time() {
    let recovery = Recovery::new(Duration::from_secs(120));
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    recovery.keep("a".into(), empty(), None, start);
    recovery.keep("b".into(), empty(), None, after(60));
    assert!(take(&recovery, "c", after(60)).is_none());
    assert!(take(&recovery, "a", after(119)).is_some());
    assert!(take(&recovery, "a", after(119)).is_none());
    // Cut again, it waits from then on.
    recovery.keep("a".into(), empty(), None, after(119));
    recovery.sweep(after(181));
    assert!(take(&recovery, "b", after(181)).is_none());
    assert!(take(&recovery, "a", after(238)).is_some());
    recovery.sweep(after(300));
    assert!(recovery.is_empty());
    let off = Recovery::new(Duration::ZERO);
    off.keep("a".into(), empty(), None, start);
    assert!(!off.is_on() && off.is_empty());
}

#[test]
fn the_first_go_when_there_are_too_many() {
    let now = Instant::now();
    let recovery = Recovery::within(Duration::from_secs(120), 10 * empty().bytes());
    for number in 0..25 {
        recovery.keep(number.to_string().into(), empty(), None, now);
    }
    let there = |number: u32| take(&recovery, &number.to_string(), now).is_some();
    assert_eq!((0..25).filter(|number| there(*number)).count(), 10);
    // Those who come back and are cut again take one place.
    for _ in 0..MAX_KEPT + 10 {
        recovery.keep("a".into(), empty(), None, now);
        take(&recovery, "a", now);
    }
    assert_eq!(recovery.all().order.len(), MAX_KEPT);
    recovery.sweep(now + Duration::from_secs(120));
    assert!(recovery.is_empty());
}

#[test]
fn one_address_leaves_the_others_their_places() {
    let now = Instant::now();
    let recovery = Recovery::new(Duration::from_secs(120));
    let of = |last: u8| Address::counted(Some(IpAddr::from([192, 0, 2, last])), false);
    recovery.keep("other".into(), empty(), of(1), now);
    for number in 0..MAX_KEPT {
        // Also where it comes back each time.
        recovery.keep(number.to_string().into(), empty(), of(2), now);
        take(&recovery, &number.to_string(), now);
    }
    assert_eq!(recovery.all().order.len(), 1 + MAX_KEPT_OF_ADDRESS);
    recovery.keep("more".into(), empty(), of(2), now);
    assert!(take(&recovery, "more", now).is_none());
    assert!(take(&recovery, "other", now).is_some());
    recovery.sweep(now + Duration::from_secs(120));
    assert!(recovery.is_empty());
}

/// A room is joined again to read from an earlier place: its cursors then tell nothing until they are new.
#[test]
fn a_cursor_that_two_joins_may_have_sent_tells_nothing() {
    let hub = hub();
    publish(&hub, "a", 20);
    publish(&hub, "b", 20);
    for (again, offset, expected) in [
        (5, 8, None),
        (5, 11, places([("b", 2), ("a", 11)])),
        (12, 13, places([("b", 2), ("a", 13)])),
    ] {
        let mut rooms = Rooms::default();
        join(&hub, &mut rooms, "a", 0);
        join(&hub, &mut rooms, "b", 0);
        for (index, to) in [(0, 10), (1, 2)] {
            rooms.note_sent(index, to);
        }
        rooms.leave("a");
        join(&hub, &mut rooms, "a", again);
        rooms.note_sent(1, 15);
        let offset = cursor(&hub, "a", offset);
        assert_eq!(found(kept(&mut rooms, None), Some(&offset), &hub), expected);
    }
}

/// What a client has been sent, in its order: which join, and the offset.
#[derive(Default)]
struct Client {
    rooms: Rooms,
    log: Vec<(&'static str, u64, u64)>,
}

impl Client {
    /// Does something at random.
    fn step(&mut self, hub: &Hub, random: &mut Xoshiro256PlusPlus, may_rejoin: bool) {
        let name = ["a", "b", "c"][random.random_range(0..3)];
        let index = self
            .rooms
            .iter()
            .position(|joined| &*joined.room.name == name);
        match (random.random_range(0..20), index) {
            (0..2, Some(_)) if may_rejoin => drop(self.rooms.leave(name)),
            (0..=2, Some(_)) if !may_rejoin => {}
            (0..=2, _) => join(hub, &mut self.rooms, name, random.random_range(0..90)),
            (_, Some(index)) => {
                let (id, offset) = (self.rooms.at(index).id, self.rooms.at(index).offset + 1);
                if offset <= 100 {
                    self.rooms.note_sent(index, offset);
                    self.log.push((name, id, offset));
                }
            }
            (_, None) => {}
        }
    }
}

/// Wherever the cut falls: what is recovered is exact, and where no room is joined twice, all is.
#[test]
fn any_cut_is_recovered_exactly_or_not_at_all() {
    let hub = hub();
    for room in ["a", "b", "c"] {
        publish(&hub, room, 100);
    }
    let mut recovered = 0;
    for seed in 0..2_000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let may_rejoin = seed % 2 == 0;
        let mut client = Client::default();
        for _ in 0..random.random_range(1..80) {
            client.step(&hub, &mut random, may_rejoin);
        }
        let read = random.random_range(0..=client.log.len());
        let read = &client.log[..read];
        let expected: Vec<u64> = (client.rooms.iter())
            .map(|joined| {
                let of_join = read.iter().rfind(|(_, id, _)| *id == joined.id);
                of_join.map_or(joined.since, |(_, _, offset)| *offset)
            })
            .collect();
        let last = read.last().map(|(room, _, at)| cursor(&hub, room, *at));
        let offsets = kept(&mut client.rooms, None).offsets(last.as_deref());
        match offsets {
            Some(offsets) => {
                assert_eq!(
                    offsets,
                    expected,
                    "{seed}: {:?}, read {}",
                    client.log,
                    read.len()
                );
                recovered += 1;
            }
            None => assert!(may_rejoin, "{seed}: {:?}, read {}", client.log, read.len()),
        }
    }
    assert!(recovered > 1_200, "{recovered}");
}

//! The presence core against a model, in thousands of random steps on a clock moved by hand: the model
//! keeps every hold that ever was and says from them alone who must be there.

use super::*;
use crate::history::Bounds;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const GRACE: Duration = Duration::from_secs(10);
const POLL_GRACE: Duration = Duration::from_secs(60);
const ROOMS: usize = 3;
const USERS: usize = 6;

fn hub(max_members: usize) -> Arc<Hub> {
    let bounds = Bounds {
        events: usize::MAX,
        bytes: usize::MAX,
        bytes_in_all: 0,
        bare: false,
    };
    let flags = PresenceFlags {
        member_grace: GRACE.as_secs_f64(),
        poll_grace: POLL_GRACE.as_secs_f64(),
        max_members,
        max_members_per_address: 2,
    };
    Hub::new(bounds, 10, Presence::new(&flags))
}

fn user(number: usize) -> Arc<User> {
    Arc::new(User {
        id: format!("user{number}").into(),
        name: "瑶".into(),
    })
}

/// `join user3`, in the order of the room's history.
fn log(room: &Room) -> Vec<String> {
    let history = room.history();
    (history.after(0))
        .map(|event| {
            let event: serde_json::Value = serde_json::from_slice(event.json()).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            format!("{} {}", text(&event["type"]), text(&event["user"]["id"]))
        })
        .collect()
}

/// All that one user has done in one room since he joined; everything else follows from it.
#[derive(Clone, Default)]
struct Stay {
    open: Vec<Hold>,
    stream_ends: Vec<Instant>,
    poll_starts: Vec<Instant>,
    poll_ends: Vec<Instant>,
}

impl Stay {
    fn enter(&mut self, hold: Hold, now: Instant) {
        self.open.push(hold);
        if hold == Hold::Poll {
            self.poll_starts.push(now);
        }
    }

    fn leave(&mut self, at: usize, now: Instant) -> Hold {
        let hold = self.open.remove(at);
        match hold {
            Hold::Stream => self.stream_ends.push(now),
            Hold::Poll => self.poll_ends.push(now),
        }
        hold
    }

    /// From the end of a poll to the start of the next, for all that had started by `until`.
    fn longest_pause(&self, until: Instant) -> Option<Duration> {
        let starts = self.poll_starts.iter().filter(|start| **start <= until);
        starts
            .filter_map(|start| {
                let before = self.poll_ends.iter().filter(|end| *end <= start).max()?;
                Some(*start - *before)
            })
            .max()
    }

    /// When he leaves, if nothing more happens.
    fn end(&self) -> Option<Instant> {
        if !self.open.is_empty() {
            return None;
        }
        let streams = self.stream_ends.iter().max().map(|end| *end + GRACE);
        let polls = self.poll_ends.iter().max().map(|end| {
            *end + match self.longest_pause(*end) {
                None => POLL_GRACE,
                Some(pause) => (pause * 3).max(GRACE).min(POLL_GRACE),
            }
        });
        streams.max(polls)
    }
}

/// What a room must look like.
#[derive(Default)]
struct Model {
    /// In the order in which they joined.
    stays: Vec<(usize, Stay)>,
    log: Vec<String>,
}

impl Model {
    fn stay(&mut self, user: usize) -> Option<&mut Stay> {
        let found = self.stays.iter_mut().find(|(of, _)| *of == user);
        found.map(|(_, stay)| stay)
    }

    fn depart(&mut self, now: Instant) {
        let mut gone: Vec<(Instant, usize)> = (self.stays.iter())
            .filter_map(|(user, stay)| Some((stay.end().filter(|end| *end <= now)?, *user)))
            .collect();
        gone.sort_unstable();
        for (_, user) in gone {
            self.stays.retain(|(of, _)| *of != user);
            self.log.push(format!("left user{user}"));
        }
    }

    fn list(&self) -> String {
        let users: Vec<_> = self.stays.iter().map(|(of, _)| user(*of)).collect();
        serde_json::to_string(&users.iter().map(|user| &**user).collect::<Vec<_>>()).unwrap()
    }
}

/// Milliseconds to a minute, to the nanosecond, so that no two things happen at once.
fn pause(random: &mut Xoshiro256PlusPlus) -> Duration {
    let most = [5_000_000, 500_000_000, 8_000_000_000, 50_000_000_000];
    let most = most[random.random_range(0..most.len())];
    Duration::from_nanos(random.random_range(1..most))
}

#[test]
fn the_log_of_a_random_life_equals_the_model() {
    for seed in 0..8 {
        live(seed, 4_000);
    }
}

fn live(seed: u64, steps: usize) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    // In half of the lives some find the room full.
    let max_members = if seed.is_multiple_of(2) {
        USERS
    } else {
        USERS / 2
    };
    let hub = hub(max_members);
    let rooms: Vec<_> = (0..ROOMS)
        .map(|number| hub.room(&number.to_string()).unwrap())
        .collect();
    let mut models: Vec<Model> = rooms.iter().map(|_| Model::default()).collect();
    let mut now = Instant::now();
    for step in 0..steps {
        now += pause(&mut random);
        let next = hub.depart(now);
        models.iter_mut().for_each(|model| model.depart(now));
        let ends = models.iter().flat_map(|model| &model.stays);
        let away: Vec<Instant> = ends.filter_map(|(_, stay)| stay.end()).collect();
        assert_eq!(next, away.iter().min().copied(), "seed {seed}, step {step}");
        assert_eq!(
            hub.presence.away().len(),
            away.len(),
            "each stands there once"
        );
        let at = random.random_range(0..ROOMS);
        let number = random.random_range(0..USERS);
        act(&hub, &rooms[at], &mut models[at], number, now, &mut random);
        let list = rooms[at].members().list();
        assert_eq!(*list, models[at].list(), "seed {seed}, step {step}");
    }
    now += POLL_GRACE;
    for (room, model) in rooms.iter().zip(&mut models) {
        let open: Vec<_> = (model.stays.iter())
            .flat_map(|(of, stay)| stay.open.iter().map(|hold| (*of, *hold)))
            .collect();
        for (number, hold) in open {
            hub.leave(room, &user(number), hold, now);
            model.stay(number).unwrap().leave(0, now);
            now += Duration::from_nanos(1);
        }
    }
    now += POLL_GRACE;
    assert_eq!(hub.depart(now), None);
    for (room, model) in rooms.iter().zip(&mut models) {
        model.depart(now);
        assert_eq!(log(room), model.log, "seed {seed}");
        assert!(model.log.len() > steps / 30, "nothing happened");
        assert!(room.members().is_empty());
    }
}

/// One more subscription of a user, or the end of one.
fn act(
    hub: &Hub,
    room: &Arc<Room>,
    model: &mut Model,
    number: usize,
    now: Instant,
    random: &mut Xoshiro256PlusPlus,
) {
    let is_full = model.stays.len() >= hub.presence.max_members;
    let user = user(number);
    let open = model.stay(number).map_or(0, |stay| stay.open.len());
    if open > 0 && random.random_range(0..3) > 0 {
        let at = random.random_range(0..open);
        let hold = model.stay(number).unwrap().leave(at, now);
        hub.leave(room, &user, hold, now);
        return;
    }
    let hold = [Hold::Stream, Hold::Poll][random.random_range(0..2)];
    let entered = hub.enter(room, &user, None, hold, now);
    match model.stay(number) {
        Some(stay) => stay.enter(hold, now),
        None if is_full => {
            return assert_eq!(entered, Err(Full));
        }
        None => {
            let mut stay = Stay::default();
            stay.enter(hold, now);
            model.stays.push((number, stay));
            model.log.push(format!("join user{number}"));
        }
    }
    assert_eq!(entered, Ok(()));
}

/// Threads that come and go while others see members off: whatever the order, each user's events
/// alternate, and the last is `left`.
#[test]
fn threads_cannot_make_a_member_join_or_leave_twice() {
    let flags = PresenceFlags {
        member_grace: 1e-6,
        poll_grace: 1e-6,
        max_members: USERS,
        max_members_per_address: 64,
    };
    let bounds = Bounds {
        events: usize::MAX,
        bytes: usize::MAX,
        bytes_in_all: 0,
        bare: false,
    };
    let hub = Hub::new(bounds, 10, Presence::new(&flags));
    let room = hub.room("KPL").unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (hub, room) = (&hub, &room);
            threads.spawn(move || {
                for turn in 0..5_000 {
                    let user = user((turn + thread) % 3);
                    drop(Membership::begin(hub, room, user, None, Hold::Stream).unwrap());
                    hub.depart(Instant::now());
                }
            });
        }
    });
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(hub.depart(Instant::now()), None);
    let log = log(&room);
    for number in 0..3 {
        let name = format!("user{number}");
        let own: Vec<&str> = (log.iter())
            .filter_map(|event| event.strip_suffix(&name))
            .collect();
        assert!(
            own.chunks(2).all(|pair| pair == ["join ", "left "]),
            "{own:?}"
        );
        assert!(own.len() > 2);
    }
}

/// However many names one address takes, others find room; and who is a member already always comes back.
#[test]
fn one_address_has_its_share_of_a_room_and_no_more() {
    let hub = hub(4);
    let room = hub.room("KPL").unwrap();
    let from = |text: &str| Address::counted(Some(text.parse().unwrap()), false);
    let (one, other) = (from("192.0.2.1"), from("192.0.2.2"));
    let begin = |number, address| {
        let joins = hub.would_join(&room, &user(number), address);
        let begun = Membership::begin(&hub, &room, user(number), address, Hold::Stream);
        (joins, begun)
    };
    let (mut kept, mut joined) = (Vec::new(), Vec::new());
    for (number, address) in [
        (0, one),
        (1, one),
        (2, one),
        (0, one),
        (3, other),
        (4, None),
        (5, None),
    ] {
        let (joins, begun) = begin(number, address);
        joined.push((joins, begun.is_ok()));
        kept.extend(begun);
    }
    let (new, known, refused) = ((true, true), (false, true), (false, false));
    assert_eq!(joined, [new, new, refused, known, new, new, refused]);
    assert_eq!(
        log(&room),
        ["join user0", "join user1", "join user3", "join user4"]
    );
}

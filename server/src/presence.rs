//! Who is in a room: a user is a member from the first subscription that he opens, however many more
//! there are, until the last has been gone for its grace. `join` and `left` are events of the room,
//! appended while its members are locked, so that every subscriber reads them in the order in which they
//! came to be, and one of each.
//!
//! A stream or a WebSocket that ends is waited for as long as a reload takes; a poll, as long as its
//! client has been seen to stay away between polls. All who are away stand in one queue of the hub, each
//! once, with one task (`see_off`) that waits for the first of them. Who publishes without a subscription
//! is no member, nor is anybody without a name or on a bare server, which has no envelope to say it in. Nor
//! is who comes when the room has as many members as it may, or as many of his address: he reads and
//! publishes under his name, and that is all.

use crate::hub::{Hub, Room};
use crate::identity::User;
use crate::net::admission::Address;
use crate::publish;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A poll is waited for this many times as long as its client has stayed away before.
const POLLS_WAITED_FOR: u32 = 3;

#[derive(clap::Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Who is who")]
pub struct PresenceFlags {
    /// Seconds for which a member whose last connection has ended is waited for
    #[arg(long, env = "PUSHLAB_MEMBER_GRACE", value_name = "SECONDS", default_value_t = 10.0, value_parser = crate::config::positive_seconds)]
    pub member_grace: f64,

    /// Seconds for which a member who polls is waited for at most, and as long as nobody knows how often
    /// he does: one who polls more seldom leaves and joins at each poll
    #[arg(long, env = "PUSHLAB_POLL_GRACE", value_name = "SECONDS", default_value_t = 60.0, value_parser = crate::config::positive_seconds)]
    pub poll_grace: f64,

    /// Members that a room may have; a further user reads and publishes without being one
    #[arg(
        long,
        help_heading = "Limits",
        env = "PUSHLAB_MAX_MEMBERS",
        default_value_t = 1_000
    )]
    pub max_members: usize,

    /// Members that a room may have of one address (IPv6: one /64); a further user reads and publishes
    /// without being one; 0 is no limit
    #[arg(
        long,
        help_heading = "Limits",
        env = "PUSHLAB_MAX_MEMBERS_PER_ADDRESS",
        default_value_t = 64
    )]
    pub max_members_per_address: usize,
}

/// How a member holds on to a room, which decides how long he is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Stream,
    Poll,
}

/// The room has as many members as it may, or as many of this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What all rooms of a hub share: how long members are waited for, and those who are.
pub struct Presence {
    grace: Duration,
    poll_grace: Duration,
    max_members: usize,
    max_members_per_address: usize,
    away: Mutex<Away>,
    next: std::sync::atomic::AtomicU64,
    /// The first of the queue is another one.
    sooner: Notify,
}

/// When somebody leaves unless he comes back; the number tells those of one instant apart.
type Departure = (Instant, u64);

type Away = BTreeMap<Departure, (Arc<Room>, Arc<User>)>;

impl Presence {
    pub fn new(flags: &PresenceFlags) -> Presence {
        let grace = Duration::from_secs_f64(flags.member_grace);
        Presence {
            grace,
            poll_grace: Duration::from_secs_f64(flags.poll_grace).max(grace),
            max_members: flags.max_members,
            max_members_per_address: match flags.max_members_per_address {
                0 => usize::MAX,
                limit => limit,
            },
            away: Mutex::default(),
            next: std::sync::atomic::AtomicU64::new(0),
            sooner: Notify::new(),
        }
    }

    /// With the graces that are the defaults.
    #[cfg(test)]
    pub fn for_test() -> Presence {
        Presence::new(&PresenceFlags {
            member_grace: 10.0,
            poll_grace: 60.0,
            max_members: 1_000,
            max_members_per_address: 64,
        })
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, at: Instant, room: &Arc<Room>, user: &Arc<User>) -> Departure {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let departure = (at, number);
        let mut away = self.away();
        away.insert(departure, (Arc::clone(room), Arc::clone(user)));
        let is_first = away.first_key_value().map(|(first, _)| *first) == Some(departure);
        drop(away);
        if is_first {
            self.sooner.notify_one();
        }
        departure
    }

    fn forget(&self, departure: Departure) {
        self.away().remove(&departure);
    }

    /// The first whose time has come, or when that will be.
    fn due(&self, now: Instant) -> Result<(Departure, Arc<Room>, Arc<User>), Option<Instant>> {
        let mut away = self.away();
        match away.first_entry() {
            None => Err(None),
            Some(first) if first.key().0 > now => Err(Some(first.key().0)),
            Some(first) => {
                let (departure, (room, user)) = first.remove_entry();
                Ok((departure, room, user))
            }
        }
    }
}

/// The members of one room.
#[derive(Default)]
pub struct Members {
    by_id: HashMap<Box<str>, Member>,
    joined: u64,
    /// The list as JSON, until it changes: all who come back at once get the same one.
    list: Option<Arc<str>>,
}

struct Member {
    user: Arc<User>,
    /// Where he joined from, if anybody counts there.
    address: Option<Address>,
    /// His place in the list.
    number: u64,
    /// Subscriptions and held polls that are open now.
    holders: u32,
    /// Waited for because of streams until then, and because of polls.
    stream_until: Instant,
    poll_until: Instant,
    /// When his last poll ended, and the longest time from the end of one to the next.
    last_poll: Option<Instant>,
    longest_pause: Option<Duration>,
    /// While he is away.
    departure: Option<Departure>,
}

impl Member {
    fn new(user: &Arc<User>, address: Option<Address>, number: u64, now: Instant) -> Member {
        Member {
            user: Arc::clone(user),
            address,
            number,
            holders: 0,
            stream_until: now,
            poll_until: now,
            last_poll: None,
            longest_pause: None,
            departure: None,
        }
    }

    fn enter(&mut self, hold: Hold, now: Instant) {
        self.holders += 1;
        if hold == Hold::Poll
            && let Some(last) = self.last_poll
        {
            let pause = now.saturating_duration_since(last);
            self.longest_pause = self.longest_pause.max(Some(pause));
        }
    }

    /// How long he is waited for, if that was the last of him.
    fn leave(&mut self, hold: Hold, presence: &Presence, now: Instant) -> Option<Instant> {
        self.holders -= 1;
        match hold {
            Hold::Stream => self.stream_until = now + presence.grace,
            Hold::Poll => {
                self.last_poll = Some(now);
                let wait = match self.longest_pause {
                    None => presence.poll_grace,
                    Some(pause) => {
                        (pause * POLLS_WAITED_FOR).clamp(presence.grace, presence.poll_grace)
                    }
                };
                self.poll_until = now + wait;
            }
        }
        (self.holders == 0).then(|| self.stream_until.max(self.poll_until))
    }
}

impl Members {
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether there is room for one more of this address.
    fn check_room(&self, presence: &Presence, address: Option<Address>) -> Result<(), Full> {
        let of_address = || {
            let members = self.by_id.values();
            members.filter(|member| member.address == address).count()
        };
        let is_full = self.by_id.len() >= presence.max_members
            || address.is_some() && of_address() >= presence.max_members_per_address;
        if is_full { Err(Full) } else { Ok(()) }
    }

    /// `[{"id":"…","name":"…"},…]`, who came first being first.
    pub fn list(&mut self) -> Arc<str> {
        let by_id = &self.by_id;
        let list = self.list.get_or_insert_with(|| {
            let mut members: Vec<&Member> = by_id.values().collect();
            members.sort_unstable_by_key(|member| member.number);
            let users: Vec<&User> = members.iter().map(|member| &*member.user).collect();
            serde_json::to_string(&users)
                .expect("strings have a JSON form")
                .into()
        });
        Arc::clone(list)
    }
}

/// One subscription of a member; it ends when dropped.
pub struct Membership {
    hub: Arc<Hub>,
    room: Arc<Room>,
    user: Arc<User>,
    hold: Hold,
}

impl Membership {
    /// The user is in the room from now on. Whoever is to read his own `join` has opened his
    /// subscription before.
    pub fn begin(
        hub: &Arc<Hub>,
        room: &Arc<Room>,
        user: Arc<User>,
        address: Option<Address>,
        hold: Hold,
    ) -> Result<Membership, Full> {
        hub.enter(room, &user, address, hold, Instant::now())?;
        Ok(Membership {
            hub: Arc::clone(hub),
            room: Arc::clone(room),
            user,
            hold,
        })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub
            .leave(&self.room, &self.user, self.hold, Instant::now());
    }
}

impl Hub {
    /// Whether this user would join the room by entering it, which everybody in it would be told.
    pub fn would_join(&self, room: &Room, user: &User, address: Option<Address>) -> bool {
        let members = room.members();
        !members.by_id.contains_key(&user.id) && members.check_room(&self.presence, address).is_ok()
    }

    fn enter(
        &self,
        room: &Arc<Room>,
        user: &Arc<User>,
        address: Option<Address>,
        hold: Hold,
        now: Instant,
    ) -> Result<(), Full> {
        let mut members = room.members();
        if let Some(member) = members.by_id.get_mut(&user.id) {
            member.enter(hold, now);
            if let Some(departure) = member.departure.take() {
                self.presence.forget(departure);
            }
            return Ok(());
        }
        members.check_room(&self.presence, address)?;
        let number = members.joined;
        members.joined += 1;
        let mut member = Member::new(user, address, number, now);
        member.enter(hold, now);
        members.by_id.insert(user.id.clone(), member);
        self.tell(room, &mut members, "join", user);
        Ok(())
    }

    fn leave(&self, room: &Arc<Room>, user: &Arc<User>, hold: Hold, now: Instant) {
        let mut members = room.members();
        let Some(member) = members.by_id.get_mut(&user.id) else {
            return;
        };
        if let Some(at) = member.leave(hold, &self.presence, now) {
            member.departure = Some(self.presence.expect(at, room, user));
        }
    }

    /// Sees off all who have been away for too long. Gives when the next of them will have been.
    fn depart(&self, now: Instant) -> Option<Instant> {
        loop {
            let (departure, room, user) = match self.presence.due(now) {
                Ok(due) => due,
                Err(next) => return next,
            };
            let mut members = room.members();
            // He may have come back since he was taken from the queue.
            let is_away = |member: &Member| member.departure == Some(departure);
            if members.by_id.get(&user.id).is_some_and(is_away) {
                members.by_id.remove(&user.id);
                self.tell(&room, &mut members, "left", &user);
            }
        }
    }

    /// Appends it while the members are locked; a publish takes no lock that another holds for that.
    fn tell(&self, room: &Room, members: &mut Members, kind: &str, user: &Arc<User>) {
        members.list = None;
        let draft = publish::trusted(kind, "null".to_owned()).by(Some(Arc::clone(user)));
        self.announce(room, &draft);
    }
}

/// Sees members off when their time has come, for as long as the server runs.
pub async fn see_off(hub: Arc<Hub>) {
    loop {
        let next = hub.depart(Instant::now());
        let sooner = hub.presence.sooner.notified();
        match next {
            // Either is a reason to look again.
            Some(at) => drop(tokio::time::timeout_at(at.into(), sooner).await),
            None => sooner.await,
        }
    }
}

#[cfg(test)]
mod tests;

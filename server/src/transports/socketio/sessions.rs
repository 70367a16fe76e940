//! Sessions by their sid, on whichever worker they were opened: the requests of one come over several
//! connections. A session without a connection costs memory too, so that sessions are limited as
//! connections are.

use super::session::Session;
use crate::limits::LimitFlags;
use crate::net::admission::Address;
use crate::problems::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A client that goes has a poll under way, which may come after its goodbye: so long it is waited for.
const LAST_POLL: Duration = Duration::from_secs(1);

/// And so many sessions are waited for at a time.
const MAX_LAST_POLLS: usize = 1_000;

pub struct Sessions {
    known: Mutex<Known>,
    max: usize,
    max_per_address: usize,
}

#[derive(Default)]
struct Known {
    by_sid: HashMap<Box<str>, Arc<Session>>,
    /// Which session a client that can be recovered has now: its sid by the client's pid.
    by_pid: HashMap<Box<str>, Box<str>>,
    by_address: HashMap<Address, usize>,
    /// Sids of clients that have gone while no poll was there, and when.
    last_polls: VecDeque<(Box<str>, Instant)>,
}

impl Sessions {
    pub fn new(flags: &LimitFlags) -> Arc<Sessions> {
        Arc::new(Sessions {
            known: Mutex::default(),
            max: flags.max_connections,
            max_per_address: match flags.max_connections_per_address {
                0 => usize::MAX,
                limit => limit,
            },
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new one, which `make` makes of its sid: 128 random bits, for whoever knows it speaks for the
    /// session.
    pub fn open(
        &self,
        address: Option<Address>,
        make: impl FnOnce(Box<str>) -> Session,
    ) -> Result<Arc<Session>, Refusal> {
        let sid: Box<str> = random_id().into();
        let mut known = self.known();
        if known.by_sid.len() >= self.max {
            return Err(Refusal::ConnectionsFull { limit: self.max });
        }
        if let Some(address) = address {
            let open = known.by_address.entry(address).or_default();
            if *open >= self.max_per_address {
                return Err(Refusal::TooManyConnections {
                    limit: self.max_per_address,
                });
            }
            *open += 1;
        }
        let session = Arc::new(make(sid.clone()));
        known.by_sid.insert(sid, Arc::clone(&session));
        Ok(session)
    }

    pub fn get(&self, sid: &str) -> Option<Arc<Session>> {
        self.known().by_sid.get(sid).cloned()
    }

    /// A client with this pid has this session from now on.
    pub fn bear(&self, pid: &str, sid: &str) {
        self.known().by_pid.insert(pid.into(), sid.into());
    }

    /// It has it no more.
    pub fn lay_down(&self, pid: &str) {
        self.known().by_pid.remove(pid);
    }

    /// The session that the client with this pid has.
    pub fn bearer(&self, pid: &str) -> Option<Arc<Session>> {
        let known = self.known();
        known.by_sid.get(known.by_pid.get(pid)?).cloned()
    }

    /// Takes out one that has ended.
    pub fn remove(&self, sid: &str, address: Option<Address>) {
        let mut known = self.known();
        let gone = known.by_sid.remove(sid);
        if gone.is_some()
            && let Some(address) = address
            && let Entry::Occupied(mut open) = known.by_address.entry(address)
        {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
        // Outside the lock: it may be the last one that knows the session.
        drop(known);
        drop(gone);
    }

    /// The client of this session has gone, and its last poll has not come yet.
    pub fn expect_last_poll(&self, sid: &str) {
        let mut known = self.known();
        if known.last_polls.len() == MAX_LAST_POLLS {
            known.last_polls.pop_front();
        }
        known.last_polls.push_back((sid.into(), Instant::now()));
    }

    /// Whether this is the last poll of a session that was waited for.
    pub fn is_last_poll(&self, sid: &str) -> bool {
        let mut known = self.known();
        let now = Instant::now();
        let last = &mut known.last_polls;
        while last
            .front()
            .is_some_and(|(_, since)| *since + LAST_POLL < now)
        {
            last.pop_front();
        }
        let found = last.iter().position(|(gone, _)| **gone == *sid);
        found.and_then(|at| last.remove(at)).is_some()
    }

    /// How many there are now.
    pub fn count(&self) -> usize {
        self.known().by_sid.len()
    }
}

/// 128 random bits, as a text that stands in a URL.
pub fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

#[cfg(test)]
mod tests {
    use super::super::application::Application;
    use super::super::heartbeat::Tempo;
    use super::super::session::{Beginning, Carrier};
    use super::*;
    use crate::usage::Class;
    use std::time::Duration;

    fn polled(sid: Box<str>) -> Session {
        let second = Duration::from_secs(1);
        let beginning = Beginning {
            class: Class::Control,
            address: None,
            carrier: Carrier::Polling,
            application: Application::Echo,
            tempo: Tempo {
                interval: second,
                timeout: second,
            },
            max_payload: 64,
            connect_within: second,
        };
        Session::begin(sid, beginning)
    }

    #[test]
    fn they_are_limited_as_connections_are_and_leave_their_place() {
        let flags = LimitFlags {
            max_connections: 3,
            max_connections_per_address: 2,
            ..LimitFlags::for_test()
        };
        let sessions = Sessions::new(&flags);
        let from = |text: &str| Address::counted(Some(text.parse().unwrap()), false);
        let one = from("192.0.2.1");
        let first = sessions.open(one, polled).unwrap();
        sessions.open(one, polled).unwrap();
        let refused = sessions.open(one, polled).err();
        assert!(matches!(
            refused,
            Some(Refusal::TooManyConnections { limit: 2 })
        ));
        sessions.open(from("192.0.2.2"), polled).unwrap();
        let refused = sessions.open(from("127.0.0.1"), polled).err();
        assert!(matches!(
            refused,
            Some(Refusal::ConnectionsFull { limit: 3 })
        ));
        for _ in 0..2 {
            sessions.remove(&first.sid, one);
        }
        assert_eq!(sessions.count(), 2);
        assert!(sessions.get(&first.sid).is_none());
        let again = sessions.open(one, polled).unwrap();
        assert_eq!(again.sid.len(), 22);
        assert!(sessions.open(None, polled).is_err());
    }
}

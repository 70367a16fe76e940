//! Who may connect: so many in all, so many from one address, and from one address so many a second. Who
//! may not is told so in one packet and costs no request; over TLS it is closed without a word, for a word
//! would cost the handshake that the limit spares. An IPv6 host has 2⁶⁴ addresses to itself, so
//! there the network counts. Addresses that are at rest are forgotten: what is remembered is bounded by
//! the connections that are open and those of the last second.

use crate::limits::LimitFlags;
use crate::problems::Refusal;
use crate::rate::{Counted, Paid, Rate};
use crate::usage::Reason;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Descriptors that are no connection of a client: ports, timers, pages, and those being turned away.
const OTHER_FILES: u64 = 64;

/// One who is counted by where he comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// `None` for this host, which is exempt unless `limit_loopback`.
    pub fn counted(peer: Option<IpAddr>, limit_loopback: bool) -> Option<Address> {
        let peer = peer?.to_canonical();
        if peer.is_loopback() && !limit_loopback {
            return None;
        }
        Some(Address(match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into(),
        }))
    }
}

/// Shared by all workers.
pub struct Admission {
    max: usize,
    /// How many open files leave room for fewer than `--max-connections`, if they do.
    scarce: Option<Scarce>,
    open: AtomicUsize,
    max_per_address: usize,
    rate: Option<Rate>,
    limit_loopback: bool,
    addresses: Mutex<Counted<Address, Standing>>,
}

/// Connections are limited by the open files of this process, not by their own flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "connections are limited to {room} by the open files of this process (ulimit -n {files}), not to \
     --max-connections {wanted}"
)]
pub struct Scarce {
    room: usize,
    files: u64,
    wanted: usize,
}

impl Scarce {
    fn new(files: u64, wanted: usize) -> Option<Scarce> {
        let room = files.saturating_sub(OTHER_FILES) as usize;
        (room < wanted).then_some(Scarce {
            room,
            files,
            wanted,
        })
    }
}

struct Standing {
    open: usize,
    paid: Paid,
}

impl Admission {
    /// `files` is how many the process may have open.
    pub fn new(flags: &LimitFlags, files: Option<u64>) -> Arc<Admission> {
        let scarce = files.and_then(|files| Scarce::new(files, flags.max_connections));
        Arc::new(Admission {
            max: scarce.map_or(flags.max_connections, |scarce| scarce.room),
            scarce,
            open: AtomicUsize::new(0),
            max_per_address: match flags.max_connections_per_address {
                0 => usize::MAX,
                limit => limit,
            },
            rate: Rate::new(flags.max_new_connections_per_second),
            limit_loopback: flags.limit_loopback,
            addresses: Mutex::new(Counted::nobody()),
        })
    }

    pub fn scarce(&self) -> Option<Scarce> {
        self.scarce
    }

    /// Lets a connection in for as long as its pass is kept.
    pub fn admit(self: &Arc<Self>, peer: Option<IpAddr>, now: Instant) -> Result<Pass, Refusal> {
        let address = Address::counted(peer, self.limit_loopback);
        if let Some(address) = address {
            self.addresses().enter(address, self, now)?;
        }
        // From here on the pass gives back what was taken.
        let pass = Pass {
            admission: Arc::clone(self),
            address: address.map(Box::new),
        };
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.max {
            return Err(match self.scarce {
                Some(scarce) => Refusal::FilesFull { limit: scarce.room },
                None => Refusal::ConnectionsFull { limit: self.max },
            });
        }
        Ok(pass)
    }

    fn addresses(&self) -> MutexGuard<'_, Counted<Address, Standing>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted<Address, Standing> {
    fn enter(&mut self, address: Address, limits: &Admission, now: Instant) -> Result<(), Refusal> {
        self.forget(|standing| standing.open == 0 && standing.paid.is_at_rest(now));
        let standing = self.known.entry(address).or_insert(Standing {
            open: 0,
            paid: Paid::none(now),
        });
        if standing.open >= limits.max_per_address {
            return Err(Refusal::TooManyConnections {
                limit: limits.max_per_address,
            });
        }
        if let Some(rate) = limits.rate {
            rate.take(&mut standing.paid, now)
                .map_err(|wait| Refusal::TooManyNewConnections {
                    limit: rate.per_second,
                    wait,
                })?;
        }
        standing.open += 1;
        Ok(())
    }
}

/// What a connection that is turned away counts as.
pub fn reason(refusal: &Refusal) -> Option<Reason> {
    match refusal {
        Refusal::ConnectionsFull { .. } | Refusal::FilesFull { .. } => Some(Reason::Full),
        Refusal::TooManyConnections { .. } => Some(Reason::TooMany),
        Refusal::TooManyNewConnections { .. } => Some(Reason::TooOften),
        _ => None,
    }
}

/// One connection that is open; it counts until it is dropped.
pub struct Pass {
    admission: Arc<Admission>,
    /// Apart, for most have none.
    address: Option<Box<Address>>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address.take()
            && let Some(standing) = self.admission.addresses().known.get_mut(&address)
        {
            standing.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::FEW;
    use std::time::Duration;

    fn admission(max: usize, max_per_address: usize, per_second: u32) -> Arc<Admission> {
        let flags = LimitFlags {
            max_connections: max,
            max_connections_per_address: max_per_address,
            max_new_connections_per_second: per_second,
            ..LimitFlags::for_test()
        };
        Admission::new(&flags, None)
    }

    fn peer(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn one_address_fills_its_own_share_alone() {
        let admission = admission(4, 2, 0);
        let now = Instant::now();
        let enter = |text| admission.admit(peer(text), now);
        let _first = enter("192.0.2.1").unwrap();
        let second = enter("192.0.2.1").unwrap();
        assert!(matches!(
            enter("192.0.2.1"),
            Err(Refusal::TooManyConnections { limit: 2 })
        ));
        assert!(matches!(
            enter("::ffff:192.0.2.1"),
            Err(Refusal::TooManyConnections { .. })
        ));
        let _other = enter("192.0.2.2").unwrap();
        // A network of IPv6 is one.
        let _v6 = enter("2001:db8::1").unwrap();
        assert!(matches!(
            enter("192.0.2.3"),
            Err(Refusal::ConnectionsFull { limit: 4 })
        ));
        drop(second);
        assert!(enter("192.0.2.1").is_ok());
        assert!(enter("2001:db8::ffff:1").is_ok());
        assert_eq!(admission.open.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn the_rate_is_an_address_s_own_and_this_host_has_none() {
        let admission = admission(1_000, 0, 2);
        let start = Instant::now();
        let enter = |text, ms| admission.admit(peer(text), start + Duration::from_millis(ms));
        assert!(enter("192.0.2.1", 0).is_ok());
        assert!(enter("192.0.2.1", 0).is_ok());
        assert!(matches!(
            enter("192.0.2.1", 0),
            Err(Refusal::TooManyNewConnections { limit: 2, wait }) if wait == Duration::from_millis(500)
        ));
        assert!(enter("192.0.2.2", 0).is_ok());
        assert!(enter("192.0.2.1", 500).is_ok());
        for _ in 0..100 {
            assert!(enter("127.0.0.1", 0).is_ok());
            assert!(enter("::1", 0).is_ok());
        }
    }

    #[test]
    fn where_files_are_fewer_they_are_named_and_not_the_flag() {
        let with = |max_connections, files| {
            let flags = LimitFlags {
                max_connections,
                ..LimitFlags::for_test()
            };
            Admission::new(&flags, Some(files))
        };
        let scarce = with(50_000, OTHER_FILES + 1);
        assert_eq!(
            scarce.scarce().unwrap().to_string(),
            "connections are limited to 1 by the open files of this process (ulimit -n 65), not to \
             --max-connections 50000"
        );
        let now = Instant::now();
        let _only = scarce.admit(peer("127.0.0.1"), now).unwrap();
        let refused = scarce.admit(peer("127.0.0.1"), now).err().unwrap();
        assert_eq!(reason(&refused), Some(Reason::Full));
        assert_eq!(refused.retry_after(), Some(30));
        assert!(refused.to_string().contains("ulimit -n"), "{refused}");
        assert_eq!(with(1, OTHER_FILES + 1).scarce(), None);
    }

    #[test]
    fn addresses_at_rest_are_forgotten() {
        let admission = admission(1_000_000, 0, 1);
        let start = Instant::now();
        for number in 0..50_000u32 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let now = start + Duration::from_millis(number.into());
            assert!(admission.admit(Some(address), now).is_ok());
        }
        // One a millisecond, each at rest after a second.
        assert!(admission.addresses().known.len() <= 2 * FEW);
    }
}

//! How fast one may publish, whichever transport brings it: each user by himself, those without a name
//! by where they come from, and an address in all, so that nobody gains by signing in over and over. It
//! remembers who has published within the last second, and nobody else. Signing in and joining a room
//! count for the address in all, and it may make as many rooms as one without a name may publish.

use crate::identity::User;
use crate::net::admission::Address;
use crate::problems::Refusal;
use crate::rate::{Counted, Paid, Rate};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Users that one address may bear at full pace: a school or an office has one address.
pub const USERS_PER_ADDRESS: u32 = 10;

pub struct Pace {
    limits: Option<Limits>,
    hasher: RandomState,
    /// By hash, so that nobody's name is copied; where two ever met, they would share a rate.
    known: Mutex<Counted<u64, Paid>>,
}

struct Limits {
    each: Rate,
    address: Rate,
}

/// Who is counted, and as what.
#[derive(Hash)]
enum Whose<'a> {
    User(&'a str),
    Nameless(Address),
    All(Address),
    Rooms(Address),
}

impl Pace {
    pub fn new(per_second: u32) -> Pace {
        let limits = Rate::new(per_second).map(|each| Limits {
            each,
            address: Rate {
                per_second: each.per_second.saturating_mul(USERS_PER_ADDRESS),
            },
        });
        Pace {
            limits,
            hasher: RandomState::new(),
            known: Mutex::new(Counted::nobody()),
        }
    }

    /// Takes one publish of this user, or of somebody without a name, from this address.
    pub fn take(
        &self,
        user: Option<&User>,
        address: Option<Address>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else {
            return Ok(());
        };
        let own = match (user, address) {
            (Some(user), _) => Some(Whose::User(&user.id)),
            (None, Some(address)) => Some(Whose::Nameless(address)),
            (None, None) => return Ok(()),
        };
        let all = address.map(Whose::All);
        self.pay([(limits.each, own), (limits.address, all)], now)
    }

    /// Takes one sign-in, or one joining of a room, from this address.
    pub fn admit(&self, address: Option<Address>, now: Instant) -> Result<(), Refusal> {
        match &self.limits {
            Some(limits) => self.pay([(limits.address, address.map(Whose::All))], now),
            None => Ok(()),
        }
    }

    /// Takes one making of a room from this address.
    pub fn make_room(&self, address: Option<Address>, now: Instant) -> Result<(), Refusal> {
        match &self.limits {
            Some(limits) => self.pay([(limits.each, address.map(Whose::Rooms))], now),
            None => Ok(()),
        }
    }

    fn pay<const N: usize>(
        &self,
        shares: [(Rate, Option<Whose<'_>>); N],
        now: Instant,
    ) -> Result<(), Refusal> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget(|paid| paid.is_at_rest(now));
        for (rate, whose) in shares {
            let Some(whose) = whose else { continue };
            let key = self.hasher.hash_one(whose);
            let paid = known.known.entry(key).or_insert(Paid::none(now));
            rate.take(paid, now).map_err(|wait| Refusal::TooOften {
                limit: rate.per_second,
                wait,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::FEW;
    use std::net::IpAddr;
    use std::time::Duration;

    fn from(text: &str) -> Option<Address> {
        Address::counted(Some(text.parse().unwrap()), false)
    }

    /// How many of 1,000 tries at one instant succeed.
    fn tries(pace: &Pace, user: Option<&User>, address: Option<Address>, now: Instant) -> usize {
        (0..1_000)
            .filter(|_| pace.take(user, address, now).is_ok())
            .count()
    }

    #[test]
    fn each_user_has_his_own_pace_and_an_address_one_in_all() {
        let pace = Pace::new(5);
        let now = Instant::now();
        let user = User::new("瑶").unwrap();
        // This host's own are counted by name alone.
        assert_eq!(tries(&pace, Some(&user), None, now), 5);
        assert_eq!(tries(&pace, None, from("127.0.0.1"), now), 1_000);
        let later = now + Duration::from_secs(2);
        assert_eq!(tries(&pace, None, from("192.0.2.1"), later), 5);
        assert_eq!(tries(&pace, None, from("192.0.2.2"), later), 5);
        // Whoever signs in over and over is held by his address.
        let many: usize = (0..100)
            .map(|_| {
                tries(
                    &pace,
                    Some(&User::new("瑶").unwrap()),
                    from("192.0.2.3"),
                    later,
                )
            })
            .sum();
        assert_eq!(many, 5 * USERS_PER_ADDRESS as usize);
    }

    /// Nobody fills the rooms with names, nor the hub with rooms, from one address.
    #[test]
    fn an_address_signs_in_joins_and_makes_rooms_at_its_pace() {
        let pace = Pace::new(5);
        let now = Instant::now();
        let times =
            |take: &dyn Fn() -> Result<(), Refusal>| (0..1_000).filter(|_| take().is_ok()).count();
        for (address, admitted, rooms) in [
            (from("192.0.2.1"), 5 * USERS_PER_ADDRESS as usize, 5),
            (from("192.0.2.2"), 5 * USERS_PER_ADDRESS as usize, 5),
            (from("127.0.0.1"), 1_000, 1_000),
        ] {
            assert_eq!(times(&|| pace.admit(address, now)), admitted);
            assert_eq!(times(&|| pace.make_room(address, now)), rooms);
        }
    }

    #[test]
    fn no_limit_remembers_nobody() {
        let pace = Pace::new(0);
        let now = Instant::now();
        assert_eq!(tries(&pace, None, from("192.0.2.1"), now), 1_000);
        assert_eq!(
            tries(&pace, Some(&User::new("瑶").unwrap()), None, now),
            1_000
        );
        assert_eq!(pace.known.lock().unwrap().known.len(), 0);
    }

    #[test]
    fn publishers_at_rest_are_forgotten() {
        let pace = Pace::new(1);
        let start = Instant::now();
        for number in 0..50_000u32 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let now = start + Duration::from_millis(number.into());
            let address = Address::counted(Some(address), false);
            assert!(pace.take(None, address, now).is_ok());
        }
        assert!(pace.known.lock().unwrap().known.len() <= 4 * FEW);
    }
}

//! When what enters a line comes out of it: delay, jitter, bandwidth, stalls. Pure: instants in,
//! instants out. It knows no loss, no slow start and no window of TCP's; headers of TCP and IP take
//! none of the bandwidth.

use crate::plan::{LinkPlan, StallPlan};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// What a line of limited bandwidth carries in one piece: an Ethernet frame's worth.
const SEGMENT_BYTES: usize = 1460;

/// One client's line, shared by its connections. The narrow part is where each way begins; stalls
/// are at the client's end, as when its radio is gone: nothing goes in there or comes out, and what
/// was on its way down comes out when the stall ends.
pub struct Line {
    plan: LinkPlan,
    draws: Xoshiro256PlusPlus,
    stalls: Option<Stalls>,
    /// From when on each way takes more, if its bandwidth has a limit.
    free_up: Instant,
    free_down: Instant,
}

impl Line {
    pub fn new(plan: &LinkPlan, seed: u64, now: Instant) -> Line {
        let mut draws = Xoshiro256PlusPlus::seed_from_u64(seed);
        let stalls = plan.stall.map(|plan| Stalls {
            plan,
            first: now + plan.every.mul_f64(draws.random::<f64>()),
        });
        Line {
            plan: plan.clone(),
            draws,
            stalls,
            free_up: now,
            free_down: now,
        }
    }

    /// `bytes` enter at `now`, behind what comes out of the same connection at `last`. Tells of how
    /// many bytes come out when, in order. The jitter is drawn
    /// once for all of them, for they meet the same queues.
    pub fn carry(
        &mut self,
        way: Way,
        now: Instant,
        bytes: usize,
        last: Instant,
        mut arrives: impl FnMut(usize, Instant),
    ) {
        let delay = self.delay();
        let enters = match way {
            Way::Up => self.awake(now),
            Way::Down => now,
        };
        let (mut left, mut last) = (bytes, last);
        loop {
            let segment = match self.plan.bytes_per_s {
                Some(_) => left.min(SEGMENT_BYTES),
                None => left,
            };
            let ahead = self.sent(way, enters, segment) + delay;
            last = match way {
                Way::Up => ahead.max(last),
                Way::Down => self.awake(ahead.max(last)),
            };
            arrives(segment, last);
            left -= segment;
            if left == 0 {
                return;
            }
        }
    }

    /// When a segment without content, such as a SYN or a FIN, comes out.
    pub fn cross(&mut self, way: Way, now: Instant, last: Instant) -> Instant {
        let mut arrival = last;
        self.carry(way, now, 0, last, |_, at| arrival = at);
        arrival
    }

    fn delay(&mut self) -> Duration {
        let LinkPlan { rtt, jitter, .. } = self.plan;
        let share = self.draws.random::<f64>();
        (rtt / 2 + jitter.mul_f64(2.0 * share)).saturating_sub(jitter)
    }

    /// When the last bit of a segment that enters now has left the sender.
    fn sent(&mut self, way: Way, enters: Instant, bytes: usize) -> Instant {
        let Some(bytes_per_s) = self.plan.bytes_per_s else {
            return enters;
        };
        let free = match way {
            Way::Up => &mut self.free_up,
            Way::Down => &mut self.free_down,
        };
        let takes = Duration::from_secs_f64(bytes as f64 / bytes_per_s as f64);
        *free = enters.max(*free) + takes;
        *free
    }

    /// `at`, or the end of the stall that it falls in.
    fn awake(&self, at: Instant) -> Instant {
        self.stalls.as_ref().map_or(at, |stalls| stalls.end(at))
    }
}

struct Stalls {
    plan: StallPlan,
    /// The others are whole periods before and after.
    first: Instant,
}

impl Stalls {
    fn end(&self, at: Instant) -> Instant {
        let StallPlan { every, lasts } = self.plan;
        let into = |time: Duration| time.as_nanos() % every.as_nanos();
        let since_begin = match at.checked_duration_since(self.first) {
            Some(since) => into(since),
            None => (every.as_nanos() - into(self.first - at)) % every.as_nanos(),
        };
        // Both are below `every`, which a u64 of nanoseconds holds for centuries.
        at + Duration::from_nanos(lasts.as_nanos().saturating_sub(since_begin) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn line(zero: Instant, plan: LinkPlan) -> Line {
        Line::new(&plan, 3, zero)
    }

    /// Bytes and arrival of all segments, arrivals from `zero`.
    fn arrivals(
        line: &mut Line,
        way: Way,
        zero: Instant,
        at: Duration,
        bytes: usize,
    ) -> Vec<(usize, Duration)> {
        let mut found = Vec::new();
        line.carry(way, zero + at, bytes, zero, |bytes, at| {
            found.push((bytes, at - zero));
        });
        found
    }

    #[test]
    fn everything_takes_half_a_round_trip_each_way() {
        let zero = Instant::now();
        let rtt = ms(100);
        let mut line = line(
            zero,
            LinkPlan {
                rtt,
                ..LinkPlan::default()
            },
        );
        for way in [Way::Up, Way::Down] {
            assert_eq!(
                arrivals(&mut line, way, zero, ms(7), 100_000),
                [(100_000, ms(57))]
            );
            assert_eq!(arrivals(&mut line, way, zero, ms(7), 0), [(0, ms(57))]);
        }
    }

    #[test]
    fn jitter_is_uniform_about_the_delay_and_keeps_the_order() {
        let zero = Instant::now();
        let plan = LinkPlan {
            rtt: ms(20),
            jitter: ms(10),
            ..LinkPlan::default()
        };
        let mut line = line(zero, plan);
        let (mut delays, mut last, mut overtook) = (Vec::new(), zero, 0);
        for at in (0..10_000).map(|at| zero + ms(at)) {
            line.carry(Way::Down, at, 1, zero, |_, arrives| {
                delays.push(arrives - at);
                overtook += u32::from(arrives < last);
                last = last.max(arrives);
            });
        }
        assert!(overtook > 0, "without an order to keep it is not kept");
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*least < ms(1) && *most > ms(19) && *most <= ms(20));
        let mean = delays.iter().sum::<Duration>() / 10_000;
        assert!(mean > Duration::from_micros(9_800) && mean < Duration::from_micros(10_200));
        let mut last = zero;
        for at in (0..1_000).map(|at| zero + ms(at)) {
            line.carry(Way::Up, at, 1, last, |_, arrives| {
                assert!(arrives >= last);
                last = arrives;
            });
        }
    }

    #[test]
    fn bandwidth_sends_segment_after_segment() {
        let zero = Instant::now();
        let plan = LinkPlan {
            rtt: ms(100),
            bytes_per_s: Some(1_460_000),
            ..LinkPlan::default()
        };
        let mut line = line(zero, plan);
        let whole = arrivals(&mut line, Way::Down, zero, ms(0), 3_000);
        assert_eq!(whole[..2], [(1460, ms(51)), (1460, ms(52))]);
        assert_eq!(whole[2].0, 80);
        // What another connection sends waits for its turn; the other way is free.
        let next = arrivals(&mut line, Way::Down, zero, ms(1), 1_460);
        assert!(next[0].1 > ms(53) && next[0].1 < ms(54), "{next:?}");
        assert_eq!(
            arrivals(&mut line, Way::Up, zero, ms(1), 1_460),
            [(1460, ms(52))]
        );
        // After a rest it starts afresh.
        assert_eq!(
            arrivals(&mut line, Way::Down, zero, ms(500), 1_460),
            [(1460, ms(551))]
        );
    }

    #[test]
    fn a_stall_holds_what_would_go_in_or_come_out() {
        let zero = Instant::now();
        let plan = LinkPlan {
            rtt: ms(100),
            stall: Some(StallPlan {
                every: ms(1_000),
                lasts: ms(200),
            }),
            ..LinkPlan::default()
        };
        let mut line = line(zero, plan);
        let first = line.stalls.as_ref().unwrap().first - zero + ms(2_000);
        let mut down =
            |at| arrivals(&mut line, Way::Down, zero, first + at - ms(50), 1)[0].1 - first;
        assert_eq!(down(ms(0)), ms(200));
        assert_eq!(down(ms(150)), ms(200));
        assert_eq!(down(ms(200)), ms(200));
        assert_eq!(down(ms(900)), ms(900));
        assert_eq!(down(ms(1_001)), ms(1_200));
        let mut up = |at| arrivals(&mut line, Way::Up, zero, first + at, 1)[0].1 - first;
        assert_eq!(up(ms(150)), ms(250));
        assert_eq!(up(ms(199)), ms(250));
        assert_eq!(up(ms(999)), ms(1_049));
        let before = zero + first - ms(3_000) + ms(10);
        assert_eq!(line.awake(before), before + ms(190));
    }

    #[test]
    fn clients_stall_at_phases_of_their_own() {
        let zero = Instant::now();
        let stall = Some(StallPlan {
            every: ms(1_000),
            lasts: ms(1),
        });
        let plan = LinkPlan {
            stall,
            ..LinkPlan::default()
        };
        let first = |seed| Line::new(&plan, seed, zero).stalls.unwrap().first;
        assert_ne!(first(1), first(2));
        assert_eq!(first(1), first(1));
    }
}

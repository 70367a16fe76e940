//! When a client is asked whether it lives, and until when it must have answered (Engine.IO 4: the server
//! asks, and the next interval runs from the answer). Pure: it is told the time, and a deadline counts from
//! when it was set, however late anybody looks.

use std::time::Duration;
use tokio::time::Instant;

/// How often, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Tempo {
    pub interval: Duration,
    pub timeout: Duration,
}

/// While pings are held back.
const A_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Heartbeat {
    tempo: Tempo,
    ping_at: Instant,
    /// A ping is out, and this is when its answer comes too late.
    pong_by: Option<Instant>,
}

/// What a look at the time calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    Ping,
    /// The answer did not come.
    Dead,
}

impl Heartbeat {
    pub fn new(tempo: Tempo, now: Instant) -> Heartbeat {
        Heartbeat {
            tempo,
            ping_at: now + tempo.interval,
            pong_by: None,
        }
    }

    /// What is due now; who is told of a ping sends it. While `paused` none is.
    pub fn look(&mut self, now: Instant, paused: bool) -> Due {
        if self.pong_by.is_none() && self.ping_at <= now && !paused {
            let by = self.ping_at + self.tempo.timeout;
            self.pong_by = Some(by);
            if by > now {
                return Due::Ping;
            }
        }
        match self.pong_by {
            Some(by) if by <= now => Due::Dead,
            _ => Due::Nothing,
        }
    }

    /// The client has answered, or has shown in another way that it is there.
    pub fn answered(&mut self, now: Instant) {
        self.pong_by = None;
        self.ping_at = now + self.tempo.interval;
    }

    /// A pause is over: a ping that it held back is due now, and not since then.
    pub fn resume(&mut self, now: Instant) {
        self.ping_at = self.ping_at.max(now);
    }

    /// Whoever looks again then misses nothing: an answer can only put off what is due.
    pub fn next_look(&self, now: Instant, paused: bool) -> Instant {
        let due = match self.pong_by {
            Some(by) => by,
            // It may end at any time, and what it held back is due then.
            None if paused => now + self.tempo.interval.min(A_PAUSE),
            None => self.ping_at,
        };
        due.min(now + self.tempo.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPO: Tempo = Tempo {
        interval: Duration::from_millis(300),
        timeout: Duration::from_millis(200),
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_next_ping_runs_from_the_answer() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(TEMPO, start);
        for (at, due) in [(0, Due::Nothing), (299, Due::Nothing), (301, Due::Ping)] {
            assert_eq!(heartbeat.look(start + ms(at), false), due, "{at}");
        }
        assert_eq!(heartbeat.look(start + ms(400), false), Due::Nothing);
        heartbeat.answered(start + ms(450));
        assert_eq!(heartbeat.look(start + ms(749), false), Due::Nothing);
        assert_eq!(heartbeat.look(start + ms(750), false), Due::Ping);
    }

    #[test]
    fn the_deadline_counts_from_when_the_ping_was_due() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(TEMPO, start);
        assert_eq!(heartbeat.look(start + ms(310), false), Due::Ping);
        assert_eq!(heartbeat.look(start + ms(499), false), Due::Nothing);
        assert_eq!(heartbeat.look(start + ms(500), false), Due::Dead);
        let mut unlooked = Heartbeat::new(TEMPO, start);
        assert_eq!(unlooked.look(start + ms(500), false), Due::Dead);
    }

    #[test]
    fn a_pause_sends_none_and_a_deadline_stands() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(TEMPO, start);
        assert_eq!(heartbeat.look(start + ms(900), true), Due::Nothing);
        heartbeat.resume(start + ms(900));
        assert_eq!(heartbeat.look(start + ms(901), false), Due::Ping);
        assert_eq!(heartbeat.look(start + ms(1_099), true), Due::Nothing);
        assert_eq!(heartbeat.look(start + ms(1_100), true), Due::Dead);
    }

    #[test]
    fn a_look_is_never_too_late() {
        let start = Instant::now();
        let tempo = Tempo {
            interval: ms(100),
            timeout: ms(5_000),
        };
        let mut heartbeat = Heartbeat::new(tempo, start);
        assert_eq!(heartbeat.next_look(start, false), start + ms(100));
        assert_eq!(heartbeat.look(start + ms(100), false), Due::Ping);
        // The answer may come at once, and the next ping an interval later.
        assert_eq!(heartbeat.next_look(start + ms(100), false), start + ms(200));
    }
}

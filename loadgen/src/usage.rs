//! What this process and each of its threads have spent so far, as the operating system sees it.
//! It only reads; what follows from it is `saturation.rs`'s to say.

use std::time::Duration;

/// Absent where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnUsage {
    /// User and system time of all threads.
    pub cpu_s: Option<f64>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    pub threads: Option<u64>,
    /// Open file descriptors.
    pub fds: Option<u64>,
}

impl OwnUsage {
    pub fn now() -> OwnUsage {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        OwnUsage {
            cpu_s: cpu_s(),
            rss: number(&status, "VmRSS:").map(|kib| kib * 1024),
            threads: number(&status, "Threads:"),
            fds: (std::fs::read_dir("/proc/self/fd").ok()).map(|open| open.count() as u64),
        }
    }
}

/// What one thread has spent; Linux alone tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// On a core.
    pub running: Duration,
    /// Ready to run, while every core it may use was taken.
    pub waiting: Duration,
}

impl ThreadUsage {
    /// The calling thread, by the number that [`ThreadUsage::of`] takes.
    pub fn own_number() -> u64 {
        #[cfg(target_os = "linux")]
        return nix::unistd::gettid().as_raw() as u64;
        #[cfg(not(target_os = "linux"))]
        return 0;
    }

    /// `None` for a thread that has ended, too.
    pub fn of(number: u64) -> Option<ThreadUsage> {
        let path = format!("/proc/self/task/{number}/schedstat");
        ThreadUsage::parse(&std::fs::read_to_string(path).ok()?)
    }

    /// `running waiting timeslices`, the first two in nanoseconds.
    fn parse(schedstat: &str) -> Option<ThreadUsage> {
        let mut numbers = schedstat.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
        Some(ThreadUsage {
            running: next()?,
            waiting: next()?,
        })
    }

    pub fn since(self, earlier: ThreadUsage) -> ThreadUsage {
        ThreadUsage {
            running: self.running.saturating_sub(earlier.running),
            waiting: self.waiting.saturating_sub(earlier.waiting),
        }
    }
}

fn cpu_s() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The number of a line such as `VmRSS:     1234 kB`.
fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(number(status, "VmRSS:"), Some(2048));
        assert_eq!(number(status, "Threads:"), Some(3));
        assert_eq!(number(status, "VmSwap:"), None);
        assert!(OwnUsage::now().cpu_s.is_some());
    }

    #[test]
    fn a_thread_tells_what_it_ran_and_waited() {
        let usage = ThreadUsage {
            running: Duration::from_nanos(346),
            waiting: Duration::from_nanos(719),
        };
        assert_eq!(ThreadUsage::parse("346 719 104\n"), Some(usage));
        assert_eq!(ThreadUsage::parse(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_busy_thread_is_seen_to_run() {
        let usage = || ThreadUsage::of(ThreadUsage::own_number()).unwrap_or_default();
        let (before, begun) = (usage(), std::time::Instant::now());
        while usage().since(before).running < Duration::from_millis(5) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never ran");
        }
    }
}

//! What this process has spent so far, as the operating system sees it.

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
}

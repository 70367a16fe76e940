//! The machine that a run was taken on, as far as it tells. Linux tells the most; elsewhere what
//! cannot be read is absent, never guessed. The command line and the environment are not recorded:
//! they may hold secrets.

use crate::plan::Limits;
use crate::results::Environment;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

/// Those that bear on many sockets.
const SYSCTLS: [&str; 13] = [
    "fs.nr_open",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_max",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
];

/// `target` as it may be stored: `embedded` or a URL without credentials.
pub fn describe(
    target: String,
    target_version: Option<String>,
    labels: BTreeMap<String, String>,
) -> Environment {
    Environment {
        loadgen_version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: profile().to_owned(),
        rustc: env!("LOADGEN_RUSTC").to_owned(),
        git_revision: git_revision(),
        git_dirty: git_dirty(),
        os: std::env::consts::OS.to_owned(),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        cpu: field("/proc/cpuinfo", "model name"),
        cpu_governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        load_average: load_average(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kilobytes(&text)),
        fd_limit: descriptor_limit(),
        clock: clock(),
        sysctls: SYSCTLS
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), sysctl(name)?)))
            .collect(),
        target,
        target_version,
        gateway: None,
        labels,
    }
}

/// What the machine allows now.
pub fn limits() -> Limits {
    Limits {
        descriptors: descriptor_limit(),
        ports: sysctl("net.ipv4.ip_local_port_range").and_then(|range| port_count(&range)),
    }
}

/// Raises the soft limit of open files to the hard one. A refusal is no error: the plan is held
/// against whatever the limit then is.
pub fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
}

fn descriptor_limit() -> Option<u64> {
    let (soft, _hard) = rlimit::getrlimit(rlimit::Resource::NOFILE).ok()?;
    Some(soft)
}

fn sysctl(name: &str) -> Option<String> {
    let text = first_line(&format!("/proc/sys/{}", name.replace('.', "/")))?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `"32768 60999"` → 28,232; both ends count.
fn port_count(range: &str) -> Option<u64> {
    let (low, high) = range.split_once(' ')?;
    let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
    (high + 1).checked_sub(low)
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The value of the first `name : value` in a file of `/proc`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn kilobytes(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1024)
}

/// Rust's `Instant` is CLOCK_MONOTONIC on Unix; the kernel says what drives it.
fn clock() -> String {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    match first_line(source) {
        Some(source) => format!("CLOCK_MONOTONIC ({source})"),
        None => "monotonic".to_owned(),
    }
}

/// How this very program was built.
pub fn profile() -> &'static str {
    match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    }
}

/// Processes that wanted a core in the minute before the run.
fn load_average() -> Option<f64> {
    let text = first_line("/proc/loadavg")?;
    text.split_whitespace().next()?.parse().ok()
}

/// Of the repository loadgen is run in, which is what a run in CI wants to be traced to.
fn git_revision() -> Option<String> {
    git(&["rev-parse", "HEAD"]).filter(|revision| !revision.is_empty())
}

/// Whether tracked files there differ from that revision.
fn git_dirty() -> Option<bool> {
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(!changes.is_empty())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_range_counts_both_ends() {
        assert_eq!(port_count("32768 60999"), Some(28_232));
        assert_eq!(port_count("1024 1024"), Some(1));
        assert_eq!(port_count("9 1"), None);
        assert_eq!(port_count("wombat"), None);
    }

    #[test]
    fn memory_is_read_in_kilobytes() {
        assert_eq!(kilobytes("16384 kB"), Some(16_777_216));
        assert_eq!(kilobytes("16384"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_what_it_is() {
        let environment = describe("embedded".to_owned(), None, BTreeMap::new());
        assert!(environment.kernel.is_some() && environment.memory_bytes > Some(0));
        assert!(environment.fd_limit > Some(0) && environment.cores > 0);
        assert!(environment.load_average >= Some(0.0));
        assert!(
            environment.rustc.starts_with("rustc "),
            "{}",
            environment.rustc
        );
        assert!(
            environment
                .sysctls
                .contains_key("net.ipv4.tcp_congestion_control")
        );
    }
}

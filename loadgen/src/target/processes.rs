//! What a server that keeps no books of its own has spent, as `/proc` tells it: a process and all that
//! came from it, so that workers count. CPU comes in clock ticks of 10 ms; memory that two processes
//! share counts for both. Elsewhere than on Linux there is nothing to read, and nothing is guessed.

use pushlab_server::wire::usage::Process;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

/// How often at most it looks whether a family stays as it is.
const LOOKS: usize = 3;

/// A process and its descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Processes {
    root: u32,
    /// Whether the root is one of them, or only keeps them.
    with_root: bool,
}

/// What `/proc/<pid>/stat` says of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own_ticks: u64,
    /// Of children that ended and that it waited for, and theirs.
    waited_ticks: u64,
    threads: u64,
    rss_pages: u64,
    is_zombie: bool,
}

impl Processes {
    pub(super) fn of(root: u32) -> Processes {
        Processes {
            root,
            with_root: true,
        }
    }

    /// Those that `keeper` keeps.
    pub(super) fn below(keeper: u32) -> Processes {
        Processes {
            root: keeper,
            with_root: false,
        }
    }

    /// `None` where none is left, or the system does not tell.
    pub(super) fn usage(self) -> Option<Process> {
        let family = self.settled();
        let alive: Vec<(u32, Stat)> = self.alive_of(&family).collect();
        if alive.is_empty() {
            return None;
        }
        let sum = |part: fn(&Stat) -> u64| alive.iter().map(|(_, stat)| part(stat)).sum::<u64>();
        let each = |read: fn(u32) -> Option<u64>| {
            alive.iter().map(|(pid, _)| read(*pid)).sum::<Option<u64>>()
        };
        Some(Process {
            cpu_s: per_second().map(|rate| self.ticks(&family) as f64 / rate),
            rss: page().map(|bytes| sum(|stat| stat.rss_pages) * bytes),
            threads: Some(sum(|stat| stat.threads)),
            context_switches: each(context_switches),
            fds: each(descriptors),
        })
    }

    /// The numbers of those that have not ended.
    pub(super) fn pids(self) -> Vec<u32> {
        let family = self.family();
        self.alive_of(&family).map(|(pid, _)| pid).collect()
    }

    /// One that has ended has its ticks until it is waited for; then they are its parent's, which is the
    /// keeper for whoever was left behind. So none is lost on the way.
    fn ticks(self, family: &HashMap<u32, Stat>) -> u64 {
        let of = |(pid, stat): (&u32, &Stat)| match self.counts(*pid) {
            true => stat.own_ticks + stat.waited_ticks,
            false => stat.waited_ticks,
        };
        family.iter().map(of).sum()
    }

    fn counts(self, pid: u32) -> bool {
        self.with_root || pid != self.root
    }

    fn alive_of(self, family: &HashMap<u32, Stat>) -> impl Iterator<Item = (u32, Stat)> {
        let counted = family.iter().filter(move |(pid, _)| self.counts(**pid));
        let alive = counted.filter(|(_, stat)| !stat.is_zombie);
        alive.map(|(pid, stat)| (*pid, *stat))
    }

    /// Seen twice with the same members: nobody's ticks went to a parent that had been read already.
    fn settled(self) -> HashMap<u32, Stat> {
        let mut before = self.family();
        for _ in 0..LOOKS {
            let now = self.family();
            let same = now.len() == before.len() && now.keys().all(|pid| before.contains_key(pid));
            before = now;
            if same {
                break;
            }
        }
        before
    }

    /// With the root, and with those that have ended and that nobody has waited for.
    fn family(self) -> HashMap<u32, Stat> {
        let all = all();
        let mut family = HashSet::from([self.root]);
        let mut generation = vec![self.root];
        while let Some(parent) = generation.pop() {
            let children = all.iter().filter(|(_, stat)| stat.parent == parent);
            for (&pid, _) in children {
                if family.insert(pid) {
                    generation.push(pid);
                }
            }
        }
        let found = family.into_iter();
        found
            .filter_map(|pid| Some((pid, *all.get(&pid)?)))
            .collect()
    }
}

fn all() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, Stat::read(pid)?)))
        .collect()
}

impl Stat {
    fn read(pid: u32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name, in brackets, may hold whatever: fields are counted from its end on.
    fn parse(stat: &str) -> Option<Stat> {
        let rest = &stat[stat.rfind(')')? + 1..];
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5) counts from 1 and has the state as its third field.
        let field = |number: usize| fields.get(number - 3);
        let number = |at: usize| field(at)?.parse::<u64>().ok();
        Some(Stat {
            parent: field(4)?.parse().ok()?,
            own_ticks: number(14)? + number(15)?,
            waited_ticks: number(16)? + number(17)?,
            threads: number(20)?,
            rss_pages: number(24)?,
            is_zombie: matches!(*field(3)?, "Z" | "X"),
        })
    }
}

/// Of all its threads; those that have ended are forgotten.
fn context_switches(pid: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let of_one = |task: fs::DirEntry| -> Option<u64> {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let number = |key: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().parse().ok()
        };
        Some(number("voluntary_ctxt_switches:")? + number("nonvoluntary_ctxt_switches:")?)
    };
    Some(tasks.filter_map(of_one).sum())
}

/// Another user's are not to be seen.
fn descriptors(pid: u32) -> Option<u64> {
    let open = PathBuf::from(format!("/proc/{pid}/fd"));
    Some(fs::read_dir(open).ok()?.count() as u64)
}

fn per_second() -> Option<f64> {
    let rate = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
    rate.ok().flatten().map(|ticks| ticks as f64)
}

fn page() -> Option<u64> {
    let bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    bytes
        .ok()
        .flatten()
        .and_then(|bytes| u64::try_from(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 0 9 9 9 9 11 22 33 44 20 0 5 0 99 1000 77 0\n";
        let expected = Stat {
            parent: 3,
            own_ticks: 33,
            waited_ticks: 77,
            threads: 5,
            rss_pages: 77,
            is_zombie: false,
        };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("7 (x"), None);
        assert_eq!(Stat::parse("7 (x) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn children_belong_to_their_parent() {
        use std::process::{Command, Stdio};
        // The shell waits for a child, which waits for the end of stdin.
        let mut shell = Command::new("sh")
            .args(["-c", "exec 3<&0; cat <&3 & wait"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let found = Processes::of(shell.id());
        let begun = std::time::Instant::now();
        while found.pids().len() < 2 && begun.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (both, one) = (found.usage().unwrap(), Processes::below(shell.id()));
        let one = one.usage().unwrap();
        assert_eq!((both.threads, one.threads), (Some(2), Some(1)));
        assert!(both.rss > one.rss && both.fds > one.fds);
        assert!(both.cpu_s >= one.cpu_s && both.context_switches > Some(0));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(found.usage(), None);
    }

    /// One child waits for the end of stdin, the other is busy and ends: `goes_on` is what the shell does meanwhile.
    #[cfg(target_os = "linux")]
    fn busy(goes_on: &str) {
        use std::io::{BufRead, BufReader};
        use std::process::{Command, Stdio};
        let script = format!(
            "exec 3<&0; cat <&3 & (i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo) & {goes_on}"
        );
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let found = Processes::below(shell.id());
        let cpu_s = || found.usage().and_then(|usage| usage.cpu_s).unwrap_or(0.0);
        let begun = std::time::Instant::now();
        let until = |what: &dyn Fn() -> bool| {
            while !what() {
                assert!(begun.elapsed().as_secs() < 60, "it never came to that");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        };
        until(&|| cpu_s() >= 0.03);
        let before = cpu_s();
        let mut line = String::new();
        let stdout = shell.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        until(&|| found.pids().len() == 1);
        assert!(cpu_s() >= before, "{} after {before}: {goes_on}", cpu_s());
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_dead_have_spent_is_spent() {
        // Waited for by the one that keeps them, and by nobody.
        busy("wait");
        busy("exec cat <&3 >&2");
    }
}

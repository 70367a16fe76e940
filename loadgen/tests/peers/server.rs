//! The servers of `scenarios/peers/peers.toml`, started by the commands that stand there. Not by way of
//! loadgen, which is what is tested.

use super::folder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Peers {
    pub all: Vec<Peer>,
}

/// An entry of the scenario.
pub struct Peer {
    pub name: String,
    /// How the observer listens to it; none to a server of ours.
    pub way: Option<String>,
    command: Vec<String>,
    subscribe: String,
    publish: String,
}

impl Peers {
    pub fn read() -> Peers {
        let text = fs::read_to_string(folder().join("peers.toml")).unwrap();
        let scenario: toml::Table = toml::from_str(&text).unwrap();
        let entries = scenario["transports"].as_array().unwrap();
        Peers {
            all: entries.iter().map(Peer::of).collect(),
        }
    }
}

impl Peer {
    fn of(entry: &toml::Value) -> Peer {
        let text = |value: Option<&toml::Value>| {
            value.map_or(String::new(), |value| value.as_str().unwrap().to_owned())
        };
        let target = entry.get("target");
        let of_target = |key: &str| text(target.and_then(|target| target.get(key)));
        let name = text(entry.get("name"));
        let kind = text(entry.get("kind"));
        let way = match text(entry.get("path")) {
            path if path.is_empty() => kind,
            path => format!("{kind}-{path}"),
        };
        let command = target.map(|target| target["command"].as_array().unwrap().iter());
        let command: Vec<String> = (command.into_iter().flatten())
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        Peer {
            // Recovery changes nothing that a client sees before it is cut.
            way: target.map(|_| way).filter(|_| !name.contains("recovery")),
            name,
            command,
            subscribe: of_target("subscribe"),
            publish: of_target("publish"),
        }
    }

    pub fn start(&self) -> Running {
        let address = free_address();
        let (program, arguments) = self.command.split_first().unwrap();
        let process = Command::new(program)
            .args(arguments)
            .env("PORT", address.port().to_string())
            .current_dir(folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running { process, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{} does not listen", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }

    /// URLs to listen at and to POST to.
    pub fn urls(&self, address: SocketAddr) -> [String; 2] {
        [&self.subscribe, &self.publish]
            .map(|path| format!("http://{address}{}", path.replace("{room}", "KPL")))
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A server; it ends with the value.
pub struct Running {
    process: Child,
    pub address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It passes that on to what it has started itself. It fails only if it has ended.
        let _ = kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

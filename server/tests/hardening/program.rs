//! `pushlab-server` as a process of its own, so that nothing else opens, closes or allocates in it.

use crate::harness::Client;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// It ends with this value.
pub struct Program {
    pub child: Child,
    pub address: SocketAddr,
}

impl Program {
    pub fn start(flags: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(["--listen", "127.0.0.1:0", "--workers", "2"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit_once('/').unwrap().1.parse().unwrap();
        Program { child, address }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The `pushlab-server` binary as a person starts it: what it says, and how it refuses.

#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_port_in_use_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for arguments in [
        vec!["--listen", &address],
        vec!["--listen", "127.0.0.1:0", "--admin-listen", &address],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(output.stdout.is_empty());
        assert!(
            said.contains(&format!("cannot listen on {address}")),
            "{said}"
        );
        assert!(said.contains("choose another port (0 = any)"), "{said}");
    }
}

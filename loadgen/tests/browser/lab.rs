//! The lab as a learner starts it, in a process of its own that ends with the test.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the pictures and the reports go.
fn out() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser")
}

pub struct Lab {
    process: Child,
    url: String,
}

impl Lab {
    pub fn start() -> Lab {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["embedded-server", "--listen", "127.0.0.1:0", "--reports"])
            .arg(out().join("reports"))
            // It serves for as long as this end is open.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("no address in {line:?}"));
        Lab {
            url: url.to_owned(),
            process,
        }
    }

    /// What a script is told of it, by environment.
    pub fn told(&self) -> [(&'static str, OsString); 4] {
        [
            ("LAB_URL", self.url.clone().into()),
            ("LAB_PID", self.process.id().to_string().into()),
            ("LAB_LOADGEN", env!("CARGO_BIN_EXE_loadgen").into()),
            ("LAB_OUT", out().into()),
        ]
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Both fail only if it has ended and been reaped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Ctrl-C and SIGTERM. The first asks the run to end early and keep what it has; the second ends
//! the process at once. They are heard on a thread of their own, so that a busy runtime cannot
//! swallow them. The end of stdin may ask so too, for a program that runs this one.

use std::io;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// 128 + SIGINT, as shells have it.
const ABORTED_AT_ONCE: i32 = 130;

/// Turns true at the first signal, or `with_stdin` at its end.
pub fn listen(with_stdin: bool) -> io::Result<watch::Receiver<bool>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (stop, stopped) = watch::channel(false);
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    if with_stdin {
        let stop = stop.clone();
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                // An error is an end too.
                let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                stop.send_replace(true);
            })?;
    }
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    if stop.send_replace(true) {
                        std::process::exit(ABORTED_AT_ONCE);
                    }
                    eprintln!("stopping: what was measured is kept; once more ends at once");
                }
            });
        })?;
    Ok(stopped)
}

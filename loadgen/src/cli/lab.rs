//! `loadgen lab`: the server with its teaching page, and this very program as the generator that the
//! page runs. One command for a teacher; what is measured by a page's own clients is the server's work.

use super::Exit;
use crate::run::signals;
use anyhow::Context;
use pushlab_server::config::{Config, Switch};

pub(super) fn lab(mut config: Config) -> anyhow::Result<Exit> {
    config.lab.get_or_insert(Switch::On);
    if config.loadgen.is_none() {
        config.loadgen = Some(std::env::current_exe().context("this program cannot be found")?);
    }
    let mut stop = signals::listen(false).context("signals cannot be heard")?;
    pushlab_server::run(config, said, async move {
        // Its sender lives as long as the process.
        let _ = stop.wait_for(|stop| *stop).await;
    })?;
    Ok(Exit::Ok)
}

fn said(url: &str) -> String {
    format!("\nOpen {url}/ in a browser; the course begins at {url}/#/course. Ctrl-C ends it.\n")
}

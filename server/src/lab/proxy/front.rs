//! The proxy as the server's flags put it before the public port, in a thread of its own so that it
//! takes no turns from the workers. It also cuts everything now and then, as a restart would. Its CPU
//! and memory are the server process's: a run with trouble compares with other runs with trouble.

use super::flags::{Cuts, Flags};
use super::{Note, Settings, carry};
use crate::net::listen;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Before the next try where no descriptor, or the port, was to be had.
const PAUSE: Duration = Duration::from_millis(50);

/// The proxy stands before the server for as long as this lives.
pub struct Front {
    _stop: oneshot::Sender<()>,
}

struct Before {
    address: SocketAddr,
    server: SocketAddr,
    settings: watch::Receiver<Settings>,
    /// Counts the cuts.
    cut: watch::Sender<u64>,
}

/// Passes what comes to `listener` to `server`. Trouble begins and ends by the `word`.
pub fn open(
    listener: std::net::TcpListener,
    server: SocketAddr,
    flags: &Flags,
    word: watch::Receiver<bool>,
) -> io::Result<Front> {
    flags.settings(true).check().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let flags = flags.clone();
    let (settings, watched) = watch::channel(flags.settings(*word.borrow()));
    let front = Before {
        address,
        server,
        settings: watched,
        cut: watch::Sender::new(0),
    };
    let runs = async move {
        let listener = TcpListener::from_std(listener)?;
        tokio::select! {
            _ = stopped => Ok(()),
            () = obey(&flags, word.clone(), settings) => Ok(()),
            ended = front.accept(listener, flags.cuts(), word.clone()) => ended,
        }
    };
    std::thread::Builder::new()
        .name("trouble".to_owned())
        .spawn(move || {
            if let Err(error) = runtime.block_on(runs) {
                let error: io::Error = error;
                eprintln!("pushlab-server: the proxy before the public port ended: {error}");
            }
        })?;
    Ok(Front { _stop: stop })
}

/// Never ends.
async fn obey(flags: &Flags, mut word: watch::Receiver<bool>, settings: watch::Sender<Settings>) {
    while word.changed().await.is_ok() {
        settings.send_replace(flags.settings(*word.borrow_and_update()));
    }
    std::future::pending().await
}

impl Before {
    async fn accept(
        &self,
        mut listener: TcpListener,
        cuts: Option<Cuts>,
        word: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut next = Box::pin(next_cut(cuts, word.clone()));
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((browser, _)) => self.pass(browser),
                    Err(_) => sleep(PAUSE).await,
                },
                refused = &mut next => {
                    // Closed first: nobody shall come back between.
                    drop(listener);
                    self.cut.send_modify(|count| *count += 1);
                    sleep(refused).await;
                    listener = self.listen_again().await;
                    next = Box::pin(next_cut(cuts, word.clone()));
                }
            }
        }
    }

    fn pass(&self, browser: TcpStream) {
        let (server, settings) = (self.server, self.settings.clone());
        let mut cut = self.cut.subscribe();
        tokio::spawn(async move {
            let carried = async {
                if let Ok(server) = TcpStream::connect(server).await {
                    carry(browser, server, settings, |_: Note| {}).await;
                }
            };
            tokio::select! {
                () = carried => {}
                _ = cut.changed() => {}
            }
        });
    }

    async fn listen_again(&self) -> TcpListener {
        loop {
            // Another program may have the port for a moment; clients find it refused meanwhile.
            match listen::bind(self.address).and_then(TcpListener::from_std) {
                Ok(listener) => return listener,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

/// When all is to be cut, for how long connections are refused then.
async fn next_cut(cuts: Option<Cuts>, mut word: watch::Receiver<bool>) -> Duration {
    let Some(Cuts { every, lasts }) = cuts else {
        return std::future::pending().await;
    };
    loop {
        if word.wait_for(|on| *on).await.is_err() {
            return std::future::pending().await;
        }
        let due = Instant::now() + every;
        tokio::select! {
            () = sleep_until(due) => return lasts,
            () = is_taken_back(&mut word) => {}
        }
    }
}

/// Until the word is no; for ever where nobody is left to say it.
async fn is_taken_back(word: &mut watch::Receiver<bool>) {
    if word.wait_for(|on| !*on).await.is_err() {
        std::future::pending().await
    }
}

//! Trouble between browser and server: a TCP proxy in front of the public port that makes the line
//! long and lets happen on it what happens on real ones. Each behaviour is a file of its own; which
//! are on is a watched [`Settings`], heeded at once by open connections too. It changes no byte and
//! listens on no port itself: `front.rs` does so for the server's flags, and the lab for its lanes.

mod settings;
pub mod http;
mod dialogue;
mod upgrade;
mod buffer;
mod delay;
mod stall;
mod idle;
mod silence;
mod flow;
mod flags;
pub mod front;

pub use flags::Flags;
pub use settings::Settings;

use buffer::Answers;
use dialogue::Dialogue;
use flow::{Flow, Stop, Way};
use idle::Pulse;
use settings::BlockUpgrade;
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use upgrade::Requests;

/// For both ends to take notice of a FIN.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the proxy did to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Note {
    IdleCut,
    SilentDrop,
    BlockedUpgrade,
}

/// How a connection came to its end on this proxy.
enum Fate {
    Flowed(Result<(), Stop>),
    Idle,
    Silent,
}

/// Carries one connection, newly accepted from a browser and newly made to the server, until it has
/// ended. Dropping the future cuts it.
pub async fn carry(
    browser: TcpStream,
    server: TcpStream,
    settings: watch::Receiver<Settings>,
    note: impl Fn(Note),
) {
    // Failing that, small pieces wait for acknowledgements, which only costs time.
    let _ = (browser.set_nodelay(true), server.set_nodelay(true));
    let fate = flow_both_ways(&browser, &server, &settings).await;
    let silent_drop = settings.borrow().trouble.silent_drop;
    match fate {
        Fate::Flowed(Ok(())) => {}
        Fate::Flowed(Err(Stop::Reset)) => {
            // A socket that is gone has nothing to reset.
            let _ = (browser.set_zero_linger(), server.set_zero_linger());
        }
        Fate::Flowed(Err(Stop::Blocked(how, at))) => {
            note(Note::BlockedUpgrade);
            drop(server);
            let answered = at + settings.borrow().down();
            block(browser, how, answered).await;
        }
        Fate::Idle if !silent_drop => {
            note(Note::IdleCut);
            tokio::join!(farewell(browser), farewell(server));
        }
        Fate::Idle | Fate::Silent => {
            note(Note::SilentDrop);
            silence::hold(browser, server).await;
        }
    }
}

async fn flow_both_ways(
    browser: &TcpStream,
    server: &TcpStream,
    settings: &watch::Receiver<Settings>,
) -> Fate {
    let opened = Instant::now();
    let (dialogue, pulse) = (Dialogue::default(), Pulse::new(opened));
    // SYN and SYN-ACK; the kernel here has answered before anybody could be made to wait.
    let opens = opened + settings.borrow().rtt();
    let flow = |from, to, way| Flow {
        from,
        to,
        way,
        dialogue: &dialogue,
        pulse: &pulse,
        opens,
        settings: settings.clone(),
    };
    let up = flow(browser, server, Way::Up(Requests::default()));
    let down = flow(server, browser, Way::Down(Answers::default()));
    tokio::select! {
        biased;
        () = silence::falls(settings.clone()) => Fate::Silent,
        () = idle::for_too_long(&pulse, settings.clone()) => Fate::Idle,
        ended = async { tokio::try_join!(up.run(), down.run()).map(|_| ()) } => Fate::Flowed(ended),
    }
}

async fn block(mut browser: TcpStream, how: BlockUpgrade, answered: Instant) {
    match how {
        BlockUpgrade::Swallow => silence::until_it_ends(browser).await,
        BlockUpgrade::Refuse => {
            sleep_until(answered).await;
            // A browser that has gone needs no answer.
            let _ = browser.write_all(upgrade::REFUSAL.as_bytes()).await;
            farewell(browser).await;
        }
    }
}

/// FIN, and some time to be answered: closing with unread bytes would send RST (RFC 9112 §9.6).
async fn farewell(socket: TcpStream) {
    // It fails where the other end is gone already.
    let _ = SockRef::from(&socket).shutdown(Shutdown::Write);
    let _ = timeout(FAREWELL, silence::until_it_ends(socket)).await;
}

/// Waits for other settings: for ever where nobody is left to change them.
async fn changed(settings: &mut watch::Receiver<Settings>) {
    if settings.changed().await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;

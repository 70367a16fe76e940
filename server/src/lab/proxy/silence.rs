//! Half-open connections: a cable that was pulled, a NAT entry that was dropped. Nothing passes and
//! nobody is told, so both ends hold on until they notice by themselves. Bytes are read and thrown
//! away: a full kernel buffer would be a hint that no lost network gives.

use super::changed;
use super::settings::Settings;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// After how long the kernel of the server's end would have given up on bytes that nobody
/// acknowledges: its own clock (`TCP_USER_TIMEOUT`) does not run, for this proxy acknowledges them.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Ends when everything is to fall silent at once.
pub async fn falls(mut settings: watch::Receiver<Settings>) {
    loop {
        let trouble = settings.borrow_and_update().trouble.clone();
        if trouble.silent_drop && trouble.idle_cut_ms.is_none() {
            return;
        }
        changed(&mut settings).await;
    }
}

/// Holds both ends until each has ended by itself.
pub async fn hold(browser: TcpStream, server: TcpStream) {
    tokio::join!(until_it_ends(browser), async move {
        tokio::select! {
            biased;
            () = unacknowledged(&server) => {
                // As the socket of a kernel that gave up; failing to, it ends with FIN.
                let _ = server.set_zero_linger();
            }
            () = throw_away(&server) => {}
        }
    });
}

/// Takes what `socket` sends, to no end, until it sends no more.
pub async fn until_it_ends(socket: TcpStream) {
    throw_away(&socket).await;
}

async fn unacknowledged(server: &TcpStream) {
    // Readable by an end counts too; that one ends the other branch before this one.
    if server.readable().await.is_ok() {
        tokio::time::sleep(UNACKNOWLEDGED).await;
    }
}

async fn throw_away(socket: &TcpStream) {
    while read_some(socket).await {}
}

async fn read_some(socket: &TcpStream) -> bool {
    if socket.readable().await.is_err() {
        return false;
    }
    let mut scratch = [0; 4096];
    match socket.try_read(&mut scratch) {
        Ok(count) => count > 0,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    }
}

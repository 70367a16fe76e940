//! One direction of a connection: reads when there is room, hands each piece to what looks at it,
//! writes what is due. Bytes are neither changed nor reordered; a full pipe holds the sender back;
//! FIN and RST are passed on as what they are, behind the bytes before them.

use super::buffer::Answers;
use super::changed;
use super::delay::{Delay, End};
use super::dialogue::Dialogue;
use super::idle::Pulse;
use super::settings::{BlockUpgrade, Settings};
use super::stall::stands_until;
use super::upgrade::Requests;
use bytes::Bytes;
use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Why a connection does not go on.
#[derive(Debug)]
pub enum Stop {
    Reset,
    /// An upgrade came, and this is when it is where it is blocked.
    Blocked(BlockUpgrade, Instant),
}

/// Which way, and what looks at the bytes.
pub enum Way {
    Up(Requests),
    Down(Answers),
}

pub struct Flow<'a> {
    pub from: &'a TcpStream,
    pub to: &'a TcpStream,
    pub way: Way,
    pub dialogue: &'a Dialogue,
    pub pulse: &'a Pulse,
    /// When a new connection's first byte can set out.
    pub opens: Instant,
    pub settings: watch::Receiver<Settings>,
}

impl Flow<'_> {
    /// Until this direction has ended.
    pub async fn run(mut self) -> Result<(), Stop> {
        let mut delay = Delay::default();
        loop {
            let settings = self.settings.borrow_and_update().clone();
            self.free(&mut delay, &settings)?;
            let now = Instant::now();
            let next = delay.due().map(|due| self.leaves(due, now, &settings));
            let is_due = next.is_some_and(|next| next <= now);
            if let Some(end) = delay.ended().filter(|_| is_due) {
                return self.finish(end);
            }
            tokio::select! {
                ready = self.from.readable(), if delay.has_room() => {
                    self.read(ready, &mut delay, &settings)?;
                }
                ready = self.to.writable(), if is_due => {
                    ready.and_then(|()| write(self.to, &mut delay)).map_err(|_| Stop::Reset)?;
                }
                () = sleep_until(next.unwrap_or(now)), if next.is_some() && !is_due => {}
                () = changed(&mut self.settings) => {}
            }
        }
    }

    /// Other settings may let go what was held.
    fn free(&mut self, delay: &mut Delay, settings: &Settings) -> Result<(), Stop> {
        let due = self.due(settings);
        let freed = self.look_at(&[], settings, due)?;
        delay.push(due, freed);
        Ok(())
    }

    /// When what is due may really leave.
    fn leaves(&self, due: Instant, now: Instant, settings: &Settings) -> Instant {
        match &self.way {
            Way::Up(_) => due,
            Way::Down(_) => stands_until(settings.trouble.stall, now.max(due)).unwrap_or(due),
        }
    }

    /// When what is read now will be at the other end.
    fn due(&self, settings: &Settings) -> Instant {
        let now = Instant::now();
        match &self.way {
            Way::Up(_) => now.max(self.opens) + settings.up(),
            Way::Down(_) => now + settings.down(),
        }
    }

    fn read(
        &mut self,
        ready: io::Result<()>,
        delay: &mut Delay,
        settings: &Settings,
    ) -> Result<(), Stop> {
        let due = self.due(settings);
        let mut scratch = [0; 16 * 1024];
        match ready.and_then(|()| self.from.try_read(&mut scratch)) {
            Ok(0) => {
                delay.push(due, self.rest());
                delay.end(due, End::Finished);
            }
            Ok(count) => {
                self.pulse.beat(Instant::now());
                let passed = self.look_at(&scratch[..count], settings, due)?;
                delay.push(due, passed);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => delay.end(due, End::Reset),
        }
        Ok(())
    }

    fn look_at(&mut self, bytes: &[u8], settings: &Settings, due: Instant) -> Result<Bytes, Stop> {
        let trouble = &settings.trouble;
        match &mut self.way {
            Way::Up(requests) => (requests.pass(bytes, trouble.block_upgrade, self.dialogue))
                .map_err(|block| Stop::Blocked(block, due)),
            Way::Down(answers) => Ok(answers.pass(bytes, trouble.buffer_bytes, self.dialogue)),
        }
    }

    fn rest(&mut self) -> Bytes {
        match &mut self.way {
            Way::Up(requests) => requests.rest(),
            Way::Down(answers) => answers.rest(),
        }
    }

    fn finish(&self, end: End) -> Result<(), Stop> {
        match end {
            End::Finished => {
                // It fails where the other end is gone already.
                let _ = SockRef::from(self.to).shutdown(Shutdown::Write);
                Ok(())
            }
            End::Reset => Err(Stop::Reset),
        }
    }
}

fn write(to: &TcpStream, delay: &mut Delay) -> io::Result<()> {
    match to.try_write(delay.front()) {
        Ok(count) => {
            delay.left(count);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

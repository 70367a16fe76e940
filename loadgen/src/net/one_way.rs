//! What is on its way in one direction of a connection: bytes in order, each segment with the
//! instant at which it is through, and who waits for that. It touches no socket.

use super::alarm::Alarm;
use super::line::{Line, Way};
use std::collections::VecDeque;
use std::io;
use std::task::Waker;
use std::time::Instant;
use tokio::io::ReadBuf;

/// Bytes that may be on their way. At the bound nothing more is taken, so that the sender feels it,
/// as from a window of this size.
const MOST_BYTES: usize = 1024 * 1024;

/// Above this an empty queue is given back.
const KEPT_CAPACITY: usize = 4096;

pub struct OneWay {
    way: Way,
    bytes: VecDeque<u8>,
    segments: VecDeque<Segment>,
    /// When the last of what entered is through: nothing overtakes it.
    last: Instant,
    end: Option<End>,
    /// Who takes out, and for which instant the alarm is set.
    reader: Option<Waker>,
    armed: Option<Instant>,
    /// Who has found it full.
    writer: Option<Waker>,
}

struct Segment {
    bytes: usize,
    through: Instant,
}

#[derive(Clone, Copy)]
struct End {
    through: Instant,
    how: Result<(), io::ErrorKind>,
}

impl OneWay {
    pub fn new(way: Way, now: Instant) -> OneWay {
        OneWay {
            way,
            bytes: VecDeque::new(),
            segments: VecDeque::new(),
            last: now,
            end: None,
            reader: None,
            armed: None,
            writer: None,
        }
    }

    pub fn room(&self) -> usize {
        MOST_BYTES.saturating_sub(self.bytes.len())
    }

    pub fn enter(&mut self, bytes: &[u8], now: Instant, line: &mut Line) {
        self.bytes.extend(bytes);
        let (segments, last) = (&mut self.segments, &mut self.last);
        line.carry(self.way, now, bytes.len(), *last, |bytes, through| {
            *last = through;
            match segments.back_mut() {
                Some(back) if back.through == through => back.bytes += bytes,
                Some(_) | None => segments.push_back(Segment { bytes, through }),
            }
        });
    }

    /// Nothing enters any more, and this is why.
    pub fn end(&mut self, how: Result<(), io::ErrorKind>, now: Instant, line: &mut Line) {
        if self.end.is_none() {
            let through = line.cross(self.way, now, self.last);
            self.end = Some(End { through, how });
        }
    }

    pub fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// Bytes that can be taken out.
    pub fn through(&self, now: Instant) -> usize {
        let segments = self.segments.iter();
        (segments.take_while(|segment| segment.through <= now))
            .map(|segment| segment.bytes)
            .sum()
    }

    /// Up to `most` of the first bytes, as many as lie side by side.
    pub fn first(&self, most: usize) -> &[u8] {
        let (run, _) = self.bytes.as_slices();
        &run[..run.len().min(most)]
    }

    /// Moves `bytes` of what is through into `buffer`, which has room for them.
    pub fn read(&mut self, bytes: usize, buffer: &mut ReadBuf<'_>) {
        let (run, rest) = self.bytes.as_slices();
        let of_run = bytes.min(run.len());
        buffer.put_slice(&run[..of_run]);
        buffer.put_slice(&rest[..bytes - of_run]);
        self.gone(bytes);
    }

    /// `bytes` have been taken out.
    pub fn gone(&mut self, bytes: usize) {
        self.bytes.drain(..bytes);
        let mut left = bytes;
        while let Some(front) = self.segments.front_mut() {
            if front.bytes > left {
                front.bytes -= left;
                break;
            }
            left -= front.bytes;
            self.segments.pop_front();
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_CAPACITY {
            self.bytes = VecDeque::new();
        }
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// How it ended, once everything before is out and the end itself is through.
    pub fn ended(&self, now: Instant) -> Option<Result<(), io::ErrorKind>> {
        let end = self.end.filter(|end| end.through <= now)?;
        self.bytes.is_empty().then_some(end.how)
    }

    /// Loses all that is on its way.
    pub fn lose(&mut self) {
        self.gone(self.bytes.len());
    }

    /// Wakes `writer` when there is room again.
    pub fn wait_for_room(&mut self, writer: &Waker) {
        self.writer = Some(writer.clone());
    }

    /// Wakes `reader` when something is through, now and until another waits.
    pub fn wait(&mut self, reader: &Waker, alarm: &Alarm) {
        if !self.reader.as_ref().is_some_and(|r| r.will_wake(reader)) {
            self.reader = Some(reader.clone());
            self.armed = None;
        }
        self.arm(alarm);
    }

    /// Sets the alarm for what has entered since.
    pub fn arm(&mut self, alarm: &Alarm) {
        let ends = self.end.map(|end| end.through);
        let next = (self.segments.front()).map_or(ends, |front| Some(front.through));
        if let (Some(reader), Some(next)) = (&self.reader, next)
            && self.armed != Some(next)
        {
            alarm.wake_at(next, reader);
            self.armed = Some(next);
        }
    }

    /// Wakes whoever takes out, whatever the time.
    pub fn wake_reader(&self) {
        if let Some(reader) = &self.reader {
            reader.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::LinkPlan;
    use std::time::Duration;

    #[test]
    fn bytes_come_out_in_order_when_they_are_through() {
        let zero = Instant::now();
        let plan = LinkPlan {
            rtt: Duration::from_millis(20),
            bytes_per_s: Some(1_460_000),
            ..LinkPlan::default()
        };
        let mut line = Line::new(&plan, 1, zero);
        let mut way = OneWay::new(Way::Down, zero);
        let sent: Vec<u8> = (0..3_000u32).map(|n| n as u8).collect();
        way.enter(&sent, zero, &mut line);
        way.end(Ok(()), zero, &mut line);
        let mut came = Vec::new();
        for (ms, through) in [(10, 0), (11, 1_460), (12, 1_460), (14, 80)] {
            let now = zero + Duration::from_millis(ms);
            assert_eq!(way.through(now), through, "after {ms} ms");
            assert_eq!(way.ended(now), None);
            let mut room = vec![0; through];
            way.read(through, &mut ReadBuf::new(&mut room));
            came.extend(room);
        }
        assert_eq!(came, sent);
        assert_eq!(way.ended(zero), None);
        assert_eq!(way.ended(zero + Duration::from_millis(14)), Some(Ok(())));
        assert_eq!(way.room(), MOST_BYTES);
    }

    #[test]
    fn it_has_a_bound_and_says_when_there_is_room() {
        let zero = Instant::now();
        let mut line = Line::new(&LinkPlan::default(), 1, zero);
        let mut way = OneWay::new(Way::Up, zero);
        way.enter(&vec![0; MOST_BYTES], zero, &mut line);
        assert_eq!(way.room(), 0);
        way.wait_for_room(Waker::noop());
        way.gone(1);
        assert_eq!((way.room(), way.through(zero)), (1, MOST_BYTES - 1));
        assert!(way.writer.is_none(), "woken");
        way.lose();
        assert_eq!((way.room(), way.through(zero)), (MOST_BYTES, 0));
    }
}

//! The floor of the harness: a subscription without a socket. Some events of the schedule also go
//! from the publisher's thread to a thread of clients through a channel, and their receipt − intended
//! publish is what pacer, wake-up and the thread's other work add to every transport's latency. It
//! counts in no delivery and in no byte.

use crate::lane::{Lane, Setting};
use crate::net::dial::Endpoint;
use crate::plan::{PublishBy, TrialPlan};
use crate::publisher::Publisher;
use crate::results::Distribution;
use crate::sample;
use crate::table::{EventIndex, Table};
use crate::target::Manner;
use crate::token::RunTag;
use crate::worker::{Order, Worker};
use pushlab_server::wire::transport::Transport;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Enough for a p99 in a short window, too few to cost anything.
const MOST_A_SECOND: f64 = 1000.0;

/// The publisher's end.
pub struct Feed {
    subscribers: Vec<mpsc::UnboundedSender<Order>>,
    /// Every so many events one is fed.
    every: usize,
}

impl Feed {
    pub fn new(plan: &TrialPlan, subscribers: Vec<mpsc::UnboundedSender<Order>>) -> Feed {
        let every = (plan.publish.rate / MOST_A_SECOND).ceil().max(1.0);
        Feed {
            subscribers,
            every: every as usize,
        }
    }

    /// Hands `index` to one thread of clients, each in its turn.
    pub fn send(&self, index: EventIndex) {
        let turn = index as usize / self.every;
        if (index as usize).is_multiple_of(self.every)
            && let Some(subscriber) = self.subscribers.get(turn % self.subscribers.len().max(1))
        {
            // A thread that is gone shows in its missing report.
            let _ = subscriber.send(Order::Control(index));
        }
    }
}

/// The subscriber's end.
pub fn receive(lane: &Lane, index: EventIndex) {
    sample::controlled(lane, index);
}

/// For the truth tests: the floor by itself, `rate` events a second to a thread of clients that has none to serve, on a
/// machine that does nothing else. Nothing is dialled.
pub async fn null_path(rate: f64, duration: Duration) -> io::Result<Distribution> {
    let mut plan = TrialPlan::new(Transport::Websocket);
    plan.clients = 1;
    plan.duration = duration;
    plan.publish.rate = rate;
    plan.publish.by = PublishBy::Clients;
    let nowhere = Endpoint {
        address: ([127, 0, 0, 1], 0).into(),
        host: String::new(),
        prefix: String::new(),
        secure: None,
    };
    let setting = Arc::new(Setting {
        direct: nowhere.clone(),
        endpoint: nowhere,
        tag: RunTag::from_number(0),
        table: Arc::new(Table::new(&plan, Instant::now())),
        cookies: Vec::new(),
        manner: Manner::default(),
        plan,
    });
    let (seconds, _ignored) = mpsc::unbounded_channel();
    // The second of two threads has none of the one client.
    let worker = Worker::spawn(setting.clone(), 1, 2, seconds.clone())?;
    let publisher = Publisher::spawn(setting.clone(), vec![worker.orders.clone()], seconds)?;
    setting.table.begin(Instant::now());
    publisher.run();
    tokio::time::sleep(duration).await;
    publisher.finish().await;
    let report = worker.finish().await;
    Ok(report.map_or_else(Distribution::default, |report| {
        report.recording.control.distribution()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_a_sample_of_all_threads() {
        let channels = [mpsc::unbounded_channel(), mpsc::unbounded_channel()];
        let (senders, mut receivers): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
        let mut plan = TrialPlan::new(Transport::Sse);
        plan.publish.rate = 2_500.0;
        let feed = Feed::new(&plan, senders);
        (0..12).for_each(|index| feed.send(index));
        let mut received = |at: usize| {
            let mut orders = Vec::new();
            while let Ok(order) = receivers[at].try_recv() {
                orders.push(order);
            }
            orders
        };
        assert_eq!(received(0), [Order::Control(0), Order::Control(6)]);
        assert_eq!(received(1), [Order::Control(3), Order::Control(9)]);
    }

    #[tokio::test]
    async fn the_null_path_has_a_sample_for_each_event_it_is_fed() {
        let found = null_path(200.0, Duration::from_millis(500)).await.unwrap();
        // The last of the 100 may be cut off by the end.
        assert!((98..=100).contains(&found.count), "{}", found.count);
        assert!(found.min >= Some(0) && found.negative == 0);
    }
}

//! Read from top to bottom: a scenario becomes a plan, a plan trials, a trial samples, samples
//! results, and results a report.

pub mod cli;
pub mod scenario;
pub mod plan;
pub mod schedule;
pub mod run;
pub mod progress;
pub mod environment;
pub mod target;
pub mod trial;
pub mod usage;
pub mod saturation;
pub mod outcome;
pub mod table;
pub mod token;
pub mod lane;
pub mod worker;
pub mod orders;
pub mod pacer;
pub mod publisher;
pub mod net;
pub mod clients;
pub mod ledger;
pub mod sample;
pub mod totals;
pub mod histogram;
pub mod recorder;
pub mod timeline;
pub mod results;
pub mod statistics;
pub mod report;

//! Nchan on a real nginx, by each of its transports: nothing lost, also across a cut where it tells where
//! to go on.

use crate::{home, is_here, run_and_lose_nothing};
use loadgen::target::find_nginx;
use serde_json::Value;
use std::fs;

#[path = "../peers/nchan.rs"]
mod installed;

const CONFIGURATION: &str = "include /etc/nginx/modules-enabled/*nchan.conf;
daemon off; master_process off; pid FOLDER/pid; error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c;
  uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
  nchan_message_buffer_length 1000;
  server {
    listen 127.0.0.1:PORT;
    location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; }
    location ~ ^/sub/(.+)$ { nchan_subscriber; nchan_channel_id $1; }
    location ~ ^/poll/(.+)$ { nchan_subscriber interval-poll; nchan_channel_id $1; }
    location ~ ^/raw/(.+)$ { nchan_subscriber http-raw-stream; nchan_channel_id $1; }
  }
}
";

const TARGET: &str = "[target]\ndialect = \"nchan\"\ncommand = [\"sh\", \"start.sh\"]\nsubscribe = \"/sub/{room}\"\npublish = \"/pub/{room}\"\n";

const RESUMING: &str = "[[transports]]\nkind = \"long-polling\"\n[[transports]]\nkind = \"sse\"\n[[transports]]\nkind = \"websocket\"\nname = \"websocket-with-ids\"\nresume = true\n[[transports]]\nkind = \"interval-polling\"\ninterval = \"50ms\"\ntarget = { subscribe = \"/poll/{room}\" }\n";

const OTHERS: &str = "[[transports]]\nkind = \"websocket\"\n[[transports]]\nkind = \"http-streaming\"\ntarget = { subscribe = \"/raw/{room}\" }\n";

/// A scenario, and nginx beside it; `None` where this machine has none with Nchan.
fn scenario(rest: &str) -> Option<tempfile::TempDir> {
    let missing = "nginx with Nchan (apt-get install libnginx-mod-nchan)";
    if !is_here((!installed::is_here()).then_some(missing)) {
        return None;
    }
    let home = home(&format!("{TARGET}{rest}"));
    fs::write(home.path().join("nchan.conf"), CONFIGURATION).unwrap();
    let start = format!(
        "set -e\nsed \"s|PORT|$PORT|; s|FOLDER|$PWD|g\" nchan.conf >\"$PORT.conf\"\nexec {} -c \"$PWD/$PORT.conf\"\n",
        find_nginx().unwrap().display()
    );
    fs::write(home.path().join("start.sh"), start).unwrap();
    Some(home)
}

#[test]
fn every_transport_of_nchan_is_measured() {
    let Some(home) = scenario(&format!("{RESUMING}{OTHERS}")) else {
        return;
    };
    let results = run_and_lose_nothing(home.path(), &[]);
    assert_eq!(results["trials"].as_array().unwrap().len(), 6);
    for trial in results["trials"].as_array().unwrap() {
        let server = &trial["server"];
        assert!(server["rss_per_connection"].is_f64(), "{trial}");
        assert!(server["cpu_s"].is_f64() && server["bytes_tx"].is_null());
        // Ids stand in frames, and are no payload.
        let payload = trial["bytes"]["by_kind"]["payload"].as_u64().unwrap();
        assert_eq!(payload % 64, 0, "{trial}");
        check_times(trial, "connect", 4);
    }
}

#[test]
fn who_was_cut_goes_on_where_nchan_says() {
    let Some(home) = scenario(&format!(
        "{RESUMING}[trouble]\ncut_at = [\"300ms\", \"600ms\"]\n"
    )) else {
        return;
    };
    let results = run_and_lose_nothing(home.path(), &[]);
    for trial in results["trials"].as_array().unwrap() {
        let back = trial["reconnects"].as_u64().unwrap();
        assert!(back >= 4, "{trial}");
        check_times(trial, "recovery", back);
    }
}

/// A held answer comes with an event: how long it took to be there is not to be known.
fn check_times(trial: &Value, of: &str, known: u64) {
    let is_held = matches!(
        trial["transport"].as_str(),
        Some("long-polling" | "http-streaming")
    );
    let times = &trial["latency_us"][of]["count"];
    assert_eq!(times, if is_held { 0 } else { known }, "{of}: {trial}");
}

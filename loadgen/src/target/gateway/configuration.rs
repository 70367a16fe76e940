//! The configuration that nginx is started with: what an operator would have in conf.d with the run's
//! addresses in it, and around it the least that nginx needs. Text in, text out.

use crate::plan::GatewayPlan;
use crate::scenario::{LISTENS, PASSES_ON, directive};
use std::net::SocketAddr;
use std::time::Duration;

/// Connections of nginx that no client and no upstream has: its listener, its own channel.
const BESIDE: u64 = 64;

const TIMEOUT: &str = "proxy_read_timeout";

/// The file of conf.d with its addresses exchanged, and its timeout if the plan has one. Comments stay.
pub(super) fn site(plan: &GatewayPlan, listen: SocketAddr, upstream: SocketAddr) -> String {
    let mut text = String::new();
    for line in plan.configuration.lines() {
        let (said, comment) = line.split_at(directive(line).len());
        let said = said
            .replace(LISTENS, &format!("listen {listen};"))
            .replace(PASSES_ON, &upstream.to_string());
        text.push_str(&match plan.idle_timeout {
            Some(time) => with_timeout(&said, time),
            None => said,
        });
        text.push_str(comment);
        text.push('\n');
    }
    text
}

fn with_timeout(said: &str, time: Duration) -> String {
    let indent = said.len() - said.trim_start().len();
    match said.trim_start().starts_with(TIMEOUT) {
        true => format!("{}{}", &said[..indent], timeout(time)),
        false => said.to_owned(),
    }
}

fn timeout(time: Duration) -> String {
    format!("{TIMEOUT} {}ms;", time.as_millis())
}

/// The main file, which includes `site.conf`; both stand in the prefix that nginx is started with, and
/// so does everything that it writes.
pub(super) fn main(plan: &GatewayPlan) -> String {
    // A client's connection, and the one to the server that answers it.
    let connections = plan.connections * 2 + BESIDE;
    let timeout = plan.idle_timeout.map_or(String::new(), timeout);
    format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\n\
         events {{ worker_connections {connections}; }}\n\
         http {{\naccess_log off;\n\
         client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n{timeout}\ninclude site.conf;\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(configuration: &str, idle_timeout: Option<Duration>) -> GatewayPlan {
        GatewayPlan {
            configuration: configuration.to_owned(),
            idle_timeout,
            connections: 10,
        }
    }

    #[test]
    fn addresses_and_timeout_are_exchanged_and_comments_are_not() {
        let text = "# listen 80;\nlisten 80; # 127.0.0.1:8080\n  proxy_read_timeout 60s; # long\nserver 127.0.0.1:8080;";
        let addresses = ["127.0.0.1:1111", "127.0.0.1:2222"].map(|a| a.parse().unwrap());
        let [listen, upstream] = addresses;
        let second = Some(Duration::from_secs(1));
        assert_eq!(
            site(&plan(text, second), listen, upstream),
            "# listen 80;\nlisten 127.0.0.1:1111; # 127.0.0.1:8080\n  proxy_read_timeout 1000ms;# long\nserver 127.0.0.1:2222;\n"
        );
        assert!(
            site(&plan(text, None), listen, upstream).contains("proxy_read_timeout 60s; # long")
        );
    }

    #[test]
    fn the_timeout_is_given_where_the_configuration_has_none() {
        let main = main(&plan("", Some(Duration::from_millis(2500))));
        assert!(main.contains("\nproxy_read_timeout 2500ms;\n"), "{main}");
        assert!(main.contains("worker_connections 84;"), "{main}");
    }
}

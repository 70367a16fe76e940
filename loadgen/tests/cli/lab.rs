//! `loadgen lab` as a teacher starts it: a page's session runs this very program, and the reports of runs
//! can be read where the page reads them.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a run of a second may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Lab {
    process: Child,
    address: SocketAddr,
}

impl Lab {
    fn start(folder: &Path) -> Lab {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["lab", "--listen", "127.0.0.1:0", "--workers", "1"])
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.unwrap().parse().unwrap();
        Lab { process, address }
    }

    async fn session(&self) -> WebSocketStream<TcpStream> {
        let mut request = format!("ws://{}/lab/session", self.address)
            .into_client_request()
            .unwrap();
        let origin = HeaderValue::try_from(format!("http://{}", self.address)).unwrap();
        request.headers_mut().insert("origin", origin);
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream).await.unwrap().0
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The next message of this kind.
async fn hear(session: &mut WebSocketStream<TcpStream>, kind: &str) -> Value {
    loop {
        if let Message::Text(text) = session.next().await.unwrap().unwrap() {
            let message: Value = serde_json::from_str(&text).unwrap();
            assert_ne!(message["kind"], "refused", "{message}");
            if message["kind"] == kind {
                return message;
            }
        }
    }
}

async fn background_clients(lab: &Lab) -> Value {
    let mut session = lab.session().await;
    assert_eq!(hear(&mut session, "session").await["loadgen"], true);
    let ask = json!({"do": "generate", "background":
        {"transport": "long-polling", "clients": 5, "rate": 20, "duration_s": 1, "seed": 3}});
    session.send(Message::text(ask.to_string())).await.unwrap();
    loop {
        let note = hear(&mut session, "generator").await;
        match note["state"].as_str().unwrap() {
            "started" | "progress" => {}
            _ => return note,
        }
    }
}

/// A run by hand, in the folder where the lab was started.
fn run_beside(lab: &Lab, folder: &Path) {
    let scenario = format!(
        "name = \"beside\"\ntitle = \"Beside the lab\"\n\
         [load]\nclients = 2\nramp = \"0s\"\nwarm_up = \"0s\"\nduration = \"500ms\"\nrepeats = 1\n\
         [publish]\nrate = 20\n[[transports]]\nkind = \"sse\"\n\
         [target]\nurl = \"http://{}\"\n",
        lab.address
    );
    std::fs::write(folder.join("beside.toml"), scenario).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", "beside.toml"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(folder.join("reports/beside/latest").exists(), "{ran:?}");
}

#[test]
fn a_page_runs_clients_in_the_background_and_reads_a_report() {
    // reqwest wants one even where nothing is encrypted; a second test that sets it changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let note = tokio::time::timeout(PATIENCE, background_clients(&lab));
        let note = note.await.unwrap();
        assert_eq!(note["state"], "done", "{note}");
        let results = &note["results"];
        let trial = &results["trials"][0];
        assert!(trial["published"].as_u64().unwrap() > 0, "{trial}");
        assert_eq!(trial["lost"], 0);
        assert!(trial["latency_us"]["delivery"]["hdr"].is_string());
        assert!(trial["latency_us"]["connect"]["hdr"].is_null());
        let target = results["environment"]["target"].as_str().unwrap();
        assert_eq!(target, format!("http://{}", lab.address));
        let url = format!("http://{}/lab/reports", lab.address);
        let list: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        assert_eq!(
            list["runs"],
            json!([]),
            "clients in the background are no run"
        );
        run_beside(&lab, folder.path());
        let list: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        let listed = &list["runs"][0];
        assert_eq!(listed["title"], "Beside the lab");
        let run = format!(
            "{}/{}",
            listed["name"].as_str().unwrap(),
            listed["stamp"].as_str().unwrap()
        );
        let report = reqwest::get(format!("{url}/{run}/report.html"))
            .await
            .unwrap();
        assert_eq!(report.status(), 200);
        assert!(
            report.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("sandbox")
        );
        assert!(report.text().await.unwrap().contains("Beside the lab"));
    });
}

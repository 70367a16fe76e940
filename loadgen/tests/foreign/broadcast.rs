//! A WebSocket broadcast server, and an event stream with a POST beside it, each as small as can be: they
//! know nothing of rooms, cursors or pushlab.

use crate::{home, run, run_and_lose_nothing, told};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

type Listeners<T> = Arc<Mutex<Vec<T>>>;

/// What one says goes to all, the sender too; its port.
fn websockets() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let all: Listeners<WebSocket<TcpStream>> = Arc::default();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let all = all.clone();
            thread::spawn(move || talk(stream, &all));
        }
    });
    port
}

fn talk(stream: TcpStream, all: &Listeners<WebSocket<TcpStream>>) {
    let writes = stream.try_clone().unwrap();
    let Ok(mut socket) = tungstenite::accept(stream) else {
        return;
    };
    let mut writer = WebSocket::from_raw_socket(writes, Role::Server, None);
    // What a server of one's own may well say first.
    writer.send(Message::text("Welcome to 峡谷")).unwrap();
    all.lock().unwrap().push(writer);
    while let Ok(message) = socket.read() {
        if message.is_text() {
            let mut all = all.lock().unwrap();
            all.retain_mut(|one| one.send(message.clone()).is_ok());
        }
    }
}

/// `POST /say` goes to all that `GET /listen`; who does not know the word gets 401. Its port.
fn event_streams(word: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let all: Listeners<TcpStream> = Arc::default();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let all = all.clone();
            thread::spawn(move || serve(stream, &all, word));
        }
    });
    port
}

fn serve(stream: TcpStream, all: &Listeners<TcpStream>, word: Option<&str>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        if word.is_some_and(|word| !head.contains(word)) {
            write!(writer, "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n").unwrap();
            continue;
        }
        if head.starts_with("GET /listen ") {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: hi\ndata: 瑶\n\n";
            writer.write_all(head.as_bytes()).unwrap();
            all.lock().unwrap().push(writer.try_clone().unwrap());
            continue;
        }
        assert!(head.starts_with("POST /say "), "{head}");
        let length = head.split("Content-Length: ").nth(1).unwrap();
        let length = length.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let event = format!("event: said\ndata: {{\"by\":\"瑶\",\"text\":\"{body}\"}}\n\n");
        let mut all = all.lock().unwrap();
        all.retain_mut(|one| one.write_all(event.as_bytes()).is_ok());
        drop(all);
        write!(writer, "HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    }
}

#[test]
fn a_websocket_broadcast_is_measured_by_frames_of_its_clients() {
    let home = home("by = \"clients\"\n[[transports]]\nkind = \"websocket\"\n");
    let url = format!("ws://127.0.0.1:{}/chat", websockets());
    let flags = ["--target", &url, "--dialect", "websocket"];
    let results = run_and_lose_nothing(home.path(), &flags);
    let trial = &results["trials"][0];
    // A frame of the server's has two bytes beside the 64 that were said.
    assert_eq!(
        trial["bytes"]["by_kind"]["payload"].as_u64().unwrap() % 64,
        0
    );
    assert!(trial["server"]["cpu_s"].is_null(), "nobody can know");
    assert!(results["model"].as_array().unwrap().is_empty());
    let target = results["environment"]["target"].as_str().unwrap();
    assert!(target.starts_with("websocket ws://127.0.0.1:"), "{target}");
}

#[test]
fn an_event_stream_with_a_post_beside_it_is_measured() {
    let home = home(
        "[target]\ndialect = \"sse\"\nsubscribe = \"/listen\"\npublish = \"/say\"\nurl = \"http://127.0.0.1:1\"\n[[transports]]\nkind = \"sse\"\n",
    );
    let url = format!("http://127.0.0.1:{}", event_streams(None));
    let own = std::process::id().to_string();
    let results = run_and_lose_nothing(home.path(), &["--target", &url, "--pid", &own]);
    let server = &results["trials"][0]["server"];
    // This very process is the server.
    assert!(server["rss_ready"].as_u64() > Some(1_000_000), "{server}");
    assert!(server["cpu_s"].as_f64().is_some() && server["threads"].as_u64() > Some(1));
}

#[test]
fn a_secret_goes_to_the_server_and_nowhere_else() {
    let home = home(
        "[target]\ndialect = \"sse\"\nurl = \"http://127.0.0.1:1\"\nsubscribe = \"/listen\"\npublish = \"/say\"\n[[transports]]\nkind = \"sse\"\n",
    );
    let url = format!(
        "http://127.0.0.1:{}",
        event_streams(Some("Authorization: Bearer s3cret"))
    );
    let line = "Authorization: Bearer s3cret";
    run_and_lose_nothing(home.path(), &["--target", &url, "-H", line]);
    let all = ["results.json", "scenario.toml", "report.html", "summary.md"];
    for file in all {
        let text = fs::read_to_string(home.path().join("out").join(file)).unwrap();
        assert!(!text.contains("s3cret"), "{file}");
    }
    let refused = run(
        home.path(),
        &["--target", &url, "-H", "Cookie: a=$NOT_THERE_AT_ALL"],
    );
    assert!(!refused.status.success());
    assert!(
        told(&refused).contains("NOT_THERE_AT_ALL"),
        "{}",
        told(&refused)
    );
}

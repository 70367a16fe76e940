//! A WebSocket broadcast server, and an event stream with a POST beside it, each as small as can be: they
//! know nothing of rooms, cursors or pushlab.

use crate::{home, run, run_and_lose_nothing, told};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

type Listeners<T> = Arc<Mutex<Vec<T>>>;

/// What one says goes to all, the sender too; its port. With a pause between, what was said in it goes out in
/// one message, in which the last of it stands once more.
fn websockets(pause: Option<Duration>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let all: Listeners<WebSocket<TcpStream>> = Arc::default();
    let (say, said) = mpsc::channel::<String>();
    let hearers = all.clone();
    thread::spawn(move || {
        while let Ok(mut text) = said.recv() {
            if let Some(pause) = pause {
                thread::sleep(pause);
                let mut last = text.clone();
                for more in said.try_iter() {
                    text = format!("{text}\n{more}");
                    last = more;
                }
                text = format!("{text}\nlast: {last}");
            }
            let message = Message::text(text);
            let mut hearers = hearers.lock().unwrap();
            hearers.retain_mut(|one| one.send(message.clone()).is_ok());
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (all, say) = (all.clone(), say.clone());
            thread::spawn(move || talk(stream, &all, &say));
        }
    });
    port
}

fn talk(stream: TcpStream, all: &Listeners<WebSocket<TcpStream>>, say: &mpsc::Sender<String>) {
    let writes = stream.try_clone().unwrap();
    let Ok(mut socket) = tungstenite::accept(stream) else {
        return;
    };
    let mut writer = WebSocket::from_raw_socket(writes, Role::Server, None);
    // What a server of one's own may well say first.
    writer.send(Message::text("Welcome to 峡谷")).unwrap();
    all.lock().unwrap().push(writer);
    while let Ok(message) = socket.read() {
        if let Message::Text(text) = message {
            say.send(text.as_str().to_owned()).unwrap();
        }
    }
}

/// One who listens, and the head of the answer where it was not sent yet.
struct Listener {
    stream: TcpStream,
    head: &'static str,
}

/// `POST /say` goes to all that `GET /listen`; who does not know the word gets 401. A late head goes out with
/// the first event. Its port.
fn event_streams(word: Option<&'static str>, is_late: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let all: Listeners<Listener> = Arc::default();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let all = all.clone();
            thread::spawn(move || serve(stream, &all, word, is_late));
        }
    });
    port
}

impl Listener {
    fn say(&mut self, event: &str) -> io::Result<()> {
        let head = std::mem::take(&mut self.head);
        self.stream.write_all([head, event].concat().as_bytes())
    }
}

fn serve(stream: TcpStream, all: &Listeners<Listener>, word: Option<&str>, is_late: bool) {
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
            let mut listener = Listener {
                stream: writer.try_clone().unwrap(),
                head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: hi\ndata: 瑶\n\n",
            };
            if !is_late {
                listener.say("").unwrap();
            }
            all.lock().unwrap().push(listener);
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
        all.retain_mut(|one| one.say(&event).is_ok());
        drop(all);
        write!(writer, "HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    }
}

#[test]
fn a_websocket_broadcast_is_measured_by_frames_of_its_clients() {
    let home = home("by = \"clients\"\n[[transports]]\nkind = \"websocket\"\n");
    let url = format!("ws://127.0.0.1:{}/chat", websockets(None));
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
fn several_events_in_one_message_are_as_many() {
    let home = home("by = \"clients\"\n[[transports]]\nkind = \"websocket\"\n");
    let port = websockets(Some(Duration::from_millis(60)));
    let url = format!("ws://127.0.0.1:{port}/chat");
    let flags = ["--target", &url, "--dialect", "websocket"];
    let results = run_and_lose_nothing(home.path(), &flags);
    let trial = &results["trials"][0];
    // Two of 64 bytes, and the last again.
    let frames = &trial["bytes"]["exchanges"]["with_event_bytes"];
    assert!(frames["most"].as_u64() > Some(3 * 64), "{frames}");
}

/// As Node's does that was not told to flush it.
#[test]
fn an_event_stream_whose_head_comes_with_the_first_event_is_measured() {
    let home = home(
        "[target]\ndialect = \"sse\"\nsubscribe = \"/listen\"\npublish = \"/say\"\nurl = \"http://127.0.0.1:1\"\n[[transports]]\nkind = \"sse\"\n",
    );
    let url = format!("http://127.0.0.1:{}", event_streams(None, true));
    let results = run_and_lose_nothing(home.path(), &["--target", &url]);
    let latencies = &results["trials"][0]["latency_us"];
    assert_eq!(latencies["connect"]["count"], 0, "nobody can know");
}

#[test]
fn an_event_stream_with_a_post_beside_it_is_measured() {
    let home = home(
        "[target]\ndialect = \"sse\"\nsubscribe = \"/listen\"\npublish = \"/say\"\nurl = \"http://127.0.0.1:1\"\n[[transports]]\nkind = \"sse\"\n",
    );
    let url = format!("http://127.0.0.1:{}", event_streams(None, false));
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
        event_streams(Some("Authorization: Bearer s3cret"), false)
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

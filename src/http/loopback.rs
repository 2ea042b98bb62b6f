//! A small HTTP server on this machine, for tests of what reads feeds.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is answered to one request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection breaks off in the middle of the body.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Answer::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Answer {
            status,
            headers: Vec::new(),
            body: body.into(),
            cut: false,
        }
    }
}

/// A running server; it ends with the test's process.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves on a free port; the answer is made from path and query.
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (answer.clone(), log.clone());
                thread::spawn(move || serve(&stream, &*answer, &log));
            }
        });
        Server { url, seen }
    }

    /// Returns path and query of every request so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic in a server").clone()
    }
}

/// One request a connection: enough for tests.
fn serve(stream: &TcpStream, answer: &dyn Fn(&str) -> Answer, log: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    log.lock().expect("no panic in a server").push(path.clone());
    let answer = answer(&path);
    let mut head = format!(
        "HTTP/1.1 {} x\r\nconnection: close\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = match answer.cut {
        true => &answer.body[..answer.body.len() / 2],
        false => &answer.body,
    };
    let mut stream = stream;
    let _ = write!(stream, "{head}\r\n").and_then(|()| stream.write_all(body));
}

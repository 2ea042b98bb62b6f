//! An HTTP CONNECT proxy, as companies have them: it takes every name of a server for 127.0.0.1.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::background::{handle, wait};

type Requests = Arc<Mutex<Vec<String>>>;

/// Runs until dropped; then its port refuses.
pub(crate) struct Tunnel {
    pub(crate) address: SocketAddr,
    requests: Requests,
    listening: JoinHandle<()>,
}

impl Tunnel {
    /// One that answers every CONNECT with this, and leads on only if that is `200 OK`.
    pub(crate) fn answering(answer: &'static str) -> Tunnel {
        let listener = wait(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let requests = Requests::default();
        let seen = Arc::clone(&requests);
        let listening = handle().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Its end, however it comes, is the client's to judge.
                tokio::spawn(serve(client, answer, Arc::clone(&seen)));
            }
        });
        Tunnel {
            address,
            requests,
            listening,
        }
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listening.abort();
        // The port is closed only when the task is gone.
        let _ = wait(&mut self.listening);
    }
}

async fn serve(mut client: TcpStream, answer: &str, seen: Requests) -> io::Result<()> {
    let mut head = Vec::new();
    // A client says nothing more before it is answered.
    while !head.ends_with(b"\r\n\r\n") && client.read_buf(&mut head).await? > 0 {}
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let name = target.split(':').next().unwrap_or_default();
    let server = target.replacen(name, "127.0.0.1", 1);
    seen.lock().unwrap().push(head);
    let answer_head = format!("HTTP/1.1 {answer}\r\n\r\n");
    client.write_all(answer_head.as_bytes()).await?;
    if answer == "200 OK" {
        let mut server = TcpStream::connect(server).await?;
        copy_bidirectional(&mut client, &mut server).await?;
    }
    Ok(())
}

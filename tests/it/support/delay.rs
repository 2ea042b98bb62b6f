//! A TCP proxy that puts distance between a client and a server: every byte arrives later, no byte slower, and the
//! handshake of a connection costs a round trip too. It counts round trips by what followed what, so the count is the
//! same on a slow machine. Benches use it as well: it stands on tokio alone. Main type: [`Delay`].

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Stands in front of one server until dropped.
pub(crate) struct Delay {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<Vec<Arc<Turns>>>>,
    listening: JoinHandle<()>,
}

/// How far a conversation has come at either end, in turns: what is sent at an end answers all that has arrived there.
#[derive(Default)]
struct Turns {
    client: AtomicUsize,
    server: AtomicUsize,
}

/// What is on its way.
struct Chunk {
    due: Instant,
    turn: usize,
    bytes: Vec<u8>,
}

impl Delay {
    /// Listens on a free port of 127.0.0.1; has to be called inside a runtime, which then carries it.
    pub(crate) async fn in_front_of(server: SocketAddr, round_trip: Duration) -> io::Result<Delay> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&connections);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let turns = Arc::new(Turns::default());
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.push(Arc::clone(&turns));
                // Its end, however it comes, is the client's to judge.
                tokio::spawn(connect(client, server, round_trip, turns));
            }
        });
        Ok(Delay {
            address,
            connections,
            listening,
        })
    }

    /// The round trips of each connection since the last call, the handshake included: how often something had to come
    /// from the server before the client went on.
    pub(crate) fn take_round_trips(&self) -> Vec<usize> {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *connections);
        taken
            .iter()
            .map(|turns| 1 + turns.client.load(Ordering::Relaxed))
            .collect()
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn connect(
    client: TcpStream,
    server: SocketAddr,
    round_trip: Duration,
    turns: Arc<Turns>,
) -> io::Result<()> {
    // The system has already answered the client's handshake, so it is made up for: nothing leaves before.
    let connected = Instant::now() + round_trip;
    let server = TcpStream::connect(server).await?;
    // A small chunk must not wait for the acknowledgement of the one before.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let one_way = round_trip / 2;
    let (there, arrives) = mpsc::unbounded_channel();
    let (back, returns) = mpsc::unbounded_channel();
    let at_client = Arc::clone(&turns);
    let at_server = Arc::clone(&turns);
    tokio::spawn(receive(from_client, there, move || {
        let due = connected.max(Instant::now()) + one_way;
        (due, at_client.client.load(Ordering::Relaxed) + 1)
    }));
    tokio::spawn(receive(from_server, back, move || {
        let due = Instant::now() + one_way;
        (due, at_server.server.load(Ordering::Relaxed))
    }));
    let on_server = Arc::clone(&turns);
    tokio::spawn(deliver(arrives, to_server, move |turn| {
        on_server.server.fetch_max(turn, Ordering::Relaxed);
    }));
    deliver(returns, to_client, move |turn| {
        turns.client.fetch_max(turn, Ordering::Relaxed);
    })
    .await;
    Ok(())
}

/// Takes in what one end sends, at once: the way is long, not narrow.
async fn receive(
    mut from: OwnedReadHalf,
    onward: mpsc::UnboundedSender<Chunk>,
    stamp: impl Fn() -> (Instant, usize),
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let (due, turn) = stamp();
        let bytes = buffer[..count].to_vec();
        if onward.send(Chunk { due, turn, bytes }).is_err() {
            return;
        }
    }
}

/// Gives it to the other end when its time has come; then the end of the stream.
async fn deliver(
    mut arrives: mpsc::UnboundedReceiver<Chunk>,
    mut to: OwnedWriteHalf,
    arrived: impl Fn(usize),
) {
    while let Some(chunk) = arrives.recv().await {
        sleep_until(chunk.due).await;
        arrived(chunk.turn);
        if to.write_all(&chunk.bytes).await.is_err() {
            return;
        }
    }
}

//! The one thread that carries everything asynchronous in tests.

use std::future::Future;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

static HANDLE: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

pub(super) fn handle() -> &'static Handle {
    &HANDLE
}

/// Runs a future to its end on the calling thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    HANDLE.block_on(future)
}

/// Asks again and again until there is an answer; panics with the last refusal when time is up.
#[track_caller]
pub(crate) fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(refusal) if start.elapsed() > limit => {
                panic!("not within {limit:?}: {refusal}")
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

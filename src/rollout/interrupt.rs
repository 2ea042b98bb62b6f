//! Ctrl-C: the first time nothing new is started and the state is reported; the second time the program ends at once.

use tokio::sync::watch;

#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on; before, Ctrl-C ends the program as usual. The second time `leave` is to end it at once.
    pub fn listen(leave: impl FnOnce() + Send + 'static) -> Self {
        let (raised, receiver) = watch::channel(false);
        // Before anything is awaited: a signal that comes at once counts, too.
        let mut signals = Signals::new();
        tokio::spawn(async move {
            signals.next().await;
            // Nobody listens any more when the rollout has just ended.
            let _ = raised.send(true);
            signals.next().await;
            leave();
        });
        Interrupt(receiver)
    }

    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is raised.
    pub async fn raised(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|raised| *raised).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Ctrl-C, and the SIGTERM by which CI systems end a job.
#[cfg(unix)]
struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    /// Without handlers, as where the system has no room for them, signals end the program as usual.
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?]));
        Signals(both.ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some([interrupt, terminate]) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Signals
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

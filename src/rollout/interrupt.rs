//! Ctrl-C: the first time nothing new is started and the state is reported; the second time the program ends at once.

use tokio::sync::watch;

#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on; before, Ctrl-C ends the program as usual. The second time `leave` is to end it at once.
    pub fn listen(leave: impl FnOnce() + Send + 'static) -> Self {
        let (raised, receiver) = watch::channel(false);
        tokio::spawn(async move {
            stop_signal().await;
            // Nobody listens any more when the rollout has just ended.
            let _ = raised.send(true);
            stop_signal().await;
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

/// Ctrl-C, or the SIGTERM by which CI systems end a job.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

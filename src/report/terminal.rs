//! The terminal while lines are redrawn on it.

#[cfg(unix)]
mod echo {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// How the terminal was.
    static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

    /// Keeps the terminal from writing `^C`: it would push the lines on, and the next redraw would leave one behind.
    pub(crate) fn quieten() {
        let Ok(before) = tcgetattr(io::stdin()) else {
            return;
        };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        if tcsetattr(io::stdin(), OptionalActions::Now, &quiet).is_ok() {
            *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        }
    }

    /// Leaves the terminal as it was. Whoever ends the program at once calls this first.
    pub fn restore() {
        let saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(before) = saved {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}

#[cfg(not(unix))]
mod echo {
    pub(crate) fn quieten() {}
    pub fn restore() {}
}

/// While it lives the terminal writes no `^C`.
pub(super) struct Quiet(());

impl Quiet {
    pub(super) fn new() -> Self {
        echo::quieten();
        Quiet(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

pub use echo::restore;

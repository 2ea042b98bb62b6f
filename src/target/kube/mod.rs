//! A live cluster, through the user's own kubeconfig.
//!
//! `kubeconfig` finds a [`Context`], `exec` runs its credential plugin, `proxy` decides the way, `access` keeps
//! credentials fresh, `connect` keeps the connection, and [`Session`] sends requests over it. `status` words
//! whatever can fail. Nothing here reads the environment: locations and variables come in as values.

mod access;
mod connect;
pub mod exec;
pub mod kubeconfig;
pub mod proxy;
pub mod session;
pub mod status;

pub use exec::Runner;
pub use kubeconfig::{Context, Kubeconfig, Locations};
pub use session::{Call, Net, Reply, Session};
pub use status::{CallError, FieldConflict, StatusCause};

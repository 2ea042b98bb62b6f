//! mcai: one manifest describes clusters on several clouds and the AI models that run on them.
//!
//! The path of data: the manifest becomes a [`project::Project`], which exists only if it is valid; `place` says
//! which objects each cluster should have; `estimate` says what they cost; `inventory` reads what it has; `plan` is the difference; `rollout` carries
//! it out; `report` shows it. docs/architecture.md has the picture and who may use whom.

pub mod app;
pub mod cli;
pub mod cloud;
pub mod diagnostic;
pub mod estimate;
pub mod failure;
pub mod gpu;
pub mod host;
pub mod http;
pub mod inventory;
pub mod kubeai;
pub mod manifest;
pub mod place;
pub mod plan;
pub mod price;
pub mod process;
pub mod project;
pub mod report;
pub mod rollout;
pub mod settings;
pub mod target;
pub mod text;
pub mod value;
pub mod yaml;

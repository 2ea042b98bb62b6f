//! What the tests stand on: the program in a sandbox, real clusters, a stand-in for KubeAI's operator, faults on order.
//!
//! Tests are plain functions. Whatever runs beside them (stand-ins, proxies) runs on one thread of its own: `background`.

mod api;
mod background;
mod certificates;
mod cluster;
mod condition;
mod contract;
mod delay;
mod diff;
mod faults;
mod feeds;
mod forge;
mod program;
mod runner;
mod standin;
mod tunnel;

pub(crate) use background::{eventually, wait};
pub(crate) use certificates::{Authority, Identity};
pub(crate) use cluster::{Access, Cluster, KubeAi, Node, kubeconfig, unique};
pub(crate) use contract::{fault, validator};
pub(crate) use delay::Delay;
pub(crate) use diff::{assert_same, cases, expect_file};
pub(crate) use faults::{Fault, Front, Http2, Proxy};
pub(crate) use feeds::{
    Answer, AwsRow, AzureList, Server, aws_answer, aws_list, gcp_list, serve_long_aws_list,
};
pub(crate) use program::{MANIFEST, Run, Sandbox};
pub(crate) use runner::{ForgeKind, Runner, jobs_of_github};
pub(crate) use standin::StandIn;
pub(crate) use tunnel::Tunnel;

//! A simulator of the Assets, Relationship and Locations APIs for one project, in this process or over HTTP.
//!
//! The simulator checks raw requests with its own tables and shares no rules with the client, so each verifies the
//! other.
//!
//! | file | contents |
//! | --- | --- |
//! | `contract` | endpoints, fields, error codes and switches, as tables |
//! | `world` | the project and everything in it |
//! | `described` | a project created from a description |
//! | `limits` | the rate windows |
//! | `state` | the project, the rate windows, the switches and the valid tokens |
//! | `refusal`, `responses`, `error_bodies` | reasons why a request is rejected, and responses |
//! | `route`, `query`, `call`, `values` | the parts of a request |
//! | `batch`, `pages` | the items of a batch and the pages of a list |
//! | `assets`, `settings` (reading settings), `setup` (writing settings), `relationships`, `locations` | the endpoints |
//! | `gateway`, `handle` | the handling of one request |
//! | `faults`, `faulted` | scripted faults, and the handling of a request under a fault |
//! | `audit` | counts of requests, faults and changes |
//! | `options`, `service`, `inspect` | the simulator as an object |
//! | `exchange`, `transport`, `serve` | the way of a request: in process, or over HTTP/1.1 on a loopback port |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use acc_assets::http::send::{Method, Request, Transport};
//! use acc_assets::simulator::{Options, Simulator};
//!
//! let simulator = Simulator::new(Options::default()).expect("default options are valid");
//! let url = format!("http://simulator/construction/assets/v1/projects/{}/categories", simulator.project_id());
//! let headers = vec![("authorization", format!("Bearer {}", simulator.token()))];
//! let response = simulator.transport().send(Request { method: Method::Get, url, headers, body: None }).await;
//! assert_eq!(response.expect("no fault is scripted").status, 200);
//! # }
//! ```

mod assets;
pub mod audit;
mod batch;
mod call;
pub mod contract;
mod described;
mod error_bodies;
mod exchange;
mod faulted;
pub mod faults;
mod gateway;
mod handle;
mod inspect;
pub mod limits;
mod locations;
mod options;
mod pages;
mod query;
mod refusal;
mod relationships;
mod responses;
mod route;
mod serve;
mod service;
mod settings;
mod setup;
mod state;
mod transport;
mod values;
pub mod world;

pub use audit::Audit;
pub use faults::{Fault, What};
pub use limits::GroupLimits;
pub use options::Options;
pub use serve::Served;
pub use service::Simulator;
pub use world::World;

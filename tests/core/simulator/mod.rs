//! The simulator alone: what it answers, its switches, faults and limits, and the client with it.

mod harness;

mod bad_requests;
mod client;
mod contract;
mod conversation;
mod limits_and_faults;
mod project;
mod reading;
mod served;
mod settings;
mod switches;

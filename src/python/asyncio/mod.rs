//! The bridge to asyncio: awaitable operations, and async token functions as Rust futures.
//!
//! `pyo3-async-runtimes` does the work. `runtime` is its runtime, whose tasks follow three rules: they enter
//! Python only through `attached`, drop Python objects while attached, and print nothing for a closed loop.

mod event_loop;
mod pending;
mod runtime;
mod token;

pub use event_loop::{EventLoop, LOOP_CHECK, NO_LOOP};
pub use token::token;

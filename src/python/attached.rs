//! Tracks the core's threads while they are attached to Python. An interpreter that is shutting down stops
//! any thread that attaches to it, in the middle of our code, which aborts the process. So `close` waits for
//! attached threads, and prevents other threads of the core from attaching.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::runtime::THREADS;

/// The upper half is the process id, and the lower half is the number of this process's threads in
/// `attached`. Because of the id, a forked child does not wait for threads of its parent.
static INSIDE: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicBool = AtomicBool::new(false);

/// How long process exit waits for the user's own code: a log handler, or a function that fetches a token.
const LONGEST_EXIT: Duration = Duration::from_secs(30);

/// Runs `work` attached to Python. Returns `None` if Python has ended or, on a thread of the core, is about
/// to end.
pub fn attached<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let inside = Inside::new();
    let is_ours = |name: &str| name.starts_with(THREADS);
    if CLOSED.load(Ordering::SeqCst) && thread::current().name().is_some_and(is_ours) {
        return None;
    }
    let done = Python::try_attach(work);
    drop(inside);
    done
}

/// A value that contains Python objects and may be dropped by a thread of the core.
///
/// `PyO3` puts an object that is dropped without the interpreter into a process-wide list. If another thread forks at
/// that moment, the child finds the list locked and hangs as soon as it calls one of our functions.
pub struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub fn new(held: T) -> Self {
        Self(Some(held))
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only `drop` takes the value")
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("only `drop` takes the value")
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // This may run the user's code, such as the `finally` of a generator, which may itself make calls. At exit,
        // when no fork can follow, `PyO3` keeps the objects.
        tokio::task::block_in_place(|| attached(|_| drop(self.0.take())));
    }
}

/// Prevents threads of the core from attaching to Python, and waits up to `LONGEST_EXIT` for attached threads.
/// Call this without the GIL.
pub fn close() {
    CLOSED.store(true, Ordering::SeqCst);
    let start = Instant::now();
    while count(INSIDE.load(Ordering::SeqCst)) > 0 && start.elapsed() < LONGEST_EXIT {
        thread::sleep(Duration::from_millis(1));
    }
}

struct Inside;

impl Inside {
    fn new() -> Self {
        change(|count| count + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        change(|count| count.saturating_sub(1));
    }
}

fn change(by: impl Fn(u64) -> u64) {
    let to = |inside| Some((u64::from(std::process::id()) << 32) | by(count(inside)));
    // `to` always returns a value, so this never fails.
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, to);
}

/// Returns the number of this process's threads in `attached`.
fn count(inside: u64) -> u64 {
    if inside >> 32 == u64::from(std::process::id()) {
        inside & u64::from(u32::MAX)
    } else {
        0
    }
}

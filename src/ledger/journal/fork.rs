//! Handles forks of the process. A child inherits locks held by threads that do not exist in the child, and
//! would wait for these locks forever.
//!
//! The handlers are registered with `pthread_atfork`, not with Python. The handlers run inside the fork,
//! after the Python hooks that run before a fork, and before the hooks that run after a fork. So no Python
//! hook runs while the handlers hold the locks.

#![allow(unsafe_code)]

/// Registers handlers that hold the locks of this module during every fork, so that no other thread holds them in the
/// child. Has no effect on Windows.
pub(super) fn watch() {
    #[cfg(unix)]
    unix::watch();
}

#[cfg(unix)]
mod unix {
    use std::sync::Once;

    use super::super::lock;

    pub(super) fn watch() {
        static WATCHED: Once = Once::new();
        WATCHED.call_once(|| {
            // SAFETY: the handlers are functions that live as long as the process, and they do not unwind. In the
            // child they only unlock what `before` locked on the same thread, and close files.
            let refused = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
            if refused != 0 {
                log::warn!(target: "acc_assets", "a forked child may hang when it opens a named run: out \
                    of memory");
            }
        });
    }

    extern "C" fn before() {
        lock::before_fork();
    }

    extern "C" fn in_parent() {
        lock::after_fork(false);
    }

    extern "C" fn in_child() {
        lock::after_fork(true);
    }
}

//! Forks of the process, in which a child finds as it left them the locks that other threads held.
//!
//! Handlers of `pthread_atfork` and not hooks of Python: these run inside the fork, after all hooks of Python, none of
//! which can wait for a thread that waits for these locks.

#![allow(unsafe_code)]

/// Sees to it that a child finds the locks of this room free. Does nothing where processes do not fork.
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
            // SAFETY: the handlers are functions that live as long as the process, and they do not unwind. In the child
            // they only unlock what `before` locked on the same thread, and close files.
            let refused = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
            if refused != 0 {
                log::warn!(target: "acc_assets", "a forked child may hang when it opens a named run: there is no memory");
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

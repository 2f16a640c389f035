//! What a call is currently doing, which is shown as progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::http::Counters;

/// What a call is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Activity {
    /// Reading the settings of a project.
    Settings,
    /// Looking up the import keys in the project.
    ImportKeys,
    /// Checking rows without sending them.
    Checking,
    Writing,
    /// Waiting for the rate limits, or waiting before a lookup of lost responses.
    Waiting,
    /// Looking up rows whose response was lost.
    Recovery,
    Reading,
    /// Creating and assigning the settings described by a setup.
    Setup,
}

impl Activity {
    const ALL: [Self; 8] = [
        Self::Settings,
        Self::ImportKeys,
        Self::Checking,
        Self::Writing,
        Self::Waiting,
        Self::Recovery,
        Self::Reading,
        Self::Setup,
    ];

    /// Returns the activity as shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::ImportKeys => "import_keys",
            Self::Checking => "checking",
            Self::Writing => "writing",
            Self::Waiting => "waiting",
            Self::Recovery => "recovery",
            Self::Reading => "reading",
            Self::Setup => "setup",
        }
    }
}

/// The current activity of a call, shared with its observers.
#[derive(Clone)]
pub struct CurrentActivity {
    activity: Arc<AtomicU8>,
    counters: Arc<Counters>,
}

impl CurrentActivity {
    /// Creates the activity. `counters` counts the call's requests.
    #[must_use]
    pub fn new(activity: Activity, counters: Arc<Counters>) -> Self {
        Self {
            activity: Arc::new(AtomicU8::new(activity as u8)),
            counters,
        }
    }

    /// Returns how many pages and rows of a list have been read, and the total number of rows, or 0 if the
    /// total is unknown.
    #[must_use]
    pub fn listed(&self) -> (u64, u64, u64) {
        self.counters.listed()
    }

    pub(super) fn set(&self, activity: Activity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }

    /// Returns whether the call reads a list, even if it waits.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.without_waiting() == Activity::Reading
    }

    #[must_use]
    pub fn get(&self) -> Activity {
        if self.counters.only_wait() {
            return Activity::Waiting;
        }
        self.without_waiting()
    }

    fn without_waiting(&self) -> Activity {
        let number = self.activity.load(Ordering::Relaxed);
        // Only values of `Activity` are stored.
        let is_this = |activity: &Activity| *activity as u8 == number;
        Activity::ALL
            .into_iter()
            .find(is_this)
            .unwrap_or(Activity::Writing)
    }
}

//! The status of a row.

use serde::{Deserialize, Serialize};

/// The status of a row, in the order used in reports: successful statuses first. The order is also
/// that of their numbers in pickles, so a new status comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    Created,
    Updated,
    Deleted,
    Unchanged,
    /// Rejected by a check of this client and never sent.
    Invalid,
    /// Rejected by the service.
    Rejected,
    /// Not sent yet, or the run ended before the row's request was sent.
    NotSent,
    /// Definitely not executed, and no longer being retried.
    Failed,
    /// Sent, but no response says whether it was executed.
    Unknown,
    /// Not sent, because an asset with the row's import key exists and has other values.
    Differs,
    /// Not sent, because the asset has changed since the row was read.
    Drifted,
}

impl Status {
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Unchanged,
        Self::Invalid,
        Self::Rejected,
        Self::NotSent,
        Self::Failed,
        Self::Unknown,
        Self::Differs,
        Self::Drifted,
    ];

    /// Returns the status as shown to users: `created`, `not_sent` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Differs => "differs",
            Self::Drifted => "drifted",
        }
    }

    /// Returns the status of a copy of a row with this status. The copy of a new asset creates no other asset.
    #[must_use]
    pub fn of_copy(self) -> Self {
        match self {
            Self::Created => Self::Unchanged,
            status => status,
        }
    }

    /// Returns whether the row succeeded.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self <= Self::Unchanged
    }

    /// Returns whether the next call of a named run checks the row again, even if the row was not edited: its
    /// outcome depends on what the project contains, and nothing of it was executed.
    #[must_use]
    pub fn is_checked_again(self) -> bool {
        matches!(
            self,
            Self::NotSent | Self::Failed | Self::Invalid | Self::Differs | Self::Drifted
        )
    }

    /// Returns whether the user has to change the row.
    #[must_use]
    pub fn is_mistake(self) -> bool {
        matches!(
            self,
            Self::Invalid | Self::Rejected | Self::Differs | Self::Drifted
        )
    }
}

//! The effect of a fault.

use std::time::Duration;

/// The body of the response that a `status` fault returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultBody {
    Html,
    /// The gateway's error object.
    Json,
    Empty,
    /// The body of the endpoint's own response.
    Own,
}

/// What an `unreadable` fault does to the body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoiled {
    Cut,
    Empty,
    Null,
    Html,
}

/// The Retry-After header of a 429 response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    Absent,
    /// A number of seconds. The switch `retry_after` selects the format, or omits the header.
    Seconds(u64),
    /// A string that is sent unchanged.
    Text(String),
}

/// The effect of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Status {
        code: u16,
        headers: Vec<(String, String)>,
        body: FaultBody,
        after_apply: bool,
    },
    RateLimit {
        retry_after: RetryAfter,
    },
    Refuse,
    ResetBeforeApply,
    ResetAfterApply,
    ApplyLate(Duration),
    Delay(Duration),
    SlowBody(Duration),
    CutBody {
        bytes: usize,
    },
    Unreadable(Spoiled),
    WrongTypes,
    DropResults {
        count: usize,
    },
    DoubleResults,
    ClockJump {
        seconds: i64,
    },
    Steal {
        requests: u32,
    },
    Html,
    ExpireToken,
    Redirect(String),
}

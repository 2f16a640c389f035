//! How to proceed after an attempt: whether a retry is safe.

use std::time::Duration;

use crate::error::{Error, Sent, ServiceError, TransportError};
use crate::http::backoff::{CAPACITY_WAIT, wait_after};
use crate::http::message::Response;
use crate::http::prepared::Replay;
use crate::http::refusal;

/// Reads a successful response. On [`Error::Unreadable`], an idempotent request is retried.
pub type ReadAs<'a, T> = &'a (dyn Fn(Response) -> Result<T, Error> + Sync);

/// How to proceed after an attempt.
pub enum Attempt<T> {
    Success(T),
    /// Do not retry. `in_doubt` says whether the request may have been executed.
    Final {
        error: Error,
        in_doubt: bool,
    },
    /// A 429: nothing was executed.
    Throttled(ServiceError),
    /// A 401: nothing was executed.
    TokenRefused(ServiceError),
    /// A retry may help.
    Later {
        error: Error,
        wait: Option<Duration>,
        not_sent: bool,
    },
}

/// Classifies the result of an attempt. Only this function decides whether a retry is safe.
pub fn classify<T>(
    sent: Result<Response, TransportError>,
    replay: Replay,
    read: ReadAs<'_, T>,
) -> Attempt<T> {
    let response = match sent {
        Ok(response) => response,
        Err(error) => {
            let not_sent = error.sent == Sent::No;
            // If a response was too large, the next one would be too large as well.
            let may_help = replay == Replay::Safe && error.sent == Sent::Maybe;
            return if not_sent || may_help {
                Attempt::Later {
                    error: error.into(),
                    wait: None,
                    not_sent,
                }
            } else {
                Attempt::Final {
                    error: error.into(),
                    in_doubt: true,
                }
            };
        }
    };
    if (200..300).contains(&response.status) {
        return match read(response) {
            Ok(value) => Attempt::Success(value),
            // A proxy responded, or the body was cut off. The next response may be complete.
            Err(error @ Error::Unreadable { .. }) if replay == Replay::Safe => Attempt::Later {
                error,
                wait: None,
                not_sent: false,
            },
            Err(error) => Attempt::Final {
                error,
                in_doubt: true,
            },
        };
    }
    let refusal = refusal::read(&response);
    match response.status {
        429 => Attempt::Throttled(refusal),
        // A new token of the same kind would be rejected too.
        401 if !refusal.is_two_legged() => Attempt::TokenRefused(refusal),
        // The gateway limits the requests of an app. Either the gateway accepts requests again within
        // seconds, or only the app's owner can raise the limit.
        403 if refusal.is_capacity() => Attempt::Later {
            wait: Some(wait_after(&refusal).unwrap_or(CAPACITY_WAIT)),
            error: service(refusal),
            not_sent: true,
        },
        408 | 500.. if replay == Replay::Safe => {
            let wait = wait_after(&refusal);
            Attempt::Later {
                error: service(refusal),
                wait,
                not_sent: false,
            }
        }
        // Status 303 ("See Other") is sent after execution, and statuses below 200 are not final.
        ..200 | 303 | 408 | 500.. => Attempt::Final {
            error: service(refusal),
            in_doubt: true,
        },
        _ => Attempt::Final {
            error: service(refusal),
            in_doubt: false,
        },
    }
}

pub fn service(error: ServiceError) -> Error {
    Error::Service(Box::new(error))
}

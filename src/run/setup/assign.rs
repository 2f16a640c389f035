//! Sends an assignment, which is idempotent.

use std::time::Duration;

use serde_json::Value;

use super::object::read;
use super::outcome::{Status, StepOutcome};
use super::progress::{MOST_ATTEMPTS, Next, Progress, unlike};
use crate::api::Call;
use crate::error::Error;
use crate::http::refusal::request_id;
use crate::http::{CallOutcome, Response};

/// The assignment of a status set or a custom attribute to a category.
pub(super) struct Assign {
    call: Call,
    wait: Duration,
    attempts: u32,
    /// `Unknown` after an unreadable response.
    so_far: StepOutcome,
}

impl Assign {
    pub fn new(call: Call, wait: Duration) -> Self {
        Self {
            call,
            wait,
            attempts: 0,
            so_far: StepOutcome::stopped(),
        }
    }

    fn send(&mut self) -> Next {
        self.attempts += 1;
        Next::Send(self.call.clone())
    }
}

impl Progress for Assign {
    fn begin(&mut self) -> Next {
        self.send()
    }

    fn completed(&mut self, called: CallOutcome<Response>) -> Next {
        match called.result {
            Ok(response) if read(&response).is_some_and(|body| body.is_object()) => Next::End(StepOutcome {
                request_id: request_id(&response),
                ..StepOutcome::new(Status::Assigned, None)
            }),
            Ok(response) => {
                self.so_far = StepOutcome::of(Status::Unknown, &unlike(&self.call, &response));
                if self.attempts >= MOST_ATTEMPTS {
                    return Next::End(self.so_far.clone());
                }
                Next::Wait(self.wait)
            }
            Err(error) if called.in_doubt => Next::End(StepOutcome::of(Status::Unknown, &error)),
            Err(_) if called.stopped => Next::End(self.so_far.clone()),
            Err(error) => Next::End(StepOutcome::of(Status::Failed, &error)),
        }
    }

    /// An assignment reads no list.
    fn listed(&mut self, _: Result<Vec<Value>, Error>) -> Next {
        Next::End(self.so_far.clone())
    }

    fn waited(&mut self, stopped: bool) -> Next {
        if stopped {
            return Next::End(self.so_far.clone());
        }
        self.send()
    }

    fn so_far(&self) -> StepOutcome {
        self.so_far.clone()
    }
}

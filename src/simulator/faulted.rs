//! Handles a request under a fault.

use std::time::Duration;

use serde_json::json;

use super::contract::Switches;
use super::error_bodies::gateway_error;
use super::faults::{FaultBody, What, miscounted, spoiled, wrong_types};
use super::gateway::{Admitted, admit, limited, too_many};
use super::handle::handle;
use super::responses::{html, json_response, sign};
use super::route::{Route, token};
use super::state::State;
use crate::error::Sent;
use crate::http::send::{Request, Response};

/// The outcome of a request.
pub enum Outcome {
    Response(Response),
    /// The response is cut off after this many bytes of its body.
    Cut(Response, usize),
    /// The head of the response is sent immediately, and its body slowly over this time.
    Slow(Response, Duration),
    /// There is no response.
    Broken(Sent, &'static str),
    /// There is no response, and the request is executed after this time.
    Late(Admitted, Duration),
}

pub const RESET: &str = "connection reset (scripted)";

/// Handles a request and applies the fault `what`, if any. Also returns the time by which to delay the
/// response.
pub fn faulted(
    state: &mut State,
    elapsed: Duration,
    request: &Request,
    route: Option<Route>,
    what: Option<What>,
) -> (Outcome, Duration) {
    let late = match what {
        Some(What::Delay(late)) => late,
        _ => Duration::ZERO,
    };
    let applied = |state: &mut State, route| handle(state, elapsed, request, route);
    let outcome = match what {
        None | Some(What::Delay(_)) => Outcome::Response(applied(state, route)),
        Some(What::Refuse) => Outcome::Broken(Sent::No, "connection refused (scripted)"),
        Some(What::ResetBeforeApply) => Outcome::Broken(Sent::Maybe, RESET),
        Some(What::ResetAfterApply) => {
            applied(state, route);
            Outcome::Broken(Sent::Maybe, RESET)
        }
        Some(What::ApplyLate(until)) => {
            // The rate slot is taken on arrival. A request rejected here is never executed and gets no
            // response either.
            match admit(state, elapsed, request, route) {
                Ok(admitted) => Outcome::Late(admitted, until),
                Err(_) => Outcome::Broken(Sent::Maybe, RESET),
            }
        }
        Some(What::SlowBody(time)) => Outcome::Slow(applied(state, route), time),
        Some(what @ (What::DropResults { .. } | What::DoubleResults)) => {
            let mut response = applied(state, route);
            if response.status < 300 {
                let (drop, double) = match what {
                    What::DropResults { count } => (count, false),
                    _ => (0, true),
                };
                response.body = miscounted(&response.body, drop, double).into();
            }
            Outcome::Response(response)
        }
        Some(What::ClockJump { seconds }) => {
            state.clock_error = state.clock_error.saturating_add(seconds.saturating_mul(1000));
            Outcome::Response(applied(state, route))
        }
        Some(What::Steal { requests }) => {
            let group = route.as_ref().map(|route| route.endpoint.group);
            let response = applied(state, route);
            let user = token(request).and_then(|token| state.users.get(token).cloned());
            if let (Some(group), Some(user)) = (group, user) {
                // Stop at the first rejected request, since all later ones would be rejected as well.
                (0..requests).find(|_| limited(state, &user, group, elapsed).is_err());
            }
            Outcome::Response(response)
        }
        Some(What::CutBody { bytes }) => Outcome::Cut(applied(state, route), bytes),
        Some(What::Unreadable(how)) => {
            let mut response = applied(state, route);
            response.body = spoiled(&response.body, how).into();
            Outcome::Response(response)
        }
        Some(What::WrongTypes) => {
            let mut response = applied(state, route);
            response.body = wrong_types(&response.body).into();
            Outcome::Response(response)
        }
        Some(What::ExpireToken) => {
            if let Some(token) = token(request) {
                state.users.remove(token);
            }
            Outcome::Response(applied(state, route))
        }
        Some(What::Status {
            code,
            headers,
            body,
            after_apply,
        }) => {
            let own = after_apply.then(|| applied(state, route));
            let mut response = scripted_response(code, body, own, &state.switches);
            response
                .headers
                .retain(|(name, _)| headers.iter().all(|(given, _)| given != name));
            response.headers.extend(headers);
            if body != FaultBody::Own {
                sign(state, &mut response);
            }
            Outcome::Response(response)
        }
        Some(What::RateLimit { retry_after }) => {
            let mut response = too_many(state, retry_after);
            sign(state, &mut response);
            Outcome::Response(response)
        }
        Some(What::Html) => {
            let mut response = html(200);
            sign(state, &mut response);
            Outcome::Response(response)
        }
        Some(What::Redirect(url)) => {
            let mut response = json_response(307, &json!({}));
            response.headers.push(("location".into(), url));
            sign(state, &mut response);
            Outcome::Response(response)
        }
    };
    (outcome, late)
}

/// Creates the response that a `status` fault returns. `own` is the endpoint's own response, if the request
/// was executed.
fn scripted_response(code: u16, body: FaultBody, own: Option<Response>, switches: &Switches) -> Response {
    match body {
        // Only a successful response gets the fault's status. An error response keeps its own.
        FaultBody::Own => match own.unwrap_or_default() {
            done if (200..300).contains(&done.status) => Response { status: code, ..done },
            refused => refused,
        },
        FaultBody::Html => html(code),
        FaultBody::Empty => Response {
            status: code,
            ..Response::default()
        },
        FaultBody::Json => {
            let name = match code {
                401 => "AUTH-006",
                403 => "AUTH-010",
                _ => "ERR-003",
            };
            let message = "The gateway rejected this request (scripted).";
            gateway_error(code, name, message, switches)
        }
    }
}

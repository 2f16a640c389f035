//! The way of one request through the simulator.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until};

use super::contract::Group;
use super::faulted::{Outcome, RESET, faulted};
use super::faults::What;
use super::gateway::Admitted;
use super::handle::work;
use super::route::{route, token};
use super::service::{Shared, Simulator};
use crate::error::Sent;
use crate::http::send::Request;

impl Simulator {
    /// Handles a request, including the simulated latency.
    pub(super) async fn exchange(&self, request: Request) -> Outcome {
        let _in_flight = InFlight::new(self);
        let way = self.inner.latency / 2;
        pause(way).await;
        let (outcome, late) = match self.receive(&request) {
            (Outcome::Late(admitted, until), late) => {
                let (simulator, at) = (self.clone(), Instant::now() + until);
                tokio::spawn(async move {
                    sleep_until(at).await;
                    simulator.work_late(&request, admitted);
                });
                (Outcome::Broken(Sent::Maybe, RESET), late)
            }
            received => received,
        };
        pause(late + way).await;
        outcome
    }

    /// Executes a request whose client is no longer waiting. The result is visible only in the project and
    /// the audit.
    fn work_late(&self, request: &Request, admitted: Admitted) {
        let mut shared = self.shared();
        let now = self.tick(&mut shared.state);
        let _ = work(&mut shared.state, now, request, admitted);
    }

    fn receive(&self, request: &Request) -> (Outcome, Duration) {
        let mut shared = self.shared();
        let Shared { state, faults } = &mut *shared;
        let elapsed = self.tick(state);
        let route = route(request);
        let (tag, group) = route.as_ref().map_or(("unknown", Group::Free), |route| {
            (route.endpoint.tag, route.endpoint.group)
        });
        state
            .audit
            .arrived(tag, request.body.as_ref().map_or(0, Bytes::len));
        let what = faults.pick(tag);
        // A refused connection does not count towards the busiest rate window.
        let refused = what == Some(What::Refuse);
        if let Some(user) = token(request)
            .and_then(|token| state.users.get(token))
            .filter(|_| !refused)
        {
            state.limits.arrive(&user.id, group, elapsed);
        }
        state.audit.faults += u64::from(what.is_some());
        let (outcome, late) = faulted(state, elapsed, request, route, what);
        let status = match &outcome {
            Outcome::Response(response) | Outcome::Slow(response, _) => response.status,
            Outcome::Cut(..) | Outcome::Broken(..) | Outcome::Late(..) => 0,
        };
        state.audit.answered(tag, status);
        (outcome, late)
    }
}

pub async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Counts a request as in flight until this guard is dropped, even if the caller stops waiting.
struct InFlight<'a>(&'a Simulator);

impl<'a> InFlight<'a> {
    fn new(simulator: &'a Simulator) -> Self {
        let audit = &mut simulator.shared().state.audit;
        audit.in_flight += 1;
        audit.most_in_flight = audit.most_in_flight.max(audit.in_flight);
        Self(simulator)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.shared().state.audit.in_flight -= 1;
    }
}

//! The simulator as an in-process transport.

use super::exchange::pause;
use super::faulted::{Outcome, RESET};
use super::service::Simulator;
use crate::error::{Partial, Sent, TransportError, TransportKind};
use crate::http::send::{Request, Sending, Transport};

impl Simulator {
    /// Returns the simulator as an in-process transport. The transport uses tokio's clock, so tests can pause
    /// time.
    #[must_use]
    pub fn transport(&self) -> impl Transport {
        InProcess(self.clone())
    }
}

struct InProcess(Simulator);

impl Transport for InProcess {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            match self.0.exchange(request).await {
                Outcome::Response(response) => Ok(response),
                Outcome::Slow(response, time) => {
                    pause(time).await;
                    Ok(response)
                }
                Outcome::Cut(response, bytes) if bytes >= response.body.len() => Ok(response),
                Outcome::Cut(response, bytes) => Err(TransportError {
                    sent: Sent::Maybe,
                    message: format!("the response was cut off after {bytes} bytes of its body (scripted)"),
                    partial: Some(Box::new(Partial {
                        status: response.status,
                        headers: response.headers,
                        body: String::from_utf8_lossy(&response.body[..bytes]).into(),
                    })),
                    kind: TransportKind::Other,
                }),
                Outcome::Broken(Sent::No, message) => {
                    Err(TransportError::new(Sent::No, message).of_kind(TransportKind::Connect))
                }
                Outcome::Broken(sent, message) => Err(TransportError::new(sent, message)),
                // `exchange` never returns this outcome.
                Outcome::Late(..) => Err(TransportError::new(Sent::Maybe, RESET)),
            }
        })
    }
}

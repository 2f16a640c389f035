//! How long to wait before a retry.

use std::time::Duration;

use crate::error::ServiceError;

/// The wait before a retry if the gateway had no capacity.
pub const CAPACITY_WAIT: Duration = Duration::from_secs(5);

pub fn wait_after(refusal: &ServiceError) -> Option<Duration> {
    Duration::try_from_secs_f64(refusal.retry_after?).ok()
}

/// Returns how long a 429 pauses its group: the Retry-After header or, without it, a growing random part of the
/// window.
pub fn pause_after(refusal: &ServiceError, throttles: u32, window: Duration) -> Duration {
    match wait_after(refusal) {
        Some(wait) => wait,
        None => backoff(throttles, window / 8, window).max(window / 16),
    }
}

/// Returns an exponential backoff with full jitter: a random part of base, 2 base, 4 base and so on up to the cap.
pub fn backoff(tries: u32, base: Duration, cap: Duration) -> Duration {
    let most = base.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(cap);
    most.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_cap_and_never_beyond() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_secs(30));
        for tries in 1..100 {
            let most = base.saturating_mul(1 << (tries - 1).min(16)).min(cap);
            assert!(backoff(tries, base, cap) <= most);
        }
    }
}

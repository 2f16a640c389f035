//! Which requests a fault affects.

use super::effect::What;

/// Selects the matching requests to which a fault applies.
#[derive(Debug, Clone)]
pub enum When {
    Next,
    Nth(u64),
    Every(u64),
    Probability(f64, fastrand::Rng),
}

/// A rule: which requests to affect, and how.
#[derive(Debug, Clone)]
pub struct Fault {
    what: What,
    on: Option<String>,
    when: When,
    left: Option<u64>,
    seen: u64,
}

impl Fault {
    /// Creates a fault that applies once, to the next request to the endpoint `on`. If `on` is `None`, the
    /// fault applies to the next request to any endpoint.
    #[must_use]
    pub fn next(what: What, on: Option<&str>) -> Self {
        Self::new(what, on, When::Next, Some(1))
    }

    /// Creates a fault with all parameters. If `times` is `None`, the number of uses is unlimited.
    #[must_use]
    pub fn new(what: What, on: Option<&str>, when: When, times: Option<u64>) -> Self {
        Self {
            what,
            on: on.map(Into::into),
            when,
            left: times,
            seen: 0,
        }
    }

    fn hits(&mut self, tag: &str) -> bool {
        if self.left == Some(0) || self.on.as_deref().is_some_and(|on| on != tag) {
            return false;
        }
        self.seen += 1;
        match &mut self.when {
            When::Next => true,
            When::Nth(nth) => self.seen >= *nth,
            When::Every(every) => self.seen.is_multiple_of(*every),
            When::Probability(share, random) => random.f64() < *share,
        }
    }
}

/// The active faults, in the order they were added.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the effect of the fault that applies to this request, if any.
    pub fn pick(&mut self, tag: &str) -> Option<What> {
        let mut what = None;
        // Every matching rule counts the request, but only the first rule that applies is used up.
        for fault in &mut self.0 {
            if fault.hits(tag) && what.is_none() {
                what = Some(fault.what.clone());
                fault.left = fault.left.map(|left| left - 1);
            }
        }
        self.0.retain(|fault| fault.left != Some(0));
        what
    }
}

//! Which page of a list to request next.

use crate::listing::part::{Next, Part, Phase, Times};
use crate::listing::range::Range;

use super::state::Series;

impl Series {
    /// Returns the next request, unless all are in flight.
    pub fn next(&mut self) -> Option<Next> {
        if self.is_counting() {
            let next = Next {
                part: Part::Count,
                times: self.times,
                cursor: None,
                before: 0,
            };
            return (!std::mem::replace(&mut self.in_flight, true)).then_some(next);
        }
        if self.has_ended() {
            return None;
        }
        if self.phase == Phase::Newest || self.is_unsorted() {
            if self.in_flight {
                return None;
            }
            self.in_flight = true;
            return Some(Next {
                part: if self.is_unsorted() {
                    Part::Unsorted
                } else {
                    Part::Newest
                },
                times: Times {
                    from: self.from,
                    ..self.times
                },
                cursor: self.cursor.clone(),
                before: self.shown,
            });
        }
        let (number, range) = self.ranges.iter_mut().find(|(_, range)| !range.in_flight)?;
        range.in_flight = true;
        let (from, to, cursor, before) = range.next();
        Some(Next {
            part: Part::Range(*number),
            times: Times { from, to: Some(to) },
            cursor: cursor.cloned(),
            before,
        })
    }

    /// Divides the range with the most rows left, for this many more requests, if that pays.
    pub fn divide(&mut self, more: u64, per_page: u64) -> bool {
        let rows_left = |(number, range): (&u64, &Range)| Some((range.divisible(per_page)?, *number));
        let Some((_, number)) = self.ranges.iter().filter_map(rows_left).max() else {
            return false;
        };
        let divided = self.ranges.get_mut(&number);
        let others = divided
            .map(|range| range.divide(number, more + 1, per_page))
            .unwrap_or_default();
        let is_divided = !others.is_empty();
        for other in others {
            self.add_range(other);
        }
        is_divided
    }
}
